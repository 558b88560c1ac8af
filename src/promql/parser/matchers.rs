//! Vector selectors with their matchers, and lists of labels.

use super::{Parsed, Parser};
use crate::labels::{METRIC_NAME, MatchOp, Matcher};
use crate::promql::ast::{Edge, ExprKind, VectorSelector};
use crate::promql::lexer::{Kind, Token};
use crate::syntax::{BinaryOp, ParseError};
use crate::text::Span;

impl Parser<'_> {
    /// A selector whose first token comes next.
    pub(super) fn selector(&mut self) -> Result<(VectorSelector, Span), ParseError> {
        let mut span = self.peek()?.span;
        let mut name = "";
        if self.peek()?.kind != Kind::LeftBrace {
            self.next()?;
            name = self.source(span);
        }
        let mut matchers = Vec::new();
        if self.peek()?.kind == Kind::LeftBrace {
            span = span.to(self.matchers(&mut matchers)?);
        }
        if !name.is_empty() {
            matchers.push(self.matcher(METRIC_NAME, MatchOp::Equal, name, span)?);
        }
        let selector = VectorSelector { name: name.to_owned(), matchers, at: None, offset: None, edge: Edge::None };
        Ok((selector, span))
    }

    pub(super) fn selector_expr(&mut self) -> Result<Parsed, ParseError> {
        let (selector, span) = self.selector()?;
        self.above(ExprKind::Selector(selector), span, 0)
    }

    fn matcher(&self, name: &str, op: MatchOp, value: &str, span: Span) -> Result<Matcher, ParseError> {
        Matcher::new(name, op, value).map_err(|error| {
            ParseError::new(span, error.to_string())
                .hint("regular expressions have the syntax of RE2 and match the whole value; .* stands for anything")
        })
    }

    /// `{a="b", ...}`; returns where it stands.
    fn matchers(&mut self, matchers: &mut Vec<Matcher>) -> Result<Span, ParseError> {
        let open = self.next()?.span;
        loop {
            if let Some(close) = self.eat(&Kind::RightBrace)? {
                return Ok(open.to(close));
            }
            matchers.push(self.one_matcher()?);
            let token = self.peek()?.clone();
            match token.kind {
                Kind::Comma => drop(self.next()?),
                Kind::RightBrace => {}
                _ => return Err(self.unexpected(&token, "between matchers").hint("write a comma, or `}` at the end")),
            }
        }
    }

    fn one_matcher(&mut self) -> Result<Matcher, ParseError> {
        let token = self.peek()?.clone();
        let (name, quoted) = match &token.kind {
            Kind::Identifier => (self.source(token.span).to_owned(), false),
            Kind::String(name) => (name.clone(), true),
            _ => {
                return Err(self
                    .unexpected(&token, "where a label's name should stand")
                    .hint("a matcher looks like job=\"node\""));
            }
        };
        self.next()?;
        let op_token = self.peek()?.clone();
        let op = match op_token.kind {
            Kind::Assign => MatchOp::Equal,
            Kind::Operator(BinaryOp::NotEqual) => MatchOp::NotEqual,
            Kind::Matches => MatchOp::Regex,
            Kind::MatchesNot => MatchOp::NotRegex,
            // A string alone is the metric's name.
            _ if quoted => return self.matcher(METRIC_NAME, MatchOp::Equal, &name, token.span),
            _ => {
                return Err(self
                    .unexpected(&op_token, &format!("behind the label `{name}`"))
                    .hint(format!("compare it with =, !=, =~ or !~, as in {name}=\"...\"")));
            }
        };
        self.next()?;
        let value = self.peek()?.clone();
        let Kind::String(text) = &value.kind else { return Err(self.unquoted_value(&op_token, &value)) };
        self.next()?;
        self.matcher(&name, op, text, token.span.to(value.span))
    }

    fn unquoted_value(&self, op: &Token, value: &Token) -> ParseError {
        let error = self.unexpected(value, "where a label's value should stand");
        match value.kind {
            Kind::Identifier => error.hint(format!("write the value in quotes: \"{}\"", self.source(value.span))),
            Kind::Assign if op.kind == Kind::Assign => error.hint("labels are compared with a single ="),
            _ => error.hint("the value is written in quotes"),
        }
    }

    /// `(a, b)`, as behind `by` and `on`.
    pub(super) fn label_list(&mut self) -> Result<Vec<String>, ParseError> {
        const CONTEXT: &str = "in a list of labels";
        let token = self.peek()?.clone();
        if token.kind != Kind::LeftParen {
            return Err(self
                .unexpected(&token, "where a list of labels should begin")
                .hint("labels are listed in parentheses: (job, instance)"));
        }
        self.next()?;
        let mut labels = Vec::new();
        loop {
            let token = self.peek()?.clone();
            match &token.kind {
                // An empty list, or a comma behind the last label.
                Kind::RightParen => {
                    self.next()?;
                    return Ok(labels);
                }
                Kind::Identifier | Kind::MetricName => labels.push(self.source(token.span).to_owned()),
                Kind::Keyword(keyword) if keyword.names_label() => labels.push(self.source(token.span).to_owned()),
                Kind::String(name) if !name.is_empty() && !crate::syntax::strings::has_raw_bytes(name) => {
                    labels.push(name.clone());
                }
                Kind::String(_) => {
                    return Err(ParseError::new(token.span, "this is no name of a label").hint("write a label's name"));
                }
                _ => {
                    return Err(self
                        .unexpected(&token, "where a label's name should stand")
                        .hint("labels are listed by name: (job, instance)"));
                }
            }
            self.next()?;
            let token = self.peek()?.clone();
            match token.kind {
                Kind::Comma => drop(self.next()?),
                Kind::RightParen => {}
                _ => return Err(self.unexpected(&token, CONTEXT).hint("write a comma, or `)` at the end")),
            }
        }
    }
}
