//! The format `replay/1` as it is written: every field, with the words that its schema shows.
//!
//! Nothing here is resolved: times, rates and references are texts with their places.

use schemars::JsonSchema;
use serde::Deserialize;

use super::deserialize::{Entries, Later, Text};
use super::document_evidence::{FileOr, LinesFileDoc, SeriesFileDoc};
use super::document_expect::ExpectDoc;
use super::provenance::Kind;
use super::tree::Node;

/// What the format calls itself; the first key of every replay.
pub const FORMAT: &str = "replay/1";

/// An incident, told once: spans of time, events in them, and the metrics that follow from both.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "firedrill replay/1", rename = "Replay")]
pub struct Document {
    /// The format, always `replay/1`, and always the first key.
    #[allow(dead_code, reason = "checked before the rest is read")]
    pub firedrill: Text,
    /// One line for people.
    pub title: Text,
    /// The document or documents that tell of the incident, relative to this file.
    #[serde(default)]
    pub document: Option<OneOrMany>,
    /// The first moment: RFC 3339 in UTC. Evaluations tick from here on.
    pub start: Text,
    /// The last moment, later than `start`.
    pub end: Text,
    /// Rule files under test, relative to this file; patterns such as `../rules/*.yaml` too.
    #[serde(default)]
    pub rules: Vec<Text>,
    /// The language of the queries: `promql` (the default). `metricsql` says that the incident's own engine
    /// was VictoriaMetrics; its rules are then run as PromQL, and the report says so.
    #[serde(default)]
    pub dialect: Option<Text>,
    /// How often rules are evaluated where their group does not say; 1m unless written.
    #[serde(default)]
    pub interval: Option<Text>,
    /// How Loki evaluates the rules that are written in LogQL.
    #[serde(default)]
    pub loki: LokiDoc,
    /// Labels of the whole Prometheus, for `$externalLabels` in templates.
    #[serde(default)]
    pub external_labels: Entries<Text>,
    /// Leaves all days of this replay out of `firedrill test`, for a while; variants may say otherwise.
    #[serde(default)]
    pub skip: Option<SkipDoc>,
    /// What is scraped.
    #[serde(default)]
    pub targets: Entries<TargetDoc>,
    /// Named stretches of time. Times are written here and nowhere else.
    #[serde(default)]
    pub spans: Entries<SpanDoc>,
    /// Named events, from which counters and log lines follow.
    #[serde(default)]
    pub events: Entries<EventDoc>,
    /// The series that the targets expose.
    #[serde(default)]
    pub metrics: Vec<Later<MetricDoc>>,
    /// Where samples are missing, late, or start again.
    #[serde(default)]
    pub gaps: Vec<Later<GapDoc>>,
    /// Streams of log lines.
    #[serde(default)]
    pub logs: Vec<Later<LogDoc>>,
    /// The same day with something else.
    #[serde(default)]
    pub variants: Entries<VariantDoc>,
    /// What `firedrill test --shake` may change without a failure.
    #[serde(default)]
    pub shake: ShakeDoc,
    /// What alerting did that day, by the rules of that day: the calibration.
    #[serde(default)]
    pub happened: Option<Later<ExpectDoc>>,
    /// What today's rules must do.
    #[serde(default)]
    pub expect: Option<Later<ExpectDoc>>,
}

/// How Loki evaluates its rules. They read the lines of `logs`, and never what rules have recorded.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Loki")]
pub struct LokiDoc {
    /// How often, where their group does not say; 1m unless written, whatever `interval` is.
    #[serde(default)]
    pub interval: Option<Text>,
    /// Whether Loki writes what its rules record, and `ALERTS` of its alerts, to the Prometheus of the other rules: only then can
    /// those read it, from the moment it is written.
    #[serde(default)]
    pub remote_write: bool,
}

/// Leaves drills out, for a while.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SkipDoc {
    /// Why, for people.
    pub reason: Text,
    /// The last day on which they are left out, in UTC: `"2026-12-31"`. From the next day on they are run and count, and a
    /// warning says that the time is over.
    pub until: Text,
}

