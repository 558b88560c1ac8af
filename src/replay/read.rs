//! Reads a replay file: the tree, its variants, and everything resolved and checked.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::{Arc, OnceLock};

use chrono::NaiveDate;

use super::deserialize::{Entries, Later, Reader, Text};
use super::document::{Document, EventDoc, FORMAT, LogDoc, MetricDoc, ShakeDoc, SkipDoc, SpanDoc, VariantDoc};
use super::document_expect::ExpectDoc;
use super::each;
use super::expectation::{self, Expectations};
use super::gaps;
use super::logs;
use super::metrics::{Context, Generator, Metric};
use super::model::{Accept, Day, Dialect, Loki, Replay, RuleFile, Skip, Target, Written};
use super::names;
use super::recorded::Files;
use super::shaken::{EVALUATION_PHASES, Looseness, MISSED_SCRAPES, SCRAPE_PHASES, Shift};
use super::spans::{LeftOut, Resolver};
use super::times::{self, Calendar};
use super::tree::{Kind, Node};
use super::units;
use super::variants;
use crate::labels::{Labels, METRIC_NAME};
use crate::text::yaml::{MAX_FILE_BYTES, read_documents};
use crate::text::{Diagnostic, Source, Span};
use crate::time::{Duration, Timestamp};

/// How often rules are evaluated where nothing else says.
const DEFAULT_INTERVAL: Duration = Duration::MINUTE;

/// Reads a replay. Paths in it are relative to `base_dir`, the folder of the file.
///
/// # Errors
/// Everything that is wrong, each with its place. Problems of the base day hide those of the variants, which would
/// repeat them.
pub fn read(source: &Source, base_dir: &Path) -> Result<Replay, Vec<Diagnostic>> {
    read_within(source, base_dir, MAX_FILE_BYTES)
}

