//! The rules among which a new replay finds its alert and what that reads.

use std::path::PathBuf;

use crate::config::Config;
use crate::labels::{Labels, METRIC_NAME, Matcher};
use crate::promql::parse_selector;
use crate::rules::{self, Group, Rule, RuleRef};
use crate::text::{Diagnostic, listed, nearest};

/// Rules of several files.
#[derive(Clone, Debug, Default)]
pub struct Library {
    pub groups: Vec<Group>,
    /// Files that are no good; the others are used all the same.
    pub problems: Vec<Diagnostic>,
}

impl Library {
    /// Reads rule files.
    pub fn read(paths: &[PathBuf], config: &Config) -> Library {
        let mut library = Library::default();
        for path in paths {
            let source = config.read_file(path).map_err(|problem| vec![problem]);
            match source.and_then(|source| rules::read_with(&source, &config.rule_file(path))) {
                Ok(file) => library.groups.extend(file.groups),
                Err(problems) => library.problems.extend(problems),
            }
        }
        library
    }

    /// All alert rules, in the order of the files.
    pub fn alerts(&self) -> impl Iterator<Item = (RuleRef, &Rule)> {
        self.groups.iter().enumerate().flat_map(|(group, rules)| {
            let alerts = rules.rules.iter().enumerate().filter(|(_, rule)| rule.is_alert());
            alerts.map(move |(rule, alert)| (RuleRef { group, rule }, alert))
        })
    }

    /// An alert by its name and its fixed labels, as `find` takes it.
    pub fn selector(&self, rule: RuleRef) -> String {
        let rule = &self.groups[rule.group].rules[rule.rule];
        let fixed = rule.labels.iter().filter(|(_, value)| !value.contains("{{"));
        let fixed = fixed.map(|(label, value)| (label.as_str(), value.value.as_str()));
        Labels::from_pairs(fixed.chain([(METRIC_NAME, rule.name.value.as_str())])).as_metric()
    }

    /// The alert rules of a name, or of a name and fixed labels (`Name{severity="page"}`).
    ///
    /// # Errors
    /// A name that no rule has.
    pub fn find(&self, alert: &str) -> Result<Vec<RuleRef>, Diagnostic> {
        let selected = parse_selector(alert).ok().filter(|selector| !selector.name.is_empty());
        let (name, labels): (&str, Vec<&Matcher>) = match &selected {
            Some(selector) => (&selector.name, selector.matchers.iter().filter(|m| &*m.name != METRIC_NAME).collect()),
            None => (alert, Vec::new()),
        };
        let fits = |rule: &Rule| {
            labels.iter().all(|matcher| {
                let value = rule.labels.iter().find(|(label, _)| *label == *matcher.name);
                value.is_some_and(|(_, value)| matcher.matches(value))
            })
        };
        let named: Vec<(RuleRef, &Rule)> = self.alerts().filter(|(_, rule)| rule.name.value == name).collect();
        let found: Vec<RuleRef> = named.iter().filter(|(_, rule)| fits(rule)).map(|(at, _)| *at).collect();
        if !found.is_empty() {
            return Ok(found);
        }
        let problem = Diagnostic::error(format!("no rule has the alert `{alert}`"));
        let names = || self.alerts().map(|(_, rule)| rule.name.value.as_str());
        Err(match nearest(name, names()) {
            _ if !named.is_empty() => problem.help("rules of that name have other labels"),
            Some(near) => problem.help(format!("did you mean `{near}`?")),
            None if names().next().is_none() => {
                problem.help("no rule file with alerts was found here: name it with --rules FILE")
            }
            None => problem.help(format!("there are {}", listed(names()))),
        })
    }
}
