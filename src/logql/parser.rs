//! Text to syntax tree (Loki `pkg/logql/syntax/syntax.y` and `parser.go`). What Loki's grammar leaves to its generator to decide
//! (which of two readings a token continues) is decided as there. The first error ends it.

mod aggregates;
mod label_filters;
mod line_filters;
mod log_queries;
mod operators;
mod stages;

use super::ast::{Expr, ExprKind, LogQuery, Query};
use super::lexer::{Function, Keyword, Kind, Lexer, Token, function_names};
use crate::number::parse_go_float;
use crate::syntax::pratt::Grammar;
use crate::syntax::{BinaryOp, MAX_HEIGHT, MAX_NESTING, ParseError, pratt};
use crate::text::{Span, nearest};

/// Bytes of a query; Loki refuses longer ones.
pub const MAX_QUERY: usize = 128 * 1024 - 1;

/// Reads a query.
pub fn parse(text: &str) -> Result<Query, ParseError> {
    let mut parser = Parser::new(text)?;
    if parser.peek()?.kind == Kind::End {
        return Err(ParseError::new(Span::new(0, 0), "there is no query").hint("write one, such as {job=\"node\"}"));
    }
    let parsed = pratt::expression(&mut parser, 0)?;
    parser.expect_end()?;
    match parsed.node {
        Node::Log(query) => {
            log_queries::check_selector(&query.selector)?;
            Ok(Query::Log(*query))
        }
        Node::Metric(expr) => Ok(Query::Metric(*expr)),
    }
}

/// What an operand turned out to be. Boxed, for the reader recurses and its frames hold some of these.
enum Node {
    Log(Box<LogQuery>),
    Metric(Box<Expr>),
}

impl Node {
    fn span(&self) -> Span {
        match self {
            Node::Log(query) => query.span,
            Node::Metric(expr) => expr.span,
        }
    }
}

/// A query or a part of one, and the height of its tree.
struct Parsed {
    node: Node,
    height: usize,
}

