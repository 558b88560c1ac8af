//! The canonical form of a query: what Loki's `String()` prints (`pkg/logql/syntax/ast.go`).

use std::fmt::{self, Display, Formatter, Write};

use super::ast::{
    Binary, Extraction, Grouping, LabelChoice, LabelFilter, LabelFilterKind, LabelFormat, LabelFormatValue, LineFilter,
    LogQuery, LogRange, Logfmt, Query, RangeAggregate, Selector, Stage, StageKind, Threshold, Unwrap, Variants,
    VectorAggregate,
};
use super::ast::{Cardinality, Expr, ExprKind, LabelReplace};
use super::regex_filter::plain_search;
use crate::labels::MatchOp;
use crate::number::{format_f, format_size, format_v};
use crate::syntax::strings::write_quoted;

impl Display for Query {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Query::Log(query) => query.fmt(f),
            Query::Metric(expr) => expr.fmt(f),
        }
    }
}

impl Display for LogQuery {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.selector.fmt(f)?;
        for stage in &self.stages {
            write!(f, " {stage}")?;
        }
        Ok(())
    }
}

impl Display for Selector {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_char('{')?;
        list(f, &self.matchers, ", ", |f, matcher| matcher.fmt(f))?;
        f.write_char('}')
    }
}

fn list<T>(
    f: &mut Formatter<'_>,
    items: &[T],
    separator: &str,
    write: impl Fn(&mut Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            f.write_str(separator)?;
        }
        write(f, item)?;
    }
    Ok(())
}

impl Display for Stage {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.kind {
            StageKind::LineFilters(filters) => list(f, filters, " ", |f, filter| filter.fmt(f)),
            StageKind::Json(extractions) => {
                f.write_str("| json")?;
                behind(f, extractions)
            }
            StageKind::Logfmt(Logfmt { strict, keep_empty, extractions }) => {
                f.write_str("| logfmt")?;
                f.write_str(if *strict { " --strict" } else { "" })?;
                f.write_str(if *keep_empty { " --keep-empty" } else { "" })?;
                behind(f, extractions)
            }
            StageKind::Regexp(pattern) => quoted(f, "| regexp ", pattern),
            StageKind::Pattern(pattern) => quoted(f, "| pattern ", pattern),
            StageKind::Unpack => f.write_str("| unpack"),
            StageKind::LabelFilter(filter) => write!(f, "| {filter}"),
            StageKind::LineFormat(template) => quoted(f, "| line_format ", template),
            StageKind::LabelFormat(formats) => {
                f.write_str("| label_format ")?;
                list(f, formats, ",", |f, LabelFormat { name, value }| match value {
                    LabelFormatValue::Rename(from) => write!(f, "{name}={from}"),
                    LabelFormatValue::Template(template) => quoted(f, &format!("{name}="), template),
                })
            }
            StageKind::Decolorize => f.write_str("| decolorize"),
            StageKind::Drop(choices) => choose(f, "| drop ", choices),
            StageKind::Keep(choices) => choose(f, "| keep ", choices),
        }
    }
}

fn quoted(f: &mut Formatter<'_>, before: &str, text: &str) -> fmt::Result {
    f.write_str(before)?;
    write_quoted(f, text)
}

fn behind(f: &mut Formatter<'_>, extractions: &[Extraction]) -> fmt::Result {
    if !extractions.is_empty() {
        f.write_char(' ')?;
    }
    list(f, extractions, ",", |f, Extraction { name, expression }| quoted(f, &format!("{name}="), expression))
}

fn choose(f: &mut Formatter<'_>, before: &str, choices: &[LabelChoice]) -> fmt::Result {
    f.write_str(before)?;
    list(f, choices, ",", |f, choice| match choice {
        LabelChoice::Name(name) => f.write_str(name),
        LabelChoice::Matcher(matcher) => matcher.fmt(f),
    })
}

impl Display for LineFilter {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.op.as_str())?;
        list(f, &self.alternatives, " or ", |f, pattern| {
            if !pattern.ip {
                return write_quoted(f, &pattern.text);
            }
            quoted(f, "ip(", &pattern.text)?;
            f.write_char(')')
        })
    }
}

