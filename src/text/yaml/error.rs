//! Errors of the YAML parser in this project's words.

use granit_parser::{ErrorKind, ScanError};

use crate::text::{Diagnostic, Source, Span};

/// What a parser's error says, where, and what to write instead.
pub(super) fn diagnose(error: &ScanError, source: &Source) -> Diagnostic {
    let text = source.text();
    let start = error.marker().byte_offset().unwrap_or(text.len()).min(text.len());
    let place = Span::new(start, start + 1);
    let message = error.info();
    if message.contains("tab")
        && let Some(tab) = tab_in_indentation(source, place.start)
    {
        return Diagnostic::error("YAML does not allow tabs for indentation")
            .at(source, tab)
            .help("indent with spaces");
    }
    match error.kind() {
        ErrorKind::UnknownAnchor => {
            // The parser knows only the mapping that it was in.
            let ahead = text.get(start..).and_then(|rest| rest.find('*')).unwrap_or_default();
            Diagnostic::error("this alias has no anchor in front of it")
                .at(source, Span::new(start + ahead, start + ahead + 1))
                .help("define it with `&name` before it is used; write a text that starts with `*` in quotes")
        }
        ErrorKind::RecursionLimitExceeded => {
            too_much("lists and mappings nest too deeply", "nest them less deeply").at(source, place)
        }
        _ => {
            let problem = Diagnostic::error(format!("not valid YAML: {message}")).at(source, place);
            match hint(&message, source, place) {
                Some(help) => problem.help(help),
                None => problem,
            }
        }
    }
}

/// A file that holds more than its limits allow.
pub(super) fn too_much(what: &str, help: &str) -> Diagnostic {
    Diagnostic::error(format!("not read: {what}")).help(help)
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
    if message.contains("multiline quoted") {
        return Some("indent every line of a quoted text further than its key, or write the text in one line");
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
