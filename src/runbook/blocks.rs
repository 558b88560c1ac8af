//! Blocks that this program writes into people's pages: their markers, and putting new text between those.
//!
//! A marker is a comment on a line of its own, `<!-- firedrill:begin KIND ARGUMENTS -->`, and behind the block
//! `<!-- firedrill:end sha256:... -->` with the hash of what was written, so that an edit by hand is seen.

use sha2::{Digest, Sha256};

use super::page::Page;
use crate::text::{Diagnostic, Located, Source, Span, nearest};

/// How much of a hash stands in a marker, in hexadecimal digits. It tells edits, it is no seal.
const HASH_DIGITS: usize = 12;
/// The fewest digits that are taken for a hash.
const FEWEST_DIGITS: usize = 4;

const NAMESPACE: &str = "firedrill:";
/// How a marker in front of a block starts.
const BEGIN: &str = "<!-- firedrill:begin ";
const WORDS: [&str; 3] = ["begin", "end", "ignore"];

/// A block of a page.
#[derive(Clone, Debug)]
pub struct Block {
    pub kind: Located,
    pub arguments: Vec<Located>,
    /// The marker before it.
    pub begin: Span,
    /// What stands between the markers: whole lines.
    pub body: Span,
    /// The marker behind it.
    pub end: Span,
    /// In lower case; `None` where the block was never written.
    pub hash: Option<String>,
}

/// What became of a block since it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Nothing stands in it.
    Empty,
    /// What was written.
    Untouched,
    /// Something else, by somebody else.
    Edited,
}

/// A comment that is meant for this program: the word behind `firedrill:`, and what follows.
#[derive(Clone, Debug)]
pub struct Directive {
    pub word: Located,
    pub rest: Located,
    /// The whole comment.
    pub span: Span,
}

/// The comments of a page that are meant for this program, and those that are none that it knows.
pub fn directives(page: &Page) -> (Vec<Directive>, Vec<Diagnostic>) {
    let (mut found, mut problems) = (Vec::new(), Vec::new());
    for span in &page.comments {
        let written = page.text(*span);
        let inner = written.trim_start_matches("<!--").trim_start();
        let start = span.start + written.len() - inner.len();
        let inner = inner.strip_suffix("-->").unwrap_or(inner).trim_end();
        let Some(told) = inner.strip_prefix(NAMESPACE) else { continue };
        let start = start + NAMESPACE.len();
        let word = told.split_whitespace().next().filter(|_| !told.starts_with(char::is_whitespace)).unwrap_or("");
        let rest = told[word.len()..].trim_start();
        let located = |text: &str, at: usize| Located::verbatim(text, &page.source, at);
        let word_at = located(word, start);
        if !WORDS.contains(&word) {
            let problem = Diagnostic::error(format!("unknown marker `firedrill:{word}`"));
            let near = nearest(word, WORDS);
            let help =
                near.map_or("there are begin, end and ignore".to_owned(), |near| format!("did you mean {near}?"));
            problems.push(problem.at(&page.source, *span).help(help));
            continue;
        }
        found.push(Directive { word: word_at, rest: located(rest, start + told.len() - rest.len()), span: *span });
    }
    (found, problems)
}

