//! Stages that begin with a keyword: parsers, formats, `drop`, `keep`.

use super::{Parser, log_queries::match_op};
use crate::labels::{group_names, search_regex};
use crate::logql::ast::{Extraction, LabelChoice, LabelFormat, LabelFormatValue, Logfmt, Stage, StageKind};
use crate::logql::lexer::{Keyword, Kind};
use crate::logql::pattern;
use crate::syntax::ParseError;
use crate::text::Span;

impl Parser<'_> {
    /// A stage whose `|` was read.
    pub(super) fn stage(&mut self, pipe: Span) -> Result<Stage, ParseError> {
        let token = self.peek()?.clone();
        let Kind::Keyword(keyword) = token.kind else {
            if !matches!(token.kind, Kind::Identifier | Kind::LeftParen) {
                return Err(self.no_stage(&token));
            }
            let filter = self.label_filter()?;
            let span = pipe.to(filter.span);
            return Ok(Stage { kind: StageKind::LabelFilter(filter), span });
        };
        let mut end = token.span;
        let kind = match keyword {
            Keyword::Json => {
                self.next()?;
                StageKind::Json(self.extractions(&mut end)?)
            }
            Keyword::Logfmt => {
                self.next()?;
                StageKind::Logfmt(self.logfmt(&mut end)?)
            }
            Keyword::Regexp => {
                self.next()?;
                let (text, span) = self.string("behind `regexp`")?;
                end = span;
                check_regexp(&text, span)?;
                StageKind::Regexp(text)
            }
            Keyword::Pattern => {
                self.next()?;
                let (text, span) = self.string("behind `pattern`")?;
                end = span;
                pattern::parse(&text).and_then(|pattern| pattern.check_captures()).map_err(|error| {
                    ParseError::new(span, error.to_string())
                        .hint("write captures with literal text between them: \"<ip> - <user> <_>\"")
                })?;
                StageKind::Pattern(text)
            }
            Keyword::Unpack => {
                self.next()?;
                StageKind::Unpack
            }
            Keyword::LineFormat => {
                self.next()?;
                let (text, span) = self.string("behind `line_format`")?;
                end = span;
                StageKind::LineFormat(text)
            }
            Keyword::LabelFormat => {
                self.next()?;
                StageKind::LabelFormat(self.label_formats(&mut end)?)
            }
            Keyword::Decolorize => {
                self.next()?;
                StageKind::Decolorize
            }
            Keyword::Drop => {
                self.next()?;
                StageKind::Drop(self.label_choices(&mut end)?)
            }
            Keyword::Keep => {
                self.next()?;
                StageKind::Keep(self.label_choices(&mut end)?)
            }
            _ => return Err(self.no_stage(&token)),
        };
        Ok(Stage { kind, span: pipe.to(end) })
    }

    fn no_stage(&self, token: &super::Token) -> ParseError {
        let error = self.unexpected(token, "where a stage should stand");
        match token.kind {
            Kind::String(_) => error.hint("a filter of lines begins with |=, !=, |~, !~, |> or !>, without a blank"),
            Kind::Keyword(_) => {
                error.hint(format!("`{}` is a keyword and cannot be the name of a label", self.source(token.span)))
            }
            _ => error.hint(
                "behind `|` stands a condition on a label, or json, logfmt, regexp, pattern, unpack, line_format, \
                 label_format, decolorize, drop or keep",
            ),
        }
    }

    /// `a="x.y", b`, up to whatever is no name; `end` moves behind them.
    fn extractions(&mut self, end: &mut Span) -> Result<Vec<Extraction>, ParseError> {
        let mut extractions = Vec::new();
        if self.peek()?.kind != Kind::Identifier {
            return Ok(extractions);
        }
        loop {
            let (name, span) = self.name("where the name of a label should stand")?;
            *end = span;
            let mut expression = name.clone();
            if self.eat(&Kind::Assign)?.is_some() {
                (expression, *end) = self.string("where the field of a label should stand")?;
            }
            extractions.push(Extraction { name, expression });
            if self.eat(&Kind::Comma)?.is_none() {
                return Ok(extractions);
            }
        }
    }

    fn logfmt(&mut self, end: &mut Span) -> Result<Logfmt, ParseError> {
        let mut logfmt = Logfmt::default();
        loop {
            match self.peek()?.kind {
                Kind::Strict => logfmt.strict = true,
                Kind::KeepEmpty => logfmt.keep_empty = true,
                _ => break,
            }
            *end = self.next()?.span;
        }
        logfmt.extractions = self.extractions(end)?;
        Ok(logfmt)
    }

    fn label_formats(&mut self, end: &mut Span) -> Result<Vec<LabelFormat>, ParseError> {
        let mut formats = Vec::new();
        loop {
            let (name, _) = self.name("where the label that is set should stand")?;
            let assign = self.next()?;
            if assign.kind != Kind::Assign {
                return Err(self
                    .unexpected(&assign, &format!("behind the label `{name}`"))
                    .hint(format!("write {name}=other to rename a label, or {name}=\"{{{{.other}}}}\" to set it")));
            }
            let value = self.next()?;
            *end = value.span;
            let value = match value.kind {
                Kind::Identifier => LabelFormatValue::Rename(self.source(value.span).to_owned()),
                Kind::String(template) => LabelFormatValue::Template(template),
                _ => {
                    return Err(self
                        .unexpected(&value, &format!("where the value of `{name}` should stand"))
                        .hint("write the name of a label, or a template in quotes"));
                }
            };
            formats.push(LabelFormat { name, value });
            if self.eat(&Kind::Comma)?.is_none() {
                return Ok(formats);
            }
        }
    }

    fn label_choices(&mut self, end: &mut Span) -> Result<Vec<LabelChoice>, ParseError> {
        let mut choices = Vec::new();
        loop {
            let (name, start) = self.name("where the name of a label should stand")?;
            *end = start;
            let op = match_op(&self.peek()?.kind);
            choices.push(match op {
                None => LabelChoice::Name(name),
                Some(op) => {
                    self.next()?;
                    let (value, span) = self.string("where a label's value should stand")?;
                    *end = span;
                    LabelChoice::Matcher(self.matcher(&name, op, &value, start.to(span))?)
                }
            });
            if self.eat(&Kind::Comma)?.is_none() {
                return Ok(choices);
            }
        }
    }
}

/// Whether a pattern can be a parser (Loki `NewRegexpParser`).
fn check_regexp(text: &str, span: Span) -> Result<(), ParseError> {
    let groups = search_regex(text)
        .and_then(|_| group_names(text))
        .map_err(|error| ParseError::new(span, error.to_string()).hint("regular expressions have the syntax of RE2"))?;
    let mut names: Vec<&str> = groups.into_iter().flatten().collect();
    if names.is_empty() {
        return Err(ParseError::new(span, "the regular expression names no group, so no label comes out of it")
            .hint("name one: (?P<status>\\d+)"));
    }
    names.sort_unstable();
    match names.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(ParseError::new(span, format!("two groups are called `{}`", pair[0]))),
        None => Ok(()),
    }
}