struct Parser<'a> {
    text: &'a str,
    lexer: Lexer<'a>,
    /// The token that was looked at and not taken.
    ahead: Option<Token>,
    /// How many expressions are open.
    depth: usize,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str) -> Result<Parser<'a>, ParseError> {
        if text.len() > MAX_QUERY {
            let message = format!("the query has {} bytes; Loki's limit is {MAX_QUERY}", text.len());
            return Err(ParseError::new(Span::new(0, 0), message));
        }
        if let Some(at) = text.find('\0') {
            return Err(ParseError::new(Span::new(at, at + 1), "the query holds a NUL character").hint("remove it"));
        }
        Ok(Parser { text, lexer: Lexer::new(text), ahead: None, depth: 0 })
    }

    /// The next token, which stays where it is.
    fn peek(&mut self) -> Result<&Token, ParseError> {
        let token = match self.ahead.take() {
            Some(token) => token,
            None => self.lexer.next()?,
        };
        Ok(self.ahead.insert(token))
    }

    /// Takes the next token.
    fn next(&mut self) -> Result<Token, ParseError> {
        match self.ahead.take() {
            Some(token) => Ok(token),
            None => self.lexer.next(),
        }
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

    /// Takes a name.
    fn name(&mut self, context: &str) -> Result<(String, Span), ParseError> {
        let token = self.next()?;
        if token.kind == Kind::Identifier {
            return Ok((self.source(token.span).to_owned(), token.span));
        }
        let error = self.unexpected(&token, context);
        Err(match token.kind {
            Kind::Keyword(_) => {
                error.hint(format!("`{}` is a keyword and cannot be the name of a label", self.source(token.span)))
            }
            Kind::String(_) => error.hint("names are written without quotes"),
            _ => error.hint("the name of a label is missing here"),
        })
    }

    /// Takes a string.
    fn string(&mut self, context: &str) -> Result<(String, Span), ParseError> {
        let token = self.next()?;
        if let Kind::String(value) = token.kind {
            return Ok((value, token.span));
        }
        let error = self.unexpected(&token, context);
        Err(match token.kind {
            Kind::Identifier if self.source(token.span).starts_with('\'') => {
                error.hint("strings are written in double quotes or backticks")
            }
            Kind::Identifier | Kind::Number => {
                error.hint(format!("write it in quotes: \"{}\"", self.source(token.span)))
            }
            _ => error.hint("a string in quotes is missing here"),
        })
    }

    fn source(&self, span: Span) -> &'a str {
        self.text.get(span.start..span.end).unwrap_or_default()
    }

    /// An error for a token that cannot stand where it stands.
    fn unexpected(&self, token: &Token, context: &str) -> ParseError {
        let space = if context.is_empty() { "" } else { " " };
        ParseError::new(token.span, format!("unexpected {}{space}{context}", self.describe(token)))
    }

    /// An error for a token behind a complete query.
    fn unexpected_behind(&self, token: &Token) -> ParseError {
        let error = self.unexpected(token, "behind a complete query");
        match token.kind {
            Kind::Range(_) => error.hint("a range stands inside of a function: count_over_time({job=\"node\"}[5m])"),
            Kind::Keyword(Keyword::Offset) => error.hint("`offset` stands behind a range: [5m] offset 1h"),
            Kind::String(_) => error.hint("a filter of lines begins with |=, !=, |~, !~, |> or !>"),
            Kind::Keyword(Keyword::By | Keyword::Without) => {
                error.hint("`by` and `without` belong to an aggregation, once: sum by (job) (rate({job=~\".+\"}[5m]))")
            }
            Kind::Keyword(
                Keyword::On | Keyword::Ignoring | Keyword::GroupLeft | Keyword::GroupRight | Keyword::Bool,
            ) => error.hint("this stands behind an operator: a / on (job) group_left () b, a > bool b"),
            Kind::Assign => error.hint("values are compared with =="),
            Kind::Identifier => error.hint("write an operator before it, or `|` if it names a stage or a label"),
            Kind::RightParen => error.hint("remove it, or open one before it"),
            _ => error,
        }
    }

    /// What a token is, for a message.
    fn describe(&self, token: &Token) -> String {
        let text = self.source(token.span);
        match token.kind {
            Kind::End => "end of the query".to_owned(),
            Kind::String(_) => format!("string {text}"),
            Kind::Number => format!("number `{text}`"),
            Kind::Duration(_) => format!("duration `{text}`"),
            Kind::Bytes(_) => format!("size `{text}`"),
            Kind::Range(_) => format!("range `{text}`"),
            Kind::Identifier => format!("name `{text}`"),
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
        Ok(Parsed { node: Node::Metric(Box::new(Expr { kind, span })), height: below + 1 })
    }

    /// A whole expression that yields samples, up to whatever cannot belong to it.
    fn metric(&mut self) -> Result<(Expr, usize), ParseError> {
        let parsed = self.nested(0)?;
        match parsed.node {
            Node::Metric(expr) if !matches!(expr.kind, ExprKind::Variants(_)) => Ok((*expr, parsed.height)),
            Node::Metric(expr) => Err(ParseError::new(expr.span, "`variants` stands alone or beside an operator")),
            Node::Log(query) => Err(no_samples(query.span)),
        }
    }

    /// An operand without an operator.
    fn primary(&mut self) -> Result<Parsed, ParseError> {
        let token = self.peek()?.clone();
        match token.kind {
            Kind::Number | Kind::Operator(BinaryOp::Add | BinaryOp::Sub) => {
                let (value, span) = self.signed_number()?;
                let value = value.ok_or_else(|| not_a_float(self.source(span), span))?;
                self.above(ExprKind::Literal(value), span, 0)
            }
            Kind::LeftParen => self.paren(),
            Kind::LeftBrace => {
                let query = self.log_query()?;
                Ok(Parsed { node: Node::Log(Box::new(query)), height: 1 })
            }
            Kind::Function(Function::Range(op)) => self.range_aggregate(op),
            Kind::Function(Function::Vector(op)) => self.vector_aggregate(op),
            Kind::Function(Function::LabelReplace) => self.label_replace(),
            Kind::Function(Function::VectorLiteral) => self.vector_literal(),
            Kind::Keyword(Keyword::Variants) => self.variants(),
            _ => Err(self.no_operand(&token)),
        }
    }

    fn paren(&mut self) -> Result<Parsed, ParseError> {
        self.next()?;
        let inner = self.nested(0)?;
        if let Node::Metric(expr) = &inner.node
            && matches!(expr.kind, ExprKind::Variants(_))
        {
            return Err(ParseError::new(expr.span, "`variants` stands in parentheses").hint("remove them"));
        }
        let token = self.peek()?.clone();
        if token.kind != Kind::RightParen {
            return Err(self.unexpected(&token, "before the parenthesis is closed").hint("write `)` here"));
        }
        self.next()?;
        Ok(inner)
    }

    /// A number with or without a sign, which is no value where Go reads none from its text; then Loki's numeric conditions
    /// compare with zero, or with an infinity where it is too large.
    fn signed_number(&mut self) -> Result<(Option<f64>, Span), ParseError> {
        let first = self.next()?;
        let (sign, number) = match first.kind {
            Kind::Operator(BinaryOp::Sub) => (-1.0, self.number(first.span)?),
            Kind::Operator(BinaryOp::Add) => (1.0, self.number(first.span)?),
            _ => (1.0, first.span),
        };
        let value = parse_go_float(self.source(number)).map(|value| sign * value);
        Ok((value, first.span.to(number)))
    }

    fn number(&mut self, sign: Span) -> Result<Span, ParseError> {
        let token = self.next()?;
        if token.kind == Kind::Number {
            return Ok(token.span);
        }
        let sign = self.source(sign);
        Err(self.unexpected(&token, &format!("behind `{sign}`")).hint(format!(
            "LogQL has signs in front of numbers alone; write {}",
            if sign == "-" { "0 - ... or -1 * ..." } else { "it without the sign" }
        )))
    }

    /// An error for a token that begins no operand.
    fn no_operand(&self, token: &Token) -> ParseError {
        let error = self.unexpected(token, "");
        match token.kind {
            Kind::End => error.hint("an operand is missing here"),
            Kind::Operator(op) => error.hint(format!("`{op}` needs an operand before it")),
            Kind::RightParen => error.hint("an operand is missing before the parenthesis"),
            Kind::Assign => error.hint("values are compared with =="),
            Kind::Identifier => {
                let name = self.source(token.span).to_lowercase();
                if let Some(instead) = instead_of_promql(&name) {
                    return error.hint(format!("LogQL has no `{name}`: {instead}"));
                }
                match nearest(&name, function_names()) {
                    Some(known) if known == name => error.hint(format!("`{known}` is a function: {known}(...)")),
                    Some(known) => error.hint(format!("did you mean `{known}`?")),
                    None => error.hint("logs are selected in braces: {job=\"node\"}"),
                }
            }
            Kind::Duration(_) | Kind::Bytes(_) => error.hint("a number has no unit here"),
            _ => error,
        }
    }
}

/// What LogQL has for functions that only PromQL has.
fn instead_of_promql(name: &str) -> Option<&'static str> {
    Some(match name {
        "absent" => "absent_over_time({job=\"node\"}[5m]) asks for lines",
        "increase" | "delta" | "idelta" | "changes" | "resets" => "count_over_time({job=\"node\"}[5m]) counts lines",
        "irate" | "deriv" => "rate({job=\"node\"}[5m]) counts lines in a second",
        "histogram_quantile" | "quantile" => "quantile_over_time(0.9, {job=\"node\"} | logfmt | unwrap took [5m])",
        _ => return None,
    })
}

fn too_deep(span: Span, limit: usize) -> ParseError {
    ParseError::new(span, format!("the query is nested more than {limit} levels deep")).hint("split it")
}

fn no_samples(span: Span) -> ParseError {
    ParseError::new(span, "this yields log lines, not samples")
        .hint("count them over a range: count_over_time({job=\"node\"}[5m])")
}

fn not_a_float(text: &str, span: Span) -> ParseError {
    ParseError::new(span, format!("`{text}` is no number, or too large a one"))
        .hint("numbers are decimal: 5, 0.5, 1e3, 1_000")
}

#[cfg(test)]
mod tests;