/// What `firedrill test --shake` may change. It runs a day again and again: scrapes and evaluations come at other times, a
/// scrape fails, and each figure that is assumed or fitted is halved and doubled (or moved to what its `between` says).
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Shake")]
pub struct ShakeDoc {
    /// What verdicts may hang on, and why that is right: a figure as the report names it (`spans.stuck`, or `metrics.SERIES`
    /// for all figures of a metric), `scrape phases`, `evaluation phases` or `missed scrapes`. All else that changes a verdict
    /// is a failure.
    #[serde(default)]
    pub accept: Entries<Text>,
}

/// One value or a list of them.
#[derive(Clone, Debug)]
pub struct OneOrMany(pub Vec<Text>);

/// Where a figure comes from: at most one of the four.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OriginDoc {
    /// Documented: the place that says it.
    #[serde(default)]
    pub source: Option<Text>,
    /// Assumed: why this is a fair assumption.
    #[serde(default)]
    pub assumed: Option<Text>,
    /// Fitted: to what. It is then no evidence for that.
    #[serde(default)]
    pub fitted: Option<Text>,
    /// Recorded: by what.
    #[serde(default)]
    pub recorded: Option<Text>,
}

impl OriginDoc {
    /// What the figure says about itself.
    pub fn kind(&self) -> Option<Kind> {
        let OriginDoc { source, assumed, fitted, recorded } = self;
        let said =
            [(source, Kind::Documented), (assumed, Kind::Assumed), (fitted, Kind::Fitted), (recorded, Kind::Recorded)];
        said.into_iter().find(|(text, _)| text.is_some()).map(|(_, kind)| kind)
    }
}

/// Something that is scraped. `up` follows from it: 1, or 0 while it is down.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TargetDoc {
    /// Labels of every series of the target, such as `job` and `instance`. A metric that has a label of the
    /// same name keeps it as `exported_NAME`, as in Prometheus.
    pub labels: Entries<Text>,
    /// The time from scrape to scrape, such as `30s`.
    pub scrape: Text,
    /// The first scrape comes this long after `start`; `0s` unless written, shorter than `scrape`. A rule that is
    /// evaluated before it finds nothing of the target, so that `absent()` holds then.
    #[serde(default)]
    pub phase: Option<Text>,
    /// Its samples are pushed (remote write, a program's own exporter), not scraped: there is no `up`, and a series that has
    /// no sample is not marked stale, so that its last one is seen for the 5 minutes of the lookback.
    #[serde(default)]
    pub pushed: bool,
}

/// A stretch of time, from its first moment up to, not including, its last.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SpanDoc {
    /// A time in quotes (`"15:06:45"`), or a mark (`stuck.to + 5m`).
    pub from: Text,
    /// A time in quotes or a mark, later than `from`.
    pub to: Text,
    /// Documented: the place that says it.
    #[serde(default)]
    pub source: Option<Text>,
    /// Assumed: why.
    #[serde(default)]
    pub assumed: Option<Text>,
    /// Fitted: to what.
    #[serde(default)]
    pub fitted: Option<Text>,
    /// Recorded: by what.
    #[serde(default)]
    pub recorded: Option<Text>,
}

