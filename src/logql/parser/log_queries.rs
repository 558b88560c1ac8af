//! Selectors with pipelines, and their ranges: `{job="node"} | json | unwrap took [5m] offset 1h`.

use super::{Parser, label_filters};
use crate::labels::{MatchOp, Matcher};
use crate::logql::ast::{LogQuery, LogRange, Selector, Stage, Unwrap};
use crate::logql::lexer::{Function, Keyword, Kind, Token};
use crate::syntax::{BinaryOp, ParseError};
use crate::text::Span;
use crate::time::{Duration, Nanoseconds};

/// Refuses a selector that every stream could meet (Loki `validateMatchers`).
pub(super) fn check_selector(selector: &Selector) -> Result<(), ParseError> {
    if selector.matchers.iter().any(|matcher| !matcher.matches("")) {
        return Ok(());
    }
    let message = match selector.matchers.is_empty() {
        true => "the selector names no label",
        false => "every matcher of the selector also matches streams without the label",
    };
    Err(ParseError::new(selector.span, message)
        .hint("add one that does not, such as job=\"node\" or job=~\".+\"; Loki refuses to read all streams"))
}

/// A range that is being read.
#[derive(Default)]
struct RangeParts {
    stages: Vec<Stage>,
    unwrap: Option<Unwrap>,
    range: Option<Duration>,
    offset: Nanoseconds,
}

