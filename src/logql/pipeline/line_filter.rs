//! Line filters: `|= "a" or "b"`, `!~ "x.*"`, `|> "<_>x"`, `|= ip("10.0.0.0/8")` (Loki `log/filter.go`).

use super::StageProblem;
use super::ip::IpSet;
use super::pattern::LineForm;
use super::text_regex;
use super::text_test::TextTest;
use crate::logql::ast::{LineFilter, LineMatch, LinePattern};
use crate::syntax::strings::to_bytes;

/// The condition that all of the filters make up.
pub(super) fn compile<'a>(filters: impl IntoIterator<Item = &'a LineFilter>) -> Result<TextTest, StageProblem> {
    filters.into_iter().map(one).collect::<Result<Vec<_>, _>>().map(TextTest::all)
}

fn one(filter: &LineFilter) -> Result<TextTest, StageProblem> {
    match &filter.alternatives[..] {
        [only] if only.ip => match filter.op {
            LineMatch::Contains => IpSet::new(&only.text).map(TextTest::Ip),
            LineMatch::ContainsNot => IpSet::new(&only.text).map(|ips| TextTest::Ip(ips).negated()),
            _ => Err(StageProblem("ip: invalid operation; ip() goes with |= and !=".to_owned())),
        },
        [only] => text(filter.op, only),
        // Among several alternatives, `ip` compares its text as it stands.
        several => several.iter().map(|pattern| text(filter.op, pattern)).collect::<Result<_, _>>().map(TextTest::any),
    }
}

fn text(op: LineMatch, pattern: &LinePattern) -> Result<TextTest, StageProblem> {
    let test = match op {
        LineMatch::Contains | LineMatch::ContainsNot => TextTest::contains(&to_bytes(&pattern.text), false),
        LineMatch::Regex | LineMatch::RegexNot => text_regex::search(&pattern.text)?,
        LineMatch::Pattern | LineMatch::PatternNot => TextTest::Form(LineForm::new(&pattern.text)?),
    };
    Ok(if op.is_negative() { test.negated() } else { test })
}