/// The blocks of a page.
///
/// # Errors
/// Markers that do not belong together, or that nobody knows, each at its place.
pub fn read(page: &Page) -> Result<Vec<Block>, Vec<Diagnostic>> {
    let (directives, mut problems) = directives(page);
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for directive in directives.iter().filter(|directive| &*directive.word != "ignore") {
        if !alone_on_its_line(page, directive.span) {
            let problem = Diagnostic::error("a marker stands alone, at the beginning of a line");
            let help = "blocks cannot stand inside of lists and tables: move it to the left margin";
            problems.push(problem.at(&page.source, directive.span).help(help));
            continue;
        }
        match (&*directive.word, open.take()) {
            ("begin", None) => open = begin(directive, page, &mut problems),
            ("begin", Some(block)) => {
                let place = page.source.place(block.begin.start);
                let problem = Diagnostic::error("a block inside of another one")
                    .at(&page.source, directive.span)
                    .help(format!("end the block of line {} before it: <!-- firedrill:end -->", place.line));
                problems.push(problem);
                open = Some(block);
            }
            (_, Some(block)) => {
                let hash = hash_of(directive, &mut problems);
                let body = Span::new(block.body.start, line_start(page, directive.span.start));
                blocks.push(Block { body, end: directive.span, hash, ..block });
            }
            (_, None) => {
                let problem = Diagnostic::error("an end without a begin").at(&page.source, directive.span);
                problems.push(match within_comment(page, directive.span.start) {
                    Some(line) => {
                        problem.help(format!("the comment of line {line} is not closed before the begin: write `-->`"))
                    }
                    None => problem.help("a block begins with <!-- firedrill:begin KIND ... -->"),
                });
            }
        }
    }
    if let Some(block) = open {
        let problem = Diagnostic::error("a block without an end").at(&page.source, block.begin);
        problems.push(problem.help("write <!-- firedrill:end --> on the line behind it"));
    }
    if let Some(fence) = page.unclosed_fence().filter(|fence| page.text(*fence).contains(&*format!("\n{BEGIN}"))) {
        let line = page.text(fence).lines().next().map_or(0, str::len);
        let problem = Diagnostic::error("this fence is never closed, and a marker stands in it")
            .at(&page.source, Span::new(fence.start, fence.start + line));
        problems.push(problem.help("close it on a line of its own before the marker"));
    }
    if problems.is_empty() { Ok(blocks) } else { Err(problems) }
}

/// The line of a comment before a place that has swallowed a begin.
fn within_comment(page: &Page, before: usize) -> Option<usize> {
    let swallows = |comment: &&Span| page.text(**comment).rfind(BEGIN).is_some_and(|at| at > 0);
    let comment = page.comments.iter().filter(|comment| comment.end <= before).rfind(swallows)?;
    Some(page.source.place(comment.start).line)
}

fn begin(directive: &Directive, page: &Page, problems: &mut Vec<Diagnostic>) -> Option<Block> {
    let mut words = Vec::new();
    let mut at = 0;
    for word in directive.rest.split_whitespace() {
        // Each word is found behind the one before it.
        at += directive.rest[at..].find(word).unwrap_or_default();
        words.push(directive.rest.part(Span::new(at, at + word.len())));
        at += word.len();
    }
    let text = page.source.text();
    let body = text[directive.span.end..].find('\n').map_or(text.len(), |line| directive.span.end + line + 1);
    if words.is_empty() {
        let problem = Diagnostic::error("a block without a kind").at(&page.source, directive.span);
        problems.push(problem.help("write <!-- firedrill:begin KIND SUBJECT -->, such as `alert ApiErrors`"));
    }
    let mut words = words.into_iter();
    // A block without a kind is read all the same, so that its end is not called lost.
    let kind = words.next().unwrap_or_else(|| directive.word.clone());
    let body = Span::new(body, body);
    Some(Block { kind, arguments: words.collect(), begin: directive.span, body, end: body, hash: None })
}

fn hash_of(directive: &Directive, problems: &mut Vec<Diagnostic>) -> Option<String> {
    let written = &directive.rest;
    if written.is_empty() {
        return None;
    }
    let digits = written.strip_prefix("sha256:").unwrap_or_default();
    if digits.len() < FEWEST_DIGITS || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        let problem = Diagnostic::error("this is no hash of a block");
        problems.push(
            written.diagnose_all(problem.help("write <!-- firedrill:end -->, `firedrill runbook build` adds it")),
        );
    }
    Some(digits.to_ascii_lowercase())
}

fn line_start(page: &Page, at: usize) -> usize {
    page.source.text()[..at].rfind('\n').map_or(0, |line| line + 1)
}

fn alone_on_its_line(page: &Page, span: Span) -> bool {
    let text = page.source.text();
    let start = line_start(page, span.start);
    let line_end = text[span.end..].find('\n').map_or(text.len(), |line| span.end + line);
    let lead = &text[start..span.start];
    (lead.is_empty() || lead == "\u{feff}") && text[span.end..line_end].trim().is_empty()
}

