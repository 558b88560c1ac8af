//! Durations in brackets and behind `offset`: literals, and (experimental) arithmetic with them.

use super::Parser;
use crate::promql::ast::{DurationArg, DurationExpr, DurationExprKind, NumberLiteral, UnaryOp};
use crate::promql::lexer::{Keyword, Kind};
use crate::syntax::pratt::{self, Grammar};
use crate::syntax::{BinaryOp, MAX_HEIGHT, ParseError};
use crate::text::Span;
use crate::time::Duration;

/// Seconds of an int64 of nanoseconds, beyond which Prometheus has no durations.
const MAX_SECONDS: f64 = i64::MAX as f64 / 1e9;

/// A duration expression and the height of its tree.
struct Parsed {
    expr: DurationExpr,
    height: usize,
}

/// The grammar of what stands in brackets, over the same tokens.
struct Durations<'p, 'a>(&'p mut Parser<'a>);

impl Parser<'_> {
    /// A range or a step: above zero, as far as that is known without evaluation.
    pub(super) fn positive_duration(&mut self) -> Result<DurationArg, ParseError> {
        let expr = self.duration(0)?.expr;
        match expr.kind {
            DurationExprKind::Number(literal) if literal.value <= 0.0 => {
                Err(ParseError::new(expr.span, "a range and a step have to be longer than 0").hint("write [5m], say"))
            }
            _ => Ok(argument(expr)),
        }
    }

    /// What follows `offset`. A sign takes a literal, a call or a parenthesis, and no operator behind it, so that
    /// `foo offset -5m + 1` adds 1 to the selector; without a sign, a parenthesis may go on with operators.
    pub(super) fn offset_duration(&mut self) -> Result<DurationArg, ParseError> {
        let Some(op) = self.peek_sign()? else {
            return match self.peek()?.kind {
                Kind::LeftParen => Ok(argument(self.duration(0)?.expr)),
                _ => Ok(argument(Durations(self).primary("behind `offset`", None)?.expr)),
            };
        };
        // A second sign makes it arithmetic; the first one has to be looked behind to know.
        let sign = self.next()?.span;
        match self.peek()?.kind {
            Kind::Number | Kind::Duration => {
                let (literal, span) = self.literal()?;
                let literal = literal.signed(op);
                in_range(literal, sign)?;
                Ok(argument(DurationExpr { kind: DurationExprKind::Number(literal), span: sign.to(span) }))
            }
            Kind::LeftParen => {
                self.next()?;
                let inner = self.duration(0)?;
                let close = self.close_paren()?;
                let span = Span::new(sign.end, close.end);
                let wrapped = wrap(inner, span);
                Ok(argument(signed(op, sign, wrapped)?.expr))
            }
            Kind::Operator(BinaryOp::Add | BinaryOp::Sub) => {
                let operand = self.duration(UnaryOp::POWER + 1)?;
                let first = signed(op, sign, operand)?;
                Ok(argument(pratt::continued(&mut Durations(self), first, 0)?.expr))
            }
            _ => {
                let inner = Durations(self).primary("behind `offset`", Some(sign))?;
                Ok(argument(signed(op, sign, inner)?.expr))
            }
        }
    }

    fn duration(&mut self, min_power: u8) -> Result<Parsed, ParseError> {
        self.deeper(|parser| pratt::expression(&mut Durations(parser), min_power))
    }

    /// Refuses arithmetic that is not enabled.
    fn arithmetic(&self, span: Span) -> Result<(), ParseError> {
        if self.features.duration_expressions {
            return Ok(());
        }
        Err(ParseError::new(span, "arithmetic with durations is experimental and not enabled")
            .hint("write one duration, such as 90m, or run with --enable-feature=promql-duration-expr, here and in Prometheus"))
    }
}

fn argument(expr: DurationExpr) -> DurationArg {
    match expr.kind {
        // Whole milliseconds of the nanoseconds that Prometheus keeps.
        DurationExprKind::Number(literal) => {
            DurationArg::Literal(Duration((literal.value * 1e9).round() as i64 / 1_000_000))
        }
        _ => DurationArg::Expr(expr),
    }
}

/// An expression in parentheses; parentheses around parentheses are one.
fn wrap(inner: Parsed, span: Span) -> Parsed {
    match inner.expr.kind {
        DurationExprKind::Paren(_) => Parsed { expr: DurationExpr { span, ..inner.expr }, ..inner },
        _ => Parsed {
            expr: DurationExpr { kind: DurationExprKind::Paren(Box::new(inner.expr)), span },
            height: inner.height + 1,
        },
    }
}

/// An expression with a sign; a plus in front of anything changes nothing and is dropped.
fn signed(op: UnaryOp, sign: Span, operand: Parsed) -> Result<Parsed, ParseError> {
    let span = sign.to(operand.expr.span);
    Ok(match operand.expr.kind {
        DurationExprKind::Number(literal) => {
            let literal = literal.signed(op);
            in_range(literal, sign)?;
            Parsed { expr: DurationExpr { kind: DurationExprKind::Number(literal), span }, ..operand }
        }
        kind if op == UnaryOp::Plus => Parsed { expr: DurationExpr { kind, span }, ..operand },
        kind => {
            let expr = Box::new(DurationExpr { kind, span: operand.expr.span });
            Parsed {
                expr: DurationExpr { kind: DurationExprKind::Unary { op, expr }, span },
                height: operand.height + 1,
            }
        }
    })
}

