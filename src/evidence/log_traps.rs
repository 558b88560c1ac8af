//! What people get wrong in LogQL and what its answers do not show, found on the entries that a query reads: lines that a filter drops because
//! they could not be parsed, lines that make a metric query fail, counters that are added up, labels and streams that nothing has.

use std::collections::BTreeSet;

use super::selectors::streams_near;
use super::unconverted;
use super::unmade::{self, makes};
use crate::labels::{Labels, MatchOp};
use crate::logql::ast::{
    Expr, ExprKind, Grouping, LabelFilter, LabelFilterKind, LogQuery, Query, RangeAggregate, RangeOp, Selector, Stage,
    StageKind,
};
use crate::logql::eval::{Grid, Plan};
use crate::logql::pipeline::{ERROR, ERROR_DETAILS, FILTER_ERROR, PRESERVE_ERROR, Pipeline};
use crate::store::LogStore;
use crate::text::{Span, listed, nearest};
use crate::time::Nanoseconds;

/// Entries of a query that are looked at.
pub(super) const ENTRIES: usize = 200_000;

/// The shortest row of values that is taken for a counter, and the fewest steps up in it: a few values grow by chance.
const COUNTER: (usize, usize) = (20, 10);

/// What is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TrapKind {
    /// A filter drops lines that a parser could not read.
    DropsErrors,
    /// A line with an error makes a metric query fail.
    FailsOnALine,
    /// `rate` adds up a counter.
    RateOfACounter,
    /// A stage that makes the labels which it names on no line.
    NoMatch,
    /// A filter or an `unwrap` on a label that no line has.
    NoLabel,
    /// A comparison of a label whose value can be converted on no line.
    NoConversion,
    /// A selector that no stream meets.
    NoStream,
}

impl TrapKind {
    /// Whether one day without it is enough to say that there is none.
    pub fn asks_all_days(self) -> bool {
        !matches!(self, TrapKind::DropsErrors | TrapKind::FailsOnALine | TrapKind::RateOfACounter)
    }
}

/// What was found at a place of a query on one day.
#[derive(Clone, Debug, PartialEq)]
pub struct Sighting {
    pub kind: TrapKind,
    /// In the text of the query.
    pub span: Span,
    /// The label that it is about, where a place may name several.
    pub label: Option<String>,
    /// `None` where the day shows that all is well.
    pub trap: Option<Trap>,
}

/// What is wrong, and what to write instead.
#[derive(Clone, Debug, PartialEq)]
pub struct Trap {
    pub message: String,
    pub help: String,
}

/// Looks at a query with the entries of a day; `streams` are those that the day knows of, with or without lines.
pub fn log_traps(query: &Query, logs: &LogStore, streams: &[&Labels]) -> Vec<Sighting> {
    let mut found = Vec::new();
    match query {
        Query::Log(query) => of_pipeline(query, None, logs, streams, &mut found),
        Query::Metric(expr) => {
            expr.walk(&mut |expr| {
                if let ExprKind::RangeAggregate(aggregate) = &expr.kind {
                    let unwrapped = aggregate.range.unwrap.as_ref().map(|unwrap| (unwrap.label.as_str(), unwrap.span));
                    let query = &aggregate.range.query;
                    // That a stream is not there is what absent_over_time asks.
                    match aggregate.op {
                        RangeOp::AbsentOverTime => {}
                        _ => of_pipeline(query, unwrapped, logs, streams, &mut found),
                    }
                    found.extend(counter(aggregate, expr.span, logs));
                }
            });
            let mut failures = failures(expr, logs);
            fail_for_their_type(&mut failures, &mut found);
            found.extend(failures);
        }
    }
    found
}

