//! Aggregations over ranges and over series, and the other functions.

use super::{Node, Parsed, Parser, not_a_float};
use crate::labels::search_regex;
use crate::logql::ast::{
    ExprKind, Grouping, LabelReplace, LogRange, RangeAggregate, RangeOp, Variants, VectorAggregate, VectorOp,
};
use crate::logql::lexer::{Keyword, Kind};
use crate::number::parse_go_float;
use crate::syntax::ParseError;
use crate::text::Span;

impl Parser<'_> {
    /// `rate({job="node"}[5m])`, `quantile_over_time(0.9, {job="node"} | unwrap took [5m]) by (job)`
    pub(super) fn range_aggregate(&mut self, op: RangeOp) -> Result<Parsed, ParseError> {
        let start = self.next()?.span;
        self.expect(&Kind::LeftParen, &format!("behind `{}`", op.as_str()))?;
        let number = self.leading_number()?;
        let range = self.deeper(Self::log_range)?;
        let close = self.close_paren()?;
        let grouping = self.grouping()?;
        let end = grouping.as_ref().map_or(close, |(_, span)| *span);
        let span = start.to(end);
        let param = number.map(|number| self.quantile(op, number)).transpose()?;
        if op == RangeOp::QuantileOverTime && param.is_none() {
            return Err(ParseError::new(start, "`quantile_over_time` needs a quantile")
                .hint("write it in front: quantile_over_time(0.95, ...)"));
        }
        if let Some((_, span)) = &grouping
            && !takes_grouping(op)
        {
            return Err(ParseError::new(*span, format!("`{}` takes no grouping", op.as_str()))
                .hint(format!("group what comes out of it: sum by (...) ({}(...))", op.as_str())));
        }
        check_unwrap(op, &range, start)?;
        super::log_queries::check_selector(&range.query.selector)?;
        let grouping = grouping.map(|(grouping, _)| grouping);
        self.above(ExprKind::RangeAggregate(Box::new(RangeAggregate { op, param, range, grouping })), span, 0)
    }

    /// A number and a comma, if that comes next.
    fn leading_number(&mut self) -> Result<Option<Span>, ParseError> {
        if self.peek()?.kind != Kind::Number {
            return Ok(None);
        }
        let number = self.next()?.span;
        self.expect(&Kind::Comma, "behind the parameter")?;
        Ok(Some(number))
    }

    fn quantile(&self, op: RangeOp, number: Span) -> Result<f64, ParseError> {
        if op != RangeOp::QuantileOverTime {
            return Err(ParseError::new(number, format!("`{}` takes no parameter", op.as_str())).hint("remove it"));
        }
        parse_go_float(self.source(number)).ok_or_else(|| not_a_float(self.source(number), number))
    }

    fn close_paren(&mut self) -> Result<Span, ParseError> {
        let token = self.next()?;
        if token.kind == Kind::RightParen {
            return Ok(token.span);
        }
        Err(self.unexpected(&token, "before the parenthesis is closed").hint("write `)` here"))
    }

    /// `by (...)` or `without (...)` and its place, if one comes next.
    fn grouping(&mut self) -> Result<Option<(Grouping, Span)>, ParseError> {
        let without = match self.peek()?.kind {
            Kind::Keyword(Keyword::By) => false,
            Kind::Keyword(Keyword::Without) => true,
            _ => return Ok(None),
        };
        let span = self.next()?.span;
        let (labels, close) = self.label_list()?;
        Ok(Some((Grouping { without, labels }, span.to(close))))
    }

    /// `sum by (job) (...)`, `topk(3, ...) by (job)`
    pub(super) fn vector_aggregate(&mut self, op: VectorOp) -> Result<Parsed, ParseError> {
        let start = self.next()?.span;
        let mut grouping = self.grouping()?;
        self.expect(&Kind::LeftParen, &format!("behind `{}`", op.as_str()))?;
        let (count, first) = self.count_or_operand()?;
        let (expr, height) = match first {
            Some(first) => self.continued(first)?,
            None => self.metric()?,
        };
        let mut end = self.close_paren()?;
        if grouping.is_none() {
            grouping = self.grouping()?;
            end = grouping.as_ref().map_or(end, |(_, span)| *span);
        }
        let span = start.to(end);
        let count = self.series_count(op, count, start)?;
        if let Some((grouping, span)) = &grouping {
            let sorts = matches!(op, VectorOp::Sort | VectorOp::SortDesc) && !grouping.labels.is_empty();
            if sorts || op == VectorOp::ApproxTopk {
                return Err(
                    ParseError::new(*span, format!("`{}` takes no grouping", op.as_str())).hint("remove the grouping")
                );
            }
        }
        let grouping = grouping.map(|(grouping, _)| grouping).unwrap_or_default();
        self.above(ExprKind::VectorAggregate(Box::new(VectorAggregate { op, count, expr, grouping })), span, height)
    }

    /// The count with its comma, or the number that turned out to be the first operand.
    fn count_or_operand(&mut self) -> Result<(Option<Span>, Option<Parsed>), ParseError> {
        if self.peek()?.kind != Kind::Number {
            return Ok((None, None));
        }
        let number = self.next()?.span;
        if self.eat(&Kind::Comma)?.is_some() {
            return Ok((Some(number), None));
        }
        let text = self.source(number);
        let value = parse_go_float(text).ok_or_else(|| not_a_float(text, number))?;
        Ok((None, Some(self.above(ExprKind::Literal(value), number, 0)?)))
    }

    /// An expression whose first operand was read.
    fn continued(&mut self, first: Parsed) -> Result<(crate::logql::ast::Expr, usize), ParseError> {
        let parsed = self.deeper(|parser| crate::syntax::pratt::continued(parser, first, 0))?;
        match parsed.node {
            Node::Metric(expr) => Ok((*expr, parsed.height)),
            Node::Log(query) => Err(super::no_samples(query.span)),
        }
    }

    fn series_count(&self, op: VectorOp, count: Option<Span>, name: Span) -> Result<Option<usize>, ParseError> {
        let Some(span) = count else {
            if op.takes_count() {
                return Err(ParseError::new(name, format!("`{}` needs a count", op.as_str()))
                    .hint(format!("write it in front: {}(10, ...)", op.as_str())));
            }
            return Ok(None);
        };
        if !op.takes_count() {
            return Err(ParseError::new(span, format!("`{}` takes no parameter", op.as_str())).hint("remove it"));
        }
        let text = self.source(span);
        // What is no whole number of 64 bits is none for Go either.
        match text.parse::<i64>().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit())) {
            Some(count) if count > 0 => Ok(Some(usize::try_from(count).unwrap_or(usize::MAX))),
            _ => Err(ParseError::new(span, format!("`{text}` is no count of series"))
                .hint("write a whole number above zero")),
        }
    }

    /// `label_replace(..., "destination", "$1", "source", "(.*)")`
    pub(super) fn label_replace(&mut self) -> Result<Parsed, ParseError> {
        const CONTEXT: &str = "in label_replace(series, destination, replacement, source, regex)";
        let start = self.next()?.span;
        self.expect(&Kind::LeftParen, "behind `label_replace`")?;
        let (expr, height) = self.metric()?;
        let mut strings = Vec::with_capacity(4);
        let mut last = start;
        for _ in 0..4 {
            self.expect(&Kind::Comma, CONTEXT)?;
            let (text, span) = self.string(CONTEXT)?;
            strings.push(text);
            last = span;
        }
        let close = self.close_paren()?;
        let [destination, replacement, source, regex]: [String; 4] =
            strings.try_into().unwrap_or_else(|_| unreachable!("four strings were read"));
        search_regex(&format!("^(?:{regex})$")).map_err(|error| {
            ParseError::new(last, error.to_string())
                .hint("regular expressions have the syntax of RE2 and match the whole value")
        })?;
        let replace = LabelReplace { expr, destination, replacement, source, regex };
        self.above(ExprKind::LabelReplace(Box::new(replace)), start.to(close), height)
    }

    /// `vector(1)`
    pub(super) fn vector_literal(&mut self) -> Result<Parsed, ParseError> {
        let start = self.next()?.span;
        self.expect(&Kind::LeftParen, "behind `vector`")?;
        let token = self.next()?;
        if token.kind != Kind::Number {
            return Err(self.unexpected(&token, "in `vector`").hint("vector takes a number without a sign: vector(1)"));
        }
        let text = self.source(token.span);
        let value = parse_go_float(text).ok_or_else(|| not_a_float(text, token.span))?;
        let close = self.close_paren()?;
        self.above(ExprKind::Vector(value), start.to(close), 0)
    }

    /// `variants(..., ...) of ({job="node"}[5m])`
    pub(super) fn variants(&mut self) -> Result<Parsed, ParseError> {
        let start = self.next()?.span;
        self.expect(&Kind::LeftParen, "behind `variants`")?;
        let (first, mut height) = self.metric()?;
        let mut variants = vec![first];
        while self.eat(&Kind::Comma)?.is_some() {
            let (variant, below) = self.metric()?;
            variants.push(variant);
            height = height.max(below);
        }
        self.close_paren()?;
        self.expect(&Kind::Keyword(Keyword::Of), "behind the variants")?;
        self.expect(&Kind::LeftParen, "behind `of`")?;
        let range = self.deeper(Self::log_range)?;
        let close = self.close_paren()?;
        super::log_queries::check_selector(&range.query.selector)?;
        self.above(ExprKind::Variants(Box::new(Variants { variants, range })), start.to(close), height)
    }
}

