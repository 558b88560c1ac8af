//! Text to syntax tree (Prometheus `promql/parser/generated_parser.y` and `parse.go`). The first error ends it; it is
//! the one that Prometheus would report first, at the same place.

mod calls;
mod durations;
mod matchers;
mod modifiers;
mod operators;
mod series;

pub use series::{parse_series, parse_series_prefix};

use super::ast::{Expr, ExprKind, NumberLiteral, UnaryOp, ValueType, VectorSelector};
use super::lexer::{Keyword, Kind, Lexer, Token};
use super::types;
use crate::syntax::pratt::Grammar;
use crate::syntax::{BinaryOp, MAX_HEIGHT, MAX_LENGTH, MAX_NESTING, ParseError, number, pratt};
use crate::text::Span;
use crate::time::Duration;

/// Experimental parts of the language, each behind a flag of Prometheus (`promql/parser/parse.go`, `Options`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Features {
    /// `info()`, `limitk()`, `mad_over_time()`, ... (`promql-experimental-functions`).
    pub experimental_functions: bool,
    /// `[5m * 2]`, `offset step()` (`promql-duration-expr`).
    pub duration_expressions: bool,
    /// `anchored` and `smoothed` (`promql-extended-range-selectors`).
    pub extended_range_selectors: bool,
    /// `fill()`, `fill_left()` and `fill_right()` (`promql-binop-fill-modifiers`).
    pub fill_modifiers: bool,
}

impl Features {
    /// What Prometheus 3.14 and its promtool let through as they come.
    pub const PROMETHEUS: Features = Features {
        experimental_functions: false,
        duration_expressions: true,
        extended_range_selectors: false,
        fill_modifiers: false,
    };

    /// Everything on.
    pub const ALL: Features = Features {
        experimental_functions: true,
        duration_expressions: true,
        extended_range_selectors: true,
        fill_modifiers: true,
    };
}

/// Reads an expression as Prometheus does by default, all experimental parts off.
pub fn parse(text: &str) -> Result<Expr, ParseError> {
    parse_with(text, Features::default())
}

/// Reads an expression with some experimental parts on.
pub fn parse_with(text: &str, features: Features) -> Result<Expr, ParseError> {
    let mut parser = Parser::new(text, features)?;
    if parser.peek()?.kind == Kind::End {
        return Err(ParseError::new(Span::new(0, 0), "there is no expression").hint("write one, such as `up == 0`"));
    }
    let mut parsed = pratt::expression(&mut parser, 0)?;
    parser.expect_end()?;
    types::check(&mut parsed.expr)?;
    Ok(*parsed.expr)
}

/// Reads a lone vector selector without modifiers, such as `up{job="node"}` (Prometheus `ParseMetricSelector`). It may be one that matches
/// everything.
pub fn parse_selector(text: &str) -> Result<VectorSelector, ParseError> {
    let mut parser = Parser::new(text, Features::default())?;
    let token = parser.peek()?.clone();
    let named = match token.kind {
        Kind::Identifier | Kind::MetricName => true,
        Kind::Keyword(keyword) => keyword.names_metric(),
        _ => false,
    };
    if !named && token.kind != Kind::LeftBrace {
        return Err(parser
            .unexpected(&token, "at the start of a selector")
            .hint("write the name of a metric, or matchers in braces: up{job=\"node\"}"));
    }
    let (selector, _) = parser.selector()?;
    parser.expect_end()?;
    Ok(selector)
}

/// An expression and the height of its tree. Boxed, for the reader recurses and its frames hold some of these.
struct Parsed {
    expr: Box<Expr>,
    height: usize,
}