/// Events of one kind: exactly one of `at`, `every`, `poisson`, `retry`, `script`, `after`, `evidence`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EventDoc {
    /// At these times or marks.
    #[serde(default)]
    pub at: Option<Vec<Text>>,
    /// Again and again, at even distances.
    #[serde(default)]
    pub every: Option<EveryDoc>,
    /// At random, independent of each other, so many in a stretch of time on average.
    #[serde(default)]
    pub poisson: Option<PoissonDoc>,
    /// Attempts that fail for as long as a span lasts, with waits between them.
    #[serde(default)]
    pub retry: Option<RetryDoc>,
    /// Steps in order, each some time after a mark.
    #[serde(default)]
    pub script: Option<ScriptDoc>,
    /// Follows from another event (`attempt.start`) or comes once, after the mark of a span (`stuck.from`).
    #[serde(default)]
    pub after: Option<Text>,
    /// One for each of the log lines in a file, at its time; lines outside of the replay are none.
    #[serde(default)]
    pub evidence: Option<FileOr<LinesFileDoc>>,
    /// With `after`: only the events that come in this span, or in one of these; counted for `nth` from there on.
    #[serde(default)]
    pub within: Option<OneOrMany>,
    /// With `after`: how much later.
    #[serde(default)]
    pub delay: Option<Text>,
    /// With `after`: only every nth of the events, the nth first.
    #[serde(default)]
    pub nth: Option<u64>,
    /// With `after`: only this part of the events, chosen at random, as in `25%`.
    #[serde(default)]
    pub probability: Option<Text>,
    /// One set of events for each value of a name: `${name}` stands for it, also in the event's own name.
    #[serde(default)]
    #[schemars(with = "Option<EachDoc>")]
    #[allow(dead_code, reason = "written out before the entry is read")]
    pub each: Option<Node>,
    /// Documented: the place that says it.
    #[serde(default)]
    pub source: Option<Text>,
    /// Assumed: why.
    #[serde(default)]
    pub assumed: Option<Text>,
    /// Fitted: to what.
    #[serde(default)]
    pub fitted: Option<Text>,
    /// Recorded: by what.
    #[serde(default)]
    pub recorded: Option<Text>,
}

/// Events at even distances.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EveryDoc {
    /// The distance.
    pub interval: Text,
    /// Each event comes up to this much later, at random; less than `interval`.
    #[serde(default)]
    pub jitter: Option<Text>,
    /// Only in this span; the first event is at its beginning. The whole replay unless written.
    #[serde(default)]
    pub within: Option<Text>,
}

/// Random events.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PoissonDoc {
    /// How many on average: `12/d`, `2/h`.
    pub rate: Text,
    /// Only in this span. The whole replay unless written.
    #[serde(default)]
    pub within: Option<Text>,
}

/// Attempts of one thing that fail while a span lasts. Marks: `.start` and `.end` of every failed attempt,
/// `.retry` when its wait is over, and `.success`, the moment from which the thing gets through.
/// An attempt that the end of the span finds under way succeeds at that moment and is no failed one.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RetryDoc {
    /// The span in which attempts fail; the first starts with it.
    #[serde(rename = "while")]
    pub during: Text,
    /// How long an attempt takes until it has failed.
    pub takes: Text,
    /// The waits between an attempt's end and the next one's start; the last one repeats.
    /// Log lines show a wait in seconds as `${wait}`, with three decimals.
    pub waits: Vec<Text>,
}

/// Steps after a mark.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScriptDoc {
    /// The mark or time from which the steps count. From an event that comes several times: from each of them.
    pub from: Text,
    /// The time of each step after the mark: `[0s, 5s, 1m30s]`.
    pub steps: Vec<Text>,
}

/// `{leg: [a, b]}`, every combination of several lists, or a list of rows `[{cpu: "0", squeezed: 8}, ...]`.
#[derive(Clone, Debug, JsonSchema)]
#[schemars(untagged)]
#[allow(dead_code, reason = "describes `each` in the schema; it is read from the tree, before the entry that holds it")]
pub enum EachDoc {
    Lists(std::collections::BTreeMap<String, Vec<Text>>),
    Rows(Vec<std::collections::BTreeMap<String, Text>>),
}

