//! Reads the fields of a mapping, and collects everything that is wrong with them.

use std::cell::RefCell;

use super::node::{Kind, Node};
use crate::text::{Diagnostic, Located, Source, nearest};
use crate::time::Duration;

/// What is wrong with a file, collected while it is read.
#[derive(Debug)]
pub struct Problems<'a> {
    pub source: &'a Source,
    found: RefCell<Vec<Diagnostic>>,
    /// Whether fields that nobody asked for are no problem.
    unknown_fields_allowed: bool,
}

impl<'a> Problems<'a> {
    pub fn new(source: &'a Source) -> Problems<'a> {
        Problems { source, found: RefCell::default(), unknown_fields_allowed: false }
    }

    /// Fields that nobody asks for are a problem, or are not.
    pub fn allow_unknown_fields(mut self, allowed: bool) -> Problems<'a> {
        self.unknown_fields_allowed = allowed;
        self
    }

    /// A problem at its own place.
    pub fn push(&self, problem: Diagnostic) {
        self.found.borrow_mut().push(problem);
    }

    /// A problem at a node.
    pub fn at(&self, node: &Node, problem: Diagnostic) {
        self.push(problem.at(self.source, node.span));
    }

    /// All problems, in the order of their places.
    pub fn into_inner(self) -> Vec<Diagnostic> {
        let mut found = self.found.into_inner();
        found.sort_by_key(|problem| problem.place.as_ref().map_or(0, |(_, span)| span.start));
        found
    }
}

/// A mapping whose fields are asked for by name. Fields that nobody asked for are unknown.
pub struct Mapping<'a> {
    problems: &'a Problems<'a>,
    /// What it is, for messages: `a rule`.
    what: &'static str,
    entries: &'a [(Node, Node)],
    asked: RefCell<Vec<&'static str>>,
}