struct Parser<'a> {
    text: &'a str,
    lexer: Lexer<'a>,
    /// The token that was looked at and not taken.
    ahead: Option<Token>,
    features: Features,
    /// How many expressions are open.
    depth: usize,
    /// Where the last token that was taken ends.
    taken: usize,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str, features: Features) -> Result<Parser<'a>, ParseError> {
        if text.len() > MAX_LENGTH {
            let message = format!("the expression has {} bytes; the limit is {MAX_LENGTH}", text.len());
            return Err(ParseError::new(Span::new(0, 0), message));
        }
        Ok(Parser { text, lexer: Lexer::new(text), ahead: None, features, depth: 0, taken: 0 })
    }

    /// The next token, which stays where it is. Looking only where Prometheus' parser has to look keeps the order of
    /// errors: one of the lexer's behind the next token comes after what is wrong before it.
    fn peek(&mut self) -> Result<&Token, ParseError> {
        let token = match self.ahead.take() {
            Some(token) => token,
            None => self.lexer.next()?,
        };
        Ok(self.ahead.insert(token))
    }

    /// Takes the next token.
    fn next(&mut self) -> Result<Token, ParseError> {
        let token = match self.ahead.take() {
            Some(token) => token,
            None => self.lexer.next()?,
        };
        self.taken = token.span.end;
        Ok(token)
    }

    /// Takes the next token if it is of this kind.
    fn eat(&mut self, kind: &Kind) -> Result<Option<Span>, ParseError> {
        if self.peek()?.kind == *kind { self.next().map(|token| Some(token.span)) } else { Ok(None) }
    }

    /// Takes the next token, which has to be of this kind.
    fn expect(&mut self, kind: &Kind, context: &str) -> Result<Span, ParseError> {
        let token = self.peek()?;
        if token.kind == *kind {
            return self.next().map(|token| token.span);
        }
        let token = token.clone();
        Err(self.unexpected(&token, context))
    }

    fn expect_end(&mut self) -> Result<(), ParseError> {
        let token = self.peek()?.clone();
        if token.kind == Kind::End { Ok(()) } else { Err(self.unexpected_behind(&token)) }
    }

    fn source(&self, span: Span) -> &'a str {
        self.text.get(span.start..span.end).unwrap_or_default()
    }

    /// An error for a token that cannot stand where it stands.
    fn unexpected(&self, token: &Token, context: &str) -> ParseError {
        let space = if context.is_empty() { "" } else { " " };
        ParseError::new(token.span, format!("unexpected {}{space}{context}", self.describe(token)))
    }

    /// An error for a token behind a complete expression.
    fn unexpected_behind(&self, token: &Token) -> ParseError {
        let error = self.unexpected(token, "behind a complete expression");
        match token.kind {
            Kind::Assign => error.hint("compare with =="),
            Kind::Identifier | Kind::MetricName | Kind::Number | Kind::Duration | Kind::LeftParen | Kind::LeftBrace => {
                error
                    .hint("write an operator between the two, such as + or `and`; is a comma or a parenthesis missing?")
            }
            Kind::String(_) => error.hint("labels are compared inside of braces: up{job=\"node\"}"),
            Kind::Keyword(Keyword::By | Keyword::Without) => {
                error.hint("`by` and `without` belong to an aggregation, once: sum by (job) (up)")
            }
            Kind::Keyword(
                Keyword::On | Keyword::Ignoring | Keyword::GroupLeft | Keyword::GroupRight | Keyword::Bool,
            ) => error.hint("this stands behind an operator: a / on (job) group_left () b, a > bool b"),
            Kind::Keyword(Keyword::Aggregate(_)) => error.hint("write an operator between the two"),
            Kind::Comma => error.hint("a comma separates arguments and labels, not expressions"),
            _ => error,
        }
    }

    /// What a token is, for a message.
    fn describe(&self, token: &Token) -> String {
        let text = self.source(token.span);
        match token.kind {
            Kind::End => "end of the expression".to_owned(),
            Kind::String(_) => format!("string {text}"),
            Kind::Number => format!("number `{text}`"),
            Kind::Duration => format!("duration `{text}`"),
            Kind::Identifier | Kind::MetricName => format!("name `{text}`"),
            _ => format!("`{text}`"),
        }
    }

    /// Runs `read` one level deeper.
    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, ParseError>) -> Result<T, ParseError> {
        if self.depth >= MAX_NESTING {
            let span = self.peek()?.span;
            return Err(too_deep(span, MAX_NESTING));
        }
        self.depth += 1;
        let result = read(self);
        self.depth -= 1;
        result
    }

    /// An expression above others, the highest of which has this height.
    fn above(&self, kind: ExprKind, span: Span, below: usize) -> Result<Parsed, ParseError> {
        if below >= MAX_HEIGHT {
            return Err(too_deep(span, MAX_HEIGHT));
        }
        Ok(Parsed { expr: Box::new(Expr { kind, span }), height: below + 1 })
    }

    /// A whole expression, up to whatever cannot belong to it.
    fn expression(&mut self) -> Result<Parsed, ParseError> {
        self.nested(0)
    }

    fn sign(&mut self, op: UnaryOp) -> Result<Parsed, ParseError> {
        let start = self.next()?.span;
        let operand = self.nested(UnaryOp::POWER + 1)?;
        let span = start.to(operand.expr.span);
        match operand.expr.kind {
            ExprKind::Number(literal) => {
                self.above(ExprKind::Number(literal.signed(op)), span, operand.height.saturating_sub(1))
            }
            _ => self.above(ExprKind::Unary { op, expr: operand.expr }, span, operand.height),
        }
    }

    /// An operand without signs and modifiers.
    fn primary(&mut self) -> Result<Parsed, ParseError> {
        let token = self.peek()?.clone();
        match token.kind {
            Kind::Number | Kind::Duration => {
                let (literal, span) = self.literal()?;
                self.above(ExprKind::Number(literal), span, 0)
            }
            Kind::String(value) => {
                self.next()?;
                self.above(ExprKind::String(value), token.span, 0)
            }
            Kind::LeftParen => self.paren(),
            Kind::Identifier | Kind::MetricName | Kind::LeftBrace => self.call_or_selector(),
            Kind::Keyword(Keyword::Aggregate(op)) => self.aggregate_or_selector(op),
            Kind::Keyword(keyword) if keyword.names_metric() => self.call_or_selector(),
            _ => Err(self.no_operand(&token)),
        }
    }

    fn paren(&mut self) -> Result<Parsed, ParseError> {
        let open = self.next()?.span;
        let inner = self.expression()?;
        let close = self.close_paren()?;
        self.above(ExprKind::Paren(inner.expr), open.to(close), inner.height)
    }

    fn close_paren(&mut self) -> Result<Span, ParseError> {
        let token = self.peek()?.clone();
        if token.kind == Kind::RightParen {
            return self.next().map(|token| token.span);
        }
        Err(self.unexpected_behind(&token))
    }

    /// An error for a token that begins no operand.
    fn no_operand(&self, token: &Token) -> ParseError {
        let error = self.unexpected(token, "");
        match token.kind {
            Kind::End => error.hint("an operand is missing here"),
            Kind::Operator(op) => error.hint(format!("`{op}` needs an operand before it")),
            Kind::Keyword(
                Keyword::On | Keyword::Ignoring | Keyword::GroupLeft | Keyword::GroupRight | Keyword::Bool,
            ) => error.hint("this stands behind an operator: a / on (job) group_left () b, a > bool b"),
            Kind::Assign => error.hint("compare with =="),
            Kind::RightParen => error.hint("an operand is missing before the parenthesis"),
            Kind::At => error.hint("`@` stands behind a selector"),
            Kind::LeftBracket => error.hint("a range stands behind a selector: up[5m]"),
            _ => error,
        }
    }

    /// A number or a duration.
    fn literal(&mut self) -> Result<(NumberLiteral, Span), ParseError> {
        let token = self.next()?;
        let text = self.source(token.span);
        if token.kind == Kind::Duration {
            let duration: Duration = text
                .parse()
                .map_err(|error: crate::time::DurationError| ParseError::new(token.span, error.to_string()))?;
            return Ok((NumberLiteral { value: duration.seconds(), duration: true }, token.span));
        }
        let value = number::value(text)
            .ok_or_else(|| ParseError::new(token.span, format!("`{text}` is no number, or too large a one")))?;
        Ok((NumberLiteral { value, duration: false }, token.span))
    }

    fn peek_sign(&mut self) -> Result<Option<UnaryOp>, ParseError> {
        Ok(match self.peek()?.kind {
            Kind::Operator(BinaryOp::Add) => Some(UnaryOp::Plus),
            Kind::Operator(BinaryOp::Sub) => Some(UnaryOp::Minus),
            _ => None,
        })
    }
}

impl NumberLiteral {
    fn signed(self, op: UnaryOp) -> NumberLiteral {
        match op {
            UnaryOp::Plus => self,
            UnaryOp::Minus => NumberLiteral { value: -self.value, ..self },
        }
    }
}

fn too_deep(span: Span, limit: usize) -> ParseError {
    ParseError::new(span, format!("the expression is nested more than {limit} levels deep"))
        .hint("split it into recording rules")
}

/// What a value of the wrong type is told.
pub(super) fn wrong_type(span: Span, wanted: ValueType, place: &str, found: ValueType) -> ParseError {
    ParseError::new(span, format!("{place} takes {}, not {}", with_article(wanted), with_article(found)))
}

pub(super) fn with_article(value_type: ValueType) -> String {
    let article = if value_type == ValueType::Vector { "an" } else { "a" };
    format!("{article} {value_type}")
}

#[cfg(test)]
mod tests;
