//! A page of a runbook, taken apart: headings with their anchors, links, code, what is folded, comments.

use std::collections::{BTreeMap, BTreeSet};

use pulldown_cmark::{BrokenLink, CowStr, Event, LinkType, Options, Parser, Tag, TagEnd};

use crate::incident::anchor;
use crate::text::{Source, Span};

/// A page, read once.
#[derive(Clone, Debug)]
pub struct Page {
    pub source: Source,
    /// In the order of the page.
    pub headings: Vec<Heading>,
    /// What a link to a place in this page may name: anchors of headings, and ids in HTML.
    pub anchors: BTreeSet<String>,
    pub links: Vec<Link>,
    /// Fenced, indented and inline code, in order.
    pub code: Vec<Span>,
    /// What is shown only to those who open it: `<details>`.
    pub folded: Vec<Span>,
    /// Blocks of HTML, each to where its markdown goes on.
    pub html: Vec<Span>,
    /// `<!-- ... -->` in HTML, marks included; what is not closed goes on to the end.
    pub comments: Vec<Span>,
    /// Data at the head of the page, with its marks.
    pub front_matter: Option<Span>,
}

/// A heading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heading {
    /// 1 is the outermost.
    pub level: u8,
    /// Without its marks.
    pub text: String,
    /// What a link names it by.
    pub anchor: String,
    pub span: Span,
}

/// A link or an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    pub target: String,
    pub span: Span,
    /// `[text][name]` where the page says nowhere what the name stands for.
    pub undefined: bool,
}

impl Page {
    /// Takes a page apart.
    pub fn read(source: &Source) -> Page {
        let mut page = Page {
            source: source.clone(),
            headings: Vec::new(),
            anchors: BTreeSet::new(),
            links: Vec::new(),
            code: Vec::new(),
            folded: Vec::new(),
            html: Vec::new(),
            comments: Vec::new(),
            front_matter: None,
        };
        let inline = page.take_events();
        page.code.sort_unstable();
        let mut html = [page.html.as_slice(), &inline].concat();
        html.sort_unstable();
        page.comments = comments(source.text(), &html, &page.code);
        page.take_references();
        page
    }