/// One series (or several, by `each`), with exactly one of `count`, `counter`, `gauge`, `backlog`, `drained`,
/// `histogram`, `values`, `recorded_file`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MetricDoc {
    /// The series as PromQL writes it: `vm_http_request_errors_total{path="/api/v1/write"}`. Labels of the
    /// target are added. For a histogram the name without `_bucket`.
    pub series: Text,
    /// Which target exposes it; may be left out where there is only one.
    #[serde(default)]
    pub target: Option<Text>,
    /// One series for each value of a name: `{leg: [cloudflare, internal]}`, or rows
    /// `[{cpu: "0", drops: 0}, {cpu: "1", drops: 1}]`; `${leg}` stands for the value in all texts of the entry.
    #[serde(default)]
    #[schemars(with = "Option<EachDoc>")]
    #[allow(dead_code, reason = "written out before the entry is read")]
    pub each: Option<Node>,
    /// When the series appears: `start` (the default), `first` (with the first event that it counts), a time,
    /// or a mark. It is there from then on, also after a restart, which sets it to 0.
    #[serde(default)]
    pub born: Option<Text>,
    /// The value to begin with; 0 unless written.
    #[serde(default)]
    pub starts: Option<FigureDoc>,
    /// Counts events: how many there were at each scrape. `attempt.end`, `server_error`.
    #[serde(default)]
    pub count: Option<Text>,
    /// With `count`: what one event adds; 1 unless written.
    #[serde(default)]
    pub adds: Option<FigureDoc>,
    /// A counter by its rate: `1.5/s`, or by span `{else: 1.5/s, stuck: 0/s}`. Exposed as whole numbers.
    #[serde(default)]
    pub counter: Option<BySpanDoc>,
    /// A gauge: `1`, or by span `{else: 1, stuck: 0}`.
    #[serde(default)]
    pub gauge: Option<BySpanDoc>,
    /// With `gauge`: up to so much more or less at random, as a figure or as a part of the value (`5%`).
    #[serde(default)]
    pub noise: Option<FigureDoc>,
    /// A queue: what comes in minus what goes out, never below 0. Exposed as whole numbers.
    #[serde(default)]
    pub backlog: Option<BacklogDoc>,
    /// The counter of what has left a backlog, named by the series of that backlog.
    #[serde(default)]
    pub drained: Option<Text>,
    /// A classic histogram (`_bucket`, `_sum` and `_count`), a native one, or both.
    #[serde(default)]
    pub histogram: Option<HistogramDoc>,
    /// Values in promtool's notation, one a scrape: `0+1x10 _ 5 stale`. A `_` is a scrape that does not find the series, so
    /// that it ends there, where promtool just has no sample; so has a target that is `pushed`.
    #[serde(default)]
    pub values: Option<Text>,
    /// A file with recorded series: those that have the name and labels of `series` are taken, with all of their labels and
    /// their times. They need no `target`; one that is `pushed` says that nothing ends where it has no value.
    #[serde(default)]
    pub recorded_file: Option<FileOr<SeriesFileDoc>>,
    /// Counters and backlogs that count parts (seconds, for example) and are not rounded down to whole numbers.
    #[serde(default)]
    pub fractions: bool,
    /// Documented: the place that says it.
    #[serde(default)]
    pub source: Option<Text>,
    /// Assumed: why.
    #[serde(default)]
    pub assumed: Option<Text>,
    /// Fitted: to what.
    #[serde(default)]
    pub fitted: Option<Text>,
    /// Recorded: by what.
    #[serde(default)]
    pub recorded: Option<Text>,
}

/// A queue's flows.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BacklogDoc {
    /// What comes in: a rate, or rates by span.
    #[serde(rename = "in")]
    pub inflow: BySpanDoc,
    /// What can go out, at most: a rate, or rates by span.
    pub out: BySpanDoc,
}

/// A histogram's observations.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HistogramDoc {
    /// Upper bounds, increasing; `+Inf` is added. They make a classic histogram, unless `native` has the schema -53.
    #[serde(default)]
    pub buckets: Vec<Text>,
    /// A native histogram under the name of the series; with `buckets` beside the classic one.
    #[serde(default)]
    pub native: Option<NativeDoc>,
    /// Observations: a rate, or rates by span.
    pub rate: BySpanDoc,
    /// How they are distributed: `uniform(0.1, 0.3)`, `normal(0.2, 0.05)` (mean, deviation),
    /// `lognormal(0.2, 0.5)` (median, deviation of the logarithm), `exponential(0.2)` (mean), `constant(0.2)`, or
    /// quantiles `p0=0.01 p50=0.2 p99=1.5 p100=3`; one for all, or by span.
    pub samples: BySpanDoc,
}

