//! Label filters: `| status >= 500 and took > 1s or ip = ip("10.0.0.0/8")` (Loki `log/label_filter.go`).

use super::ip::IpSet;
use super::labels::{ERROR, LabelSpace};
use super::names::{NameId, Names};
use super::text_test::TextTest;
use super::{StageProblem, convert, text_regex};
use crate::labels::{MatchOp, Matcher};
use crate::logql::ast::{BinaryOp, IpFilter, LabelFilter, LabelFilterKind, Threshold};

/// What is said of a value that cannot be converted.
pub const FILTER_ERROR: &str = "LabelFilterErr";

/// A condition, ready to run.
#[derive(Clone)]
pub(super) enum LabelTest {
    /// Holds always, as `a=~".*"` does.
    Always,
    Text(NameId, TextTest),
    /// The same for the error of the entry.
    Error(TextTest),
    Number(NameId, Compare, f64),
    Duration(NameId, Compare, i64),
    Bytes(NameId, Compare, u64),
    Ip {
        name: NameId,
        negative: bool,
        set: IpSet,
    },
    And(Box<LabelTest>, Box<LabelTest>),
    Or(Box<LabelTest>, Box<LabelTest>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compare {
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

impl Compare {
    fn new(op: BinaryOp) -> Result<Compare, StageProblem> {
        Ok(match op {
            BinaryOp::Equal => Compare::Equal,
            BinaryOp::NotEqual => Compare::NotEqual,
            BinaryOp::Greater => Compare::Greater,
            BinaryOp::GreaterOrEqual => Compare::GreaterOrEqual,
            BinaryOp::Less => Compare::Less,
            BinaryOp::LessOrEqual => Compare::LessOrEqual,
            _ => return Err(StageProblem("a label filter compares with ==, !=, >, >=, < or <=".to_owned())),
        })
    }

    fn holds<T: PartialOrd>(self, value: T, threshold: T) -> bool {
        match self {
            Compare::Equal => value == threshold,
            Compare::NotEqual => value != threshold,
            Compare::Greater => value > threshold,
            Compare::GreaterOrEqual => value >= threshold,
            Compare::Less => value < threshold,
            Compare::LessOrEqual => value <= threshold,
        }
    }
}

impl LabelTest {
    pub fn new(filter: &LabelFilter, names: &mut Names) -> Result<LabelTest, StageProblem> {
        fn threshold<T>(threshold: &Threshold<T>, names: &mut Names) -> Result<(NameId, Compare), StageProblem> {
            Ok((names.intern(threshold.name.as_bytes()), Compare::new(threshold.op)?))
        }
        Ok(match &filter.kind {
            LabelFilterKind::String(matcher) => LabelTest::string(matcher, names)?,
            LabelFilterKind::Number(number) => {
                let (name, compare) = threshold(number, names)?;
                LabelTest::Number(name, compare, number.value)
            }
            LabelFilterKind::Duration(duration) => {
                let (name, compare) = threshold(duration, names)?;
                LabelTest::Duration(name, compare, duration.value.0)
            }
            LabelFilterKind::Bytes(bytes) => {
                let (name, compare) = threshold(bytes, names)?;
                LabelTest::Bytes(name, compare, bytes.value)
            }
            LabelFilterKind::Ip(IpFilter { name, negative, pattern }) => {
                LabelTest::Ip { name: names.intern(name.as_bytes()), negative: *negative, set: IpSet::new(pattern)? }
            }
            LabelFilterKind::And(left, right) => {
                LabelTest::And(LabelTest::new(left, names)?.into(), LabelTest::new(right, names)?.into())
            }
            LabelFilterKind::Or(left, right) => {
                LabelTest::Or(LabelTest::new(left, names)?.into(), LabelTest::new(right, names)?.into())
            }
        })
    }

    fn string(matcher: &Matcher, names: &mut Names) -> Result<LabelTest, StageProblem> {
        let test = match matcher.op {
            MatchOp::Equal | MatchOp::NotEqual => TextTest::equals(matcher.value.as_bytes(), false),
            MatchOp::Regex | MatchOp::NotRegex => text_regex::whole(&matcher.value)?,
        };
        let test = if matches!(matcher.op, MatchOp::NotEqual | MatchOp::NotRegex) { test.negated() } else { test };
        Ok(match (&*matcher.name, test) {
            (_, TextTest::Always) => LabelTest::Always,
            (ERROR, test) => LabelTest::Error(test),
            (name, test) => LabelTest::Text(names.intern(name.as_bytes()), test),
        })
    }

    /// The label that the condition is about; several conditions joined are about none.
    pub fn name(&self, names: &mut Names) -> Option<NameId> {
        match self {
            LabelTest::Text(name, _)
            | LabelTest::Number(name, ..)
            | LabelTest::Duration(name, ..)
            | LabelTest::Bytes(name, ..)
            | LabelTest::Ip { name, .. } => Some(*name),
            LabelTest::Error(_) => Some(names.intern(ERROR.as_bytes())),
            LabelTest::Always | LabelTest::And(..) | LabelTest::Or(..) => None,
        }
    }

    /// Whether the outcome depends on nothing but texts of labels, and changes nothing.
    pub fn is_pure(&self) -> bool {
        match self {
            LabelTest::Always | LabelTest::Text(..) => true,
            LabelTest::And(left, right) | LabelTest::Or(left, right) => left.is_pure() && right.is_pure(),
            _ => false,
        }
    }

    /// Whether an entry stays. A value that cannot be converted keeps it, with an error.
    pub fn holds(&self, space: &mut LabelSpace) -> bool {
        match self {
            LabelTest::Always => true,
            LabelTest::Text(name, test) => test.holds(space.get(*name).unwrap_or_default()),
            LabelTest::Error(test) => test.holds(space.error().as_bytes()),
            LabelTest::Number(name, compare, threshold) => {
                let Some(value) = space.get(*name) else { return false };
                let value = convert::number(value);
                outcome(value, |value| compare.holds(value, *threshold), space)
            }
            LabelTest::Duration(name, compare, threshold) => {
                let Some(value) = space.get(*name) else { return false };
                let value = convert::duration(value);
                outcome(value, |value| compare.holds(value.0, *threshold), space)
            }
            LabelTest::Bytes(name, compare, threshold) => {
                let Some(value) = space.get(*name) else { return false };
                let value = convert::bytes(value);
                outcome(value, |value| compare.holds(value, *threshold), space)
            }
            LabelTest::Ip { .. } if space.has_error() => true,
            LabelTest::Ip { name, negative, set } => {
                space.get(*name).is_some_and(|value| set.is_in(value) != *negative)
            }
            LabelTest::And(left, right) => {
                // The right one runs in any case: it may have an error to say.
                let left = left.holds(space);
                right.holds(space) && left
            }
            LabelTest::Or(left, right) => left.holds(space) || right.holds(space),
        }
    }
}

fn outcome<T>(value: Result<T, String>, holds: impl FnOnce(T) -> bool, space: &mut LabelSpace) -> bool {
    match value {
        Ok(value) => holds(value),
        Err(details) => {
            // An earlier error says more.
            if !space.has_error() {
                space.set_error(FILTER_ERROR, Some(&details));
            }
            true
        }
    }
}

/// The names that a filter reads.
pub(super) fn names_of(filter: &LabelFilter, found: &mut Vec<String>) {
    let name = match &filter.kind {
        // What always holds reads nothing.
        LabelFilterKind::String(matcher) => match text_regex::whole(&matcher.value) {
            Ok(TextTest::Always) if matcher.op == MatchOp::Regex => return,
            _ => &*matcher.name,
        },
        LabelFilterKind::Number(threshold) => &threshold.name,
        LabelFilterKind::Duration(threshold) => &threshold.name,
        LabelFilterKind::Bytes(threshold) => &threshold.name,
        LabelFilterKind::Ip(ip) => &ip.name,
        LabelFilterKind::And(left, right) | LabelFilterKind::Or(left, right) => {
            names_of(left, found);
            names_of(right, found);
            return;
        }
    };
    found.push(name.to_owned());
}