impl<'a> Mapping<'a> {
    /// The fields of `node`, or a problem and `None` where it is no mapping. Nothing is a mapping without fields.
    pub fn of(node: &'a Node, what: &'static str, problems: &'a Problems<'a>) -> Option<Mapping<'a>> {
        let entries: &[_] = match &node.kind {
            Kind::Map(entries) => entries,
            Kind::Null => &[],
            _ => {
                let found = node.describe();
                problems.at(node, Diagnostic::error(format!("{what} is written as a mapping, not as {found}")));
                return None;
            }
        };
        for (key, _) in entries {
            if key.text().is_none() && key.kind != Kind::Null {
                problems.at(key, Diagnostic::error("a field's name is a single word"));
            }
        }
        Some(Mapping { problems, what, entries, asked: RefCell::default() })
    }

    /// A field's value.
    pub fn get(&self, name: &'static str) -> Option<&'a Node> {
        self.asked.borrow_mut().push(name);
        self.entries.iter().find(|(key, _)| key.text() == Some(name)).map(|(_, value)| value)
    }

    /// A field's name as it stands in the file, for places.
    pub fn key(&self, name: &'static str) -> Option<&'a Node> {
        self.entries.iter().find(|(key, _)| key.text() == Some(name)).map(|(key, _)| key)
    }

    /// Fields that are allowed and not looked at.
    pub fn ignore(&self, names: &[&'static str]) {
        self.asked.borrow_mut().extend(names);
    }

    fn wrong(&self, name: &str, node: &Node, wanted: &str) {
        let found = node.describe();
        let problem = Diagnostic::error(format!("`{name}` of {} is {wanted}, not {found}", self.what));
        let written = self.problems.source.text().get(node.span.start..).unwrap_or_default();
        let template = written.starts_with("{{") || written.starts_with("{ {");
        self.problems
            .at(node, if template { problem.help("a text that starts with `{{` needs quotes") } else { problem });
    }

    /// A text; numbers and booleans keep their spelling, null is empty.
    pub fn string(&self, name: &'static str) -> Option<Located> {
        self.text(name)?.located(self.problems.source)
    }

    /// A text that stays where it is: a scalar or null.
    pub fn text(&self, name: &'static str) -> Option<&'a Node> {
        let node = self.get(name)?;
        if matches!(node.kind, Kind::List(_) | Kind::Map(_)) {
            self.wrong(name, node, "a text");
            return None;
        }
        Some(node)
    }

    /// A duration as Prometheus writes them. Null counts as not given.
    pub fn duration(&self, name: &'static str) -> Option<Duration> {
        let node = self.get(name)?;
        if node.kind == Kind::Null {
            return None;
        }
        let Some(text) = node.text() else {
            self.wrong(name, node, "a duration such as 5m");
            return None;
        };
        match text.parse() {
            Ok(duration) => Some(duration),
            Err(error) => {
                let problem = Diagnostic::error(format!("`{name}` of {}: {error}", self.what));
                let bare = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
                self.problems
                    .at(node, if bare { problem.help(format!("seconds are written {text}s")) } else { problem });
                None
            }
        }
    }

    /// A whole number.
    pub fn integer(&self, name: &'static str) -> Option<i64> {
        let node = self.get(name)?;
        if node.kind == Kind::Null {
            return None;
        }
        let number = match &node.kind {
            Kind::Scalar { text, plain: true } => integer(text),
            _ => None,
        };
        if number.is_none() {
            let problem = Diagnostic::error(format!("`{name}` of {} is a whole number, without quotes", self.what));
            self.problems.at(node, problem);
        }
        number
    }

    /// A limit: a whole number above zero.
    pub fn limit(&self, name: &'static str) -> Option<u64> {
        let node = self.get(name)?;
        if node.kind == Kind::Null {
            return None;
        }
        let limit = node.text().and_then(|text| text.replace('_', "").parse().ok()).filter(|limit| *limit > 0);
        if limit.is_none() {
            let problem = Diagnostic::error(format!("`{name}` of {} is a whole number above zero", self.what));
            self.problems
                .at(node, problem.help("write 1 or more, in digits and without a unit; leave it out for the default"));
        }
        limit
    }

    /// A number as Go reads it into a float, without quotes.
    pub fn float(&self, name: &'static str) -> Option<f64> {
        let node = self.get(name)?;
        let value = match &node.kind {
            Kind::Null => return None,
            Kind::Scalar { text, plain: true } => float(text),
            _ => None,
        };
        if value.is_none() {
            let problem = Diagnostic::error(format!("`{name}` is a number, without quotes"));
            self.problems.at(node, problem.help("write 5, -0.5, 1e3, .inf, -.inf or .nan"));
        }
        value
    }

    /// `true` or `false`, or what YAML 1.1 has for them, which Go reads too.
    pub fn boolean(&self, name: &'static str) -> Option<bool> {
        const YES: [&str; 11] = ["true", "True", "TRUE", "y", "Y", "yes", "Yes", "YES", "on", "On", "ON"];
        const NO: [&str; 11] = ["false", "False", "FALSE", "n", "N", "no", "No", "NO", "off", "Off", "OFF"];
        let node = self.get(name)?;
        match &node.kind {
            Kind::Null => None,
            Kind::Scalar { text, plain: true } if YES.contains(&text.as_str()) => Some(true),
            Kind::Scalar { text, plain: true } if NO.contains(&text.as_str()) => Some(false),
            _ => {
                let problem = Diagnostic::error(format!("`{name}` of {} is true or false", self.what));
                self.problems.at(node, problem);
                None
            }
        }
    }

    /// The items of a list without those that are null, as Go's `yaml.v3` reads them; null is an empty list.
    pub fn list(&self, name: &'static str) -> Vec<&'a Node> {
        let mut items = self.items(name);
        items.retain(|item| item.kind != Kind::Null);
        items
    }

    /// The items of a list, those that are null included, as Go's `yaml.v2` reads them; null is an empty list.
    pub fn items(&self, name: &'static str) -> Vec<&'a Node> {
        let Some(node) = self.get(name) else { return Vec::new() };
        match &node.kind {
            Kind::List(items) => items.iter().collect(),
            Kind::Null => Vec::new(),
            _ => {
                self.wrong(name, node, "a list");
                Vec::new()
            }
        }
    }

    /// A list of texts.
    pub fn strings(&self, name: &'static str) -> Vec<Located> {
        let mut texts = Vec::new();
        for item in self.list(name) {
            match item.located(self.problems.source) {
                Some(text) => texts.push(text),
                None => self.wrong(name, item, "a list of texts"),
            }
        }
        texts
    }

    /// A mapping of names to texts, in the order of the file.
    pub fn pairs(&self, name: &'static str) -> Vec<(Located, Located)> {
        let Some(node) = self.get(name) else { return Vec::new() };
        let entries = match &node.kind {
            Kind::Map(entries) => entries.as_slice(),
            Kind::Null => &[],
            _ => {
                self.wrong(name, node, "a mapping of names to texts");
                &[]
            }
        };
        let mut pairs = Vec::with_capacity(entries.len());
        for (key, value) in entries {
            match (key.located(self.problems.source), value.located(self.problems.source)) {
                (Some(key), Some(value)) => pairs.push((key, value)),
                (None, _) => self.wrong(name, key, "a mapping of names to texts"),
                (_, None) => self.wrong(name, value, "a mapping of names to texts"),
            }
        }
        pairs
    }

    /// Reports the fields that nobody asked for.
    pub fn finish(self) {
        if self.problems.unknown_fields_allowed {
            return;
        }
        let asked = self.asked.into_inner();
        for (key, _) in self.entries {
            let Some(name) = key.text() else { continue };
            if asked.contains(&name) {
                continue;
            }
            let problem = Diagnostic::error(format!("unknown field `{name}` in {}", self.what));
            let problem = match nearest(name, asked.iter().copied()) {
                Some(near) => problem.help(format!("did you mean `{near}`?")),
                None => problem.help(format!("fields of {}: {}", self.what, listed(&asked))),
            };
            self.problems.at(key, problem);
        }
    }
}

fn listed(names: &[&'static str]) -> String {
    let mut seen = Vec::new();
    for name in names {
        if !seen.contains(name) {
            seen.push(*name);
        }
    }
    seen.join(", ")
}

/// A whole number as Go's YAML reads it: decimal, `0x`, `0o`, `0b`, underscores, and floats, cut.
fn integer(text: &str) -> Option<i64> {
    let digits = text.replace('_', "");
    let (negative, number) = match digits.strip_prefix('-') {
        Some(number) => (true, number),
        None => (false, digits.strip_prefix('+').unwrap_or(&digits)),
    };
    let radix = |prefix: &str, radix: u32| {
        number.strip_prefix(prefix).and_then(|number| i64::from_str_radix(number, radix).ok())
    };
    let value = number
        .parse::<i64>()
        .ok()
        .or_else(|| radix("0x", 16))
        .or_else(|| radix("0o", 8))
        .or_else(|| radix("0b", 2))
        .or_else(|| number.parse::<f64>().ok().filter(|n| n.abs() < 9e18).map(|n| n as i64))?;
    Some(if negative { -value } else { value })
}

/// A number as Go's YAML reads it into a float: whole ones in all of Go's notations, floats, `.inf` and `.nan`.
fn float(text: &str) -> Option<f64> {
    let (negative, unsigned) = match text.strip_prefix(['+', '-']) {
        Some(unsigned) => (text.starts_with('-'), unsigned),
        None => (false, text),
    };
    let special = match unsigned {
        ".inf" | ".Inf" | ".INF" => Some(f64::INFINITY),
        ".nan" | ".NaN" | ".NAN" if unsigned == text => Some(f64::NAN),
        _ => None,
    };
    let digits = unsigned.replace('_', "");
    let whole = || {
        let radix = |prefixes: [&str; 2], radix| {
            let digits = prefixes.iter().find_map(|prefix| digits.strip_prefix(*prefix))?;
            u64::from_str_radix(digits, radix).ok()
        };
        let octal = || digits.strip_prefix('0').and_then(|digits| u64::from_str_radix(digits, 8).ok());
        let value = radix(["0x", "0X"], 16).or_else(|| radix(["0o", "0O"], 8)).or_else(|| radix(["0b", "0B"], 2));
        value.or_else(octal).map(|value| value as f64)
    };
    let decimal = || {
        let plain = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.')
            && digits.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-'));
        digits.parse::<f64>().ok().filter(|value| plain && value.is_finite())
    };
    let value = special.or_else(whole).or_else(decimal)?;
    Some(if negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::yaml::read_documents;

    #[test]
    fn everything_wrong_with_a_mapping_is_reported_at_once() {
        let source = Source::new("f.yaml", "nmae: x\nfor: 5\nlimit: a\nrules: 1\nlabels: {a: [1]}\nok: perhaps\n");
        let documents = read_documents(&source).unwrap();
        let problems = Problems::new(&source);
        let mapping = Mapping::of(&documents[0], "a group", &problems).unwrap();
        assert!(mapping.string("name").is_none());
        assert!(mapping.duration("for").is_none());
        assert!(mapping.integer("limit").is_none());
        assert!(mapping.list("rules").is_empty());
        assert!(mapping.pairs("labels").is_empty());
        assert!(mapping.boolean("ok").is_none());
        mapping.finish();
        let found: Vec<String> = problems.into_inner().iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), 6, "{found:#?}");
        assert_eq!(found[0], "f.yaml:1:1: unknown field `nmae` in a group");
        assert!(found[1].starts_with("f.yaml:2:6: `for` of a group: not a valid duration"), "{}", found[1]);
        assert_eq!(found[4], "f.yaml:5:13: `labels` of a group is a mapping of names to texts, not a list");
    }

    #[test]
    fn whole_numbers_are_read_as_go_reads_them() {
        for (text, number) in [
            ("5", Some(5)),
            ("-5", Some(-5)),
            ("0x1f", Some(31)),
            ("1_000", Some(1000)),
            ("5.0", Some(5)),
            ("5.5", Some(5)),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(integer(text), number, "{text}");
        }
    }

    #[test]
    fn numbers_are_those_of_gos_yaml() {
        for (text, value) in [
            ("5", Some(5.0)),
            ("-0.5", Some(-0.5)),
            ("1e3", Some(1000.0)),
            ("010", Some(8.0)),
            ("089", Some(89.0)),
            ("0x1F", Some(31.0)),
            ("1_000", Some(1000.0)),
            ("-.inf", Some(f64::NEG_INFINITY)),
            (".5", Some(0.5)),
            ("5.", Some(5.0)),
            ("Inf", None),
            ("NaN", None),
            ("five", None),
            ("", None),
        ] {
            assert_eq!(float(text), value, "{text}");
        }
        assert!(float(".nan").is_some_and(f64::is_nan));
    }
}
