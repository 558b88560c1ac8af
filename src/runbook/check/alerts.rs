//! Alerts and their runbooks: every alert has one, the page is there and so is the section, and it speaks of the alert.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use regex::Regex;

use crate::incident;
use crate::rules::Rule;
use crate::runbook::address::{Address, Addresses, asks_for_alertname};
use crate::runbook::page::Page;
use crate::text::{Diagnostic, Located, Source, Span, nearest};

use super::{Check, Checked, Facts, Finding, Name};

/// What is wrong between alerts and pages; `notes` gets what could not be checked.
pub fn find(
    check: &Check<'_>,
    addresses: &Addresses<'_>,
    facts: &mut Facts,
    notes: &mut Vec<Diagnostic>,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    // The alerts that lead to a page as a whole.
    let mut of_page: BTreeMap<PathBuf, Vec<&str>> = BTreeMap::new();
    let mut others: BTreeMap<PathBuf, Option<Page>> = BTreeMap::new();
    let mut gone: BTreeSet<(&str, PathBuf)> = BTreeSet::new();
    for (_, rule) in check.library.alerts() {
        facts.alerts += 1;
        let alert = rule.name.value.as_str();
        match addresses.of(rule) {
            Address::Unsaid if check.partial => facts.alerts -= 1,
            Address::Unsaid => findings.push(unsaid(rule, addresses.annotation)),
            Address::Elsewhere(_) => facts.elsewhere += 1,
            Address::Unknown { .. } if check.partial => facts.alerts -= 1,
            Address::Unknown { written, asks } => {
                let message =
                    format!("only an alert tells which page the runbook of {alert} is: its address asks for {asks}");
                notes.push(note(written, message));
            }
            Address::Page { written, path, exists, anchor } => {
                let checked = check.page(&path);
                if check.partial && checked.is_none() {
                    facts.alerts -= 1;
                    continue;
                }
                if asks_for_alertname(written, rule) {
                    let message = format!(
                        "Prometheus has the labels of the series in `$labels`, and no alertname: write {alert} into the address, \
                         or it leads nowhere"
                    );
                    notes.push(note(written, message));
                }
                if !exists {
                    // Several rules may have one name, and one page.
                    if gone.insert((alert, path.clone())) {
                        findings.push(missing(check, written, &path, alert));
                    }
                    continue;
                }
                let page = match checked {
                    Some(checked) => Some(&checked.page),
                    None => others.entry(path.clone()).or_insert_with(|| read(&path)).as_ref(),
                };
                let Some(page) = page else { continue };
                findings.extend(silent(check, page, written, anchor.as_deref(), alert));
                if anchor.is_none() {
                    of_page.entry(path).or_default().push(alert);
                }
            }
        }
    }
    for page in &check.pages {
        let alerts = of_page.iter().find(|(path, _)| same(path, page)).map(|(_, alerts)| alerts.as_slice());
        findings.extend(title(check, page, alerts.unwrap_or_default()));
    }
    findings
}

fn same(path: &Path, page: &Checked) -> bool {
    path.components().eq(page.path().components())
}

/// A page that is not among those that are checked; one that cannot be read is as if it had everything.
fn read(path: &Path) -> Option<Page> {
    incident::read_file(path, incident::MAX_DOCUMENT_BYTES).ok().map(|source| Page::read(&source))
}

fn place(written: &Located) -> (&Source, Span) {
    (&written.source, written.file_span(Span::new(0, written.len())))
}

fn note(written: &Located, message: String) -> Diagnostic {
    let (source, span) = place(written);
    Diagnostic::warning(message).at(source, span)
}

fn unsaid(rule: &Rule, annotation: &str) -> Finding {
    let alert = rule.name.value.as_str();
    let (source, span) = place(&rule.name);
    Finding::new(Name::NoRunbook, source, span, format!("{alert} has no runbook"))
        .help(format!("`firedrill runbook new --alert {alert}` makes a page; name it in the annotation `{annotation}`"))
        .about(alert)
}

fn missing(check: &Check<'_>, written: &Located, path: &Path, alert: &str) -> Finding {
    let (source, span) = place(written);
    let path = path.display().to_string();
    let names: Vec<String> = check.pages.iter().map(|page| page.path().display().to_string()).collect();
    let help = match nearest(&path, names.iter().map(String::as_str)) {
        Some(near) => format!("did you mean {near}?"),
        None => format!(
            "`firedrill runbook new --alert {alert} -o {path}` makes it; pages are named from the folder of firedrill.yaml"
        ),
    };
    Finding::new(Name::MissingPage, source, span, format!("the runbook of {alert} is not there: {path}"))
        .help(help)
        .about(alert)
}

