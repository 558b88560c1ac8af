//! The rule files that an exported test names: the incident's own where promtool can read them, else plain copies.

use std::fmt::Write;
use std::path::PathBuf;

use super::yaml::scalar;
use crate::drill::Playback;
use crate::rules::{Group, RuleKind};
use crate::text::Source;
use crate::text::yaml::{Kind, Node, read_documents};
use crate::time::Duration;

/// The rule files of an incident, in order, as promtool reads them.
pub struct RuleFiles {
    /// Paths of files that are plain rule files of Prometheus.
    pub own: Vec<PathBuf>,
    /// What stands in the others: manifests, files with fields of other systems or rules in other languages.
    pub copies: Vec<PlainRules>,
}

/// Rules in Prometheus' own format.
pub struct PlainRules {
    /// The path of the file that holds them, as it was given.
    pub path: PathBuf,
    pub text: String,
}

impl RuleFiles {
    pub fn of(playback: &Playback) -> RuleFiles {
        let mut files = RuleFiles { own: Vec::new(), copies: Vec::new() };
        let mut seen: Vec<&str> = Vec::new();
        for group in playback.groups.iter().filter(|group| !group.rules.is_empty()) {
            if seen.contains(&group.file.name()) {
                continue;
            }
            seen.push(group.file.name());
            let path = PathBuf::from(group.file.name());
            let groups: Vec<&Group> =
                playback.groups.iter().filter(|other| other.file.name() == group.file.name()).collect();
            if groups.iter().all(|group| group.rules.iter().all(|rule| rule.promql().is_some()) && group.unread == 0)
                && is_plain(&group.file)
            {
                files.own.push(path);
            } else if let Some(text) = plain_rules(&groups) {
                files.copies.push(PlainRules { path, text });
            }
        }
        files
    }
}

/// Whether a file has Prometheus' fields and no others.
fn is_plain(source: &Source) -> bool {
    let Ok(documents) = read_documents(source) else { return false };
    let [top] = &documents[..] else { return false };
    let only = |node: &Node, fields: &[&str]| {
        node.entries().iter().all(|(name, _)| name.text().is_some_and(|name| fields.contains(&name)))
    };
    let list = |node: &Node, key: &str| match node.get(key).map(|list| &list.kind) {
        Some(Kind::List(items)) => items.clone(),
        _ => Vec::new(),
    };
    let rule_fields = ["alert", "record", "expr", "for", "keep_firing_for", "labels", "annotations"];
    only(top, &["groups"])
        && list(top, "groups").iter().all(|group| {
            only(group, &["name", "interval", "query_offset", "limit", "labels", "rules"])
                && list(group, "rules").iter().all(|rule| only(rule, &rule_fields))
        })
}

/// The PromQL rules of a file in Prometheus' format; `None` where it has none.
fn plain_rules(groups: &[&Group]) -> Option<String> {
    let mut out = String::new();
    // Writing to a string cannot fail.
    for group in groups {
        let rules: Vec<_> = group.rules.iter().filter(|rule| rule.promql().is_some()).collect();
        if rules.is_empty() {
            continue;
        }
        let _ = writeln!(out, "  - name: {}", scalar(&group.name.value));
        for (name, duration) in [("interval", group.interval), ("query_offset", group.query_offset)] {
            if let Some(duration) = duration {
                let _ = writeln!(out, "    {name}: {duration}");
            }
        }
        if let Some(limit) = group.limit {
            let _ = writeln!(out, "    limit: {limit}");
        }
        out += "    rules:\n";
        for rule in rules {
            let kind = if rule.is_alert() { "alert" } else { "record" };
            let _ = writeln!(out, "      - {kind}: {}", scalar(&rule.name.value));
            let _ = writeln!(out, "        expr: {}", scalar(&rule.expr.value));
            let mut mappings = vec![("labels", &rule.labels)];
            if let RuleKind::Alert { for_, keep_firing_for, annotations } = &rule.kind {
                for (name, duration) in [("for", *for_), ("keep_firing_for", *keep_firing_for)] {
                    if duration > Duration::ZERO {
                        let _ = writeln!(out, "        {name}: {duration}");
                    }
                }
                mappings.push(("annotations", annotations));
            }
            for (name, entries) in mappings {
                if !entries.is_empty() {
                    let _ = writeln!(out, "        {name}:");
                }
                for (name, text) in entries {
                    let _ = writeln!(out, "          {}: {}", scalar(name), scalar(&text.value));
                }
            }
        }
    }
    let file = groups.first()?.file.name();
    (!out.is_empty()).then(|| {
        format!(
            "# The PromQL rules of {file}, as Prometheus reads them. Written by `firedrill export`.\ngroups:\n{out}"
        )
    })
}