/// Aggregations over ranges that group by themselves.
fn takes_grouping(op: RangeOp) -> bool {
    matches!(
        op,
        RangeOp::AvgOverTime
            | RangeOp::StddevOverTime
            | RangeOp::StdvarOverTime
            | RangeOp::QuantileOverTime
            | RangeOp::MaxOverTime
            | RangeOp::MinOverTime
            | RangeOp::FirstOverTime
            | RangeOp::LastOverTime
    )
}

/// Some aggregations need `unwrap`, some refuse it.
fn check_unwrap(op: RangeOp, range: &LogRange, name: Span) -> Result<(), ParseError> {
    let refuses = matches!(op, RangeOp::CountOverTime | RangeOp::BytesOverTime | RangeOp::BytesRate);
    let needs = !refuses && !matches!(op, RangeOp::Rate | RangeOp::AbsentOverTime);
    match &range.unwrap {
        Some(unwrap) if refuses => {
            Err(ParseError::new(unwrap.span, format!("`{}` counts lines, not the values of a label", op.as_str()))
                .hint("remove the `unwrap`, or take sum_over_time or rate"))
        }
        None if needs => Err(ParseError::new(name, format!("`{}` needs the values of a label", op.as_str()))
            .hint(format!("name one: {}({{job=\"node\"}} | logfmt | unwrap took [5m])", op.as_str()))),
        _ => Ok(()),
    }
}