/// The hash of a text, in hexadecimal; line ends do not count, for version control may change them.
fn hash(body: &str) -> String {
    let digest = Sha256::digest(body.replace("\r\n", "\n").as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Block {
    pub fn text<'p>(&self, page: &'p Page) -> &'p str {
        page.text(self.body)
    }

    pub fn state(&self, page: &Page) -> State {
        let text = self.text(page);
        if text.trim().is_empty() {
            return State::Empty;
        }
        match &self.hash {
            Some(written) if hash(text).starts_with(written.as_str()) => State::Untouched,
            _ => State::Edited,
        }
    }

    /// What stands between the markers for a text that was made for the block: with an empty line above and below it, and
    /// with the line ends of the page.
    pub fn body_of(&self, made: &str, page: &Page) -> String {
        let body = format!("\n{}\n\n", made.trim_matches('\n'));
        if page.text(Span::new(self.begin.end, self.body.start)).contains('\r') {
            body.replace("\r\n", "\n").replace('\n', "\r\n")
        } else {
            body
        }
    }
}

/// The page with other bodies in its blocks, one for each; every other byte is as it was, but for the hashes.
pub fn rewrite(page: &Page, blocks: &[Block], bodies: &[String]) -> String {
    let text = page.source.text();
    let mut new = String::with_capacity(text.len());
    let mut at = 0;
    for (block, body) in blocks.iter().zip(bodies) {
        new.push_str(&text[at..block.body.start]);
        if block.body.start == block.begin.end {
            // The end stands on the line of the begin only where the page ends there, which no block does.
            new.push('\n');
        }
        new.push_str(body);
        new.push_str(&format!("<!-- {NAMESPACE}end sha256:{} -->", &hash(body)[..HASH_DIGITS]));
        at = block.end.end;
    }
    new.push_str(&text[at..]);
    new
}

/// A begin and an end with nothing between them, as `adopt` writes them.
pub fn markers(kind: &str, arguments: &str, newline: &str) -> String {
    let begin = format!("{kind} {arguments}");
    format!("<!-- {NAMESPACE}begin {} -->{newline}<!-- {NAMESPACE}end -->{newline}", begin.trim_end())
}

/// What is different between two texts, line by line, as `diff -u` shows it; empty for equal ones.
pub fn diff(before: (&str, &str), after: (&str, &str)) -> String {
    let normal = |text: &str| text.replace("\r\n", "\n");
    let (old, new) = (normal(before.1), normal(after.1));
    let diff = similar::TextDiff::from_lines(&old, &new);
    let mut unified = diff.unified_diff();
    unified.context_radius(2).missing_newline_hint(false).header(before.0, after.0).to_string()
}