fn of_pipeline(
    query: &LogQuery,
    unwrapped: Option<(&str, Span)>,
    logs: &LogStore,
    streams: &[&Labels],
    found: &mut Vec<Sighting>,
) {
    found.push(stream(&query.selector, streams));
    let made = unmade::stages(query, logs);
    let idle: Vec<&Stage> = made.iter().filter(|(_, made)| made.trap.is_some()).map(|(stage, _)| *stage).collect();
    found.extend(made.into_iter().map(|(_, made)| made));
    for (at, stage) in query.stages.iter().enumerate() {
        if let StageKind::LabelFilter(filter) = &stage.kind {
            found.extend(unconverted::comparisons(query, at, filter, logs));
            let mut names = Vec::new();
            names_of(filter, &mut names);
            if names.iter().any(|name| is_of_errors(name)) {
                continue;
            }
            let read = Read::new(query, at, logs);
            found.extend(dropped(&read, stage.span));
            // `a=""` asks that there be none.
            found.extend(names.iter().filter_map(|name| no_label(&read, &idle, name, stage.span)));
        }
    }
    if let Some((name, span)) = unwrapped {
        let read = Read::new(query, query.stages.len(), logs);
        found.extend(no_label(&read, &idle, name, span));
    }
}

fn stream(selector: &Selector, streams: &[&Labels]) -> Sighting {
    let meets = |labels: &Labels| selector.matchers.iter().all(|m| m.matches(labels.get(&m.name)));
    let trap = (!streams.iter().any(|labels| meets(labels))).then(|| Trap {
        message: format!("no stream meets {selector}"),
        help: match streams_near(streams.iter().copied(), selector) {
            Some(instead) => format!("there is {instead}"),
            None => "write such a stream: under `logs` of a replay, under `input_streams` of a test".to_owned(),
        },
    });
    Sighting { kind: TrapKind::NoStream, span: selector.span, label: None, trap }
}

/// The entries that come to a stage.
#[derive(Default)]
pub(super) struct Read {
    /// How many were looked at, and how many of them come here.
    seen: usize,
    entries: usize,
    /// Names of their labels that have a value.
    pub labels: BTreeSet<String>,
    /// How many of them have an error and are dropped by the stage, the error of the first one, and its line.
    dropped: usize,
    first: Option<(String, String)>,
}

impl Read {
    /// What comes to the stage at a place, or to the end of the pipeline.
    pub fn new(query: &LogQuery, at: usize, logs: &LogStore) -> Read {
        let mut read = Read::default();
        let compiled = |stages: &[Stage]| Pipeline::compile(stages, Nanoseconds::ZERO).ok();
        // A stage that cannot be compiled is told of by the query itself.
        let Some(mut before) = compiled(&query.stages[..at]) else { return read };
        let mut stage = query.stages.get(..=at).and_then(compiled);
        for stream in logs.select(&query.selector.matchers) {
            before.set_stream(stream.labels());
            if let Some(stage) = &mut stage {
                stage.set_stream(stream.labels());
            }
            for entry in (0..stream.len()).map(|place| stream.entry(place)).take(ENTRIES.saturating_sub(read.seen)) {
                read.seen += 1;
                let Some(kept) = before.process(entry.time, entry.line, entry.metadata_pairs()) else { continue };
                let labels = kept.labels();
                read.entries += 1;
                for (name, _) in labels.iter().filter(|(name, value)| !value.is_empty() && !is_of_errors(name)) {
                    if !read.labels.contains(name) {
                        read.labels.insert(name.to_owned());
                    }
                }
                let Some(stage) = stage.as_mut().filter(|_| labels.has(ERROR)) else { continue };
                if stage.process(entry.time, entry.line, entry.metadata_pairs()).is_none() {
                    read.dropped += 1;
                    let line = || String::from_utf8_lossy(entry.line).into_owned();
                    read.first.get_or_insert_with(|| (labels.get(ERROR).to_owned(), line()));
                }
            }
        }
        read
    }
}

fn dropped(read: &Read, span: Span) -> Option<Sighting> {
    let (error, line) = read.first.as_ref()?;
    let message = format!(
        "this filter drops {} of {} lines because they have no labels, for they could not be parsed ({error}): {}",
        read.dropped,
        read.entries,
        beginning(line)
    );
    let help =
        "say that it is meant, with | __error__=\"\" before the filter, or keep them: or __error__!=\"\"".to_owned();
    Some(Sighting { kind: TrapKind::DropsErrors, span, label: None, trap: Some(Trap { message, help }) })
}

