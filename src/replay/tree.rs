//! Changes of a replay's YAML tree, before it is read: `${name}` filled in, values set by path.

use std::collections::BTreeMap;

use super::names;
use crate::text::nearest;
pub use crate::text::yaml::{Kind, Node};
use crate::text::{Diagnostic, Source};

/// Replaces `${name}` in every text of a node by its value. A name that `values` does not hold is an error, unless
/// `open` (a template that is filled in later).
pub fn substitute_all(
    node: &mut Node,
    values: &BTreeMap<String, String>,
    open: bool,
    source: &Source,
    problems: &mut Vec<Diagnostic>,
) {
    match &mut node.kind {
        Kind::Null => {}
        Kind::Scalar { text, .. } => match substitute(text, values, open) {
            Ok(Some(new)) => *text = new.into(),
            Ok(None) => {}
            Err(problem) => problems.push(problem.at(source, node.span)),
        },
        Kind::List(items) => {
            items.iter_mut().for_each(|item| substitute_all(item, values, open, source, problems));
        }
        Kind::Map(entries) => {
            for (key, value) in entries {
                substitute_all(key, values, open, source, problems);
                substitute_all(value, values, open, source, problems);
            }
        }
    }
}

/// `text` with `${name}` replaced; `None` where there is nothing to replace.
pub fn substitute(text: &str, values: &BTreeMap<String, String>, open: bool) -> Result<Option<String>, Diagnostic> {
    if !text.contains("${") {
        return Ok(None);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let (before, after) = rest.split_at(at);
        out.push_str(before);
        let Some(close) = after.find('}') else {
            return Err(Diagnostic::error("`${` without a closing brace").help("write `${name}`"));
        };
        let name = &after[2..close];
        match values.get(name) {
            Some(value) => out.push_str(value),
            None if open => out.push_str(&after[..=close]),
            None => {
                let known = values.keys().map(String::as_str);
                let problem = Diagnostic::error(format!("unknown substitution `${{{name}}}`"));
                return Err(match nearest(name, known.clone()) {
                    Some(near) => problem.help(format!("did you mean `${{{near}}}`?")),
                    None => problem.help(names::known("`each` defines here", known)),
                });
            }
        }
        rest = &after[close + 1..];
    }
    out.push_str(rest);
    Ok(Some(out))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn substitution_replaces_known_names_and_refuses_others() {
        let values = BTreeMap::from([("leg".to_owned(), "internal".to_owned())]);
        assert_eq!(substitute("x{leg=\"${leg}\"}", &values, false).unwrap().unwrap(), "x{leg=\"internal\"}");
        assert_eq!(substitute("plain", &values, false).unwrap(), None);
        let problem = substitute("${log}", &values, false).unwrap_err();
        assert_eq!(problem.help.as_deref(), Some("did you mean `${leg}`?"));
        assert_eq!(substitute("${wait} s", &values, true).unwrap().unwrap(), "${wait} s");
        assert!(substitute("${wait", &values, true).is_err());
    }
}
