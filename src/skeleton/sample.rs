//! Values that labels may have: what matchers accept, and names for what they leave open.

use regex_syntax::hir::{Class, Hir, HirKind};

use crate::labels::{MatchOp, Matcher};

/// How many texts of one pattern are tried.
const MOST: usize = 64;

/// A value that all matchers accept, preferably one of `preferred`, and one that is not empty; `None` where none is found.
pub fn value(matchers: &[&Matcher], preferred: &[&str]) -> Option<String> {
    let accepted = |value: &str| matchers.iter().all(|matcher| matcher.matches(value));
    if let Some(found) = preferred.iter().find(|value| !value.is_empty() && accepted(value)) {
        return Some((*found).to_owned());
    }
    let mut candidates = Vec::new();
    for matcher in matchers {
        match matcher.op {
            MatchOp::Equal => candidates.push(matcher.value.to_string()),
            MatchOp::Regex => candidates.extend(matcher.pattern().map(texts).unwrap_or_default()),
            MatchOp::NotEqual | MatchOp::NotRegex => {}
        }
    }
    candidates.extend(["1", "x", "500", "other", ""].map(str::to_owned));
    candidates.into_iter().find(|value| accepted(value))
}

/// Values that a matcher does not accept, as far as it says some.
pub fn refused(matcher: &Matcher) -> Vec<String> {
    let named = match matcher.op {
        MatchOp::NotEqual => vec![matcher.value.to_string()],
        MatchOp::NotRegex => matcher.pattern().map(texts).unwrap_or_default(),
        MatchOp::Equal | MatchOp::Regex => Vec::new(),
    };
    let usual = [usual(&matcher.name)].into_iter().chain(["200", "ok", "other", "0"].map(str::to_owned));
    usual.chain(named).filter(|value| !value.is_empty() && !matcher.matches(value)).collect()
}

/// Some texts that a regular expression (of the `regex` crate) matches, the plainest first.
fn texts(pattern: &str) -> Vec<String> {
    regex_syntax::parse(pattern).map(|hir| parts(&hir)).unwrap_or_default()
}

fn parts(hir: &Hir) -> Vec<String> {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => vec![String::new()],
        HirKind::Literal(literal) => std::str::from_utf8(&literal.0).map(str::to_owned).into_iter().collect(),
        HirKind::Class(class) => one_of(class),
        HirKind::Capture(capture) => parts(&capture.sub),
        HirKind::Alternation(alternatives) => alternatives.iter().flat_map(parts).take(MOST).collect(),
        HirKind::Concat(pieces) => pieces.iter().map(parts).fold(vec![String::new()], |so_far, next| {
            let joined = so_far.iter().flat_map(|head| next.iter().map(move |tail| format!("{head}{tail}")));
            joined.take(MOST).collect()
        }),
        HirKind::Repetition(repetition) => {
            // One where none is needed: `.*` says that there may be anything.
            let times = repetition.min.max(u32::from(repetition.max != Some(0))) as usize;
            let mut found: Vec<String> = parts(&repetition.sub).iter().map(|text| text.repeat(times)).collect();
            if repetition.min == 0 {
                found.push(String::new());
            }
            found
        }
    }
}

/// A few characters of a class: plain ones, and then its first ones, for `a|b|c` is one too.
fn one_of(class: &Class) -> Vec<String> {
    let ranges: Vec<(char, char)> = match class {
        Class::Unicode(class) => class.ranges().iter().map(|range| (range.start(), range.end())).collect(),
        Class::Bytes(class) => {
            class.ranges().iter().map(|range| (char::from(range.start()), char::from(range.end()))).collect()
        }
    };
    let holds = |c: &char| ranges.iter().any(|(start, end)| start <= c && c <= end);
    let first = ranges.iter().flat_map(|(start, end)| *start..=*end).take(8);
    "0x-_aA5/ .:".chars().filter(holds).take(4).chain(first).map(String::from).collect()
}

/// A usual value of a label of this name.
pub fn usual(label: &str) -> String {
    match label {
        "namespace" | "exported_namespace" => "default".to_owned(),
        "code" | "status" | "status_code" => "200".to_owned(),
        "device" => "sda".to_owned(),
        "mountpoint" => "/".to_owned(),
        "cpu" => "0".to_owned(),
        "instance" => "10.0.0.1:9090".to_owned(),
        "job" => "app".to_owned(),
        _ => format!("{}-1", label.trim_start_matches("exported_").replace('_', "-")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::promql::parse_selector;

    fn of(selector: &str) -> Option<String> {
        let selector = parse_selector(&format!("x{{{selector}}}")).unwrap();
        let matchers: Vec<&Matcher> = selector.matchers.iter().filter(|m| &*m.name == "l").collect();
        value(&matchers, &[&usual("l")])
    }

    #[test]
    fn values_meet_every_matcher() {
        assert_eq!(of(r#"l="a""#).unwrap(), "a");
        assert_eq!(of(r#"l=~"5..""#).unwrap(), "500");
        assert_eq!(of(r#"l=~"a|b|c", l!="a""#).unwrap(), "b");
        assert_eq!(of(r#"l=~"(node|kube)-exporter""#).unwrap(), "node-exporter");
        assert_eq!(of(r#"l!="", l!~"l-.*""#).unwrap(), "1");
        assert_eq!(of(r#"l=~".+""#).unwrap(), "l-1");
        assert_eq!(of(r#"l=~"[0-9]{3}""#).unwrap(), "000");
        assert_eq!(of(r#"l=~"a", l="b""#), None);
        assert_eq!(of(r#"l="""#).unwrap(), "");
    }
}