/// A page that has no such section, or that does not name the alert: whoever comes from there wonders whether it is the right one.
fn silent(check: &Check<'_>, page: &Page, written: &Located, anchor: Option<&str>, alert: &str) -> Option<Finding> {
    let (source, span) = place(written);
    let name = page.source.name();
    let title = page.title().map_or("", |title| title.text.as_str());
    let titled = names(title, alert) || is_spelt_out(title, alert);
    let Some(anchor) = anchor else {
        // That a title is another alert's is said of the page.
        if titled || names(page.source.text(), alert) || named(check, title).is_some() {
            return None;
        }
        let finding = Finding::new(Name::OtherTitle, source, span, format!("{name} does not name {alert}"));
        return Some(finding.help("put the alert's name into its title").about(alert));
    };
    if !page.anchors.contains(anchor) {
        let anchors = || page.anchors.iter().map(String::as_str);
        let help = match nearest(anchor, anchors()) {
            Some(near) => format!("did you mean #{near}?"),
            None => format!("its sections are {}", crate::text::listed(anchors())),
        };
        let finding = Finding::new(Name::MissingAnchor, source, span, format!("{name} has no section #{anchor}"));
        return Some(finding.help(help).about(alert));
    }
    let heading = page.headings.iter().find(|heading| heading.anchor == anchor)?;
    if titled || names(page.text(page.section(heading.span.start)), alert) {
        return None;
    }
    let message = format!("the section #{anchor} of {name} does not name {alert}");
    Some(Finding::new(Name::OtherTitle, source, span, message).help("name the alert in its heading").about(alert))
}

/// Whether a text has a name, not as a part of another one.
fn names(text: &str, name: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(name).any(|(at, _)| !text[..at].ends_with(part) && !text[at + name.len()..].starts_with(part))
}

/// Whether a title is a name with blanks: `CPU Throttling High`.
fn is_spelt_out(title: &str, name: &str) -> bool {
    let letters =
        |text: &str| -> String { text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect() };
    letters(title).contains(&letters(name))
}

/// A page whose title is another alert's name than that which leads to it, than its file's, or one that no rule has. `Alert: ApiErrors`
/// and `ApiErrors (warning)` name an alert as `ApiErrors` does, if a rule has it.
fn title(check: &Check<'_>, page: &Checked, alerts: &[&str]) -> Option<Finding> {
    let title = page.page.title()?;
    let name = named(check, &title.text)?;
    if page.is_generated(title.span.start) {
        return None;
    }
    let at = |kind, message| Finding::new(kind, &page.page.source, title.span, message).about(name);
    if let [first, ..] = alerts {
        let same = alerts.contains(&name);
        let message = format!("the page is called {name}, and {first} leads to it");
        return (!same).then(|| at(Name::OtherTitle, message).help("call it as the alert"));
    }
    let file = page.path().file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    // `ApiStaleAlert.md` may well be the page of ApiStale.
    let bare = |name: &str| name.trim_start_matches("Alert").trim_end_matches("Alert").to_owned();
    if is_alert_name(&file) && bare(&file) != bare(name) {
        let message = format!("the page is called {name}, its file {file}");
        return Some(at(Name::OtherTitle, message).help("one of the two is the alert that it is for"));
    }
    let known = known(check);
    if known.is_empty() || known.contains(&name) || check.partial {
        return None;
    }
    let help = match nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean {near}?"),
        None => "the alert may have another name now, or be gone: so may the page".to_owned(),
    };
    Some(at(Name::UnknownAlert, format!("no rule has the alert {name}")).help(help))
}

/// Whether a title is the name of an alert, such as `KubePodCrashLooping` or `etcdNoLeader`, and no other word.
fn is_alert_name(title: &str) -> bool {
    let capitals = title.chars().filter(|c| c.is_uppercase()).count();
    title.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && title.chars().any(char::is_lowercase)
        && capitals >= 2
}

/// The alert that a title names: it is a name, or has that of a rule with some words around it.
fn named<'t>(check: &Check<'_>, title: &'t str) -> Option<&'t str> {
    if is_alert_name(title) {
        return Some(title);
    }
    Some(FRAMED.captures(title)?.get(1)?.as_str()).filter(|name| known(check).contains(name))
}

fn known<'c>(check: &Check<'c>) -> Vec<&'c str> {
    check.library.alerts().map(|(_, rule)| rule.name.value.as_str()).collect()
}

/// A title that names an alert among other words: `Alert: ApiErrors`, `ApiErrors (warning)`, `ApiErrors - the API fails`.
static FRAMED: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = r"^(?:(?i:alert|alarm|runbook)\b[\s:–—-]*)*(\w+)(?:$|\s*[:(\[|–—]|\s+-)";
    Regex::new(pattern).expect("the pattern is a constant, and a test compiles it")
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_that_are_names_of_alerts_are_told_from_others() {
        for title in ["KubePodCrashLooping", "etcdNoLeader", "T3ProbeLegDown", "CPUThrottlingHigh"] {
            assert!(is_alert_name(title), "{title}");
        }
        for title in ["README", "Watchdog", "vmagent", "Kube Pod", "What to do?", ""] {
            assert!(!is_alert_name(title), "{title}");
        }
    }

    #[test]
    fn titles_may_have_more_words_around_a_name() {
        let framed = |title: &str| FRAMED.captures(title).map(|found| found[1].to_owned());
        for title in [
            "Alert: DiskFull",
            "DiskFull",
            "DiskFull (warning)",
            "DiskFull - disk is full",
            "Runbook: alert DiskFull",
            "DiskFull: x",
        ] {
            assert_eq!(framed(title).as_deref(), Some("DiskFull"), "{title}");
        }
        for title in ["Before DiskFull fires", "DiskFull and ApiErrors", ""] {
            assert_ne!(framed(title).as_deref(), Some("DiskFull"), "{title}");
        }
    }

    #[test]
    fn a_name_is_a_whole_word() {
        assert!(names("see `ApiErrors`.", "ApiErrors"));
        assert!(is_spelt_out("CPU Throttling High", "CPUThrottlingHigh"));
        assert!(!names("ApiErrorsHigh, MyApiErrors", "ApiErrors"));
    }
}
