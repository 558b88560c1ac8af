//! What stands behind an operand: a range, a subquery, `offset`, `@`, `anchored`, `smoothed`.

use super::{Parsed, Parser};
use crate::promql::ast::{AtModifier, DurationArg, Edge, ExprKind, RangeSelector, Subquery, UnaryOp, VectorSelector};
use crate::promql::lexer::{Keyword, Kind};
use crate::syntax::ParseError;
use crate::text::Span;
use crate::time::{Duration, Timestamp};

impl Parser<'_> {
    /// An operand and everything that stands behind it and binds more tightly than any operator.
    pub(super) fn with_modifiers(&mut self) -> Result<Parsed, ParseError> {
        let mut parsed = self.primary()?;
        loop {
            match self.peek()?.kind {
                Kind::LeftBracket => parsed = self.range_or_subquery(parsed)?,
                Kind::Keyword(Keyword::Offset) => self.offset(&mut parsed)?,
                Kind::At => self.at(&mut parsed)?,
                Kind::Keyword(Keyword::Anchored) => self.edge(&mut parsed, Edge::Anchored)?,
                Kind::Keyword(Keyword::Smoothed) => self.edge(&mut parsed, Edge::Smoothed)?,
                _ => return Ok(parsed),
            }
        }
    }

    fn range_or_subquery(&mut self, operand: Parsed) -> Result<Parsed, ParseError> {
        let open = self.next()?.span;
        let range = self.positive_duration()?;
        if self.eat(&Kind::Colon)?.is_some() {
            let step = if self.peek()?.kind == Kind::RightBracket { None } else { Some(self.positive_duration()?) };
            let close = self.close_bracket("in a subquery")?;
            let (span, height) = (operand.expr.span.to(close), operand.height);
            let subquery = Subquery { expr: *operand.expr, range, step, at: None, offset: None };
            return self.above(ExprKind::Subquery(Box::new(subquery)), span, height);
        }
        let close = self.close_bracket("in a range")?;
        let refused = |message: &str, hint: &str| Err(ParseError::new(open.to(close), message).hint(hint));
        let selector_span = operand.expr.span;
        let ExprKind::Selector(selector) = operand.expr.kind else {
            return refused(
                "a range stands behind a selector only",
                "to look back over an expression write a subquery, such as [5m:1m] or [5m:]",
            );
        };
        if selector.offset.is_some() {
            return refused("`offset` stands behind the range, not before it", "write up[5m] offset 1h");
        }
        if selector.at.is_some() {
            return refused("`@` stands behind the range, not before it", "write up[5m] @ 1700000000");
        }
        let range = RangeSelector { selector, selector_span, range };
        self.above(ExprKind::Range(Box::new(range)), selector_span.to(close), 0)
    }

    fn close_bracket(&mut self, context: &str) -> Result<Span, ParseError> {
        self.expect(&Kind::RightBracket, context).map_err(|error| {
            if error.hint.is_some() { error } else { error.hint("close the brackets with `]`: [5m], [1h:5m]") }
        })
    }

    fn offset(&mut self, parsed: &mut Parsed) -> Result<(), ParseError> {
        self.next()?;
        let offset = self.offset_duration()?;
        let end = self.taken;
        let span = parsed.expr.span;
        let Some(place) = offset_of(&mut parsed.expr.kind) else {
            return Err(ParseError::new(span, "`offset` stands behind a selector or a subquery only")
                .hint("move it into the parentheses, right behind the selector: rate(x[5m] offset 1h)"));
        };
        if place.is_some() {
            return Err(ParseError::new(span, "`offset` is written twice").hint("write it once, with the sum of both"));
        }
        *place = Some(offset).filter(|offset| *offset != DurationArg::Literal(Duration::ZERO));
        parsed.expr.span.end = end;
        Ok(())
    }

    fn at(&mut self, parsed: &mut Parsed) -> Result<(), ParseError> {
        self.next()?;
        let span = parsed.expr.span;
        let sign = self.peek_sign()?;
        let token = if sign.is_some() {
            self.next()?;
            self.peek()?.clone()
        } else {
            self.peek()?.clone()
        };
        let at = match token.kind {
            Kind::Number | Kind::Duration => {
                let (literal, _) = self.literal()?;
                let seconds = sign.map_or(literal, |op: UnaryOp| literal.signed(op)).value;
                // Prometheus counts nanoseconds nowhere here: the bounds are those of an int64.
                if seconds.is_nan() || seconds >= i64::MAX as f64 || seconds <= i64::MIN as f64 {
                    return Err(ParseError::new(span, "the time behind `@` is out of bounds")
                        .hint("it is in seconds since 1970"));
                }
                AtModifier::Time(Timestamp((seconds * 1000.0).round() as i64))
            }
            Kind::Keyword(word @ (Keyword::Start | Keyword::End)) if sign.is_none() => {
                self.next()?;
                self.expect(&Kind::LeftParen, "behind `@`").map_err(at_hint)?;
                self.expect(&Kind::RightParen, "behind `@`").map_err(at_hint)?;
                if word == Keyword::Start { AtModifier::Start } else { AtModifier::End }
            }
            _ => return Err(at_hint(self.unexpected(&token, "behind `@`"))),
        };
        let place = match &mut parsed.expr.kind {
            ExprKind::Selector(selector) => &mut selector.at,
            ExprKind::Range(range) => &mut range.selector.at,
            ExprKind::Subquery(subquery) => &mut subquery.at,
            _ => {
                return Err(ParseError::new(span, "`@` stands behind a selector or a subquery only")
                    .hint("move it into the parentheses, right behind the selector: rate(x[5m] @ 1700000000)"));
            }
        };
        if place.is_some() {
            return Err(ParseError::new(span, "`@` is written twice"));
        }
        *place = Some(at);
        parsed.expr.span.end = self.taken;
        Ok(())
    }

    fn edge(&mut self, parsed: &mut Parsed, edge: Edge) -> Result<(), ParseError> {
        self.next()?;
        let span = parsed.expr.span;
        let word = if edge == Edge::Anchored { "anchored" } else { "smoothed" };
        if !self.features.extended_range_selectors {
            return Err(ParseError::new(span, format!("`{word}` is experimental and not enabled"))
                .hint("`firedrill test --enable-feature=promql-extended-range-selectors`, or `features: [promql-extended-range-selectors]` in firedrill.yaml; Prometheus needs the flag too"));
        }
        let selector: &mut VectorSelector = match &mut parsed.expr.kind {
            ExprKind::Selector(selector) => selector,
            ExprKind::Range(range) => &mut range.selector,
            _ => return Err(ParseError::new(span, format!("`{word}` stands behind a selector only"))),
        };
        if selector.edge != Edge::None && selector.edge != edge {
            return Err(ParseError::new(span, "`anchored` and `smoothed` exclude each other"));
        }
        selector.edge = edge;
        parsed.expr.span.end = self.taken;
        Ok(())
    }
}

fn offset_of(kind: &mut ExprKind) -> Option<&mut Option<DurationArg>> {
    match kind {
        ExprKind::Selector(selector) => Some(&mut selector.offset),
        ExprKind::Range(range) => Some(&mut range.selector.offset),
        ExprKind::Subquery(subquery) => Some(&mut subquery.offset),
        _ => None,
    }
}

fn at_hint(error: ParseError) -> ParseError {
    error.hint("`@` takes seconds since 1970, start() or end()")
}
