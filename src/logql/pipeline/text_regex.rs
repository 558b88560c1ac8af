//! Regular expressions on texts. Loki replaces those that look like plain texts by a search for them (`logql::regex_filter`).

use super::StageProblem;
use super::text_test::TextTest;
use crate::labels::search_regex;
use crate::logql::regex_filter::{PlainSearch, plain_search};

/// One that is looked for in a line.
pub(super) fn search(pattern: &str) -> Result<TextTest, StageProblem> {
    let regex = search_regex(pattern).map_err(|error| StageProblem(error.message))?;
    Ok(plain_search(pattern, false).map_or(TextTest::Regex(regex), test))
}

/// One that the whole value of a label has to match.
pub(super) fn whole(pattern: &str) -> Result<TextTest, StageProblem> {
    search_regex(pattern).map_err(|error| StageProblem(error.message))?;
    let regex = search_regex(&format!("^(?:{pattern})$")).map_err(|error| StageProblem(error.message))?;
    Ok(plain_search(pattern, true).map_or(TextTest::Regex(regex), test))
}

fn test(search: PlainSearch) -> TextTest {
    match search {
        PlainSearch::All => TextTest::Always,
        PlainSearch::NotEmpty => TextTest::NotEmpty,
        PlainSearch::Contains { text, fold } => TextTest::contains(text.as_bytes(), fold),
        PlainSearch::Equals { text, fold } => TextTest::equals(text.as_bytes(), fold),
        PlainSearch::Any(several) => TextTest::any(several.into_iter().map(test).collect()),
    }
}