impl Parser<'_> {
    /// `{job="node"} | json`
    pub(super) fn log_query(&mut self) -> Result<LogQuery, ParseError> {
        let selector = self.selector()?;
        let mut stages = Vec::new();
        if let Some(unwrap) = self.pipeline(&mut stages)? {
            return Err(ParseError::new(unwrap, "`unwrap` outside of a range aggregation")
                .hint("write it inside of one: sum_over_time({job=\"node\"} | logfmt | unwrap took [5m])"));
        }
        let span = whole(&selector, &stages);
        Ok(LogQuery { selector, stages, span })
    }

    /// `{a="b", c=~"d"}`
    fn selector(&mut self) -> Result<Selector, ParseError> {
        let token = self.next()?;
        if token.kind != Kind::LeftBrace {
            return Err(self
                .unexpected(&token, "where a selector should begin")
                .hint("logs are selected in braces: {job=\"node\"}"));
        }
        let open = token.span;
        let mut matchers = Vec::new();
        if let Some(close) = self.eat(&Kind::RightBrace)? {
            return Ok(Selector { matchers, span: open.to(close) });
        }
        loop {
            matchers.push(self.selector_matcher()?);
            let token = self.next()?;
            match token.kind {
                Kind::Comma => {}
                Kind::RightBrace => return Ok(Selector { matchers, span: open.to(token.span) }),
                _ => return Err(self.unexpected(&token, "between matchers").hint("write a comma, or `}` at the end")),
            }
        }
    }

    fn selector_matcher(&mut self) -> Result<Matcher, ParseError> {
        let (name, span) = self.name("where a label's name should stand")?;
        let token = self.next()?;
        let Some(op) = match_op(&token.kind) else {
            let error = self.unexpected(&token, &format!("behind the label `{name}`"));
            return Err(match token.kind {
                Kind::Operator(BinaryOp::Equal) => error.hint("labels of a selector are compared with a single ="),
                _ => error.hint(format!("compare it with =, !=, =~ or !~, as in {name}=\"...\"")),
            });
        };
        let (value, end) = self.string("where a label's value should stand")?;
        self.matcher(&name, op, &value, span.to(end))
    }

    pub(super) fn matcher(&self, name: &str, op: MatchOp, value: &str, span: Span) -> Result<Matcher, ParseError> {
        Matcher::new(name, op, value).map_err(|error| {
            ParseError::new(span, error.to_string())
                .hint("regular expressions have the syntax of RE2 and match the whole value; .* stands for anything")
        })
    }

    /// Reads stages, up to whatever is none. Where that is `| unwrap`, its `|` was taken, and its place is returned.
    fn pipeline(&mut self, stages: &mut Vec<Stage>) -> Result<Option<Span>, ParseError> {
        loop {
            let token = self.peek()?;
            if super::line_filters::match_of(&token.kind).is_some() {
                stages.push(self.line_filters()?);
            } else if token.kind == Kind::Pipe {
                let pipe = self.next()?.span;
                let token = self.peek()?;
                if token.kind == Kind::Keyword(Keyword::Unwrap) {
                    return Ok(Some(token.span));
                }
                stages.push(self.stage(pipe)?);
            } else {
                return Ok(None);
            }
        }
    }

    /// The argument of a range aggregation.
    pub(super) fn log_range(&mut self) -> Result<LogRange, ParseError> {
        let (query, parts, span) = self.range_body()?;
        let Some(range) = parts.range else {
            let token = self.peek()?.clone();
            return Err(self.no_range(&token));
        };
        Ok(LogRange { query, unwrap: parts.unwrap, range, offset: parts.offset, span })
    }

    /// A range. Its duration is missing where it stands behind a parenthesis that is still open.
    fn range_body(&mut self) -> Result<(LogQuery, RangeParts, Span), ParseError> {
        if let Some(open) = self.eat(&Kind::LeftParen)? {
            let (query, mut parts, _) = self.deeper(Self::range_body)?;
            let close = self.expect(&Kind::RightParen, "before the parenthesis is closed")?;
            let end = if parts.range.is_none() { self.range_behind_paren(&query, &mut parts)? } else { close };
            return Ok((query, parts, open.to(end)));
        }
        let selector = self.selector()?;
        let mut parts = RangeParts::default();
        let mut end = selector.span;
        if self.pipeline(&mut parts.stages)?.is_some() {
            end = self.unwrap(&mut parts)?;
        }
        if let Kind::Range(range) = self.peek()?.kind {
            end = self.next()?.span;
            parts.range = Some(range);
            end = self.offset(&mut parts, end)?;
            // The pipeline may also stand behind the range.
            if parts.stages.is_empty() && parts.unwrap.is_none() && self.pipeline(&mut parts.stages)?.is_some() {
                end = self.unwrap(&mut parts)?;
            }
        }
        let span = whole(&selector, &parts.stages).to(end);
        let query =
            LogQuery { span: whole(&selector, &parts.stages), selector, stages: std::mem::take(&mut parts.stages) };
        Ok((query, parts, span))
    }

    /// The range of a query in parentheses; returns where it ends. Behind that of a lone selector, `unwrap` may follow.
    fn range_behind_paren(&mut self, query: &LogQuery, parts: &mut RangeParts) -> Result<Span, ParseError> {
        let token = self.next()?;
        let Kind::Range(range) = token.kind else { return Err(self.no_range(&token)) };
        parts.range = Some(range);
        let end = self.offset(parts, token.span)?;
        if !query.stages.is_empty() || parts.unwrap.is_some() {
            return Ok(end);
        }
        let mut stages = Vec::new();
        let unwrap = self.pipeline(&mut stages)?;
        match stages.first() {
            Some(stage) => Err(ParseError::new(stage.span, "a stage behind the range of a selector in parentheses")
                .hint("remove the parentheses around the selector")),
            None if unwrap.is_some() => self.unwrap(parts),
            None => Ok(end),
        }
    }

    fn no_range(&self, token: &Token) -> ParseError {
        self.unexpected(token, "where a range is missing")
            .hint("write one behind the selector or the pipeline: {job=\"node\"}[5m]")
    }

    /// `offset 5m`, if it comes next; returns where what was read ends.
    fn offset(&mut self, parts: &mut RangeParts, end: Span) -> Result<Span, ParseError> {
        if self.eat(&Kind::Keyword(Keyword::Offset))?.is_none() {
            return Ok(end);
        }
        let token = self.next()?;
        let Kind::Duration(offset) = token.kind else {
            return Err(self.unexpected(&token, "behind `offset`").hint("write a duration: offset 5m"));
        };
        parts.offset = offset;
        Ok(token.span)
    }

    /// `unwrap bytes(size) | size > 0`, whose `|` was taken; returns where it ends.
    fn unwrap(&mut self, parts: &mut RangeParts) -> Result<Span, ParseError> {
        let start = self.next()?.span;
        let token = self.peek()?.clone();
        let (conversion, label, mut end) = if let Kind::Function(Function::Convert(conversion)) = token.kind {
            self.next()?;
            self.expect(&Kind::LeftParen, "behind a conversion")?;
            let (label, _) = self.name("where a label's name should stand")?;
            let close = self.expect(&Kind::RightParen, "behind the label")?;
            (Some(conversion), label, close)
        } else {
            let (label, span) = self.name("behind `unwrap`").map_err(|error| {
                error.hint("write a label, or one of bytes(label), duration(label), duration_seconds(label)")
            })?;
            (None, label, span)
        };
        let mut filters = Vec::new();
        while self.eat(&Kind::Pipe)?.is_some() {
            let filter = self.label_filter().map_err(label_filters::behind_unwrap)?;
            end = filter.span;
            filters.push(filter);
        }
        parts.unwrap = Some(Unwrap { label, conversion, filters, span: start.to(end) });
        Ok(end)
    }
}

/// How a token compares a label, if it does.
pub(super) fn match_op(kind: &Kind) -> Option<MatchOp> {
    Some(match kind {
        Kind::Assign => MatchOp::Equal,
        Kind::Operator(BinaryOp::NotEqual) => MatchOp::NotEqual,
        Kind::Matches => MatchOp::Regex,
        Kind::MatchesNot => MatchOp::NotRegex,
        _ => return None,
    })
}

fn whole(selector: &Selector, stages: &[Stage]) -> Span {
    let last = stages.last().map_or(selector.span, |stage| stage.span);
    Span::new(selector.span.start.min(last.start), selector.span.end.max(last.end))
}
