//! Calls of functions and aggregations.

use super::{Parsed, Parser};
use crate::promql::ast::{Aggregate, AggregateOp, Call, Expr, ExprKind};
use crate::promql::functions;
use crate::promql::lexer::{Keyword, Kind, Token};
use crate::syntax::ParseError;
use crate::text::Span;
use crate::text::nearest;

/// The arguments in parentheses.
struct Arguments {
    exprs: Vec<Expr>,
    /// The height of the highest.
    height: usize,
    close: Span,
}

impl Parser<'_> {
    /// A name is a call where a parenthesis follows, else a selector.
    pub(super) fn call_or_selector(&mut self) -> Result<Parsed, ParseError> {
        let token = self.peek()?.clone();
        let callable = match token.kind {
            Kind::Identifier => true,
            Kind::Keyword(keyword) => matches!(
                keyword,
                Keyword::Start | Keyword::End | Keyword::Step | Keyword::Range | Keyword::MaxOf | Keyword::MinOf
            ),
            _ => false,
        };
        if callable && self.behind(&token).starts_with('(') { self.call() } else { self.selector_expr() }
    }

    /// The text behind a token, from the next one on.
    fn behind(&self, token: &Token) -> &str {
        let mut rest = self.text.get(token.span.end..).unwrap_or_default();
        loop {
            rest = rest.trim_start_matches([' ', '\t', '\n', '\r']);
            if !rest.starts_with('#') {
                return rest;
            }
            rest = rest.find(['\n', '\r']).and_then(|at| rest.get(at..)).unwrap_or_default();
        }
    }

    /// Whether what follows makes an aggregation of its name: a parenthesis, `by` or `without`.
    fn follows_aggregation(&self, token: &Token) -> bool {
        let rest = self.behind(token);
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | ':')).unwrap_or(rest.len());
        let word = rest.get(..end).unwrap_or_default();
        rest.starts_with('(') || word.eq_ignore_ascii_case("by") || word.eq_ignore_ascii_case("without")
    }

    fn call(&mut self) -> Result<Parsed, ParseError> {
        let name_span = self.next()?.span;
        let arguments = self.arguments()?;
        let name = self.source(name_span);
        let Some(function) = functions::signature(name) else { return Err(unknown_function(name, name_span)) };
        if function.experimental && !self.features.experimental_functions {
            return Err(ParseError::new(name_span, format!("the function `{name}` is experimental and not enabled"))
                .hint("`firedrill test --enable-feature=promql-experimental-functions`, or `features: [promql-experimental-functions]` in firedrill.yaml; Prometheus needs the flag too"));
        }
        let span = name_span.to(arguments.close);
        self.above(ExprKind::Call(Call { function, args: arguments.exprs, name_span }), span, arguments.height)
    }

    fn arguments(&mut self) -> Result<Arguments, ParseError> {
        self.expect(&Kind::LeftParen, "")?;
        let mut arguments = Arguments { exprs: Vec::new(), height: 0, close: Span::default() };
        if let Some(close) = self.eat(&Kind::RightParen)? {
            arguments.close = close;
            return Ok(arguments);
        }
        loop {
            let argument = self.expression()?;
            arguments.height = arguments.height.max(argument.height);
            arguments.exprs.push(*argument.expr);
            let token = self.peek()?.clone();
            match token.kind {
                Kind::Comma => {}
                Kind::RightParen => {
                    self.next()?;
                    arguments.close = token.span;
                    return Ok(arguments);
                }
                _ => return Err(self.unexpected_behind(&token)),
            }
            self.next()?;
            if !self.peek_operand()? {
                return Err(ParseError::new(token.span, "an argument is missing behind the comma")
                    .hint("write it, or remove the comma"));
            }
        }
    }

    /// Whether the next token can begin an operand.
    fn peek_operand(&mut self) -> Result<bool, ParseError> {
        if self.peek_sign()?.is_some() {
            return Ok(true);
        }
        Ok(match self.peek()?.kind {
            Kind::Number
            | Kind::Duration
            | Kind::String(_)
            | Kind::LeftParen
            | Kind::LeftBrace
            | Kind::Identifier
            | Kind::MetricName => true,
            Kind::Keyword(keyword) => keyword.names_metric(),
            _ => false,
        })
    }

    /// The name of an aggregation is also one of a metric, where neither `by`, `without` nor a parenthesis follows.
    pub(super) fn aggregate_or_selector(&mut self, op: AggregateOp) -> Result<Parsed, ParseError> {
        let name = self.peek()?.clone();
        if !self.follows_aggregation(&name) {
            return self.selector_expr();
        }
        self.next()?;
        let mut modifier = self.grouping()?;
        let token = self.peek()?.clone();
        if token.kind != Kind::LeftParen {
            return Err(self
                .unexpected(&token, &format!("in `{op}`"))
                .hint(format!("what is aggregated stands in parentheses: {op} by (job) (up)")));
        }
        let arguments = self.arguments()?;
        let mut span = name.span.to(arguments.close);
        if modifier.is_none() {
            modifier = self.grouping()?;
            span = modifier.as_ref().map_or(span, |modifier| span.to(modifier.span));
        }
        self.aggregate(op, modifier.unwrap_or_default(), arguments, span)
    }

    fn aggregate(
        &self,
        op: AggregateOp,
        modifier: Grouping,
        arguments: Arguments,
        span: Span,
    ) -> Result<Parsed, ParseError> {
        let height = arguments.height;
        let count = arguments.exprs.len();
        if count == 0 {
            let example = if op.param_type().is_some() { "two arguments" } else { "what to aggregate" };
            return Err(ParseError::new(span, format!("`{op}` has no arguments")).hint(format!("it takes {example}")));
        }
        if op.is_experimental() && !self.features.experimental_functions {
            return Err(ParseError::new(span, format!("the aggregation `{op}` is experimental and not enabled"))
                .hint("`firedrill test --enable-feature=promql-experimental-functions`, or `features: [promql-experimental-functions]` in firedrill.yaml; Prometheus needs the flag too"));
        }
        let wanted = 1 + usize::from(op.param_type().is_some());
        let mut exprs = arguments.exprs.into_iter();
        let param = if wanted == 2 { exprs.next() } else { None };
        let (Some(expr), None) = (exprs.next(), exprs.next()) else {
            let error = ParseError::new(span, format!("`{op}` takes {wanted} argument(s), not {count}"));
            return Err(match (op, wanted) {
                (AggregateOp::CountValues, _) => error.hint("the first is a label: count_values(\"version\", build)"),
                (_, 2) => error.hint(format!("the first is a number: {op}(5, up)")),
                _ => error.hint(format!("labels stand in `by`: {op} by (job) (up)")),
            });
        };
        let Grouping { without, labels: grouping, .. } = modifier;
        self.above(ExprKind::Aggregate(Box::new(Aggregate { op, param, expr, without, grouping })), span, height)
    }

    /// `by (...)` or `without (...)`, if it comes next.
    fn grouping(&mut self) -> Result<Option<Grouping>, ParseError> {
        let token = self.peek()?.clone();
        let without = match token.kind {
            Kind::Keyword(Keyword::By) => false,
            Kind::Keyword(Keyword::Without) => true,
            _ => return Ok(None),
        };
        self.next()?;
        let labels = self.label_list()?;
        Ok(Some(Grouping { without, labels, span: token.span.to(Span::new(self.taken, self.taken)) }))
    }
}

#[derive(Default)]
struct Grouping {
    without: bool,
    labels: Vec<String>,
    span: Span,
}

fn unknown_function(name: &str, span: Span) -> ParseError {
    let error = ParseError::new(span, format!("there is no function `{name}`"));
    let known = functions::all().iter().map(|function| function.name);
    match nearest(name, known.chain(AggregateOp::ALL.map(AggregateOp::as_str))) {
        Some(known) => error.hint(format!("did you mean `{known}`?")),
        None => error.hint("operators and aggregations aside, only the functions of Prometheus can be called"),
    }
}
