//! The streams that a rule in LogQL reads, and lines that pass its filters.

use super::day::text;
use super::sample;
use crate::labels::Matcher;
use crate::logql::ast::{Expr, ExprKind, LineMatch, LogQuery, Query, StageKind};
use crate::logql::parse;

/// A stream in which a query finds something.
#[derive(Clone, Debug, PartialEq)]
pub struct Stream {
    pub labels: Vec<(String, String)>,
    pub line: String,
    /// The query that reads it.
    pub query: String,
}

/// The streams of a rule, each once; none where it is not LogQL.
pub fn of(expr: &str) -> Vec<Stream> {
    let mut queries: Vec<&LogQuery> = Vec::new();
    let parsed = parse(expr);
    match &parsed {
        Ok(Query::Log(query)) => queries.push(query),
        Ok(Query::Metric(metric)) => metric.walk(&mut |part: &Expr| match &part.kind {
            ExprKind::RangeAggregate(aggregate) => queries.push(&aggregate.range.query),
            ExprKind::Variants(variants) => queries.push(&variants.range.query),
            _ => {}
        }),
        Err(_) => {}
    }
    let mut streams: Vec<Stream> = Vec::new();
    for query in queries {
        let written = expr.get(query.span.start..query.span.end).unwrap_or_default();
        let written = written.split_whitespace().collect::<Vec<_>>().join(" ");
        let stream = Stream { labels: labels(&query.selector.matchers), line: line(query), query: written };
        if !streams.contains(&stream) {
            streams.push(stream);
        }
    }
    streams
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
    /// Its entry in `logs`.
    pub fn entry(&self) -> String {
        let labels: Vec<String> =
            self.labels.iter().map(|(name, value)| format!("{}: {}", text(name), text(value))).collect();
        format!("{{stream: {{{}}}, event: line, line: {}, assumed: \"made up\"}}", labels.join(", "), text(&self.line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_meet_the_matchers_and_lines_the_filters() {
        let found = of(
            r#"sum(rate({app="shop", env=~"prod|stage"} |= "error" != "retry" | json [5m])) / count_over_time({app="x"}[1m])"#,
        );
        let labels =
            |stream: &Stream| stream.labels.iter().map(|(n, v)| format!("{n}={v}")).collect::<Vec<_>>().join(",");
        assert_eq!(found.iter().map(labels).collect::<Vec<_>>(), ["app=shop,env=prod", "app=x"]);
        assert_eq!(found[0].line, "error");
        assert_eq!(found[0].query, r#"{app="shop", env=~"prod|stage"} |= "error" != "retry" | json"#);
        assert!(of("rate(x[5m])").is_empty());
    }
}
