//! Regular expressions on texts. Loki replaces those that look like plain texts by a search for them (`log/filter.go`,
//! `RegexSimplifier`), which is not always the same.

use super::StageProblem;
use super::text_test::TextTest;
use crate::labels::search_regex;

/// One that is looked for in a line.
pub(super) fn search(pattern: &str) -> Result<TextTest, StageProblem> {
    let regex = search_regex(pattern).map_err(|error| StageProblem(error.message))?;
    Ok(plain(pattern).unwrap_or(TextTest::Regex(regex)))
}

fn plain(pattern: &str) -> Option<TextTest> {
    match pattern {
        "" | ".*" => Some(TextTest::Always),
        ".+" => Some(TextTest::NotEmpty),
        _ => None,
    }
}

/// One that the whole value of a label has to match.
pub(super) fn whole(pattern: &str) -> Result<TextTest, StageProblem> {
    search_regex(pattern).map_err(|error| StageProblem(error.message))?;
    let regex = search_regex(&format!("^(?:{pattern})$")).map_err(|error| StageProblem(error.message))?;
    Ok(plain(pattern).unwrap_or(TextTest::Regex(regex)))
}
