//! Rule files that cannot be read. The drill goes on without them; what they may decide is no verdict. What they may hold is
//! told from the names in their text.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;

use crate::evidence::{Place, Reason};
use crate::labels::{METRIC_NAME, Matcher};
use crate::rules::{self, ALERTS, ALERTS_FOR_STATE, Expression, Group, looks_like_helm};
use crate::text::{Diagnostic, Source};

/// A rule file that cannot be read.
#[derive(Clone, Debug)]
pub struct BrokenFile {
    /// As it was looked for.
    pub path: String,
    pub problems: Vec<Diagnostic>,
    /// `None` where it may hold anything.
    names: Option<Names>,
}

/// The names of rules in a text.
#[derive(Clone, Debug, Default, PartialEq)]
struct Names {
    alerts: BTreeSet<String>,
    records: BTreeSet<String>,
}

impl BrokenFile {
    /// A file whose text is `source`, where that much can be read.
    pub fn new(path: String, source: Option<&Source>, problems: Vec<Diagnostic>) -> BrokenFile {
        let names = source.map(Source::text).filter(|text| !looks_like_helm(text)).and_then(Names::of);
        BrokenFile { path, problems, names }
    }

    /// Whether the names of its rules can be told.
    pub fn is_known(&self) -> bool {
        self.names.is_some()
    }

    /// Whether it may have an alert rule whose name meets the matchers on `alertname`.
    pub fn may_alert(&self, matchers: &[Matcher]) -> bool {
        self.names.as_ref().is_none_or(|names| names.alerts.iter().any(|name| is_called(matchers, "alertname", name)))
    }

    /// Whether it may have an alert rule that no name of `told` is for.
    pub fn may_alert_besides(&self, told: &dyn Fn(&str) -> bool) -> bool {
        self.names.as_ref().is_none_or(|names| names.alerts.iter().any(|name| !told(name)))
    }

    /// Whether its rules may write a series that meets the matchers.
    fn may_write(&self, matchers: &[Matcher]) -> bool {
        let Some(names) = &self.names else { return true };
        let written = |name: &str| is_called(matchers, METRIC_NAME, name);
        names.records.iter().any(|name| written(name))
            || ((written(ALERTS) || written(ALERTS_FOR_STATE)) && self.may_alert(matchers))
    }

    /// Whether an expression reads what its rules may write, also through rules that could be read. Of a file of which nothing
    /// is known only what nothing else writes counts: `is_there` says of matchers whether the day has such series.
    pub fn may_decide<'a>(
        &self,
        expr: impl Into<Expression<'a>>,
        groups: &'a [Group],
        is_there: &dyn Fn(&[Matcher]) -> bool,
    ) -> bool {
        // No rule writes streams.
        let mut read = rules::sources(groups, [expr.into()]).series.into_iter();
        match self.names {
            Some(_) => read.any(|matchers| self.may_write(matchers)),
            None => read.any(|matchers| !is_there(matchers)),
        }
    }

    /// Why what it may decide is no verdict.
    pub fn reason(&self, subject: &str) -> Reason {
        let first = self.problems.first();
        let place = first.and_then(|problem| problem.place.clone()).map(|(source, span)| Place { source, span });
        Reason { place, text: format!("{subject} was not tested: {} cannot be used", self.path) }
    }
}

/// Whether a name meets all matchers on a label.
fn is_called(matchers: &[Matcher], label: &str, name: &str) -> bool {
    matchers.iter().filter(|matcher| *matcher.name == *label).all(|matcher| matcher.matches(name))
}

static NAMED: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = r#"(?m)(?:^|[\s{,"'-])(alert|record)["']?[ \t]*:(?:[ \t]+|(["']))(.*)$"#;
    Regex::new(pattern).expect("the pattern is well-formed: a test uses it")
});

impl Names {
    /// The names behind `alert:` and `record:`; `None` where one is written in a way that only YAML can read.
    fn of(text: &str) -> Option<Names> {
        let mut names = Names::default();
        for line in text.lines() {
            let mut rest = line;
            while let Some(found) = NAMED.captures(rest) {
                let written = found.get(3)?;
                let kind = &found[1];
                let value = match found.get(2) {
                    Some(quote) => format!("{}{}", quote.as_str(), written.as_str()),
                    None => written.as_str().to_owned(),
                };
                let list = if kind == "alert" { &mut names.alerts } else { &mut names.records };
                list.extend(possible(value.trim())?);
                rest = &rest[written.start()..];
            }
        }
        Some(names)
    }
}

/// What a value on a line may be: a flow mapping goes on behind it, a block does not.
fn possible(value: &str) -> Option<Vec<String>> {
    let quote = value.chars().next()?;
    if matches!(quote, '"' | '\'') {
        let (name, _) = value[1..].split_once(quote)?;
        return (!name.contains('\\')).then(|| vec![name.to_owned()]);
    }
    if matches!(quote, '*' | '&' | '!' | '|' | '>' | '#') || value.contains("{{") {
        return None;
    }
    let uncommented = value.split(" #").next().unwrap_or(value).trim();
    let in_flow = uncommented.split([',', '}']).next().unwrap_or(uncommented).trim();
    Some(vec![uncommented.to_owned(), in_flow.to_owned()])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::labels::MatchOp;
    use crate::promql;

    fn broken(text: &str) -> BrokenFile {
        BrokenFile::new("rules.yaml".to_owned(), Some(&Source::new("rules.yaml", text)), Vec::new())
    }

    #[test]
    fn names_are_found_in_whatever_notation() {
        let text =
            "- alert: Plain  # of ours\n- {alert: Flow, expr: 'up =='}\n- \"alert\": \"Quoted\"\n- record: a:b\n";
        let names = Names::of(text).unwrap();
        for name in ["Plain", "Flow", "Quoted"] {
            assert!(names.alerts.contains(name), "{name}: {names:?}");
        }
        assert!(names.records.contains("a:b"), "{names:?}");
    }

    #[test]
    fn a_file_whose_names_cannot_be_told_may_hold_anything() {
        let alert = [Matcher::new("alertname", MatchOp::Equal, "X").unwrap()];
        for text in
            ["- alert: *name\n", "- alert: {{ .Values.name }}\n", "- record: >-\n    x\n", "- alert: \"\\x41\"\n"]
        {
            assert!(broken(text).may_alert(&alert), "{text}");
        }
        assert!(BrokenFile::new("r.yaml".to_owned(), None, Vec::new()).may_alert(&alert));
        assert!(!broken("- alert: Y\n").may_alert(&alert));
    }

    #[test]
    fn what_a_broken_file_records_decides_what_reads_it() {
        let file = broken("- record: a:b\n- alert: X\n");
        let decides = |expr: &str| file.may_decide(&promql::parse(expr).unwrap(), &[], &|_| true);
        assert!(decides("absent(a:b)") && decides("ALERTS{alertname=\"X\"}") && decides("count({job=\"x\"})"));
        assert!(!decides("a:c > 1") && !decides("ALERTS{alertname=\"Y\"}"));
        let unknown = BrokenFile::new("r.yaml".to_owned(), None, Vec::new());
        let expr = promql::parse("a unless b").unwrap();
        assert!(!unknown.may_decide(&expr, &[], &|_| true));
        assert!(unknown.may_decide(&expr, &[], &|matchers| &*matchers[0].value == "a"));
    }
}
