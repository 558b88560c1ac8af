//! Putting markers into a page that has none, without touching what is there.

use super::blocks::markers;
use super::page::Page;
use crate::text::Span;

/// What a page is about, as far as blocks go.
#[derive(Clone, Debug, Default)]
pub struct Adoption<'a> {
    /// A table of causes: it stands under the title, its queries and its timeline at the end.
    pub runbook: Option<&'a str>,
    /// Alerts: what their rules say stands at the end, and the timeline where there is no table of causes.
    pub alerts: Vec<&'a str>,
}

/// The page with markers and nothing between them. Everything else is as it was, byte for byte.
pub fn adopt(page: &Page, adoption: &Adoption<'_>) -> String {
    let text = page.source.text();
    let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let under_title = behind_title(page);
    let mut new = text[..under_title].to_owned();
    if let Some(runbook) = adoption.runbook {
        // On a line of its own, with an empty one before it.
        new.push_str(&breaks(&text[..under_title], newline));
        new.push_str(&markers("triage", runbook, newline));
    }
    new.push_str(&text[under_title..]);
    let at_the_end = adoption.alerts.iter().map(|alert| ("alert", *alert));
    let at_the_end = at_the_end.chain(adoption.runbook.iter().map(|runbook| ("queries", *runbook)));
    let timeline = adoption.runbook.or(adoption.alerts.first().copied());
    for (kind, subject) in at_the_end.chain(timeline.map(|subject| ("timeline", subject))) {
        let lead = breaks(&new, newline);
        new.push_str(&lead);
        new.push_str(&markers(kind, subject, newline));
    }
    new
}

/// Behind the title, else behind the data at the head of the page, else where the text begins.
fn behind_title(page: &Page) -> usize {
    let text = page.source.text();
    let head = page.front_matter.unwrap_or(Span::new(0, text.len() - text.trim_start_matches('\u{feff}').len()));
    let end = page.title().map_or(head, |title| title.span).end;
    // The span of a heading may end before its line does.
    if end == 0 || text[..end].ends_with('\n') || text[..end] == *"\u{feff}" {
        return end;
    }
    text[end..].find('\n').map_or(text.len(), |line| end + line + 1)
}

/// What makes the end of a text the end of a paragraph.
fn breaks(text: &str, newline: &str) -> String {
    let text = text.trim_start_matches('\u{feff}');
    let unix = text.replace("\r\n", "\n");
    match () {
        () if unix.is_empty() || unix.ends_with("\n\n") => String::new(),
        () if unix.ends_with('\n') => newline.to_owned(),
        () => newline.repeat(2),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runbook::blocks;
    use crate::text::Source;
    use proptest::prelude::*;

    fn adopted(text: &str, runbook: Option<&str>, alerts: Vec<&str>) -> String {
        adopt(&Page::read(&Source::new("p.md", text)), &Adoption { runbook, alerts })
    }

    #[test]
    fn the_table_stands_under_the_title_and_the_rest_at_the_end() {
        let new = adopted("---\ntitle: x\n---\n\n# T\n\ntext", Some("api"), vec!["ApiErrors"]);
        let expected = "---\ntitle: x\n---\n\n# T\n\n<!-- firedrill:begin triage api -->\n<!-- firedrill:end -->\n\ntext\n\n\
                        <!-- firedrill:begin alert ApiErrors -->\n<!-- firedrill:end -->\n\n\
                        <!-- firedrill:begin queries api -->\n<!-- firedrill:end -->\n\n\
                        <!-- firedrill:begin timeline api -->\n<!-- firedrill:end -->\n";
        assert_eq!(new, expected);
        let new = adopted("T\n===\ntext\n", Some("api"), Vec::new());
        assert!(new.starts_with("T\n===\n\n<!-- firedrill:begin triage api -->"), "{new}");
    }

    proptest! {
        #[test]
        fn not_a_byte_of_the_page_is_lost(text in "\u{feff}?(# T\\r?\\n)?[ a-z#*\\-`\\n\\r|é]{0,60}") {
            let new = adopted(&text, Some("api"), vec!["A", "B"]);
            let mut rest = new.clone();
            for part in ["triage api", "alert A", "alert B", "queries api", "timeline api"] {
                for newline in ["\r\n", "\n"] {
                    let markers = blocks::markers(part, "", newline).replace("  -->", " -->");
                    rest = rest.replacen(&markers, "", 1);
                }
            }
            let letters = |text: &str| text.chars().filter(|c| !matches!(c, '\r' | '\n')).collect::<String>();
            prop_assert_eq!(letters(&rest), letters(&text));
            prop_assert!(new.starts_with(&text[..behind_title(&Page::read(&Source::new("p.md", text.as_str())))]));
        }
    }
}
