//! Regular expressions of templates, in Go's syntax and compiled once a thread.

use std::cell::RefCell;
use std::collections::HashMap;

use regex::Regex;

use super::escape::{Quote, quote};
use crate::labels::search_regex;

/// Compiled expressions that a thread keeps, far more than rules have.
const KEPT: usize = 256;

thread_local! {
    static COMPILED: RefCell<HashMap<String, Regex>> = RefCell::default();
}

/// Go's error is returned as `regexp.Compile` words it.
pub(super) fn compiled(pattern: &str) -> Result<Regex, String> {
    let known = COMPILED.with_borrow(|compiled| compiled.get(pattern).cloned());
    if let Some(regex) = known {
        return Ok(regex);
    }
    let regex = search_regex(pattern).map_err(|error| format!("error parsing regexp: {error}"))?;
    COMPILED.with_borrow_mut(|compiled| {
        if compiled.len() >= KEPT {
            compiled.clear();
        }
        compiled.insert(pattern.to_owned(), regex.clone());
    });
    Ok(regex)
}

/// `match`: whether the pattern is found anywhere.
pub(super) fn is_match(pattern: &str, text: &str) -> Result<bool, String> {
    Ok(compiled(pattern)?.is_match(text))
}

/// `reReplaceAll`: every match by a replacement, in which `$1` and `${name}` stand for groups.
pub(super) fn replace_all(pattern: &str, replacement: &str, text: &str) -> Result<String, String> {
    match compiled(pattern) {
        Ok(regex) => Ok(regex.replace_all(text, replacement).into_owned()),
        // Compiled there by `regexp.MustCompile`.
        Err(error) => {
            let raw = pattern.chars().all(|c| (!c.is_control() || c == '\t') && c != '`' && c != '\u{feff}');
            let shown = match raw {
                true => format!("`{pattern}`"),
                false => String::from_utf8_lossy(&quote(pattern.as_bytes(), Quote::Double, false)).into_owned(),
            };
            Err(format!("regexp: Compile({shown}): {error}"))
        }
    }
}
