//! Putting markers into a page that has none, without touching what is there.

use super::blocks::markers;
use super::page::Page;
use crate::text::{Diagnostic, Source, Span};

/// What a page is about, as far as blocks go.
#[derive(Clone, Debug, Default)]
pub struct Adoption<'a> {
    /// A table of causes: it stands under the title; at the end the causes that it leads to, its queries and its timeline.
    pub runbook: Option<&'a str>,
    /// Alerts: what their rules say stands at the end, and the timeline where there is no table of causes.
    pub alerts: Vec<&'a str>,
}

/// The page with markers and nothing between them. Everything else is as it was, byte for byte.
///
/// # Errors
/// A fence, a comment or the like that the page opens and never closes: what comes behind it is in it, and no marker.
pub fn adopt(page: &Page, adoption: &Adoption<'_>) -> Result<String, Diagnostic> {
    let text = page.source.text();
    let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let under_title = behind_title(page);
    let mut new = text[..under_title].to_owned();
    // The places of markers.
    let mut begins = Vec::new();
    let mut put = |new: &mut String, kind: &str, subject: &str| {
        // On a line of its own, with an empty one before it.
        let lead = breaks(new, newline);
        new.push_str(&lead);
        begins.push(new.len());
        new.push_str(&markers(kind, subject, newline));
    };
    if let Some(runbook) = adoption.runbook {
        put(&mut new, "triage", runbook);
    }
    let inserted = new.len() - under_title;
    new.push_str(&text[under_title..]);
    let at_the_end = adoption.runbook.iter().map(|runbook| ("causes", *runbook));
    let at_the_end = at_the_end.chain(adoption.alerts.iter().map(|alert| ("alert", *alert)));
    let at_the_end = at_the_end.chain(adoption.runbook.iter().map(|runbook| ("queries", *runbook)));
    let timeline = adoption.runbook.or(adoption.alerts.first().copied());
    for (kind, subject) in at_the_end.chain(timeline.map(|subject| ("timeline", subject))) {
        put(&mut new, kind, subject);
    }
    let read = Page::read(&Source::new(page.source.name(), new.as_str()));
    match begins.into_iter().find_map(|begin| read.opening(begin)) {
        None => Ok(new),
        Some(opening) if opening < under_title => Err(unclosed(page, opening)),
        Some(opening) => Err(unclosed(page, opening - inserted)),
    }
}

/// What opens at a place and is never closed.
fn unclosed(page: &Page, opening: usize) -> Diagnostic {
    let rest = &page.source.text()[opening..];
    let line = rest.lines().next().unwrap_or_default().trim_end();
    let (what, close) = match line.trim_start() {
        line if line.starts_with("<!--") => ("this comment", "write `-->` where it ends".to_owned()),
        line if line.starts_with('<') => ("this HTML", "close it where it ends".to_owned()),
        line => {
            let mark = line.chars().next().unwrap_or('`');
            let marks = line.chars().take_while(|c| *c == mark).count();
            ("this fence", format!("write {} on a line of its own where it ends", mark.to_string().repeat(marks)))
        }
    };
    let lead = line.len() - line.trim_start().len();
    Diagnostic::error(format!("{what} is never closed: markers behind it would be a part of it"))
        .at(&page.source, Span::new(opening + lead, opening + line.len()))
        .help(format!("{close}; the page is as it was"))
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
    use proptest::prelude::*;

    fn adopted(text: &str, runbook: Option<&str>, alerts: Vec<&str>) -> String {
        adopt(&Page::read(&Source::new("p.md", text)), &Adoption { runbook, alerts }).unwrap()
    }

    #[test]
    fn the_table_stands_under_the_title_and_the_rest_at_the_end() {
        let new = adopted("---\ntitle: x\n---\n\n# T\n\ntext", Some("api"), vec!["ApiErrors"]);
        let expected = "---\ntitle: x\n---\n\n# T\n\n<!-- firedrill:begin triage api -->\n<!-- firedrill:end -->\n\ntext\n\n\
                        <!-- firedrill:begin causes api -->\n<!-- firedrill:end -->\n\n\
                        <!-- firedrill:begin alert ApiErrors -->\n<!-- firedrill:end -->\n\n\
                        <!-- firedrill:begin queries api -->\n<!-- firedrill:end -->\n\n\
                        <!-- firedrill:begin timeline api -->\n<!-- firedrill:end -->\n";
        assert_eq!(new, expected);
        let new = adopted("T\n===\ntext\n", Some("api"), Vec::new());
        assert!(new.starts_with("T\n===\n\n<!-- firedrill:begin triage api -->"), "{new}");
    }

    #[test]
    fn what_is_never_closed_is_refused_at_its_opening() {
        let refused = |text: &str| {
            let page = Page::read(&Source::new("p.md", text));
            adopt(&page, &Adoption { runbook: Some("api"), alerts: vec!["A"] }).unwrap_err().to_string()
        };
        let behind = "is never closed: markers behind it would be a part of it";
        assert_eq!(refused("# T\n\n```sh\nls\n"), format!("p.md:3:1: this fence {behind}"));
        // A shorter fence closes none, and nor does one with words behind it.
        assert_eq!(refused("# T\n\n````\n```\nls\n```\n"), format!("p.md:3:1: this fence {behind}"));
        assert_eq!(refused("# T\n\na\n\n  ~~~\n~~~ x\n"), format!("p.md:5:3: this fence {behind}"));
        assert_eq!(refused("# T\n\nx\n\n<!-- note\n\ntext\n"), format!("p.md:5:1: this comment {behind}"));
        assert_eq!(refused("# T\n\n<div>\n<!-- note\n\ntext\n"), format!("p.md:4:1: this comment {behind}"));
        assert_eq!(refused("# T\n\n<pre>\n\nx\n"), format!("p.md:3:1: this HTML {behind}"));
        // Without a title the table stands above all of it, and the rest behind it.
        assert_eq!(refused("text\n\n```\nls\n"), format!("p.md:3:1: this fence {behind}"));
    }

    #[test]
    fn what_is_closed_by_itself_or_folded_is_no_hindrance() {
        for text in [
            "# T\n\n````\n```\nls\n````\n",
            "# T\n\n- a list\n\n  ```\n  ls\n",
            "# T\n\n> ```\n> ls\n",
            "# T\n\n    <!-- indented code\n",
            "# T\n\nwords with <!-- in them\n",
            "# T\n\n`<!-- code`\n",
            "# T\n\n<details>\n<summary>more</summary>\n\ntext\n",
            "---\ntitle: a <!-- b\n---\n\n# T\n",
        ] {
            let new = adopted(text, Some("api"), vec!["A"]);
            assert_eq!(blocks::read(&Page::read(&Source::new("p.md", new))).unwrap().len(), 5, "{text}");
        }
    }

    proptest! {
        #[test]
        fn not_a_byte_of_the_page_is_lost(text in "\u{feff}?(# T\\r?\\n)?[ a-z#*\\-`\\n\\r|é]{0,60}") {
            let page = Page::read(&Source::new("p.md", text.as_str()));
            let adoption = Adoption { runbook: Some("api"), alerts: vec!["A", "B"] };
            // A fence that is not closed.
            let Ok(new) = adopt(&page, &adoption) else { return Ok(()) };
            prop_assert_eq!(blocks::read(&Page::read(&Source::new("p.md", new.as_str()))).unwrap().len(), 6);
            let mut rest = new.clone();
            for part in ["triage api", "causes api", "alert A", "alert B", "queries api", "timeline api"] {
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