/// As `read`, with recorded files of at most so many bytes.
///
/// # Errors
/// As `read`.
pub fn read_within(source: &Source, base_dir: &Path, max_file_bytes: u64) -> Result<Replay, Vec<Diagnostic>> {
    let documents = read_documents(source).map_err(|problem| vec![problem])?;
    let [tree] = documents.as_slice() else {
        let message = format!("{} YAML documents where a replay is one", documents.len());
        return Err(vec![Diagnostic::error(message).at(source, Span::default())]);
    };
    check_format(tree, source).map_err(|problem| vec![problem])?;
    let files = Files::new(base_dir, max_file_bytes);
    let base = read_day(source, &files, base_dir, tree, None, None)?;
    let mut days = vec![Arc::new(base.day)];
    let mut warnings = base.warnings;
    let mut problems = Vec::new();
    for (name, variant) in &base.variants {
        if name.text == "day" {
            let problem = Diagnostic::error("a variant cannot be called `day`").at(source, name.span);
            problems.push(problem.help("that is what the replay itself is called in reports"));
        }
        match read_day(source, &files, base_dir, tree, Some((name, variant)), None) {
            Ok(read) => {
                days.push(Arc::new(read.day));
                let new = |warning: &Diagnostic| !warnings.iter().any(|known| known.message == warning.message);
                let new: Vec<Diagnostic> = read.warnings.into_iter().filter(new).collect();
                warnings.extend(new);
            }
            Err(wrong) => problems.extend(wrong.into_iter().map(|problem| Diagnostic {
                message: format!("variant `{}`: {}", name.text, problem.message),
                ..problem
            })),
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    problems = unknown_accepts(source, &base.accept, &days);
    if !problems.is_empty() {
        return Err(problems);
    }
    let day = &days[0];
    Ok(Replay {
        source: source.clone(),
        title: day.title.clone(),
        documents: base.documents,
        start: day.start(),
        end: day.end(),
        rules: base.rules,
        dialect: base.dialect,
        loki: base.loki,
        external_labels: day.external_labels.clone(),
        interval: day.interval,
        warnings,
        accept: base.accept,
        written: Arc::new(Written {
            tree: tree.clone(),
            base_dir: base_dir.to_owned(),
            max_file_bytes,
            variants: base.variants,
        }),
        days,
    })
}

impl Replay {
    /// A day of this replay, read again with one figure moved.
    ///
    /// # Errors
    /// What the day does not allow with it: a mark that comes to lie outside of the replay, for example.
    pub fn shaken(&self, day: &Day, shift: Shift) -> Result<Day, Vec<Diagnostic>> {
        let Written { tree, base_dir, max_file_bytes, variants } = self.written.as_ref();
        let variant = variants.iter().find(|(name, _)| Some(name.text.as_str()) == day.name.as_deref());
        let variant = variant.map(|(name, variant)| (name, variant));
        let files = Files::new(base_dir, *max_file_bytes);
        read_day(&self.source, &files, base_dir, tree, variant, Some(shift)).map(|read| read.day)
    }
}

/// What is accepted and is nothing that could be moved on any day that it is for.
fn unknown_accepts(source: &Source, base: &[Accept], days: &[Arc<Day>]) -> Vec<Diagnostic> {
    let unknown = |accepts: &[Accept], days: &[Arc<Day>]| -> Vec<Diagnostic> {
        let figures = || days.iter().flat_map(|day| &day.loose);
        let known = |name: &str| ACCEPTED.contains(&name) || figures().any(|figure| figure.is_called(name));
        let unknown = accepts.iter().filter(|accept| !known(&accept.name.text));
        let problem = |accept: &Accept| {
            let problem = Diagnostic::error(format!("nothing loose is called `{}`", accept.name.text));
            let names = figures().map(|figure| figure.what.as_str()).chain(ACCEPTED);
            let names: BTreeSet<&str> = names.collect();
            let help = names::hint(&accept.name.text, "what is assumed or fitted is", names.iter().copied());
            problem.help(help).at(source, accept.name.span)
        };
        unknown.map(problem).collect()
    };
    let mut problems = unknown(base, days);
    problems.extend(days.iter().flat_map(|day| unknown(&day.accept, std::slice::from_ref(day))));
    problems
}

/// The names of what is no figure and can be accepted.
const ACCEPTED: [&str; 3] = [SCRAPE_PHASES, EVALUATION_PHASES, MISSED_SCRAPES];

fn accepts(doc: &ShakeDoc, reader: &Reader<'_>) -> Vec<Accept> {
    let entries = doc.accept.0.iter();
    entries.filter_map(|(name, reason)| Some(Accept { name: name.clone(), reason: reason.read(reader)? })).collect()
}

fn check_format(tree: &Node, source: &Source) -> Result<(), Diagnostic> {
    let help = format!("begin the file with `firedrill: {FORMAT}`");
    let Some(format) = tree.get("firedrill") else {
        return Err(Diagnostic::error("this is no replay: it does not say its format")
            .help(help)
            .at(source, tree.span));
    };
    match format.text() {
        Some(FORMAT) => Ok(()),
        _ => Err(Diagnostic::error("an unknown replay format").help(help).at(source, format.span)),
    }
}

struct ReadDay {
    accept: Vec<Accept>,
    day: Day,
    documents: Vec<Text>,
    rules: Vec<RuleFile>,
    dialect: Dialect,
    loki: Loki,
    variants: Vec<(Text, VariantDoc)>,
    warnings: Vec<Diagnostic>,
}

fn read_day(
    source: &Source,
    files: &Files<'_>,
    base_dir: &Path,
    tree: &Node,
    variant: Option<(&Text, &VariantDoc)>,
    shift: Option<Shift>,
) -> Result<ReadDay, Vec<Diagnostic>> {
    let mut reader = Reader::new(source);
    reader.looseness = Looseness::new(shift);
    let read = resolve_day(&reader, files, base_dir, tree, variant);
    match read {
        Some(read) if reader.is_clean() => Ok(read),
        _ => {
            let mut problems = reader.into_problems();
            problems.sort_by_key(|problem| problem.place.as_ref().map(|(_, span)| *span));
            problems.dedup_by(|a, b| {
                a.message == b.message && a.place.as_ref().map(|p| p.1) == b.place.as_ref().map(|p| p.1)
            });
            if problems.is_empty() {
                problems.push(Diagnostic::error("the replay cannot be read").at(source, tree.span));
            }
            Err(problems)
        }
    }
}

fn resolve_day(
    reader: &Reader<'_>,
    files: &Files<'_>,
    base_dir: &Path,
    tree: &Node,
    variant: Option<(&Text, &VariantDoc)>,
) -> Option<ReadDay> {
    let changed = variant.and_then(|(_, variant)| variant.set.as_ref()).map(|set| {
        let mut tree = tree.clone();
        variants::apply(&mut tree, set, reader);
        tree
    });
    let mut doc: Document = reader.read(changed.as_ref().unwrap_or(tree))?;
    expand_all(&mut doc, reader);
    let calendar = calendar(&doc, reader)?;
    let spans = named::<SpanDoc>(&doc.spans, "span", reader);
    let events = named::<EventDoc>(&doc.events, "event", reader);
    let variants = named::<VariantDoc>(&doc.variants, "variant", reader);
    let left_out = match variant {
        Some((_, variant)) => {
            let names = variants::Names {
                spans: spans.iter().map(|(text, _)| text.text.clone()).collect(),
                events: events.iter().map(|(text, _)| text.text.clone()).collect(),
            };
            variants::leave_out(&mut doc, variant, &names, reader)
        }
        None => LeftOut::default(),
    };
    two_meanings(&spans, &events, reader);
    let written = doc.spans.0.iter().map(|(name, _)| name).chain(doc.events.0.iter().map(|(name, _)| name));
    let was_read = |name: &Text| {
        spans.iter().any(|(read, _)| read.text == name.text) || events.iter().any(|(read, _)| read.text == name.text)
    };
    let unread: Vec<String> = written.filter(|name| !was_read(name)).map(|name| name.text.clone()).collect();
    let (spans, events) =
        Resolver::new(reader, calendar, files, &left_out, spans, events).with_unread(&unread).resolve();
    let interval = match &doc.interval {
        Some(text) => positive(text, reader).unwrap_or(DEFAULT_INTERVAL),
        None => DEFAULT_INTERVAL,
    };
    let mut day = Day {
        source: reader.source.clone(),
        name: variant.map(|(name, _)| name.text.clone()),
        title: variant.and_then(|(_, variant)| variant.title.as_ref()).unwrap_or(&doc.title).text.clone(),
        calendar,
        interval,
        external_labels: labels(&doc.external_labels, reader),
        targets: targets(&doc, reader),
        spans,
        events,
        metrics: Vec::new(),
        gaps: Vec::new(),
        logs: Vec::new(),
        lines: OnceLock::new(),
        skip: skip(variant.and_then(|(_, variant)| variant.skip.as_ref()).or(doc.skip.as_ref()), reader),
        loose: Vec::new(),
        accept: variant.map(|(_, variant)| accepts(&variant.shake, reader)).unwrap_or_default(),
        happened: None,
        expect: None,
    };
    // What hangs on a broken span or event would only repeat what is wrong there.
    if reader.is_clean() {
        let metric_docs: Vec<MetricDoc> = doc.metrics.iter().filter_map(|entry| entry.read(reader)).collect();
        let context = Context { day: &day, reader, files, docs: &metric_docs };
        let metrics: Vec<Metric> = metric_docs.iter().filter_map(|doc| context.metric(doc)).collect();
        one_generator_a_series(&metrics, &day.targets, reader);
        let gaps = doc
            .gaps
            .iter()
            .filter_map(|entry| gaps::resolve(&entry.read(reader)?, entry.node.span, &day, reader)?)
            .collect();
        let streams = |entry: &Later<LogDoc>| {
            entry.read(reader).map(|doc| logs::resolve(&doc, entry.node.span, &day, files, reader)).unwrap_or_default()
        };
        let logs = doc.logs.iter().flat_map(streams).collect();
        (day.metrics, day.gaps, day.logs) = (metrics, gaps, logs);
        let own = |doc: &Option<Later<ExpectDoc>>| expectations(doc.as_ref(), &day, reader);
        let (happened, expect) = match variant {
            Some((_, variant)) if variant.expect.is_some() => (own(&variant.happened), own(&variant.expect)),
            Some((_, variant)) => (own(&variant.happened), own(&doc.expect)),
            None => (own(&doc.happened), own(&doc.expect)),
        };
        (day.happened, day.expect) = (happened, expect);
    }
    day.loose = reader.looseness.figures();
    let rules =
        doc.rules.iter().map(|text| RuleFile { path: base_dir.join(&text.text), written: text.clone() }).collect();
    let documents = doc.document.map(|documents| documents.0).unwrap_or_default();
    let dialect = dialect(doc.dialect.as_ref(), reader);
    let loki = Loki {
        interval: doc.loki.interval.as_ref().and_then(|text| positive(text, reader)).unwrap_or(DEFAULT_INTERVAL),
        remote_write: doc.loki.remote_write,
    };
    let accept = accepts(&doc.shake, reader);
    Some(ReadDay { accept, day, documents, rules, dialect, loki, variants, warnings: reader.take_warnings() })
}

/// Writes every `each` out.
fn expand_all(doc: &mut Document, reader: &Reader<'_>) {
    fn list<T: for<'de> serde::Deserialize<'de>>(entries: &mut Vec<Later<T>>, open: bool, reader: &Reader<'_>) {
        let expanded = entries.iter().flat_map(|entry| each::expand(None, &entry.node, open, reader));
        *entries = expanded.map(|(_, node)| Later::new(node)).collect();
    }
    list(&mut doc.metrics, false, reader);
    list(&mut doc.gaps, false, reader);
    list(&mut doc.logs, true, reader);
    let mut events = Vec::new();
    for (key, entry) in &doc.events.0 {
        let node = Node { span: key.span, kind: Kind::Scalar { text: key.text.as_str().into(), plain: key.plain } };
        for (key, entry) in each::expand(Some(&node), &entry.node, false, reader) {
            if let Some(Node { span, kind: Kind::Scalar { text, plain } }) = key {
                events.push((Text { text: text.to_string(), span, plain }, Later::new(entry)));
            }
        }
    }
    doc.events = Entries(events);
}

fn calendar(doc: &Document, reader: &Reader<'_>) -> Option<Calendar> {
    let time = |text: &Text| -> Option<Timestamp> {
        let found = times::date_time(text.text.trim()).ok_or_else(|| {
            Diagnostic::error(format!("`{}` is not a date with a time", text.text))
                .help("write RFC 3339 in UTC: 2025-11-14T14:30:00Z")
        });
        reader.keep(text.span, found)
    };
    let (start, end) = (time(&doc.start), time(&doc.end));
    let (start, end) = (start?, end?);
    if end <= start {
        reader.problem(
            doc.end.span,
            Diagnostic::error("the replay ends before it begins").help(format!("`end` is later than `start`, {start}")),
        );
        return None;
    }
    Some(Calendar { start, end })
}

/// The entries of a section whose names can be used in marks.
fn named<T: for<'de> serde::Deserialize<'de>>(entries: &Entries<T>, what: &str, reader: &Reader<'_>) -> Vec<(Text, T)> {
    let mut found: Vec<(Text, T)> = Vec::new();
    for (name, entry) in &entries.0 {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        let reserved = matches!(name.text.as_str(), "start" | "end" | "else" | "first");
        if name.text.is_empty()
            || !name.text.chars().all(plain)
            || !name.text.starts_with(|c: char| c.is_ascii_alphabetic())
            || reserved
        {
            let problem = Diagnostic::error(format!("`{}` cannot name a {what}", name.text));
            reader.problem(
                name.span,
                problem.help("letters, digits, `_` and `-`, a letter first; not start, end, else or first"),
            );
            continue;
        }
        if found.iter().any(|(other, _)| other.text == name.text) {
            reader.problem(name.span, Diagnostic::error(format!("a second {what} `{}`", name.text)));
            continue;
        }
        if let Some(read) = entry.read(reader) {
            found.push((name.clone(), read));
        }
    }
    found
}

/// A span and an event of one name would make marks ambiguous.
fn two_meanings(spans: &[(Text, SpanDoc)], events: &[(Text, EventDoc)], reader: &Reader<'_>) {
    for (name, _) in events {
        if spans.iter().any(|(span, _)| span.text == name.text) {
            let problem = Diagnostic::error(format!("`{}` is a span and an event", name.text));
            reader.problem(name.span, problem.help("give one of them another name"));
        }
    }
}

fn skip(doc: Option<&SkipDoc>, reader: &Reader<'_>) -> Option<Skip> {
    let doc = doc?;
    if doc.reason.text.trim().is_empty() {
        reader.problem(doc.reason.span, Diagnostic::error("no reason").help("say why the drill is left out"));
    }
    let until = NaiveDate::parse_from_str(doc.until.text.trim(), "%Y-%m-%d").map_err(|_| {
        Diagnostic::error(format!("`{}` is not a date", doc.until.text)).help("write year, month and day: 2026-12-31")
    });
    let until = reader.keep(doc.until.span, until)?;
    Some(Skip { reason: doc.reason.text.clone(), until, place: doc.until.span })
}

fn positive(text: &Text, reader: &Reader<'_>) -> Option<Duration> {
    let duration = reader.keep(text.span, units::duration(&text.text))?;
    if duration <= Duration::ZERO {
        reader.problem(
            text.span,
            Diagnostic::error("an interval of nothing").help("write a duration above 0s, such as 30s"),
        );
        return None;
    }
    Some(duration)
}

pub fn labels(entries: &Entries<Text>, reader: &Reader<'_>) -> Labels {
    let mut labels = Labels::empty().builder();
    for (name, value) in &entries.0 {
        if let Some(value) = value.read(reader) {
            labels.set(&name.text, &value.text);
        }
    }
    labels.build()
}

fn targets(doc: &Document, reader: &Reader<'_>) -> Vec<Target> {
    let read = named(&doc.targets, "target", reader);
    let targets: Vec<Option<Target>> = read
        .iter()
        .map(|(name, doc)| {
            let scrape = positive(&doc.scrape, reader);
            let phase = match &doc.phase {
                Some(phase) => reader.keep(phase.span, units::duration(&phase.text)),
                None => Some(Duration::ZERO),
            };
            let (scrape, phase) = (scrape?, phase?);
            if phase >= scrape {
                let place = doc.phase.as_ref().map_or(name.span, |phase| phase.span);
                let problem = Diagnostic::error(format!("a phase of {phase} with a scrape every {scrape}"));
                reader.problem(place, problem.help("the phase is shorter than `scrape`"));
                return None;
            }
            Some(Target {
                name: name.text.clone(),
                labels: labels(&doc.labels, reader),
                scrape,
                phase,
                pushed: doc.pushed,
                place: name.span,
            })
        })
        .collect();
    let targets: Vec<Target> = targets.into_iter().flatten().collect();
    for (at, target) in targets.iter().enumerate() {
        if let Some(twin) = targets[..at].iter().find(|other| other.labels == target.labels) {
            let problem =
                Diagnostic::error(format!("the targets `{}` and `{}` have the same labels", twin.name, target.name));
            reader.problem(target.place, problem.help("let them differ in `instance`"));
        }
    }
    targets
}

fn dialect(text: Option<&Text>, reader: &Reader<'_>) -> Dialect {
    match text.map(|text| (text, text.text.as_str())) {
        None | Some((_, "promql")) => Dialect::PromQl,
        Some((_, "metricsql")) => Dialect::MetricsQl,
        Some((text, other)) => {
            let help = names::hint(other, "the dialects are", ["promql", "metricsql"]);
            reader.problem(text.span, Diagnostic::error(format!("unknown dialect `{other}`")).help(help));
            Dialect::PromQl
        }
    }
}

/// Two generators for one series would write over each other.
fn one_generator_a_series(metrics: &[Metric], targets: &[Target], reader: &Reader<'_>) {
    let mut taken: HashMap<Labels, Span> = HashMap::new();
    let up = |target: &Target| {
        let mut labels = target.labels.builder();
        labels.set(METRIC_NAME, "up");
        (labels.build(), target.place)
    };
    taken.extend(targets.iter().filter(|target| !target.pushed).map(up));
    for metric in metrics {
        for labels in series_of(metric) {
            if let Some(first) = taken.insert(labels.clone(), metric.series.span) {
                let line = reader.source.place(first.start).line;
                let what =
                    if labels.name() == "up" { "the target has it already" } else { "another metric has it already" };
                let problem = Diagnostic::error(format!("two generators for the series {}", labels.as_metric()));
                reader.problem(
                    metric.series.span,
                    problem.label(format!("{what}, line {line}")).help("keep one, or give them different labels"),
                );
                break;
            }
        }
    }
}

/// The labels of the series that a metric makes.
pub fn series_of(metric: &Metric) -> Vec<Labels> {
    match &metric.generator {
        Generator::Histogram { classic, native, .. } => {
            let classic = classic.iter().flat_map(|bounds| super::generate::histogram_labels(&metric.labels, bounds));
            classic.chain(native.iter().map(|_| metric.labels.clone())).collect()
        }
        Generator::Recorded(series) => series.iter().map(|series| series.labels.clone()).collect(),
        _ => vec![metric.labels.clone()],
    }
}

fn expectations(doc: Option<&Later<ExpectDoc>>, day: &Day, reader: &Reader<'_>) -> Option<Expectations> {
    let entry = doc?;
    let read = entry.read(reader)?;
    Some(expectation::resolve(&read, entry.node.span, day, reader))
}
