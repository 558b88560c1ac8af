//! The shape of a page: not too long, and no heading without anything below it.

use crate::text::Span;

use super::{Checked, Finding, Name};

/// A page that is longer than `most` lines, what is folded left out, and its empty sections.
pub fn find(page: &Checked, most: u64) -> Vec<Finding> {
    let mut findings = empty_sections(page);
    findings.extend(long(page, most));
    findings
}

fn long(page: &Checked, most: u64) -> Option<Finding> {
    let text = page.page.source.text();
    let mut start = 0;
    let mut shown = 0;
    let mut first_behind = None;
    for line in text.split_inclusive('\n') {
        let folded = page.page.folded.iter().any(|span| (span.start..span.end).contains(&start));
        if !folded {
            shown += 1;
            if shown == most + 1 {
                first_behind = Some(Span::new(start, start + line.trim_end().len()));
            }
        }
        start += line.len();
    }
    let message = format!("the page has {shown} lines, and nobody reads more than {most} at night");
    let help = "put what is not needed at once behind <details>, or onto a page of its own";
    first_behind.map(|span| Finding::new(Name::LongPage, &page.page.source, span, message).help(help))
}

/// Headings with nothing between them and the next one that does not stand below them.
fn empty_sections(page: &Checked) -> Vec<Finding> {
    let page = &page.page;
    let mut findings = Vec::new();
    for (at, heading) in page.headings.iter().enumerate() {
        let next = page.headings.get(at + 1);
        if next.is_some_and(|next| next.level > heading.level) || (heading.level == 1 && next.is_some()) {
            continue;
        }
        let body = Span::new(heading.span.end, next.map_or(page.source.text().len(), |next| next.span.start));
        let mut text = page.text(body).to_owned();
        // A marker of a block is no comment to pass over: the block may be there to be filled.
        let comments = page.comments.iter().filter(|comment| (body.start..body.end).contains(&comment.start));
        for comment in
            comments.map(|comment| page.text(*comment)).filter(|comment| !comment.contains("firedrill:begin"))
        {
            text = text.replacen(comment, "", 1);
        }
        if text.trim().is_empty() {
            let message = format!("there is nothing below {:?}", heading.text);
            let finding = Finding::new(Name::EmptySection, &page.source, trimmed(page, heading.span), message);
            findings.push(finding.help("write it, or take the heading away"));
        }
    }
    findings
}

fn trimmed(page: &crate::runbook::Page, span: Span) -> Span {
    Span::new(span.start, span.start + page.text(span).trim_end().len())
}