impl Display for LabelFilter {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.kind {
            // Names are not quoted where a regular expression stays one, and values only where they hold a backtick.
            LabelFilterKind::String(matcher)
                if matcher.op == MatchOp::Regex && plain_search(&matcher.value, true).is_none() =>
            {
                match matcher.value.contains('`') {
                    true => quoted(f, &format!("{}=~", matcher.name), &matcher.value),
                    false => write!(f, "{}=~`{}`", matcher.name, matcher.value),
                }
            }
            LabelFilterKind::String(matcher) => matcher.fmt(f),
            LabelFilterKind::Number(Threshold { name, op, value }) => write!(f, "{name}{op}{}", format_f(*value)),
            LabelFilterKind::Duration(Threshold { name, op, value }) => write!(f, "{name}{op}{value}"),
            LabelFilterKind::Bytes(Threshold { name, op, value }) => {
                write!(f, "{name}{op}{}", format_size(*value))
            }
            LabelFilterKind::Ip(filter) => {
                write!(f, "{}{}ip(", filter.name, if filter.negative { "!=" } else { "=" })?;
                write_quoted(f, &filter.pattern)?;
                f.write_char(')')
            }
            LabelFilterKind::And(lhs, rhs) => write!(f, "( {lhs} , {rhs} )"),
            LabelFilterKind::Or(lhs, rhs) => write!(f, "( {lhs} or {rhs} )"),
        }
    }
}

impl Display for Unwrap {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.conversion {
            Some(conversion) => write!(f, "| unwrap {}({})", conversion.as_str(), self.label)?,
            None => write!(f, "| unwrap {}", self.label)?,
        }
        for filter in &self.filters {
            write!(f, " | {filter}")?;
        }
        Ok(())
    }
}

impl Display for LogRange {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.query.fmt(f)?;
        if let Some(unwrap) = &self.unwrap {
            write!(f, " {unwrap}")?;
        }
        write!(f, "[{}]", self.range)?;
        if self.offset.0 == 0 { Ok(()) } else { write!(f, " offset {}", self.offset) }
    }
}

impl Display for Grouping {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, " {} ({})", if self.without { "without" } else { "by" }, self.labels.join(","))
    }
}

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ExprKind::RangeAggregate(aggregate) => aggregate.fmt(f),
            ExprKind::VectorAggregate(aggregate) => aggregate.fmt(f),
            ExprKind::Binary(binary) => binary.fmt(f),
            ExprKind::Literal(value) => f.write_str(&format_v(*value)),
            ExprKind::Vector(value) => match value.is_finite() {
                true => write!(f, "vector({value:.6})"),
                false => write!(f, "vector({})", format_f(*value)),
            },
            ExprKind::LabelReplace(replace) => replace.fmt(f),
            ExprKind::Variants(variants) => variants.fmt(f),
        }
    }
}

impl Display for RangeAggregate {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}(", self.op.as_str())?;
        if let Some(param) = self.param {
            write!(f, "{},", format_f(param))?;
        }
        write!(f, "{})", self.range)?;
        self.grouping.as_ref().map_or(Ok(()), |grouping| grouping.fmt(f))
    }
}

impl Display for VectorAggregate {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(self.op.as_str())?;
        if self.grouping.without || !self.grouping.labels.is_empty() {
            self.grouping.fmt(f)?;
        }
        f.write_char('(')?;
        if let Some(count) = self.count {
            write!(f, "{count},")?;
        }
        write!(f, "{})", self.expr)
    }
}

impl Display for Binary {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "({} {}", self.lhs, self.op)?;
        if self.return_bool {
            f.write_str(" bool")?;
        }
        let matching = &self.matching;
        // Without labels Loki does not even print how the sides are grouped.
        if matching.on || !matching.labels.is_empty() {
            let word = if matching.on { "on" } else { "ignoring" };
            write!(f, " {word} ({}) ", matching.labels.join(","))?;
            f.write_str(match matching.cardinality {
                Cardinality::ManyToOne => "group_left",
                Cardinality::OneToMany => "group_right",
                Cardinality::OneToOne | Cardinality::ManyToMany => "",
            })?;
            if !matching.include.is_empty() {
                write!(f, " ({})", matching.include.join(","))?;
            }
        }
        write!(f, " {})", self.rhs)
    }
}

impl Display for LabelReplace {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "label_replace({}", self.expr)?;
        for text in [&self.destination, &self.replacement, &self.source, &self.regex] {
            quoted(f, ",", text)?;
        }
        f.write_char(')')
    }
}

impl Display for Variants {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("variants(")?;
        list(f, &self.variants, ", ", |f, variant| variant.fmt(f))?;
        write!(f, ") of ({})", self.range)
    }
}
