//! Comparisons of labels whose values are never what they are compared with: `took > 100` of `120ms`, `ip("10.0.0.0/8")` of a name.
//! Loki marks such lines with an error, which `| __error__=""` leaves out, and then nothing is ever counted.

use super::log_traps::{ENTRIES, Sighting, Trap, TrapKind, beginning};
use crate::logql;
use crate::logql::ast::{
    BinaryOp, IpFilter, LabelFilter, LabelFilterKind, LogQuery, Query, Stage, StageKind, Threshold,
};
use crate::logql::pipeline::{ERROR, Pipeline};
use crate::store::LogStore;
use crate::text::Span;
use crate::time::Nanoseconds;

/// What lines show of the comparisons of the filter at a place; nothing of those to which no line with the label comes.
pub fn comparisons(query: &LogQuery, at: usize, filter: &LabelFilter, logs: &LogStore) -> Vec<Sighting> {
    if let LabelFilterKind::And(left, right) | LabelFilterKind::Or(left, right) = &filter.kind {
        let left = comparisons(query, at, left, logs);
        return left.into_iter().chain(comparisons(query, at, right, logs)).collect();
    }
    let span = query.stages[at].span;
    of_comparison(&query.stages[..at], query, filter, logs, span).into_iter().collect()
}

fn of_comparison(
    stages: &[Stage],
    query: &LogQuery,
    filter: &LabelFilter,
    logs: &LogStore,
    span: Span,
) -> Option<Sighting> {
    let name = compared(filter)?;
    let mut before = Pipeline::compile(stages, Nanoseconds::ZERO).ok()?;
    let mut tests = Vec::new();
    for kind in conversions(&filter.kind) {
        let kind = StageKind::LabelFilter(LabelFilter { kind, span: filter.span });
        let through: Vec<Stage> = stages.iter().cloned().chain([Stage { kind, span }]).collect();
        tests.push(Pipeline::compile(&through, Nanoseconds::ZERO).ok()?);
    }
    let sighting = |trap| Some(Sighting { kind: TrapKind::NoConversion, span, label: Some(name.to_owned()), trap });
    let (mut seen, mut first) = (0, None);
    for stream in logs.select(&query.selector.matchers) {
        before.set_stream(stream.labels());
        tests.iter_mut().for_each(|test| test.set_stream(stream.labels()));
        for entry in (0..stream.len()).map(|place| stream.entry(place)).take(ENTRIES.saturating_sub(seen)) {
            seen += 1;
            let Some(kept) = before.process(entry.time, entry.line, entry.metadata_pairs()) else { continue };
            let labels = kept.labels();
            if labels.has(ERROR) || labels.get(name).is_empty() {
                continue;
            }
            let mut converts = |test: &mut Pipeline| {
                let kept = test.process(entry.time, entry.line, entry.metadata_pairs());
                kept.is_some_and(|kept| !kept.labels().has(ERROR))
            };
            if tests.iter_mut().any(&mut converts) {
                return sighting(None);
            }
            first.get_or_insert_with(|| labels.get(name).to_owned());
        }
    }
    let value = first?;
    sighting(Some(Trap {
        message: format!(
            "`{filter}` asks for {}, and no line that comes here has such a `{name}`: a value is {:?}",
            wanted(&filter.kind),
            beginning(&value)
        ),
        help: instead(filter, name, &value),
    }))
}

/// The label of a comparison that converts its value.
fn compared(filter: &LabelFilter) -> Option<&str> {
    Some(match &filter.kind {
        LabelFilterKind::Number(threshold) => &threshold.name,
        LabelFilterKind::Duration(threshold) => &threshold.name,
        LabelFilterKind::Bytes(threshold) => &threshold.name,
        LabelFilterKind::Ip(ip) => &ip.name,
        _ => return None,
    })
}

/// Filters of which one keeps a line, without an error, wherever the value can be converted.
fn conversions(kind: &LabelFilterKind) -> Vec<LabelFilterKind> {
    fn both<T: Copy>(of: &Threshold<T>) -> [Threshold<T>; 2] {
        [BinaryOp::Equal, BinaryOp::NotEqual].map(|op| Threshold { name: of.name.clone(), op, value: of.value })
    }
    match kind {
        LabelFilterKind::Number(threshold) => both(threshold).map(LabelFilterKind::Number).to_vec(),
        LabelFilterKind::Duration(threshold) => both(threshold).map(LabelFilterKind::Duration).to_vec(),
        LabelFilterKind::Bytes(threshold) => both(threshold).map(LabelFilterKind::Bytes).to_vec(),
        LabelFilterKind::Ip(ip) => ["0.0.0.0/0", "::/0"]
            .map(|all| LabelFilterKind::Ip(IpFilter { negative: false, pattern: all.to_owned(), ..ip.clone() }))
            .to_vec(),
        _ => Vec::new(),
    }
}

fn wanted(kind: &LabelFilterKind) -> &'static str {
    match kind {
        LabelFilterKind::Duration(_) => "a duration",
        LabelFilterKind::Bytes(_) => "a size in bytes",
        LabelFilterKind::Ip(_) => "an address",
        _ => "a number",
    }
}

/// What to write for values like this one.
fn instead(filter: &LabelFilter, name: &str, value: &str) -> String {
    // A value that stands in LogQL as it is has the type that LogQL reads it as.
    let query = logql::parse(&format!("{{a=\"b\"}} | v == {value}"));
    let kind = match &query {
        Ok(Query::Log(query)) => query.stages.first().map(|stage| &stage.kind),
        _ => None,
    };
    let Some(StageKind::LabelFilter(LabelFilter { kind, .. })) = kind else {
        return format!("compare texts: {name}=\"...\" or {name}=~\"...\"");
    };
    match (kind, &filter.kind) {
        (
            LabelFilterKind::Duration(_) | LabelFilterKind::Bytes(_),
            LabelFilterKind::Number(Threshold { op, value: of, .. }),
        ) => {
            let unit = &value[value.rfind(|c: char| !c.is_alphabetic()).map_or(0, |digit| digit + 1)..];
            format!("give it the unit of the values: {name} {op} {of}{unit}")
        }
        (LabelFilterKind::Number(_), LabelFilterKind::Ip(_)) => format!("the values are numbers: {name} == {value}"),
        (LabelFilterKind::Number(_), _) => format!("the values have no unit: {name} > {value}"),
        (LabelFilterKind::Duration(_), _) => format!("the values are durations: {name} > {value}"),
        _ => format!("the values are sizes in bytes: {name} > {value}"),
    }
}
