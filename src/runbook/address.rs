//! Where an alert's annotation leads: to a page of ours and a place in it, to somewhere else, or nowhere.

use std::path::{Path, PathBuf};

use regex::Regex;

use crate::config::Runbooks;
use crate::rules::{Rule, RuleKind};
use crate::text::Located;

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
    /// A page that is not kept here, or one that only the alert's labels tell.
    Elsewhere(&'r Located),
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
        let (target, anchor) = split(written.trim());
        if target.contains("{{") {
            return Address::Elsewhere(written);
        }
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
            Address::Unsaid | Address::Elsewhere(_) => None,
        }
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
