//! Which alert a place of a document is about: the names before it, and how far each of them reaches.
//!
//! A name that begins a heading, an item or a line of its own is a title, and what stands below is about it. A name in the
//! middle of a sentence may as well be there for comparison.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;

use super::alerts::{humps, is_name};
use super::page::Page;
use super::section;
use super::{Confidence, Finding, pattern};
use crate::text::{Located, Span};

/// How far above a place a title is surely its own, in lines.
const NEAR: usize = 3;

/// The name that a line begins with, behind marks and a word that says that it is one.
static LEADING: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?x)^ [\s>|]* (?<item>(?:[-*+]|\d+[.)])\s+)? (?:\[[\ xX]\]\s+)? (?<heading>\#{1,6}\s+)? (?:\d+(?:\.\d+)*[.)]?\s+)?",
        r"(?<marks>[*_`\[]*) (?:(?i:alert(?:\s?name|\s+rule)?)[*_`\s]*[:=]?[*_`\s]*\s[*_`]* | (?<key>(?i:name|rule)[*_`]*\s*[:=][*_`\s]*))?",
        r"(?<name>[A-Za-z][A-Za-z0-9_]{2,}) (?<end>[*_`\]]*) (?<rest>.*)$",
    ))
});
/// A line that calls some words an alert: `#### Alert: High error rate`. A rule may be called so.
static CALLED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?i)^[\s>]*(?:[-*+]\s+|\d+[.)]\s+|\#{1,6}\s+)?[*_`]*alert(?:\s?name|\s+rule)?(?:\s+\d+)?[*_`]*\s*[:—–][*_`\s]*",
        r"([A-Za-z][^.`:]*\s[^.`:]*[^.`:\s*_])[\s*_`]*$",
    ))
});
/// A name in marks.
static MARKED: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?:`|\*\*)([A-Z][A-Za-z0-9_]{3,})(?:`|\*\*)"));
static WORD: LazyLock<Regex> = LazyLock::new(|| pattern(r"[A-Za-z_][A-Za-z0-9_]*"));

/// A name that may be what the text after it is about.
#[derive(Clone, Debug)]
pub struct Candidate {
    pub name: Located,
    pub start: usize,
    /// It begins a heading, an item, or its line.
    pub title: bool,
    /// A section or an item is named after it.
    heads: bool,
    /// The section that it stands in; of a heading its own.
    reach: Span,
    /// The items of lists that it stands in, the outermost first; of a field (`Alert: Name`) those around it.
    items: Vec<Span>,
}

/// All names of a page, in order.
pub struct Subjects(Vec<Candidate>);

impl Subjects {
    /// `names` are those found by what the page says of them, `known` those of somebody's rules.
    pub fn of(page: &Page, names: &[Finding], known: &BTreeSet<String>) -> Subjects {
        let mut found: Vec<(Span, bool)> = Vec::new();
        let headings: Vec<Span> = page.headings.iter().map(|heading| heading.span).collect();
        for line in &page.lines {
            let text = page.text(*line);
            let in_heading = super::page::is_in(&headings, line.start);
            let words = || called(text);
            if let Some(name) = words().or_else(|| leading(text, in_heading, known)) {
                found.push((Span::new(line.start + name.start, line.start + name.end), true));
            }
            let marked = MARKED.captures_iter(text).filter_map(|captures| captures.get(1));
            // Who knows the names takes no other words for one.
            let marked = marked.filter(|name| known.is_empty() && humps(name.as_str()) >= 2);
            let words = WORD.find_iter(text).filter(|word| known.contains(word.as_str()));
            found.extend(
                marked.chain(words).map(|name| (Span::new(line.start + name.start(), line.start + name.end()), false)),
            );
        }
        found.extend(names.iter().map(|name| (name.place(), false)));
        found.sort_by_key(|(span, title)| (span.start, !title));
        found.dedup_by_key(|(span, _)| span.start);
        Subjects(found.into_iter().map(|(span, title)| Candidate::new(page, span, title)).collect())
    }

    /// The alert that a place is about, and how sure that is: low where other names stand as near or nothing holds both together.
    pub fn at(&self, page: &Page, place: usize) -> Option<(&Candidate, Confidence)> {
        let before = &self.0[..self.0.partition_point(|candidate| candidate.start < place)];
        let items = page.items_at(place);
        let reaches = |candidate: &&Candidate| candidate.reaches(page, place, &items);
        let Some(chosen) = before.iter().rev().find(reaches) else {
            let nearest = before.last()?;
            // A document that names one alert, and none of its sections and items after it, is about that one.
            let only = before.iter().all(|other| other.name.value == nearest.name.value && !other.heads);
            return Some((nearest, if only { Confidence::Medium } else { Confidence::Low }));
        };
        let other = |candidate: &&Candidate| candidate.name.value != chosen.name.value;
        let behind = before.partition_point(|candidate| candidate.start <= chosen.start);
        let passed_over = before[behind..].iter().any(|candidate| other(&candidate));
        let compared = !chosen.title && before.iter().filter(other).any(|candidate| reaches(&candidate));
        let line = |at: usize| page.source.line(at);
        let same = section::innermost(&page.headings, chosen.start) == section::innermost(&page.headings, place);
        let confidence = match passed_over || compared {
            true => Confidence::Low,
            false if same && line(place) - line(chosen.start) <= NEAR => Confidence::High,
            false => Confidence::Medium,
        };
        Some((chosen, confidence))
    }