/// The page of a source, and its blocks.
///
/// # Errors
/// As `read`.
pub fn read_page(source: &Source) -> Result<(Page, Vec<Block>), Vec<Diagnostic>> {
    let page = Page::read(source);
    let blocks = read(&page)?;
    Ok((page, blocks))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parts(text: &str) -> (Page, Vec<Block>) {
        read_page(&Source::new("page.md", text)).unwrap()
    }

    fn problems(text: &str) -> Vec<String> {
        read_page(&Source::new("page.md", text)).unwrap_err().iter().map(ToString::to_string).collect()
    }

    /// The page after a build that makes `made` of every block.
    fn built(text: &str, made: &str) -> String {
        let (page, blocks) = parts(text);
        let bodies: Vec<String> = blocks.iter().map(|block| block.body_of(made, &page)).collect();
        rewrite(&page, &blocks, &bodies)
    }

    const PAGE: &str = "# T\n\n<!-- firedrill:begin triage vmagent at=15:32 -->\n<!-- firedrill:end -->\n\nmine\n";

    #[test]
    fn a_block_has_its_kind_its_arguments_and_a_hash_once_it_was_written() {
        let (page, blocks) = parts(PAGE);
        assert_eq!(&*blocks[0].kind, "triage");
        assert_eq!(
            blocks[0].arguments.iter().map(|word| word.value.as_str()).collect::<Vec<_>>(),
            ["vmagent", "at=15:32"]
        );
        assert_eq!(blocks[0].state(&page), State::Empty);
        let new = built(PAGE, "made\n");
        // The hash is what `printf '\nmade\n\n' | sha256sum` prints.
        assert_eq!(
            new,
            "# T\n\n<!-- firedrill:begin triage vmagent at=15:32 -->\n\nmade\n\n<!-- firedrill:end sha256:de2813587fac -->\n\nmine\n"
        );
        let (page, blocks) = parts(&new);
        assert_eq!(blocks[0].state(&page), State::Untouched);
        assert_eq!(built(&new, "made"), new);
        let (page, blocks) = parts(&new.replace("made", "mine"));
        assert_eq!(blocks[0].state(&page), State::Edited);
    }

    #[test]
    fn text_without_a_hash_is_somebodys() {
        let (page, blocks) = parts(&PAGE.replace("<!-- firedrill:end", "words\n<!-- firedrill:end"));
        assert_eq!(blocks[0].state(&page), State::Edited);
    }

    #[test]
    fn line_ends_of_the_page_are_kept_and_count_for_no_edit() {
        let page = PAGE.replace('\n', "\r\n");
        let new = built(&page, "a\nb");
        assert_eq!(new.matches('\n').count(), new.matches("\r\n").count());
        let (read, blocks) = parts(&new.replace("\r\n", "\n"));
        assert_eq!(blocks[0].state(&read), State::Untouched);
    }

    #[test]
    fn a_page_may_end_with_its_marker_and_begin_with_a_mark_of_the_byte_order() {
        let page = "\u{feff}<!-- firedrill:begin alert A -->\n<!-- firedrill:end -->";
        let new = built(page, "x");
        assert!(
            new.starts_with("\u{feff}<!-- firedrill:begin alert A -->\n\nx\n\n<!-- firedrill:end sha256:"),
            "{new:?}"
        );
        assert!(new.ends_with("-->"));
    }

    #[test]
    fn markers_in_code_are_none() {
        let page =
            "```\n<!-- firedrill:begin a -->\n```\n\n`<!-- firedrill:end -->`\n\n    <!-- firedrill:begin a -->\n";
        assert!(parts(page).1.is_empty());
    }

    #[test]
    fn markers_that_do_not_belong_together_have_places() {
        assert_eq!(problems("x\n<!-- firedrill:begin a -->\n"), ["page.md:2:1: a block without an end"]);
        assert_eq!(problems("<!-- firedrill:end -->\n"), ["page.md:1:1: an end without a begin"]);
        assert_eq!(
            problems("<!-- firedrill:begin a -->\n<!-- firedrill:begin b -->\n<!-- firedrill:end -->\n"),
            ["page.md:2:1: a block inside of another one"]
        );
        assert_eq!(problems("<!-- firedrill:begn a -->\n"), ["page.md:1:1: unknown marker `firedrill:begn`"]);
        assert_eq!(
            problems("<!-- firedrill:begin -->\n<!-- firedrill:end -->\n"),
            ["page.md:1:1: a block without a kind"]
        );
        assert_eq!(
            problems("<!-- firedrill:begin a -->\n<!-- firedrill:end sha256:xyz -->\n"),
            ["page.md:2:20: this is no hash of a block"]
        );
        assert_eq!(
            problems("<!-- note\n\n<!-- firedrill:begin a -->\n<!-- firedrill:end -->\n"),
            ["page.md:4:1: an end without a begin"]
        );
        assert_eq!(
            problems("# T\n\n```sh\nls\n\n<!-- firedrill:begin a -->\n<!-- firedrill:end -->\n"),
            ["page.md:3:1: this fence is never closed, and a marker stands in it"]
        );
        assert_eq!(
            problems("- <!-- firedrill:begin a -->\n"),
            ["page.md:1:3: a marker stands alone, at the beginning of a line"]
        );
    }

    proptest! {
        #[test]
        fn a_build_changes_nothing_outside_of_blocks(
            parts_ in proptest::collection::vec("[ a-z#`\\-\\n\\r|é]{0,30}", 2..5),
            made in "[ -~\\n]{0,40}",
        ) {
            let block = "\n\n<!-- firedrill:begin k s -->\n<!-- firedrill:end -->\n";
            let text = parts_.join(block);
            // Where a part opens a fence, markers are code.
            let Ok((page, blocks)) = read_page(&Source::new("p.md", text.as_str())) else { return Ok(()) };
            let bodies: Vec<String> = blocks.iter().map(|block| block.body_of(&made, &page)).collect();
            let new = rewrite(&page, &blocks, &bodies);
            let mut rest = new.as_str();
            let mut at = 0;
            for (block, body) in blocks.iter().zip(&bodies) {
                prop_assert!(rest.starts_with(&text[at..block.body.start]));
                rest = &rest[block.body.start - at..];
                prop_assert!(rest.starts_with(body.as_str()));
                rest = &rest[body.len()..];
                rest = &rest[rest.find("-->").unwrap() + 3..];
                at = block.end.end;
            }
            prop_assert_eq!(rest, &text[at..]);
        }
    }
}
