//! Errors of the YAML parser in this project's words.

use serde_yaml::Error;

use crate::text::{Diagnostic, LineColumn, Source, Span};

/// What a parser's error says, where, and what to write instead.
pub(super) fn diagnose(error: &Error, source: &Source) -> Diagnostic {
    let error = match error.without_snippet() {
        // The original is more telling than its way through an alias.
        Error::AliasError { error, .. } => error.without_snippet(),
        error => error,
    };
    let place = error.location().map(|location| {
        let span = location.span();
        let place = LineColumn { line: location.line() as usize, column: location.column() as usize };
        let start = span.byte_offset().map_or_else(|| source.offset(place), |offset| offset as usize);
        let start = start.min(source.text().len());
        let length = (span.byte_len().unwrap_or_default() as usize).min(source.text().len() - start);
        Span::new(start, start + length.max(1))
    });
    let mut place = place.unwrap_or_default();
    let message = headline(error);
    if message.contains("tab")
        && let Some(tab) = tab_in_indentation(source, place.start)
    {
        return Diagnostic::error("YAML does not allow tabs for indentation")
            .at(source, tab)
            .help("indent with spaces");
    }
    let problem = match error {
        Error::DuplicateMappingKey { key, .. } => {
            let key = key.as_deref().map_or_else(|| "a key".to_owned(), |key| format!("`{key}`"));
            Diagnostic::error(format!("{key} is given twice in one mapping"))
                .help("keep one of them; YAML would silently ignore the other")
        }
        Error::UnknownAnchor { .. } => {
            // The parser knows only the mapping that it was in.
            let ahead = source.text().get(place.start..).and_then(|rest| rest.find('*')).unwrap_or_default();
            place = Span::new(place.start + ahead, place.start + ahead + 1);
            Diagnostic::error("this alias has no anchor in front of it")
                .help("define it with `&name` before it is used; write a text that starts with `*` in quotes")
        }
        Error::Budget { .. } | Error::AliasReplayLimitExceeded { .. } | Error::AliasReplayStackDepthExceeded { .. } => {
            too_much(error)
        }
        _ => {
            let help = hint(&message, source, place);
            let problem = Diagnostic::error(format!("not valid YAML: {message}"));
            match help {
                Some(help) => problem.help(help),
                None => problem,
            }
        }
    };
    problem.at(source, place)
}

/// What of a file is too much: the parser's budgets in words.
fn too_much(error: &Error) -> Diagnostic {
    use serde_yaml::budget::BudgetBreach;
    let (what, help) = match error {
        Error::Budget { breach: BudgetBreach::Depth { .. }, .. } => {
            ("lists and mappings nest too deeply", "nest them less deeply")
        }
        Error::Budget { breach: BudgetBreach::RecordedAnchorEvents { .. }, .. }
        | Error::AliasReplayLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. } => {
            ("aliases (`*name`) repeat too many values", "repeat less through anchors")
        }
        _ => ("the file holds too many values", "split it into several files"),
    };
    Diagnostic::error(format!("not read: {what}")).help(help)
}

/// The parser's message without its place.
fn headline(error: &Error) -> String {
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default();
    let line = line.split(" at line ").next().unwrap_or(line);
    line.strip_prefix("error: ").unwrap_or(line).trim_end_matches([':', ' ']).to_owned()
}

/// The first tab in the indentation of a line, from the line of `at` on.
fn tab_in_indentation(source: &Source, at: usize) -> Option<Span> {
    let text = source.text();
    let mut start = text.get(..at)?.rfind('\n').map_or(0, |at| at + 1);
    for line in text.get(start..)?.split_inclusive('\n') {
        let blank = line.bytes().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        if let Some(tab) = line[..blank].find('\t') {
            return Some(Span::new(start + tab, start + tab + 1));
        }
        start += line.len();
    }
    None
}

/// What is likely meant at the place of a syntax error.
fn hint(message: &str, source: &Source, place: Span) -> Option<&'static str> {
    let text = source.text();
    let rest = text.get(place.start..).unwrap_or_default();
    let line_start = text.get(..place.start).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
    let line = text.get(line_start..).unwrap_or_default().lines().next().unwrap_or_default();
    if message.contains("mapping value") || line.matches(": ").count() > 1 {
        return Some("a text that holds `: ` needs quotes, or a block: `|` and the text on lines of its own");
    }
    if rest.starts_with(['@', '`', '%', '*', '&', '!']) {
        return Some("a text that starts with this character needs quotes");
    }
    if line.contains("\"") || line.contains('\'') {
        return Some("every quote needs a closing one; inside of single quotes write '' for one");
    }
    None
}

#[cfg(test)]
mod tests {
    use crate::text::Source;
    use crate::text::yaml::read_documents;

    fn problem(text: &str) -> (String, String) {
        let problem = read_documents(&Source::new("f.yaml", text)).unwrap_err();
        (problem.to_string(), problem.help.unwrap_or_default())
    }

    #[test]
    fn tabs_are_named_with_their_place() {
        let (message, help) = problem("groups:\n- name: a\n  rules:\n\t- alert: B\n");
        assert_eq!(message, "f.yaml:4:1: YAML does not allow tabs for indentation");
        assert_eq!(help, "indent with spaces");
    }

    #[test]
    fn duplicate_keys_are_refused() {
        let (message, _) = problem("a: 1\nb: 2\na: 3\n");
        assert_eq!(message, "f.yaml:3:1: `a` is given twice in one mapping");
    }

    #[test]
    fn syntax_errors_have_a_place() {
        for (text, place) in [
            ("a: [1\n", "f.yaml:"),
            ("a: b: c\n", "f.yaml:1:"),
            ("a: \"x\n", "f.yaml:"),
            ("a: *nothing\n", "f.yaml:1:4"),
            ("a: @x\n", "f.yaml:1:4"),
            ("a: 1\n b: 2\n", "f.yaml:"),
        ] {
            let (message, help) = problem(text);
            assert!(message.starts_with(place), "{text:?}: {message} ({help})");
        }
    }

    #[test]
    fn documents_that_explode_are_stopped() {
        let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for level in 1..12 {
            let alias = format!("*a{}", level - 1);
            bomb.push_str(&format!("a{level}: &a{level} [{}]\n", [alias.as_str(); 10].join(", ")));
        }
        assert!(problem(&bomb).0.contains("too many values"), "{:?}", problem(&bomb));
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(problem(&deep).0.starts_with("f.yaml:1:"), "{:?}", problem(&deep));
        let nested: String = (0..300).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect();
        assert!(problem(&nested).0.starts_with("f.yaml:"), "{:?}", problem(&nested));
    }
}