    /// Where the next title behind a place begins.
    pub fn next_title(&self, place: usize) -> Option<usize> {
        let next = self.0.partition_point(|candidate| candidate.start <= place);
        self.0[next..].iter().find(|candidate| candidate.title).map(|candidate| candidate.start)
    }
}

impl Candidate {
    fn new(page: &Page, span: Span, title: bool) -> Candidate {
        let whole = Span::new(0, page.source.text().len());
        let section = section::innermost(&page.headings, span.start);
        let reach = section.map_or(whole, |at| section::span(&page.headings, at, whole.end));
        let items = page.items_at(span.start);
        let in_heading = section.is_some_and(|at| span.start < page.headings[at].span.end);
        let heads = in_heading || (title && !items.is_empty());
        Candidate { name: page.verbatim(span), start: span.start, title, heads, reach, items }
    }

    fn reaches(&self, page: &Page, place: usize, items: &[Span]) -> bool {
        if !(self.reach.start..self.reach.end).contains(&place) {
            return false;
        }
        let shared = self.items.iter().zip(items).take_while(|(own, its)| own == its).count();
        // Fields of one alert may be items of one list: `- Alert: A`, `- Expression: B`.
        shared == self.items.len()
            || (shared + 1 >= self.items.len() && shared + 1 == items.len() && is_field(page, items[shared], place))
    }
}

/// Whether what stands between the beginning of an item and a place in it is a word that tells what is there.
pub fn is_field(page: &Page, item: Span, place: usize) -> bool {
    super::stated::is_expression_key(page.text(Span::new(item.start, place)))
}

/// What a line calls an alert: a name, whatever is said behind it, or a few words.
fn called(line: &str) -> Option<Span> {
    const MOST_WORDS: usize = 8;
    let words = CALLED.captures(line)?.get(1)?;
    let first = words.as_str().split_whitespace().next()?;
    let end = if is_name(first) && humps(first) >= 2 { words.start() + first.len() } else { words.end() };
    (words.as_str().split_whitespace().count() <= MOST_WORDS || end < words.end())
        .then(|| Span::new(words.start(), end))
}

/// The name that a line begins with.
fn leading(line: &str, in_heading: bool, known: &BTreeSet<String>) -> Option<Span> {
    let captures = LEADING.captures(line)?;
    let (name, rest) = (captures.name("name")?, captures.name("rest")?.as_str().trim_start());
    let span = Span::new(name.start(), name.end());
    let has = |group: &str| captures.name(group).is_some_and(|found| !found.is_empty());
    let marked = has("marks") && has("end");
    let ends = !rest.starts_with(|c: char| c.is_alphanumeric()) || rest.to_lowercase().starts_with("alert");
    let alone = rest.is_empty() || rest.starts_with([':', '-', '–', '—', '(', '|']);
    if known.contains(name.as_str()) {
        return (in_heading || has("item") || marked || alone).then_some(span);
    }
    let shaped =
        is_name(name.as_str()) && humps(name.as_str()) >= if line[..name.start()].ends_with('`') { 1 } else { 2 };
    let stands_out = match in_heading {
        true => ends,
        false => marked || (alone && (has("item") || has("key") || rest.is_empty() || rest == ":")),
    };
    (shaped && stands_out).then_some(span)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::leading;

    #[test]
    fn a_line_begins_with_a_name_where_it_stands_out() {
        let name = |line: &str, in_heading: bool| {
            leading(line, in_heading, &BTreeSet::from(["etcdNoLeader".to_owned()]))
                .map(|span| line[span.start..span.end].to_owned())
        };
        for (line, in_heading) in [
            ("## DiskFull", true),
            ("DiskFull", true),
            ("### 2.1 `DiskFull` (page)", true),
            ("## Alert: DiskFull", true),
            ("- DiskFull", false),
            ("1. **DiskFull** pages", false),
            ("  * [DiskFull](#x): pages", false),
            ("**DiskFull** pages", false),
            ("DiskFull:", false),
            ("- Alert: `DiskFull`", false),
            ("Name: DiskFull", false),
            ("> **Alert**: DiskFull", false),
        ] {
            assert_eq!(name(line, in_heading).as_deref(), Some("DiskFull"), "{line}");
        }
        assert_eq!(name("- etcdNoLeader", false).as_deref(), Some("etcdNoLeader"));
        for (line, in_heading) in [
            ("## PostgreSQL replication lag", true),
            ("## Details", true),
            ("DiskFull is bad.", false),
            ("- DiskFull is bad.", false),
            ("- **Expression:** `a > 1`", false),
            ("etcdOther", false),
        ] {
            assert_eq!(name(line, in_heading), None, "{line}");
        }
    }
}