/// The beginning of a line.
pub(super) fn beginning(line: &str) -> String {
    const SHOWN: usize = 60;
    let start: String = line.chars().take(SHOWN).collect();
    if start.len() < line.len() { start + "..." } else { start }
}

/// What is known of a label that a stage reads; nothing where no line comes to it, or where one of the stages that are `idle` on all
/// lines should have made it, for that is told already.
fn no_label(read: &Read, idle: &[&Stage], name: &str, span: Span) -> Option<Sighting> {
    let there = read.labels.contains(name);
    if read.entries == 0 || !there && idle.iter().any(|stage| makes(stage, name)) {
        return None;
    }
    let trap = (!there).then(|| Trap {
        message: format!("no line that comes here has the label `{name}`"),
        help: instead(name, &read.labels),
    });
    Some(Sighting { kind: TrapKind::NoLabel, span, label: Some(name.to_owned()), trap })
}

/// What to write instead of a label that no line has.
pub(super) fn instead(name: &str, there: &BTreeSet<String>) -> String {
    match nearest(name, there.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("their labels are {}", listed(there.iter().map(String::as_str))),
    }
}

/// The labels that a filter needs: those that it asks to be empty are not.
fn names_of<'a>(filter: &'a LabelFilter, found: &mut Vec<&'a str>) {
    match &filter.kind {
        LabelFilterKind::String(matcher) if matcher.op == MatchOp::Equal && matcher.value.is_empty() => {
            // Its name still says whether the filter is about errors.
            if is_of_errors(&matcher.name) {
                found.push(&matcher.name);
            }
        }
        LabelFilterKind::String(matcher) => found.push(&matcher.name),
        LabelFilterKind::Number(threshold) => found.push(&threshold.name),
        LabelFilterKind::Duration(threshold) => found.push(&threshold.name),
        LabelFilterKind::Bytes(threshold) => found.push(&threshold.name),
        LabelFilterKind::Ip(ip) => found.push(&ip.name),
        LabelFilterKind::And(left, right) | LabelFilterKind::Or(left, right) => {
            names_of(left, found);
            names_of(right, found);
        }
    }
}

pub(super) fn is_of_errors(name: &str) -> bool {
    [ERROR, ERROR_DETAILS, PRESERVE_ERROR].contains(&name)
}

/// A grid whose windows hold all entries.
fn whole(logs: &LogStore) -> Option<Grid> {
    let streams = || logs.streams().into_iter().filter(|stream| !stream.is_empty());
    let first = streams().map(|stream| stream.entry(0).time).min()?;
    let last = streams().map(|stream| stream.entry(stream.len() - 1).time).max()?;
    let step = Nanoseconds(last.0.saturating_sub(first.0).max(1));
    Some(Grid { start: first, step, steps: 2 })
}

/// Lines that make a metric query fail.
fn failures(expr: &Expr, logs: &LogStore) -> Vec<Sighting> {
    let plan = whole(logs).and_then(|grid| Plan::new(expr, logs, grid).ok());
    let mut found: Vec<Sighting> = Vec::new();
    for samples in plan.iter().flat_map(Plan::samples) {
        if !samples.labels.has(ERROR) || samples.labels.get(PRESERVE_ERROR) == "true" {
            continue;
        }
        // One line says enough.
        if found.iter().any(|known| known.span == samples.span) {
            continue;
        }
        let (kind, details) = (samples.labels.get(ERROR), samples.labels.get(ERROR_DETAILS));
        let details = if details.is_empty() { String::new() } else { format!(" ({details})") };
        let message = format!("a line makes this query fail wherever it is in the window: {kind}{details}");
        let help = "leave such lines out, behind the stage that fails: | __error__=\"\"".to_owned();
        let trap = Some(Trap { message, help });
        found.push(Sighting { kind: TrapKind::FailsOnALine, span: samples.span, label: None, trap });
    }
    found
}

