//! Line filters: `|= "a" or "b" != ip("10.0.0.0/8")`.

use super::Parser;
use crate::logql::ast::{LineFilter, LineMatch, LinePattern, Stage, StageKind};
use crate::logql::lexer::{Function, Keyword, Kind};
use crate::syntax::{BinaryOp, ParseError};
use crate::text::Span;

/// The filter that a token begins, if it begins one.
pub(super) fn match_of(kind: &Kind) -> Option<LineMatch> {
    Some(match kind {
        Kind::PipeExact => LineMatch::Contains,
        Kind::Operator(BinaryOp::NotEqual) => LineMatch::ContainsNot,
        Kind::PipeMatch => LineMatch::Regex,
        Kind::MatchesNot => LineMatch::RegexNot,
        Kind::PipePattern => LineMatch::Pattern,
        Kind::PatternNot => LineMatch::PatternNot,
        _ => return None,
    })
}

impl Parser<'_> {
    /// All line filters up to another stage.
    pub(super) fn line_filters(&mut self) -> Result<Stage, ParseError> {
        let start = self.peek()?.span;
        let mut filters: Vec<LineFilter> = Vec::new();
        while let Some(op) = match_of(&self.peek()?.kind) {
            self.line_filter(op, &mut filters)?;
        }
        let span = filters.last().map_or(start, |filter| start.to(filter.span));
        Ok(Stage { kind: StageKind::LineFilters(filters), span })
    }

    /// One line filter with its `or`s, which are filters of their own where it is a negative one.
    fn line_filter(&mut self, op: LineMatch, filters: &mut Vec<LineFilter>) -> Result<(), ParseError> {
        let start = self.next()?.span;
        let (first, mut end) = self.line_pattern(op)?;
        let mut alternatives = vec![first];
        while self.eat(&Kind::Keyword(Keyword::Operator(BinaryOp::Or)))?.is_some() {
            let (pattern, span) = self.line_pattern(op)?;
            end = span;
            // Loki 3.7 attaches what stands behind an `ip(...)` of a chain to the first pattern, in place of all others.
            if !op.is_negative() && alternatives.len() > 1 && alternatives.last().is_some_and(|last| last.ip) {
                alternatives.truncate(1);
            }
            alternatives.push(pattern);
        }
        let span = start.to(end);
        if op.is_negative() {
            filters.extend(alternatives.into_iter().map(|pattern| LineFilter {
                op,
                alternatives: vec![pattern],
                span,
            }));
        } else {
            filters.push(LineFilter { op, alternatives, span });
        }
        Ok(())
    }

    /// `"text"` or `ip("pattern")`.
    fn line_pattern(&mut self, op: LineMatch) -> Result<(LinePattern, Span), ParseError> {
        let context = format!("behind `{}`", op.as_str());
        if self.peek()?.kind != Kind::Function(Function::Ip) {
            let (text, span) = self.string(&context)?;
            return Ok((LinePattern { text, ip: false }, span));
        }
        let start = self.next()?.span;
        let (text, end) = self.ip_pattern()?;
        Ok((LinePattern { text, ip: true }, start.to(end)))
    }

    /// The `("pattern")` of an `ip`.
    pub(super) fn ip_pattern(&mut self) -> Result<(String, Span), ParseError> {
        self.expect(&Kind::LeftParen, "behind `ip`")?;
        let (text, _) = self
            .string("in `ip`")
            .map_err(|error| error.hint("write an address, a network or a range: ip(\"10.0.0.0/8\")"))?;
        let close = self.expect(&Kind::RightParen, "behind the pattern of `ip`")?;
        Ok((text, close))
    }
}
