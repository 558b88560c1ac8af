//! Templates that are filled with what the groups of a regular expression matched.

use std::borrow::Cow;

use regex::{Captures, Regex};

/// Go's `Regexp.Expand`: `$1`, `${1}`, `$name`, `${name}`, `$$`; a name is the longest run of letters, digits and
/// underscores; a group that does not exist or did not match is empty; any other `$` stands for itself.
pub fn expand<'t>(template: &'t str, regex: &Regex, captures: &Captures<'_>) -> Cow<'t, str> {
    if !template.contains('$') {
        return Cow::Borrowed(template);
    }
    let mut out = String::new();
    let mut rest = template;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            out.push('$');
            rest = after;
            continue;
        }
        match reference(rest) {
            Some((name, after)) => {
                out.push_str(group(name, regex, captures));
                rest = after;
            }
            None => out.push('$'),
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// The group's name behind a `$`, and what follows it.
fn reference(text: &str) -> Option<(&str, &str)> {
    let (braced, body) = match text.strip_prefix('{') {
        Some(body) => (true, body),
        None => (false, text),
    };
    let length = body.find(|c: char| c != '_' && !c.is_alphabetic() && !c.is_numeric()).unwrap_or(body.len());
    let (name, after) = body.split_at(length);
    if name.is_empty() {
        return None;
    }
    if braced { Some((name, after.strip_prefix('}')?)) } else { Some((name, after)) }
}

fn group<'h>(name: &str, regex: &Regex, captures: &Captures<'h>) -> &'h str {
    let numbered = name.bytes().all(|byte| byte.is_ascii_digit()) && !(name.len() > 1 && name.starts_with('0'));
    let found = if numbered {
        name.parse().ok().and_then(|number: usize| captures.get(number))
    } else {
        let mut names = regex.capture_names().enumerate();
        names.find(|(_, group)| *group == Some(name)).and_then(|(number, _)| captures.get(number))
    };
    found.map_or("", |found| found.as_str())
}