    /// Takes all but comments; yields the HTML inside of paragraphs.
    fn take_events(&mut self) -> Vec<Span> {
        let options = Options::ENABLE_TABLES
            | Options::ENABLE_STRIKETHROUGH
            | Options::ENABLE_FOOTNOTES
            | Options::ENABLE_HEADING_ATTRIBUTES
            | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS;
        let source = self.source.clone();
        // A mark of the byte order is no part of the first line.
        let offset = source.text().len() - source.text().trim_start_matches('\u{feff}').len();
        let text = &source.text()[offset..];
        let mut undefined = Vec::new();
        let mut note_undefined = |broken: BrokenLink<'_>| -> Option<(CowStr<'_>, CowStr<'_>)> {
            // `[5m]` and `[x]` are no links, and nobody meant them to be.
            if matches!(broken.link_type, LinkType::Reference | LinkType::Collapsed) {
                undefined.push(Link {
                    target: broken.reference.to_string(),
                    span: Span::new(broken.span.start + offset, broken.span.end + offset),
                    undefined: true,
                });
            }
            None
        };
        let parser = Parser::new_with_broken_link_callback(text, options, Some(&mut note_undefined));
        let mut heading: Option<Heading> = None;
        let mut counted: BTreeMap<String, usize> = BTreeMap::new();
        let mut open: Vec<usize> = Vec::new();
        let mut inline: Vec<Span> = Vec::new();
        for (event, range) in parser.into_offset_iter() {
            let span = Span::new(range.start + offset, range.end + offset);
            match event {
                Event::Start(Tag::Heading { level, id, .. }) => {
                    let anchor = id.map(|id| id.to_string()).unwrap_or_default();
                    heading = Some(Heading { level: level as u8, text: String::new(), anchor, span });
                }
                Event::End(TagEnd::Heading(_)) => {
                    if let Some(mut heading) = heading.take() {
                        heading.text = heading.text.trim().to_owned();
                        if heading.anchor.is_empty() {
                            heading.anchor = unique(anchor(&heading.text), &mut counted);
                        }
                        self.anchors.insert(heading.anchor.clone());
                        self.headings.push(heading);
                    }
                }
                Event::Start(Tag::CodeBlock(_)) => self.code.push(span),
                Event::Start(Tag::MetadataBlock(_)) => self.front_matter = Some(span),
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    self.links.push(Link { target: dest_url.to_string(), span, undefined: false });
                }
                Event::Text(words) => {
                    if let Some(heading) = &mut heading {
                        heading.text.push_str(&words);
                    }
                }
                Event::Code(words) => {
                    self.code.push(span);
                    if let Some(heading) = &mut heading {
                        heading.text.push_str(&words);
                    }
                }
                Event::Start(Tag::HtmlBlock) => self.html.push(span),
                Event::Html(html) => self.take_html(&html, span, &mut open),
                Event::InlineHtml(html) => {
                    inline.push(span);
                    self.take_html(&html, span, &mut open);
                }
                _ => {}
            }
        }
        self.links.extend(undefined);
        self.links.sort_by_key(|link| link.span);
        inline
    }

    /// Ids and folded parts; `open` holds where those begin that are not closed yet.
    fn take_html(&mut self, html: &str, span: Span, open: &mut Vec<usize>) {
        let lower = html.to_lowercase();
        for (at, _) in lower.match_indices('<') {
            if lower[at..].starts_with("<details") {
                open.push(span.start + at);
            } else if lower[at..].starts_with("</details")
                && let Some(start) = open.pop()
            {
                self.folded.push(Span::new(start, span.end));
            }
        }
        for name in ["id=", "name="] {
            for (at, _) in html.match_indices(name) {
                let rest = &html[at + name.len()..];
                let value = match rest.chars().next() {
                    Some(quote @ ('"' | '\'')) => rest[1..].split(quote).next(),
                    _ => rest.split(|c: char| c.is_whitespace() || c == '>').next(),
                };
                self.anchors.extend(value.filter(|value| !value.is_empty()).map(str::to_owned));
            }
        }
    }

    /// `{{< ref "x.md" >}}`, by which Hugo links pages.
    fn take_references(&mut self) {
        let text = self.source.text();
        for mark in ["{{< ref ", "{{< relref ", "{{% ref ", "{{% relref "] {
            for (at, _) in text.match_indices(mark).filter(|(at, _)| !holds(&self.code, *at)) {
                let rest = &text[at + mark.len()..];
                let Some(name) = rest.strip_prefix('"').and_then(|rest| rest.split('"').next()) else { continue };
                let start = at + mark.len() + 1;
                let span = Span::new(start, start + name.len());
                self.links.push(Link { target: name.to_owned(), span, undefined: false });
            }
        }
        self.links.sort_by_key(|link| link.span);
    }

    /// What the page calls itself: its first heading, if that is one of the first level.
    pub fn title(&self) -> Option<&Heading> {
        self.headings.first().filter(|heading| heading.level == 1)
    }

    /// The section that a place is in, down to the next heading of its level; what stands before any heading is in the
    /// whole page.
    pub fn section(&self, at: usize) -> Span {
        let whole = Span::new(0, self.source.text().len());
        let Some(last) = self.headings.partition_point(|heading| heading.span.start <= at).checked_sub(1) else {
            return whole;
        };
        let heading = &self.headings[last];
        let next = self.headings[last + 1..].iter().find(|next| next.level <= heading.level);
        Span::new(heading.span.start, next.map_or(whole.end, |next| next.span.start))
    }

    /// What stands at a place.
    pub fn text(&self, span: Span) -> &str {
        self.source.text().get(span.start..span.end).unwrap_or_default()
    }

    /// Where that begins, a fence or a comment, in which a block of HTML at a place would not be one; `None` where it is.
    pub fn opening(&self, at: usize) -> Option<usize> {
        let begins = |spans: &[Span]| spans.iter().any(|span| span.start == at);
        if begins(&self.html) && begins(&self.comments) {
            return None;
        }
        let around = [&self.code, &self.comments, &self.html].into_iter().flatten();
        Some(around.filter(|span| span.start < at && at < span.end).map(|span| span.start).min().unwrap_or(at))
    }

    /// A fence that goes on to the end of the page since nothing closes it.
    pub fn unclosed_fence(&self) -> Option<Span> {
        let last = *self.code.last().filter(|span| self.source.text()[span.end..].trim().is_empty())?;
        let text = self.text(last).trim();
        let mark = text.chars().next().filter(|c| matches!(c, '`' | '~'))?;
        let marks = |line: &str| line.chars().take_while(|c| *c == mark).count();
        let closes = |line: &str| marks(line) >= marks(text) && line.chars().all(|c| c == mark);
        let open = marks(text) >= 3 && !text.lines().skip(1).last().is_some_and(|line| closes(line.trim()));
        open.then_some(last)
    }

    pub fn is_code(&self, at: usize) -> bool {
        holds(&self.code, at)
    }

    pub fn is_comment(&self, at: usize) -> bool {
        holds(&self.comments, at)
    }
}

