//! Where an alert's annotation leads: to a page of ours and a place in it, to somewhere else, or nowhere.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use regex::Regex;

use crate::config::Runbooks;
use crate::histogram;
use crate::labels::Labels;
use crate::rules::{Rule, RuleKind};
use crate::template::{self, Template};
use crate::text::Located;
use crate::time::Timestamp;

/// The annotation that links to runbooks where nothing else is said.
const ANNOTATION: &str = "runbook_url";

/// How annotations are read.
#[derive(Clone, Debug)]
pub struct Addresses<'c> {
    pub annotation: &'c str,
    url: Option<&'c Regex>,
    path: &'c str,
}

/// Where an alert's runbook is.
#[derive(Clone, Debug)]
pub enum Address<'r> {
    /// The alert does not say.
    Unsaid,
    /// A page that is not kept here.
    Elsewhere(&'r Located),
    /// A page that only an alert tells: the first thing that its address asks for and that the rule does not say, `$labels.pod`.
    Unknown { written: &'r Located, asks: String },
    Page {
        written: &'r Located,
        /// From the folder of `firedrill.yaml`; as the file system has it, where the file is there.
        path: PathBuf,
        /// Whether it is there.
        exists: bool,
        anchor: Option<String>,
    },
}

impl<'c> Addresses<'c> {
    pub fn new(config: &'c Runbooks) -> Addresses<'c> {
        Addresses {
            annotation: config.annotation.as_deref().map_or(ANNOTATION, |name| name),
            url: config.url.as_ref().map(|(_, pattern)| pattern),
            path: config.path.as_deref().map_or("", |path| path),
        }
    }

    /// The runbook of an alert.
    pub fn of<'r>(&self, rule: &'r Rule) -> Address<'r> {
        let RuleKind::Alert { annotations, .. } = &rule.kind else { return Address::Unsaid };
        let named = annotations.iter().find(|(name, _)| name == self.annotation).map(|(_, value)| value);
        let Some(written) = named.filter(|value| !value.trim().is_empty()) else { return Address::Unsaid };
        let expanded = match expanded(written, rule) {
            Ok(expanded) => expanded,
            Err(asks) => return Address::Unknown { written, asks },
        };
        let (target, anchor) = split(expanded.trim());
        let path = match self.url.and_then(|url| url.captures(target)) {
            Some(groups) => {
                let mut path = String::new();
                groups.expand(self.path, &mut path);
                path
            }
            None if is_external(target) => return Address::Elsewhere(written),
            None => target.trim_start_matches('/').to_owned(),
        };
        let path = PathBuf::from(decoded(&path));
        let anchor = anchor.map(decoded).filter(|anchor| !anchor.is_empty());
        // A published site may have its pages in lower case.
        let found = if path.is_file() { Some(path.clone()) } else { in_any_case(&path).filter(|_| self.url.is_some()) };
        Address::Page { written, exists: found.is_some(), path: found.unwrap_or(path), anchor }
    }
}

/// What an address can ask for: labels, and what only an alert that fires has.
static ASKED: LazyLock<Regex> = LazyLock::new(|| {
    let pattern =
        r"(?:\$labels|\.Labels)(?:\.(\w+))?|\$\w+|\.(?:Value|External\w+)\b|\b(?:query|externalURL|pathPrefix)\b";
    Regex::new(pattern).expect("the pattern is a constant, and a test compiles it")
});

/// The address that a template yields, with what a rule says of all its alerts: their name, and labels that do not vary.
///
/// # Errors
/// What it asks for beside that.
fn expanded<'t>(written: &'t str, rule: &Rule) -> Result<Cow<'t, str>, String> {
    if !template::has_actions(written) {
        return Ok(Cow::Borrowed(written));
    }
    let said = rule.labels.iter().map(|(name, value)| (name.as_str(), value.value.as_str()));
    let said = said.filter(|(_, value)| !template::has_actions(value));
    let known: Vec<(&str, &str)> = said.chain([("alertname", rule.name.value.as_str())]).collect();
    for asked in ASKED.captures_iter(written) {
        let label = asked.get(1).map(|name| name.as_str());
        if !label.is_some_and(|label| known.iter().any(|(name, _)| *name == label)) {
            return Err(asked[0].to_owned());
        }
    }
    let labels = Labels::from_pairs(known);
    let context = &mut template::Context {
        labels: &labels,
        value: histogram::Sample::Float(0.0),
        external_labels: &Labels::empty(),
        external_url: "",
        serves: false,
        time: Timestamp(0),
        query: &mut |_, _| Ok(Vec::new()),
    };
    let expanded = Template::parse(&rule.name.value, written).and_then(|template| template.expand(context));
    expanded.map(Cow::Owned).map_err(|error| error.to_string())
}

/// Whether an address asks for the name of the alert among the labels, where Prometheus has those of the series alone
/// (`rules/alerting.go`, `AlertingRule.Eval`).
pub fn asks_for_alertname(written: &str, rule: &Rule) -> bool {
    let asks =
        || ASKED.captures_iter(written).any(|asked| asked.get(1).is_some_and(|name| name.as_str() == "alertname"));
    // An expression over `ALERTS` has it.
    let has = rule.expr.value.contains("alertname") || rule.expr.value.contains("ALERTS");
    template::has_actions(written) && asks() && !has
}

