//! Names of series as test files write them: `up{job="node"}`.

use super::Parser;
use crate::labels::{Labels, LabelsBuilder, METRIC_NAME};
use crate::promql::lexer::{Kind, Token};
use crate::syntax::ParseError;

/// Reads the name of a series, such as `up{job="node"}` (Prometheus `ParseMetric`).
pub fn parse_series(text: &str) -> Result<Labels, ParseError> {
    let mut parser = Parser::new(text, super::Features::default())?;
    let labels = parser.series(true)?;
    parser.expect_end()?;
    Ok(labels)
}

/// Reads the name of a series at the start of a text, such as a line `up{job="node"} 1 1 0`; returns it with the byte
/// offset of what follows.
pub fn parse_series_prefix(text: &str) -> Result<(Labels, usize), ParseError> {
    let mut parser = Parser::new(text, super::Features::default())?;
    let labels = parser.series(false)?;
    Ok((labels, parser.taken))
}

impl Parser<'_> {
    /// The name of a series; `spaced` allows blanks before its braces, which lines with values do not have.
    fn series(&mut self, spaced: bool) -> Result<Labels, ParseError> {
        let mut labels = LabelsBuilder::default();
        let token = self.peek()?.clone();
        let name = match token.kind {
            Kind::Identifier | Kind::MetricName => self.source(token.span),
            Kind::Keyword(keyword) if keyword.names_metric() => self.source(token.span),
            Kind::LeftBrace => "",
            _ => {
                return Err(self
                    .unexpected(&token, "at the start of a series")
                    .hint("a series is a name, labels in braces, or both: up{job=\"node\"}"));
            }
        };
        if !name.is_empty() {
            self.next()?;
            // Values may follow, which have a notation of their own: look no further than to a brace.
            let rest = self.text.get(token.span.end..).unwrap_or_default();
            let braces = if spaced { rest.trim_start_matches([' ', '\t', '\n', '\r']) } else { rest };
            if !braces.starts_with('{') {
                labels.set(METRIC_NAME, name);
                return Ok(labels.build());
            }
        }
        self.next()?;
        while self.eat(&Kind::RightBrace)?.is_none() {
            self.label(&mut labels)?;
            let token = self.peek()?.clone();
            match token.kind {
                Kind::Comma => drop(self.next()?),
                Kind::RightBrace => {}
                _ => return Err(self.unexpected(&token, "between labels").hint("write a comma, or `}` at the end")),
            }
        }
        if !name.is_empty() {
            labels.set(METRIC_NAME, name);
        }
        Ok(labels.build())
    }

    fn label(&mut self, labels: &mut LabelsBuilder) -> Result<(), ParseError> {
        let token = self.next()?;
        let (name, quoted) = match &token.kind {
            Kind::Identifier => (self.source(token.span), false),
            Kind::String(name) => (name.as_str(), true),
            _ => {
                return Err(self
                    .unexpected(&token, "where a label's name should stand")
                    .hint("a label looks like job=\"node\""));
            }
        };
        let equals = self.peek()?.clone();
        if equals.kind != Kind::Assign {
            if quoted {
                labels.set(METRIC_NAME, name);
                return Ok(());
            }
            return Err(self
                .unexpected(&equals, &format!("behind the label `{name}`"))
                .hint(format!("write {name}=\"...\"")));
        }
        self.next()?;
        let value: Token = self.peek()?.clone();
        let Kind::String(text) = &value.kind else {
            return Err(self
                .unexpected(&value, "where a label's value should stand")
                .hint("the value is written in quotes"));
        };
        labels.set(name, text);
        self.next()?;
        Ok(())
    }
}