/// The resolution of a native histogram.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NativeDoc {
    /// From -4 to 8: each bound is 2^(2^-schema) times the one before. -53: the bounds are those of `buckets`.
    pub schema: Text,
    /// Observations from minus this to this are in the zero bucket; 2^-128 unless written.
    #[serde(default)]
    pub zero_threshold: Option<Text>,
}

/// One figure for all the time, or figures by span (`{else: 1, stuck: 0}`); `else` is for the rest of the time.
#[derive(Clone, Debug)]
pub enum BySpanDoc {
    Always(Box<FigureDoc>),
    Spans(Vec<(Text, FigureDoc)>),
}

/// A figure, alone or with where it comes from: `54766B / 30s`, or `{value: 54766B / 30s, source: "incident.md"}`.
#[derive(Clone, Debug)]
pub struct FigureDoc {
    pub value: Text,
    /// What it may as well be.
    pub between: Option<[Text; 2]>,
    pub origin: OriginDoc,
}

/// Where samples are missing, late or start again: exactly one of `down`, `vanished`, `absent`, `late`,
/// `restart`, with `during` a span (or, for `restart`, `at` a time).
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GapDoc {
    /// A name, by which a variant can leave the gap out.
    #[serde(default)]
    pub name: Option<Text>,
    /// The target cannot be scraped: `up` is 0 and its series end with stale markers.
    #[serde(default)]
    pub down: Option<WhereDoc>,
    /// The target (with `up`) is no longer discovered, or a series is gone: stale markers, then nothing.
    #[serde(default)]
    pub vanished: Option<WhereDoc>,
    /// The target is up and does not expose its series: stale markers, then nothing, `up` stays 1.
    #[serde(default)]
    pub absent: Option<WhereDoc>,
    /// Samples are taken in time and arrive when the span ends, first in, first out.
    #[serde(default)]
    pub late: Option<WhereDoc>,
    /// The target starts again: its counters are at 0, and `labels` may change (a new pod).
    #[serde(default)]
    pub restart: Option<RestartDoc>,
    /// The span. A restart is at its end, and the target is down meanwhile.
    #[serde(default)]
    pub during: Option<Text>,
    /// For a restart that takes no time: when.
    #[serde(default)]
    pub at: Option<Text>,
    /// One gap for each value of a name.
    #[serde(default)]
    #[schemars(with = "Option<EachDoc>")]
    #[allow(dead_code, reason = "written out before the entry is read")]
    pub each: Option<Node>,
    /// Documented: the place that says it.
    #[serde(default)]
    pub source: Option<Text>,
    /// Assumed: why.
    #[serde(default)]
    pub assumed: Option<Text>,
    /// Fitted: to what.
    #[serde(default)]
    pub fitted: Option<Text>,
    /// Recorded: by what.
    #[serde(default)]
    pub recorded: Option<Text>,
}

/// A target, or the series of it that a selector matches.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WhereDoc {
    /// The target.
    pub target: Text,
    /// Only the series with this name and these labels: `t3probe_connected{leg="internal"}`.
    #[serde(default)]
    pub series: Option<Text>,
}

/// A target that starts again.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RestartDoc {
    /// The target.
    pub target: Text,
    /// Labels that are different from then on: `{pod: web-2}`.
    #[serde(default)]
    pub labels: Entries<Text>,
}