/// The second heading of a name has `-1` at its end, the third `-2`.
fn unique(anchor: String, counted: &mut BTreeMap<String, usize>) -> String {
    let count = counted.entry(anchor.clone()).or_default();
    *count += 1;
    match *count {
        1 => anchor,
        more => format!("{anchor}-{}", more - 1),
    }
}

/// Comments that begin in HTML. As in a browser they end at the first mark, wherever that is but in code.
fn comments(text: &str, html: &[Span], code: &[Span]) -> Vec<Span> {
    const OPEN: &str = "<!--";
    const CLOSE: &str = "-->";
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(start) = text[at..].find(OPEN).map(|start| at + start) {
        if !holds(html, start) {
            at = start + OPEN.len();
            continue;
        }
        let mut ends = text[start..].match_indices(CLOSE).map(|(end, _)| start + end);
        at = ends.find(|end| !holds(code, *end)).map_or(text.len(), |end| end + CLOSE.len());
        found.push(Span::new(start, at));
    }
    found
}

/// Whether a place lies in one of some spans, which are in order.
fn holds(spans: &[Span], at: usize) -> bool {
    let next = spans.partition_point(|span| span.end <= at);
    spans.get(next).is_some_and(|span| span.start <= at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(text: &str) -> Page {
        Page::read(&Source::new("page.md", text))
    }

    #[test]
    fn anchors_are_those_of_the_published_page() {
        let page =
            page("# A b!\n## `rate()` of _x_\n## A b\n### Own {#mine}\n<a name=\"old\"></a>\n\n<h2 id='h'>x</h2>\n");
        let anchors: Vec<&str> = page.anchors.iter().map(String::as_str).collect();
        assert_eq!(anchors, ["a-b", "a-b-1", "h", "mine", "old", "rate-of-x"]);
        assert_eq!(page.title().map(|title| title.text.as_str()), Some("A b!"));
    }

    #[test]
    fn a_mark_of_the_byte_order_hides_no_title_and_moves_no_place() {
        let page = page("\u{feff}# Title\n[x](y.md)\n");
        assert_eq!(page.title().map(|title| title.text.as_str()), Some("Title"));
        assert_eq!(page.text(page.links[0].span), "[x](y.md)");
    }

    #[test]
    fn links_without_a_definition_are_found_and_ranges_are_none() {
        let page = page("[text][gone] and rate(x[5m]) and [text][there] and [a](b.md#c)\n\n[there]: d.md\n");
        let links: Vec<(&str, bool)> = page.links.iter().map(|link| (link.target.as_str(), link.undefined)).collect();
        assert_eq!(links, [("gone", true), ("d.md", false), ("b.md#c", false)]);
    }

    #[test]
    fn what_is_folded_and_what_is_a_comment_has_its_place() {
        let text = "# T\n<details>\n<summary>s</summary>\n\ninside\n\n</details>\n\n```\n<!-- code -->\n```\n<!-- real\nlong -->\n";
        let page = page(text);
        assert!(page.text(page.folded[0]).starts_with("<details>") && page.text(page.folded[0]).contains("inside"));
        assert_eq!(page.comments.iter().map(|span| page.text(*span)).collect::<Vec<_>>(), ["<!-- real\nlong -->"]);
    }

    #[test]
    fn a_comment_that_is_not_closed_goes_on_to_the_end_and_one_in_a_sentence_is_none() {
        let comments = |text: &str| {
            let page = page(text);
            page.comments.iter().map(|span| page.text(*span).to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(comments("# T\n\n<!-- open\n\ntext\n"), ["<!-- open\n\ntext\n"]);
        assert_eq!(comments("a <!-- b --> c <!-- d\n\n--> e\n"), ["<!-- b -->"]);
        // Markdown has its own opinion where a block of HTML ends; the comment in it goes on.
        assert_eq!(comments("<div>\n<!-- a\n\nb `-->` c -->\n"), ["<!-- a\n\nb `-->` c -->"]);
    }

    #[test]
    fn a_section_ends_at_the_next_heading_of_its_level() {
        let text = "intro\n# A\n## B\nb\n### C\nc\n## D\nd\n";
        let page = page(text);
        let section = |needle: &str| page.text(page.section(text.find(needle).unwrap()));
        assert_eq!(section("b\n"), "## B\nb\n### C\nc\n");
        assert_eq!(section("d\n"), "## D\nd\n");
        assert_eq!(section("intro"), text);
    }
}
