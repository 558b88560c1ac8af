//! Sections of a document: headings, the path of headings above a place, and their anchors.

use crate::text::{Source, Span};

/// The longest line that is taken for a heading where the document has no marks for them, in characters and words.
const LONGEST: usize = 60;
const MOST_WORDS: usize = 8;
/// A line beside which a short one stands out.
const LONG: usize = 90;

/// A heading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heading {
    /// 1 is the outermost.
    pub level: u8,
    /// Without its marks.
    pub text: String,
    pub span: Span,
    /// The heading of the section that it stands in, by its position.
    pub above: Option<usize>,
}

/// The headings above a place, the outermost first.
pub fn path(headings: &[Heading], at: usize) -> Vec<String> {
    let mut path: Vec<String> = Vec::new();
    let mut next = innermost(headings, at);
    while let Some(heading) = next.and_then(|at| headings.get(at)) {
        path.push(heading.text.clone());
        next = heading.above;
    }
    path.reverse();
    path
}

/// The section under a heading: down to the next heading of its level, or to the end of the text.
pub fn span(headings: &[Heading], at: usize, end: usize) -> Span {
    let level = headings[at].level;
    let next = headings[at + 1..].iter().find(|next| next.level <= level);
    Span::new(headings[at].span.start, next.map_or(end, |next| next.span.start))
}

/// The innermost section that a place stands in, by its heading.
pub fn innermost(headings: &[Heading], at: usize) -> Option<usize> {
    headings.partition_point(|heading| heading.span.start <= at).checked_sub(1)
}

/// Says of each heading which one is above it.
pub fn nest(headings: &mut [Heading]) {
    let mut open: Vec<(u8, usize)> = Vec::new();
    for (at, heading) in headings.iter_mut().enumerate() {
        open.retain(|(level, _)| *level < heading.level);
        heading.above = open.last().map(|(_, above)| *above);
        open.push((heading.level, at));
    }
}

/// What links call a heading, as GitHub and GitLab make it: `Key metrics!` is `key-metrics`.
pub fn anchor(heading: &str) -> String {
    let kept = heading.trim().chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).flat_map(char::to_lowercase).collect()
}

/// The headings of a text without marks: short lines that stand alone, or between long ones.
pub fn plain_headings(source: &Source) -> Vec<Heading> {
    let text = source.text();
    let mut lines: Vec<(usize, &str)> = Vec::new();
    let mut start = super::page::begins(text);
    for line in text[start..].split('\n') {
        lines.push((start, line.trim_end()));
        start += line.len() + 1;
    }
    let stands_out = |neighbour: Option<&(usize, &str)>| {
        neighbour.is_none_or(|(_, line)| line.trim().is_empty() || line.chars().count() > LONG)
    };
    let mut headings = Vec::new();
    for (at, (start, line)) in lines.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|at| lines.get(at));
        if is_title(line) && stands_out(before) && stands_out(lines.get(at + 1)) {
            let level = if headings.is_empty() { 1 } else { 2 };
            headings.push(Heading {
                level,
                text: (*line).to_owned(),
                span: Span::new(*start, start + line.len()),
                above: None,
            });
        }
    }
    headings
}

fn is_title(line: &str) -> bool {
    let words = line.split_whitespace().count();
    (1..=MOST_WORDS).contains(&words)
        && line.chars().count() <= LONGEST
        && line.starts_with(|c: char| c.is_uppercase())
        && !line.ends_with(['.', ',', ';', ':'])
        && line.chars().all(|c| c.is_alphanumeric() || " -'’!?,&/()".contains(c))
}