/// Where no value can be converted, to leave such lines out is no help: what to write instead takes its place, and is said once.
fn fail_for_their_type(failures: &mut [Sighting], found: &mut Vec<Sighting>) {
    let of_filters = |trap: &Trap| trap.message.contains(FILTER_ERROR);
    for failure in failures.iter_mut().filter_map(|sighting| sighting.trap.as_mut()).filter(|trap| of_filters(trap)) {
        let unconverted = |sighting: &&Sighting| sighting.kind == TrapKind::NoConversion && sighting.trap.is_some();
        if let Some(trap) = found.iter().find(unconverted).and_then(|sighting| sighting.trap.as_ref()) {
            failure.help = trap.help.clone();
        }
    }
    if failures.iter().filter_map(|sighting| sighting.trap.as_ref()).any(of_filters) {
        found.retain(|sighting| sighting.kind != TrapKind::NoConversion || sighting.trap.is_none());
    }
}

/// `rate` of values that only ever grow, each stream by itself.
fn counter(aggregate: &RangeAggregate, span: Span, logs: &LogStore) -> Option<Sighting> {
    let unwrap = aggregate.range.unwrap.as_ref().filter(|_| aggregate.op == RangeOp::Rate)?;
    // Whatever labels the lines have.
    let streams = logs.select(&aggregate.range.query.selector.matchers);
    let names: BTreeSet<&str> =
        streams.iter().flat_map(|stream| stream.labels().iter()).map(|(name, _)| name).collect();
    let labels = names.into_iter().map(str::to_owned).collect();
    let alone = RangeAggregate { grouping: Some(Grouping { without: false, labels }), ..aggregate.clone() };
    let alone = Expr { kind: ExprKind::RangeAggregate(Box::new(alone)), span };
    let plan = Plan::new(&alone, logs, whole(logs)?).ok()?;
    let samples = plan.samples();
    let rows = || samples.iter().map(|samples| samples.values);
    if !rows().any(is_counter) || !rows().all(grows) {
        return None;
    }
    let message = format!("`rate` adds up the values of `{}`, which only ever grows", unwrap.label);
    let help = "`rate_counter` takes by how much a counter grows in a second".to_owned();
    Some(Sighting { kind: TrapKind::RateOfACounter, span, label: None, trap: Some(Trap { message, help }) })
}

/// Whether values grow so often that they are taken for a counter.
fn is_counter(values: &[f64]) -> bool {
    let up = values.windows(2).filter(|pair| pair[1] > pair[0]).count();
    values.len() >= COUNTER.0 && up >= COUNTER.1 && grows(values)
}