/// A stream of log lines, which an event writes or which were recorded.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LogDoc {
    /// Labels of the stream. Of recorded streams that have their own labels, those with these.
    pub stream: Entries<Text>,
    /// A file with the lines of the stream, those outside of the replay aside.
    #[serde(default)]
    pub recorded_file: Option<FileOr<LinesFileDoc>>,
    /// With `recorded_file`: only the lines in this span, or in one of these. A variant without it has none of them.
    #[serde(default)]
    pub within: Option<OneOrMany>,
    /// These lines for each of these events.
    #[serde(default)]
    pub event: Option<Text>,
    /// The line, or several. `${time}` is when it is written, `${n}` the number of the event, `${wait}` the wait behind an attempt, in
    /// seconds, and `${name}` a value of `fields`.
    #[serde(default)]
    pub line: Option<OneOrMany>,
    /// One of the lines for each event, not all of them, drawn by these weights: `[95, 5]`.
    #[serde(default)]
    pub weights: Option<OneOrMany>,
    /// What else is filled in: `{user: [ada, bob]}` in turn, `{status: {"200": 95, "500": 5}}` drawn by weights. All streams of an event that
    /// have a field of this name draw alike.
    #[serde(default)]
    #[schemars(with = "Option<FieldsDoc>")]
    pub fields: Option<Node>,
    /// Structured metadata of the lines, with the same filled in: `{trace_id: "${n}"}`.
    #[serde(default)]
    pub metadata: Entries<Text>,
    /// How long after the event the lines are written.
    #[serde(default)]
    pub delay: Option<Text>,
    /// How `${time}` is written, as strftime and chrono have it: `%Y-%m-%d %H:%M:%S%.3f`. RFC 3339 in UTC unless written.
    #[serde(default)]
    pub time: Option<Text>,
    /// The number of the first event; 1 unless written.
    #[serde(default)]
    pub first: Option<u64>,
    /// One stream for each value of a name.
    #[serde(default)]
    #[schemars(with = "Option<EachDoc>")]
    #[allow(dead_code, reason = "written out before the entry is read")]
    pub each: Option<Node>,
    /// Documented: the place that says it.
    #[serde(default)]
    pub source: Option<Text>,
    /// Assumed: why.
    #[serde(default)]
    pub assumed: Option<Text>,
    /// Fitted: to what.
    #[serde(default)]
    pub fitted: Option<Text>,
    /// Recorded: by what.
    #[serde(default)]
    pub recorded: Option<Text>,
}

/// Values of names, event by event.
#[derive(Clone, Debug, JsonSchema)]
#[schemars(rename = "Fields", transparent)]
#[allow(dead_code, reason = "describes `fields` in the schema; they are read from the tree")]
pub struct FieldsDoc(std::collections::BTreeMap<String, FieldDoc>);

/// In turn, or drawn by weights.
#[derive(Clone, Debug, JsonSchema)]
#[schemars(rename = "Field", untagged)]
#[allow(dead_code, reason = "as FieldsDoc")]
pub enum FieldDoc {
    InTurn(Vec<Text>),
    Drawn(std::collections::BTreeMap<String, Text>),
}

/// The same day with something else.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VariantDoc {
    /// One line for people.
    #[serde(default)]
    pub title: Option<Text>,
    /// Spans, events, targets, metrics (by name, or name and some labels) and gaps (by their `name`) that are left
    /// out. What refers to a span or an event that is left out stays, and finds it empty: load and noise go on. Write
    /// `spans.x`, `events.x`, ... where one name is used twice.
    #[serde(default)]
    pub without: Vec<Text>,
    /// Only these spans; all others are left out.
    #[serde(default)]
    pub only: Option<Vec<Text>>,
    /// Changes, by path: `spans.stuck.to: "15:20:00"`, `metrics.SERIES.gauge: 5`, `gaps.NAME.during: x`.
    #[serde(default)]
    #[schemars(with = "std::collections::BTreeMap<String, serde_json::Value>")]
    pub set: Option<Node>,
    /// Leaves this variant out of `firedrill test`, for a while; as the replay says unless written.
    #[serde(default)]
    pub skip: Option<SkipDoc>,
    /// What `--shake` may change on that other day, besides what the replay says.
    #[serde(default)]
    pub shake: ShakeDoc,
    /// What alerting did on that other day; none unless written.
    #[serde(default)]
    pub happened: Option<Later<ExpectDoc>>,
    /// What the rules must do then; the replay's own `expect` unless written.
    #[serde(default)]
    pub expect: Option<Later<ExpectDoc>>,
}