/// A link without its query string, and the place in the page that it names.
pub fn split(link: &str) -> (&str, Option<&str>) {
    let (target, anchor) = match link.split_once('#') {
        Some((target, anchor)) => (target, Some(anchor)),
        None => (link, None),
    };
    let target = target.split('?').next().unwrap_or_default();
    (target, anchor.map(|anchor| anchor.split('?').next().unwrap_or_default()))
}

/// Whether a link leads out of the files here: `https://...`, `mailto:...`, `//host/...`.
pub fn is_external(target: &str) -> bool {
    let scheme = target.split(['/', '?', '#']).next().unwrap_or_default();
    let named = scheme.split_once(':').is_some_and(|(scheme, _)| {
        scheme.len() > 1 && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
    });
    named || target.starts_with("//")
}

/// `a b` of `a%20b`; what is no such escape stays.
pub fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escape = (bytes[at] == b'%').then(|| text.get(at + 1..at + 3)).flatten();
        match escape.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// A file of this path, upper and lower case aside.
fn in_any_case(path: &Path) -> Option<PathBuf> {
    let mut found = PathBuf::new();
    for part in path.components() {
        let exact = found.join(part);
        if exact.exists() {
            found = exact;
            continue;
        }
        let folder = if found.as_os_str().is_empty() { Path::new(".") } else { &found };
        let wanted = part.as_os_str().to_string_lossy().to_lowercase();
        let mut names: Vec<_> = std::fs::read_dir(folder).ok()?.flatten().map(|entry| entry.file_name()).collect();
        names.sort();
        found.push(names.into_iter().find(|name| name.to_string_lossy().to_lowercase() == wanted)?);
    }
    found.is_file().then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::rules;
    use crate::text::Source;

    fn page(config: &str, link: &str) -> Option<(String, Option<String>)> {
        let config = Config::read(&Source::new("firedrill.yaml", config)).unwrap();
        let file = format!(
            "groups: [{{name: g, rules: [{{alert: A, expr: up, annotations: {{runbook_url: '{link}', other: 'o.md'}}}}]}}]"
        );
        let file = rules::read_with(&Source::new("r.yaml", file), &rules::ReadOptions::default()).unwrap();
        match Addresses::new(&config.runbooks).of(&file.groups[0].rules[0]) {
            Address::Page { path, anchor, .. } => Some((path.display().to_string(), anchor)),
            Address::Unsaid | Address::Elsewhere(_) | Address::Unknown { .. } => None,
        }
    }

    #[test]
    fn addresses_are_expanded_with_what_the_rule_says() {
        let address = |link: &str| {
            let file = format!(
                "groups: [{{name: g, rules: [{{alert: DiskFull, expr: up, labels: {{team: infra, pod: '{{{{ $value }}}}'}}, annotations: {{runbook_url: '{link}'}}}}]}}]"
            );
            let file = rules::read_with(&Source::new("r.yaml", file), &rules::ReadOptions::default()).unwrap();
            let config = Config::read(&Source::new("firedrill.yaml", "")).unwrap();
            match Addresses::new(&config.runbooks).of(&file.groups[0].rules[0]) {
                Address::Page { path, anchor, .. } => format!("{} {}", path.display(), anchor.unwrap_or_default()),
                Address::Unknown { asks, .. } => format!("unknown {asks}"),
                Address::Unsaid | Address::Elsewhere(_) => "elsewhere".to_owned(),
            }
        };
        assert_eq!(address("r/{{ $labels.alertname }}.md#{{ .Labels.team }}"), "r/DiskFull.md infra");
        assert_eq!(address("r/{{- $labels.alertname | toLower -}}.md"), "r/diskfull.md ");
        assert_eq!(address("r/{{ $labels.job }}.md"), "unknown $labels.job");
        assert_eq!(address("https://wiki/{{ .Labels.pod }}"), "unknown .Labels.pod");
        assert_eq!(address("https://wiki/{{ .Labels.team }}"), "elsewhere");
        assert_eq!(address("r/{{ index $labels \"team\" }}.md"), "unknown $labels");
        assert_eq!(address("r/{{ $value }}.md"), "unknown $value");
        assert_eq!(address("r/{{ $externalLabels.cluster }}.md"), "unknown $externalLabels");
    }

    #[test]
    fn annotations_lead_to_pages_and_places_in_them() {
        let some = |path: &str, anchor: Option<&str>| Some((path.to_owned(), anchor.map(str::to_owned)));
        assert_eq!(page("", "runbooks/a.md?x=1#do%20first"), some("runbooks/a.md", Some("do first")));
        assert_eq!(page("", "/runbooks/a.md#b?from=x"), some("runbooks/a.md", Some("b")));
        assert_eq!(page("", "https://wiki/a"), None);
        assert_eq!(page("", "runbooks/{{ $labels.job }}.md"), None);
        assert_eq!(page("", " "), None);
        assert_eq!(page("runbooks: {annotation: other}", "a.md"), some("o.md", None));
        let mapped = "runbooks: {url: 'https://wiki/([^?]*)', path: 'pages/$1.md'}";
        assert_eq!(page(mapped, "https://wiki/x/y?z#w"), some("pages/x/y.md", Some("w")));
        assert_eq!(page(mapped, "https://elsewhere/x"), None);
    }

    #[test]
    fn external_links_have_a_scheme_or_a_host() {
        for link in ["https://x/y", "mailto:a@b", "//host/x"] {
            assert!(is_external(link), "{link}");
        }
        for link in ["a.md", "a/b:c.md", "C:x.md", "#a", "../a.md?x=http://y"] {
            assert!(!is_external(link), "{link}");
        }
    }
}
