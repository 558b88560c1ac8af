//! The streams that a rule in LogQL reads, and lines that pass its filters.

use super::day::text;
use super::sample;
use crate::labels::Matcher;
use crate::logql::ast::{Expr, ExprKind, LineMatch, LogQuery, StageKind};

/// A stream in which a query finds something.
#[derive(Clone, Debug, PartialEq)]
pub struct Stream {
    pub labels: Vec<(String, String)>,
    pub line: String,
    /// The query that reads it.
    pub query: String,
}

/// The streams that an expression reads, each once; `text` is what it was read from.
pub fn of(text: &str, expr: &Expr) -> Vec<Stream> {
    let mut streams: Vec<Stream> = Vec::new();
    expr.walk(&mut |part: &Expr| {
        let query = match &part.kind {
            ExprKind::RangeAggregate(aggregate) => &aggregate.range.query,
            ExprKind::Variants(variants) => &variants.range.query,
            _ => return,
        };
        let written = text.get(query.span.start..query.span.end).unwrap_or_default();
        let written = written.split_whitespace().collect::<Vec<_>>().join(" ");
        let stream = Stream { labels: labels(&query.selector.matchers), line: line(query), query: written };
        if !streams.contains(&stream) {
            streams.push(stream);
        }
    });
    streams
}

/// The widest window of an expression with its offset, in seconds.
pub fn window(expr: &Expr) -> f64 {
    let mut widest: f64 = 0.0;
    expr.walk(&mut |part: &Expr| {
        if let ExprKind::RangeAggregate(aggregate) = &part.kind {
            let range = &aggregate.range;
            widest = widest.max(range.range.seconds() + range.offset.seconds().max(0.0));
        }
    });
    widest
}

fn labels(matchers: &[Matcher]) -> Vec<(String, String)> {
    let mut labels: Vec<(String, String)> = Vec::new();
    for matcher in matchers {
        let name = matcher.name.to_string();
        if labels.iter().any(|(other, _)| *other == name) {
            continue;
        }
        let all: Vec<&Matcher> = matchers.iter().filter(|other| other.name == matcher.name).collect();
        let value = sample::value(&all, &[&sample::usual(&name)]).filter(|value| !value.is_empty());
        labels.extend(value.map(|value| (name, value)));
    }
    labels
}

/// What the line has to contain; what parsers and other filters want of it is for people to add.
fn line(query: &LogQuery) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for stage in &query.stages {
        let StageKind::LineFilters(filters) = &stage.kind else { continue };
        for filter in filters.iter().filter(|filter| filter.op == LineMatch::Contains) {
            parts.extend(filter.alternatives.first().map(|first| first.text.as_str()));
        }
    }
    // In lines of a replay, `${` begins what is filled in.
    parts.retain(|part| !part.contains("${"));
    if parts.is_empty() { "a line".to_owned() } else { parts.join(" ") }
}

impl Stream {
    /// An entry of it in `logs`: the lines that an event writes.
    pub fn entry(&self, event: &str, line: &str) -> String {
        let labels: Vec<String> =
            self.labels.iter().map(|(name, value)| format!("{}: {}", text(name), text(value))).collect();
        format!("{{stream: {{{}}}, event: {event}, line: {}, assumed: \"made up\"}}", labels.join(", "), text(line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logql::ast::Query;
    use crate::logql::parse;

    #[test]
    fn streams_meet_the_matchers_and_lines_the_filters() {
        let text = r#"sum(rate({app="shop", env=~"prod|stage"} |= "error" != "retry" | json [5m])) / count_over_time({app="x"}[1m])"#;
        let Ok(Query::Metric(expr)) = parse(text) else { panic!("a metric query") };
        let found = of(text, &expr);
        let labels =
            |stream: &Stream| stream.labels.iter().map(|(n, v)| format!("{n}={v}")).collect::<Vec<_>>().join(",");
        assert_eq!(found.iter().map(labels).collect::<Vec<_>>(), ["app=shop,env=prod", "app=x"]);
        assert_eq!(found[0].line, "error");
        assert_eq!(found[0].query, r#"{app="shop", env=~"prod|stage"} |= "error" != "retry" | json"#);
        assert_eq!(window(&expr), 300.0);
    }
}