/// Whether values never fall, but to less than half where something begins anew, which is rare.
fn grows(values: &[f64]) -> bool {
    let steps = || values.windows(2).map(|pair| (pair[0], pair[1]));
    let (up, down) = (steps().filter(|(a, b)| b > a).count(), steps().filter(|(a, b)| b < a).count());
    down * 5 <= up && steps().all(|(a, b)| b >= a || b < a / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logql::parse;

    const LINES: [(&str, &str); 12] = [
        ("api", r#"{"status":200,"level":"info","total":10,"took":"5ms"}"#),
        ("api", r#"{"status":200,"level":"info","total":25,"took":"2ms"}"#),
        ("api", r#"{"status":500,"level":"error","total":31,"took":"9ms"}"#),
        ("api", r#"{"status":200,"level":"info","total":47,"took":"3ms"}"#),
        ("api", r#"{"status":200,"level":"info","total":50,"took":"8ms"}"#),
        ("api", r#"{"status":200,"level":"info","total":52,"took":"1ms"}"#),
        ("mixed", r#"{"status":200,"level":"info","took":"5ms"}"#),
        ("mixed", "panic: runtime error"),
        ("mixed", r#"{"status":500,"level":"error","took":"n/a"}"#),
        ("plain", "took=7 user=ada"),
        ("plain", "took=9 user=bob"),
        ("plain", "took=4 user=ada"),
    ];

    /// What is found of a kind: `Some(None)` where the lines show that all is well.
    fn trap(kind: TrapKind, query: &str) -> Option<Option<Trap>> {
        let mut logs = LogStore::default();
        for (at, (job, line)) in LINES.iter().enumerate() {
            let labels = Labels::from_pairs([("job", *job)]);
            logs.append(&labels, Nanoseconds(at as i64 * 1_000_000_000), line.as_bytes(), Labels::empty()).unwrap();
        }
        let silent = Labels::from_pairs([("job", "silent")]);
        // Another counter than this one begins anew once; a few values grow by chance.
        for at in 0..30_i64 {
            let line = format!("total={} few={}", (at * at + 100) % 900, at.min(4));
            let labels = Labels::from_pairs([("job", "count")]);
            logs.append(&labels, Nanoseconds(at * 1_000_000_000), line.as_bytes(), Labels::empty()).unwrap();
        }
        let mut streams: Vec<&Labels> = logs.streams().into_iter().map(|stream| stream.labels()).collect();
        streams.push(&silent);
        let query = parse(query).unwrap_or_else(|error| panic!("{query}: {error}"));
        let mut found: Vec<Sighting> =
            log_traps(&query, &logs, &streams).into_iter().filter(|sighting| sighting.kind == kind).collect();
        found.sort_by_key(|sighting| sighting.trap.is_none());
        found.into_iter().next().map(|sighting| sighting.trap)
    }

    fn warns(kind: TrapKind, query: &str) -> Option<String> {
        trap(kind, query).flatten().map(|trap| format!("{}; {}", trap.message, trap.help))
    }

    fn is_fine(kind: TrapKind, query: &str) {
        assert_eq!(warns(kind, query), None, "{query}");
    }

    #[test]
    fn a_filter_that_drops_lines_that_could_not_be_parsed() {
        let kind = TrapKind::DropsErrors;
        let told = warns(kind, r#"{job="mixed"} | json | level="error""#).unwrap();
        assert!(
            told.contains("drops 1 of 3 lines") && told.contains("(JSONParserErr): panic: runtime error"),
            "{told}"
        );
        assert!(warns(kind, r#"sum(rate({job="mixed"} | json | level="error" [1m]))"#).is_some());
        for query in [
            r#"{job="api"} | json | level="error""#,
            r#"{job="mixed"} | json | __error__="" | level="error""#,
            r#"{job="mixed"} | json | level="error" or __error__!="""#,
            r#"{job="mixed"} |= "{" | json | level="error""#,
            r#"{job="mixed"} | level="error""#,
            r#"{job="silent"} | json | level="error""#,
        ] {
            is_fine(kind, query);
        }
    }

    #[test]
    fn a_line_that_makes_a_metric_query_fail() {
        let kind = TrapKind::FailsOnALine;
        let told = warns(kind, r#"max_over_time({job="mixed"} |= "{" | json | unwrap duration(took) [1m])"#).unwrap();
        assert!(told.contains("SampleExtractionErr") && told.contains(r#"| __error__="""#), "{told}");
        assert!(warns(kind, r#"sum by (status) (count_over_time({job="mixed"} | json [1m])) > 3"#).is_some());
        for query in [
            r#"max_over_time({job="mixed"} |= "{" | json | unwrap duration(took) | __error__="" [1m])"#,
            r#"sum by (status) (count_over_time({job="mixed"} | json | __error__="" [1m]))"#,
            r#"max_over_time({job="api"} | json | unwrap duration(took) [1m])"#,
            r#"{job="mixed"} | json"#,
            // Nothing needs a label, so that nothing is parsed.
            r#"sum(count_over_time({job="mixed"} | json [1m]))"#,
        ] {
            is_fine(kind, query);
        }
    }

    #[test]
    fn a_counter_that_is_added_up() {
        let kind = TrapKind::RateOfACounter;
        let told = warns(kind, r#"rate({job="count"} | logfmt | unwrap total [1m])"#).unwrap();
        assert!(told.contains("`total`") && told.contains("`rate_counter`"), "{told}");
        assert!(warns(kind, r#"sum(rate({job="count"} | logfmt total | unwrap total [1m]))"#).is_some());
        for query in [
            r#"rate_counter({job="count"} | logfmt | unwrap total [1m])"#,
            // Six values, and thirty of which four are steps up.
            r#"rate({job="api"} | json total | unwrap total [1m])"#,
            r#"rate({job="count"} | logfmt | unwrap few [1m])"#,
            // One of the streams is another.
            r#"rate({job=~"count|plain"} | logfmt | label_format total="{{if .took}}{{.took}}{{else}}{{.total}}{{end}}" | unwrap total [1m])"#,
            r#"rate({job="api"} | json status | unwrap status [1m])"#,
            r#"rate({job="plain"} | logfmt | unwrap took [1m])"#,
            r#"rate({job="api"} | json [1m])"#,
        ] {
            is_fine(kind, query);
        }
        let rising: Vec<f64> = (1..=20).map(f64::from).collect();
        assert!(is_counter(&rising) && !is_counter(&rising[1..]) && !is_counter(&[7.0; 20]));
        let with = |last: f64| [rising.as_slice(), &[last]].concat();
        assert!(is_counter(&with(0.0)) && !is_counter(&with(19.5)));
    }

    #[test]
    fn a_comparison_whose_values_are_never_what_it_asks_for() {
        let kind = TrapKind::NoConversion;
        let told = |filter: &str| {
            warns(kind, &format!(r#"sum(count_over_time({{job="api"}} | json | {filter} | __error__="" [1m])) > 0"#))
        };
        let message = told("took > 100").unwrap();
        assert_eq!(
            message,
            "`took>100` asks for a number, and no line that comes here has such a `took`: a value is \"5ms\"; \
             give it the unit of the values: took > 100ms"
        );
        for (filter, help) in [
            ("total > 100ms", "the values have no unit: total > 10"),
            ("level > 3", r#"compare texts: level="...""#),
            (r#"level=ip("10.0.0.0/8")"#, r#"compare texts: level="...""#),
            (r#"level!=ip("10.0.0.0/8")"#, r#"compare texts: level="...""#),
            ("took > 5KB", "the values are durations: took > 5ms"),
            (r#"total > 1 and took > 100"#, "took > 100ms"),
            (r#"took > 100 and __error__="""#, "took > 100ms"),
        ] {
            assert!(told(filter).is_some_and(|told| told.contains(help)), "{filter}: {:?}", told(filter));
        }
        for filter in ["took > 100ms", "took == 1h", "total > 1e9", "total != 5", "statsu > 5", "total > 5B"] {
            assert_eq!(told(filter), None, "{filter}");
        }
        // Some lines have one.
        is_fine(kind, r#"count_over_time({job="mixed"} | json | took > 100ms | __error__="" [1m])"#);
        // Without the filter of errors the query fails, which is said once, with the same help.
        let failing = r#"sum(count_over_time({job="api"} | json | took > 100 [1m])) > 0"#;
        is_fine(kind, failing);
        assert!(warns(TrapKind::FailsOnALine, failing).unwrap().contains("took > 100ms"));
    }

    #[test]
    fn a_label_that_no_line_has() {
        let kind = TrapKind::NoLabel;
        let told = warns(kind, r#"{job="api"} | json | statsu="500""#).unwrap();
        assert_eq!(told, "no line that comes here has the label `statsu`; did you mean `status`?");
        let told = warns(kind, r#"{job="plain"} | logfmt | duration > 5"#).unwrap();
        assert!(told.contains("`duration`") && told.contains("job, took, user"), "{told}");
        // Without a parser there are the labels of the stream.
        assert!(warns(kind, r#"{job="api"} | status="500""#).is_some());
        assert!(warns(kind, r#"sum_over_time({job="plain"} | logfmt | unwrap dur [1m])"#).is_some());
        assert_eq!(trap(kind, r#"{job="api"} | json | status="500""#), Some(None));
        for query in [
            r#"{job="api"} | job="api""#,
            r#"{job="api"} | json | trace_id="""#,
            // Told of at the stage that should make the label.
            r#"{job="plain"} | regexp `code=(?P<code>\d+)` | code="500""#,
            r#"{job="plain"} | pattern `code=<code>;` | code="500""#,
            r#"{job="plain"} | label_format code=status | code="500""#,
            r#"{job="plain"} | regexp `user=(?P<code>\w+)` | code="ada""#,
            r#"{job="plain"} | logfmt | label_format code=user | code="ada""#,
            r#"{job="plain"} |= "nothing" | logfmt | statsu="500""#,
            r#"{job="mixed"} | json | __error_details__!="""#,
        ] {
            is_fine(kind, query);
        }
    }

    #[test]
    fn labels_that_are_made_of_some_lines_are_looked_for_among_them() {
        let kind = TrapKind::NoLabel;
        // A pattern takes what it can: the first capture is there, the second on no line.
        assert!(warns(kind, r#"{job="plain"} | pattern `took=<took> at <place>` | place="x""#).is_some());
        assert!(
            warns(kind, r#"{job="plain"} | regexp `took=(?P<took>\d+)( at (?P<place>\w+))?` | place="x""#).is_some()
        );
        assert!(warns(kind, r#"{job="api"} | json took, plce="place" | took="5ms" and plce="x""#).is_some());
        is_fine(kind, r#"{job="plain"} | pattern `took=<took> at <place>` | took="7""#);
        is_fine(kind, r#"{job="api"} | json took, place | took="5ms""#);
    }

    #[test]
    fn a_stage_that_makes_nothing_of_any_line() {
        let kind = TrapKind::NoMatch;
        let told = warns(kind, r#"{job="plain"} | regexp `code=(?P<code>\d+)` | code="500""#).unwrap();
        assert!(
            told.starts_with("this `regexp` makes `code` of no line that comes here, such as: took=7 user=ada"),
            "{told}"
        );
        for query in [
            r#"{job="plain"} | pattern `<_> code=<code>;` | code="500""#,
            r#"{job="plain"} | pattern `code=<code>;` | code="500""#,
            r#"{job="api"} | json code="state.code", more="state.more" | code="500""#,
            r#"{job="plain"} | logfmt code="status" | code="500""#,
            r#"sum by (code) (count_over_time({job="plain"} | regexp `code=(?P<code>\d+)` [1m]))"#,
            r#"{job="plain"} | logfmt | label_format code=status | code="500""#,
            r#"{job="plain"} | logfmt | label_format code="{{.status}}" | code="500""#,
            // The stream has a label of the name, and the stage makes none.
            r#"{job="plain"} | regexp `job=(?P<job>\w+)` | job="x""#,
            // An earlier stage writes another line.
            r#"{job="plain"} | logfmt | line_format "{{.user}}" | regexp `took=(?P<n>\d+)` | n="7""#,
        ] {
            assert!(warns(kind, query).is_some(), "{query}");
        }
        let told = warns(kind, r#"{job="plain"} | logfmt | label_format code=usr | code="ada""#).unwrap();
        assert!(told.contains("`usr`") && told.contains("did you mean `user`?"), "{told}");
        assert_eq!(trap(kind, r#"{job="plain"} | regexp `user=(?P<user>bob)` | user="ada""#), Some(None));
        for query in [
            r#"{job="plain"} | regexp `took=(?P<took>\d+)( at (?P<place>\w+))?` | place="x""#,
            r#"{job="plain"} | regexp `user=(?P<job>\w+)` | job_extracted="ada""#,
            r#"{job="plain"} |= "nothing" | regexp `code=(?P<code>\d+)` | code="500""#,
            r#"{job="mixed"} | json code="status" | code="500""#,
            r#"{job="plain"} | label_format code="x""#,
            r#"{job="plain"} | logfmt | label_format code=user, level=severity"#,
            r#"absent_over_time({job="plain"} | regexp `code=(?P<code>\d+)` | code="500" [1m])"#,
        ] {
            is_fine(kind, query);
        }
    }

    #[test]
    fn a_stream_that_is_nowhere() {
        let kind = TrapKind::NoStream;
        let told = warns(kind, r#"{job="ap"} | json"#).unwrap();
        assert!(told.starts_with(r#"no stream meets {job="ap"}"#), "{told}");
        assert!(warns(kind, r#"sum(rate({job="api"}[1m])) / sum(rate({job="apl"}[1m]))"#).is_some());
        for query in [r#"{job="silent"}"#, r#"rate({job=~"a.+"}[1m])"#, r#"absent_over_time({job="gone"}[1m])"#] {
            is_fine(kind, query);
        }
        assert_eq!(trap(kind, r#"{job="silent"}"#), Some(None));
    }
}
