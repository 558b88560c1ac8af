//! Conditions on labels: `status >= 500 and took > 1s or level="error"`.
//!
//! Loki's grammar is ambiguous here, and its generator settles that: `and` binds more tightly than `or`, but a comma, or nothing,
//! between two conditions joins all that follows before it joins what stands before. `a or b, c` is `a or (b, c)`, and
//! `a, b or c` is `a, (b or c)`.

use super::{Parser, log_queries::match_op};
use crate::logql::ast::{IpFilter, LabelFilter, LabelFilterKind, Threshold};
use crate::logql::lexer::{Function, Keyword, Kind};
use crate::syntax::{BinaryOp, MAX_HEIGHT, ParseError};

/// How tightly the operator on the left binds: what `expression` may not take.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Left {
    /// Nothing, a parenthesis, a comma or a juxtaposition.
    Open,
    Or,
    And,
}

pub(super) fn behind_unwrap(error: ParseError) -> ParseError {
    if error.hint.is_some() { error } else { error.hint("behind `unwrap`, only conditions on labels may follow") }
}

/// A condition, and the height of its tree.
type Parsed = (LabelFilter, usize);

impl Parser<'_> {
    /// Conditions with their operators, up to whatever belongs to none.
    pub(super) fn label_filter(&mut self) -> Result<LabelFilter, ParseError> {
        self.conditions(Left::Open).map(|(filter, _)| filter)
    }

    fn conditions(&mut self, left: Left) -> Result<Parsed, ParseError> {
        // What commas join is a list that is folded from its end, so that long ones need no depth.
        let mut before = Vec::new();
        let mut last = self.operators(left)?;
        loop {
            let kind = &self.peek()?.kind;
            if *kind == Kind::Comma {
                self.next()?;
            } else if !matches!(kind, Kind::Identifier | Kind::LeftParen) {
                break;
            }
            // All that follows belongs to it, whatever stands on the left.
            let next = self.operators(Left::Open)?;
            before.push(std::mem::replace(&mut last, next));
        }
        before.into_iter().rev().try_fold(last, |rest, filter| join(filter, rest, LabelFilterKind::And))
    }

    /// Conditions with `and` and `or` between them.
    fn operators(&mut self, left: Left) -> Result<Parsed, ParseError> {
        let mut lhs = self.condition()?;
        loop {
            let (op, kind): (_, fn(_, _) -> _) = match self.peek()?.kind {
                Kind::Keyword(Keyword::Operator(BinaryOp::And)) if left < Left::And => {
                    (Left::And, LabelFilterKind::And)
                }
                Kind::Keyword(Keyword::Operator(BinaryOp::Or)) if left < Left::Or => (Left::Or, LabelFilterKind::Or),
                _ => return Ok(lhs),
            };
            self.next()?;
            let rhs = self.deeper(|parser| parser.conditions(op))?;
            lhs = join(lhs, rhs, kind)?;
        }
    }

    fn condition(&mut self) -> Result<Parsed, ParseError> {
        let token = self.peek()?.clone();
        if token.kind == Kind::LeftParen {
            self.next()?;
            let (mut filter, height) = self.deeper(|parser| parser.conditions(Left::Open))?;
            let close = self.next()?;
            if close.kind != Kind::RightParen {
                return Err(self.unexpected(&close, "in a condition").hint("write an operator, or `)` at the end"));
            }
            filter.span = token.span.to(close.span);
            return Ok((filter, height));
        }
        if token.kind != Kind::Identifier {
            let error = self.unexpected(&token, "where a condition on a label should stand");
            return Err(match token.kind {
                Kind::Keyword(_) => {
                    error.hint(format!("`{}` is a keyword and cannot be the name of a label", self.source(token.span)))
                }
                _ => error.hint("a condition looks like status >= 500 or level=\"error\""),
            });
        }
        self.comparison().map(|filter| (filter, 1))
    }

    /// `name op value`
    fn comparison(&mut self) -> Result<LabelFilter, ParseError> {
        let (name, start) = self.name("where a condition should stand")?;
        let token = self.next()?;
        let op = match token.kind {
            // `=` and `==` are the same before anything but a string.
            Kind::Assign => Some(BinaryOp::Equal),
            Kind::Operator(op) if op.is_comparison() => Some(op),
            Kind::Matches | Kind::MatchesNot => None,
            _ => {
                let error = self.unexpected(&token, &format!("behind the label `{name}`"));
                return Err(error.hint(format!(
                    "a condition compares a label: {name}=\"...\", {name} > 5; the stages are json, logfmt, regexp, \
                     pattern, unpack, line_format, label_format, decolorize, drop, keep and unwrap"
                )));
            }
        };
        let value = self.peek()?.clone();
        let (kind, end) = match (&value.kind, op) {
            (Kind::String(text), _) => {
                let Some(op) = match_op(&token.kind) else {
                    return Err(self
                        .unexpected(&value, &format!("behind `{}`", self.source(token.span)))
                        .hint("a string is compared with =, !=, =~ or !~; a number is written without quotes"));
                };
                self.next()?;
                let matcher = self.matcher(&name, op, text, start.to(value.span))?;
                (LabelFilterKind::String(matcher), value.span)
            }
            (Kind::Duration(duration), Some(op)) => {
                self.next()?;
                (LabelFilterKind::Duration(Threshold { name, op, value: *duration }), value.span)
            }
            (Kind::Bytes(bytes), Some(op)) => {
                self.next()?;
                (LabelFilterKind::Bytes(Threshold { name, op, value: *bytes }), value.span)
            }
            (Kind::Function(Function::Ip), Some(op @ (BinaryOp::Equal | BinaryOp::NotEqual)))
                if token.kind != Kind::Operator(BinaryOp::Equal) =>
            {
                self.next()?;
                let (pattern, end) = self.ip_pattern()?;
                (LabelFilterKind::Ip(IpFilter { name, negative: op == BinaryOp::NotEqual, pattern }), end)
            }
            (Kind::Number | Kind::Operator(BinaryOp::Add | BinaryOp::Sub), Some(op)) => {
                let (value, span) = self.signed_number()?;
                let value = value.unwrap_or_else(|| unreadable(self.source(span)));
                (LabelFilterKind::Number(Threshold { name, op, value }), span)
            }
            _ => {
                let error = self.unexpected(&value, &format!("where the label `{name}` should be compared"));
                return Err(match (&value.kind, op) {
                    (Kind::Identifier, _) => error.hint(format!(
                        "a label is compared with a value; write a string in quotes: \"{}\"",
                        self.source(value.span)
                    )),
                    (Kind::Function(Function::Ip), _) => error.hint("ip() is compared with = or !="),
                    (_, None) => error.hint("a regular expression is written in quotes"),
                    _ => error.hint("write a string in quotes, a number, a duration, a size, or ip(\"...\")"),
                });
            }
        };
        Ok(LabelFilter { kind, span: start.to(end) })
    }
}

/// What Loki compares with where Go reads no number from what looks like one: it overlooks the error and takes the value that
/// comes with it, zero, or an infinity for what is too large.
fn unreadable(text: &str) -> f64 {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1.0, digits),
        None => (1.0, text.trim_start_matches('+')),
    };
    let value: f64 = digits.trim_start().replace('_', "").parse().unwrap_or(0.0);
    sign * value
}

fn join(
    lhs: Parsed,
    rhs: Parsed,
    kind: fn(Box<LabelFilter>, Box<LabelFilter>) -> LabelFilterKind,
) -> Result<Parsed, ParseError> {
    let span = lhs.0.span.to(rhs.0.span);
    let height = lhs.1.max(rhs.1);
    if height >= MAX_HEIGHT {
        return Err(super::too_deep(span, MAX_HEIGHT));
    }
    Ok((LabelFilter { kind: kind(Box::new(lhs.0), Box::new(rhs.0)), span }, height + 1))
}