fn in_range(literal: NumberLiteral, span: Span) -> Result<(), ParseError> {
    if literal.value.abs() > MAX_SECONDS {
        return Err(ParseError::new(span, "the duration is out of range").hint("292 years is the longest"));
    }
    Ok(())
}

impl Grammar for Durations<'_, '_> {
    type Node = Parsed;
    type Modifiers = Span;

    fn operand(&mut self) -> Result<Parsed, ParseError> {
        let Some(op) = self.0.peek_sign()? else { return self.primary("where a duration should stand", None) };
        let sign = self.0.next()?.span;
        let operand = self.0.duration(UnaryOp::POWER + 1)?;
        signed(op, sign, operand)
    }

    fn peek_operator(&mut self) -> Result<Option<BinaryOp>, ParseError> {
        Ok(match self.0.peek()?.kind {
            Kind::Operator(
                op @ (BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul | BinaryOp::Div | BinaryOp::Mod | BinaryOp::Pow),
            ) => Some(op),
            _ => None,
        })
    }

    fn operator(&mut self) -> Result<Span, ParseError> {
        self.0.next().map(|token| token.span)
    }

    fn nested(&mut self, min_power: u8) -> Result<Parsed, ParseError> {
        self.0.duration(min_power)
    }

    fn combine(&mut self, lhs: Parsed, op: BinaryOp, op_span: Span, rhs: Parsed) -> Result<Parsed, ParseError> {
        let span = lhs.expr.span.to(rhs.expr.span);
        self.0.arithmetic(lhs.expr.span)?;
        let by_zero = matches!(rhs.expr.kind, DurationExprKind::Number(literal) if literal.value == 0.0);
        if by_zero && matches!(op, BinaryOp::Div | BinaryOp::Mod) {
            return Err(ParseError::new(op_span, "division of a duration by zero"));
        }
        let height = lhs.height.max(rhs.height) + 1;
        if height > MAX_HEIGHT {
            return Err(super::too_deep(span, MAX_HEIGHT));
        }
        let kind = DurationExprKind::Binary { op, lhs: Box::new(lhs.expr), rhs: Box::new(rhs.expr) };
        Ok(Parsed { expr: DurationExpr { kind, span }, height })
    }
}

impl Durations<'_, '_> {
    /// A literal, `step()`, `range()`, `min_of(a, b)`, `max_of(a, b)`, or an expression in parentheses.
    /// Behind the sign of an offset, an error for a call begins at the `sign`.
    fn primary(&mut self, context: &str, sign: Option<Span>) -> Result<Parsed, ParseError> {
        let token = self.0.peek()?.clone();
        let (kind, span, height) = match token.kind {
            Kind::Number | Kind::Duration => {
                let (literal, span) = self.0.literal()?;
                in_range(literal, span)?;
                (DurationExprKind::Number(literal), span, 1)
            }
            Kind::Keyword(word @ (Keyword::Step | Keyword::Range)) => {
                self.0.next()?;
                self.0.expect(&Kind::LeftParen, "in a duration")?;
                let close = self.0.expect(&Kind::RightParen, "in a duration")?;
                let span = token.span.to(close);
                self.0.arithmetic(sign.map_or(span, |sign| sign.to(span)))?;
                (if word == Keyword::Step { DurationExprKind::Step } else { DurationExprKind::Range }, span, 1)
            }
            Kind::Keyword(word @ (Keyword::MinOf | Keyword::MaxOf)) => {
                self.0.next()?;
                self.0.expect(&Kind::LeftParen, "in a duration")?;
                let first = self.0.duration(0)?;
                self.0.expect(&Kind::Comma, "in a duration")?;
                let second = self.0.duration(0)?;
                let close = self.0.expect(&Kind::RightParen, "in a duration")?;
                let span = token.span.to(close);
                self.0.arithmetic(sign.map_or(span, |sign| sign.to(span)))?;
                let height = first.height.max(second.height) + 1;
                let (first, second) = (Box::new(first.expr), Box::new(second.expr));
                let min = word == Keyword::MinOf;
                let kind =
                    if min { DurationExprKind::Min(first, second) } else { DurationExprKind::Max(first, second) };
                (kind, span, height)
            }
            Kind::LeftParen => {
                self.0.next()?;
                let inner = self.0.duration(0)?;
                let close = self.0.close_paren()?;
                self.0.arithmetic(inner.expr.span)?;
                return Ok(wrap(inner, token.span.to(close)));
            }
            _ => {
                return Err(self
                    .0
                    .unexpected(&token, context)
                    .hint("write a duration: 30s, 5m, 1h30m, or a number of seconds"));
            }
        };
        Ok(Parsed { expr: DurationExpr { kind, span }, height })
    }
}
