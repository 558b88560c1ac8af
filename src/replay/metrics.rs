//! Metrics: what a target exposes, and the figures from which its samples follow.

use std::sync::Arc;

use super::deserialize::{Reader, Text};
use super::document::{BySpanDoc, FigureDoc, HistogramDoc, MetricDoc};
use super::histogram::{self, Distribution};
use super::model::{Day, Target};
use super::names;
use super::native::{Buckets, DEFAULT_ZERO_THRESHOLD};
use super::provenance::{Figure, Kind};
use super::recorded::{Files, Recorded};
use super::shaken::{LooseFigure, Scaled};
use super::spans::figure;
use super::timeline::Timeline;
use super::units::{self, Rate};
use crate::histogram::{CUSTOM_BUCKETS, EXPONENTIAL};
use crate::labels::{Labels, METRIC_NAME};
use crate::promql::series_values::{SampleRun, parse_samples};
use crate::syntax::ParseError;
use crate::text::{Diagnostic, Span};
use crate::time::Timestamp;

/// One metric: a series, or the several of a histogram or a recording.
#[derive(Clone, Debug)]
pub struct Metric {
    /// Labels with the name, those of the target included.
    pub labels: Labels,
    /// Labels without those of the target: a restart may change those.
    pub own: Labels,
    /// Index among the day's targets; `None` for recorded series that are of none of them.
    pub target: Option<usize>,
    /// The first moment at which a scrape finds it; `None` for never.
    pub born: Option<Timestamp>,
    /// The value at the beginning.
    pub starts: f64,
    /// Exposed as whole numbers.
    pub whole: bool,
    pub generator: Generator,
    /// What the metric itself says about its origin.
    pub kind: Option<Kind>,
    /// All figures on which it rests.
    pub figures: Vec<Figure>,
    pub series: Text,
}

impl Metric {
    /// Whether its samples are the same as those of a metric with the same labels.
    pub fn has_values_of(&self, other: &Metric) -> bool {
        self.born == other.born && self.starts == other.starts && self.generator.same_values(&other.generator)
    }
}

/// Where the values come from.
#[derive(Clone, Debug)]
pub enum Generator {
    Count {
        times: Arc<[Timestamp]>,
        adds: f64,
    },
    Counter(Timeline<Rate>),
    Gauge {
        values: Timeline<f64>,
        noise: Noise,
    },
    Backlog {
        inflow: Timeline<Rate>,
        out: Timeline<Rate>,
    },
    /// What has left a backlog that began at `starts`.
    Drained {
        inflow: Timeline<Rate>,
        out: Timeline<Rate>,
        starts: f64,
    },
    Histogram {
        /// The bounds of the classic histogram, if there is one.
        classic: Option<Vec<f64>>,
        native: Option<Buckets>,
        rate: Timeline<Rate>,
        samples: Timeline<Distribution>,
    },
    /// One value a scrape; `None` where there is none.
    Values(Vec<SampleRun>),
    Recorded(Vec<Recorded>),
}

/// How far a gauge strays at random.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Noise {
    None,
    Absolute(f64),
    /// A part of the value.
    Relative(f64),
}

impl Generator {
    /// Whether a restart sets it back to 0.
    pub fn is_counter(&self) -> bool {
        matches!(
            self,
            Generator::Count { .. } | Generator::Counter(_) | Generator::Drained { .. } | Generator::Histogram { .. }
        )
    }

    /// Whether the values are the same; those of a recording cannot be moved.
    pub fn same_values(&self, other: &Generator) -> bool {
        match (self, other) {
            (Generator::Count { times, adds }, Generator::Count { times: of, adds: each }) => {
                times == of && adds == each
            }
            (Generator::Counter(rates), Generator::Counter(others)) => rates == others,
            (Generator::Gauge { values, noise }, Generator::Gauge { values: others, noise: other }) => {
                values == others && noise == other
            }
            (Generator::Backlog { inflow, out }, Generator::Backlog { inflow: other, out: off }) => {
                inflow == other && out == off
            }
            (
                Generator::Drained { inflow, out, starts },
                Generator::Drained { inflow: other, out: off, starts: begin },
            ) => inflow == other && out == off && starts == begin,
            (
                Generator::Histogram { classic, native, rate, samples },
                Generator::Histogram { classic: bounds, native: buckets, rate: other, samples: of },
            ) => classic == bounds && native == buckets && rate == other && samples == of,
            (Generator::Values(runs), Generator::Values(others)) => runs == others,
            (Generator::Recorded(_), Generator::Recorded(_)) => true,
            _ => false,
        }
    }

    /// How many series it makes.
    pub fn series(&self) -> usize {
        match self {
            // Each bound, +Inf, the sum and the count.
            Generator::Histogram { classic, native, .. } => {
                classic.as_ref().map_or(0, |bounds| bounds.len() + 3) + usize::from(native.is_some())
            }
            Generator::Recorded(series) => series.len(),
            _ => 1,
        }
    }
}

/// Which way of writing a metric is used.
fn only_kind(doc: &MetricDoc) -> Result<&'static str, Diagnostic> {
    let kinds = [
        ("count", doc.count.is_some()),
        ("counter", doc.counter.is_some()),
        ("gauge", doc.gauge.is_some()),
        ("backlog", doc.backlog.is_some()),
        ("drained", doc.drained.is_some()),
        ("histogram", doc.histogram.is_some()),
        ("values", doc.values.is_some()),
        ("recorded_file", doc.recorded_file.is_some()),
    ];
    let mut written = kinds.into_iter().filter(|(_, written)| *written).map(|(kind, _)| kind);
    match (written.next(), written.next()) {
        (Some(kind), None) => Ok(kind),
        (None, _) => Err(Diagnostic::error("a metric without values")
            .help("write one of count, counter, gauge, backlog, drained, histogram, values, recorded_file")),
        (Some(one), Some(two)) => {
            Err(Diagnostic::error(format!("two generators for one series: `{one}` and `{two}`")).help("keep one"))
        }
    }
}

/// What resolving a metric needs to know.
pub struct Context<'a> {
    pub day: &'a Day,
    pub reader: &'a Reader<'a>,
    pub files: &'a Files<'a>,
    /// All metrics' documents, for `drained`.
    pub docs: &'a [MetricDoc],
}

impl Context<'_> {
    /// Resolves one metric; `None` where it is broken, which is noted.
    pub fn metric(&self, doc: &MetricDoc) -> Option<Metric> {
        let reader = self.reader;
        let own = parse_series(&doc.series, reader);
        let kind = reader.keep(doc.series.span, only_kind(doc));
        let target = match (kind, &doc.target) {
            (Some("recorded_file"), None) => Some(None),
            _ => target(self.day, doc.target.as_ref(), doc.series.span, reader).map(Some),
        };
        let what = format!("metrics.{}", doc.series.text);
        let said = figure(reader, &what, [&doc.source, &doc.assumed, &doc.fitted, &doc.recorded]);
        let said_kind = said.as_ref().map(|figure| figure.kind);
        let mut rests = Rests { what, own: said_kind, figures: said.into_iter().collect() };
        let starts = match &doc.starts {
            Some(starts) => self.amount(starts, "starts", &mut rests),
            None => Some(0.0),
        };
        let kind = kind?;
        self.misplaced(doc, kind);
        if let (Some(figure), true) = (&doc.starts, starts.is_some_and(|starts| starts.is_nan() || starts < 0.0)) {
            let problem = Diagnostic::error(format!("`{}` to begin with", figure.value.text));
            reader.problem(figure.value.span, problem.help("a counter or a backlog begins at 0 or more"));
        }
        let generator = self.generator(doc, kind, &mut rests);
        let (own, target, generator) = (own?, target?, generator?);
        let born = self.born(doc, &generator)?;
        let labels = match target {
            Some(target) => join(&own, &self.day.targets[target].labels),
            None => own.clone(),
        };
        let mut figures: Vec<Figure> = Vec::new();
        for figure in rests.figures {
            if !figures.contains(&figure) {
                figures.push(figure);
            }
        }
        let whole = !doc.fractions;
        Some(Metric {
            labels,
            own,
            target,
            born,
            starts: starts?,
            whole,
            generator,
            kind: said_kind,
            figures,
            series: doc.series.clone(),
        })
    }

    /// Notes fields that belong to another kind of metric.
    fn misplaced(&self, doc: &MetricDoc, kind: &str) {
        let fields = [
            ("adds", doc.adds.as_ref().map(|figure| figure.value.span), &["count"][..]),
            ("noise", doc.noise.as_ref().map(|figure| figure.value.span), &["gauge"]),
            ("starts", doc.starts.as_ref().map(|figure| figure.value.span), &["count", "counter", "backlog"]),
        ];
        for (field, place, kinds) in fields {
            if let Some(place) = place.filter(|_| !kinds.contains(&kind)) {
                let problem = Diagnostic::error(format!("`{field}` does not go with `{kind}`"));
                self.reader.problem(place, problem.help(format!("it goes with {}", kinds.join(", "))));
            }
        }
    }

    fn generator(&self, doc: &MetricDoc, kind: &str, rests: &mut Rests) -> Option<Generator> {
        let reader = self.reader;
        match kind {
            "count" => {
                let adds = match &doc.adds {
                    Some(adds) => {
                        let amount = self.amount(adds, "adds", rests)?;
                        if amount.is_nan() || amount < 0.0 {
                            reader.problem(
                                adds.value.span,
                                Diagnostic::error("a counter that falls").help("what is added is 0 or more"),
                            );
                            return None;
                        }
                        amount
                    }
                    None => 1.0,
                };
                let times = self.event(doc.count.as_ref()?, rests)?;
                Some(Generator::Count { times, adds })
            }
            "counter" => self.rates(doc.counter.as_ref()?, "counter", rests).map(Generator::Counter),
            "gauge" => {
                let values = self.timeline(doc.gauge.as_ref()?, "gauge", None, rests, &units::amount)?;
                let noise = match &doc.noise {
                    None => Noise::None,
                    Some(noise) => {
                        let amount = self.amount(noise, "noise", rests)?;
                        if noise.value.text.trim_end().ends_with('%') {
                            Noise::Relative(amount)
                        } else {
                            Noise::Absolute(amount)
                        }
                    }
                };
                Some(Generator::Gauge { values, noise })
            }
            "backlog" => {
                let doc = doc.backlog.as_ref()?;
                let (inflow, out) = (self.rates(&doc.inflow, "in", rests), self.rates(&doc.out, "out", rests));
                Some(Generator::Backlog { inflow: inflow?, out: out? })
            }
            "drained" => self.drained(doc.drained.as_ref()?, rests),
            "histogram" => {
                let (place, doc) = (doc.series.span, doc.histogram.as_ref()?);
                let buckets = self.buckets(doc, place);
                let rate = self.rates(&doc.rate, "rate", rests);
                let samples = self.timeline(&doc.samples, "samples", None, rests, &histogram::distribution);
                let (classic, native) = buckets?;
                Some(Generator::Histogram { classic, native, rate: rate?, samples: samples? })
            }
            "values" => {
                let text = doc.values.as_ref()?;
                self.values(text, doc).map(Generator::Values)
            }
            _ => {
                let file = doc.recorded_file.as_ref()?.fields();
                let labels = parse_series(&doc.series, reader)?;
                let target = match &doc.target {
                    Some(name) => Some(&self.day.targets[target(self.day, Some(name), name.span, reader)?]),
                    None => None,
                };
                let time = |text: &Text| self.day.time(text).map(Some).map_err(|problem| reader.extend([problem])).ok();
                rests.figures.push(Figure {
                    what: rests.what.clone(),
                    kind: Kind::Recorded,
                    text: file.file.text.clone(),
                    place: file.file.span,
                });
                let clock = (self.day.calendar, &time as super::recorded::TimeOf<'_>);
                self.files.series(&file, &labels, target, clock, reader).map(Generator::Recorded)
            }
        }
    }

    /// The bounds of a classic histogram, and the buckets of a native one.
    fn buckets(&self, doc: &HistogramDoc, place: Span) -> Option<(Option<Vec<f64>>, Option<Buckets>)> {
        let reader = self.reader;
        let bounds: Vec<Option<f64>> =
            doc.buckets.iter().map(|bound| reader.keep(bound.span, units::amount(&bound.text))).collect();
        let mut bounds: Vec<f64> = bounds.into_iter().collect::<Option<_>>()?;
        bounds.retain(|bound| *bound != f64::INFINITY);
        if let Some(at) = (1..bounds.len()).find(|at| bounds[at - 1] >= bounds[*at]) {
            reader.problem(
                doc.buckets[at].span,
                Diagnostic::error("buckets that do not increase").help("list upper bounds from small to large"),
            );
            return None;
        }
        let listed = !doc.buckets.is_empty();
        let Some(native) = &doc.native else {
            if !listed {
                let problem = Diagnostic::error("a histogram without buckets");
                reader.problem(place, problem.help("write `buckets: [0.1, 0.5, 1]`, or `native: {schema: 3}`"));
                return None;
            }
            return Some((Some(bounds), None));
        };
        let problem = match native.schema.text.trim().parse() {
            Ok(CUSTOM_BUCKETS) if bounds.is_empty() => {
                Diagnostic::error("the schema -53 without `buckets`").help("list the bounds: `buckets: [0.1, 0.5, 1]`")
            }
            Ok(CUSTOM_BUCKETS) if native.zero_threshold.is_some() => {
                Diagnostic::error("a `zero_threshold` of custom buckets")
                    .help("only exponential ones have a zero bucket")
            }
            Ok(CUSTOM_BUCKETS) => return Some((None, Some(Buckets::Custom(bounds.into())))),
            Ok(schema) if EXPONENTIAL.contains(&schema) => {
                let zero_threshold = match &native.zero_threshold {
                    None => DEFAULT_ZERO_THRESHOLD,
                    Some(text) => {
                        let amount = reader.keep(text.span, units::amount(&text.text))?;
                        if !(amount >= 0.0 && amount.is_finite()) {
                            let problem = Diagnostic::error(format!("`{}` is no threshold", text.text));
                            reader.problem(text.span, problem.help("write 0 or more, such as 0.001"));
                            return None;
                        }
                        amount
                    }
                };
                return Some((listed.then_some(bounds), Some(Buckets::Exponential { schema, zero_threshold })));
            }
            _ => Diagnostic::error(format!("`{}` is no schema of native histograms", native.schema.text))
                .help("write -4 to 8, or -53 for the bounds of `buckets`"),
        };
        reader.problem(native.schema.span, problem);
        None
    }

    /// Values one a scrape, not more than there are scrapes.
    fn values(&self, text: &Text, doc: &MetricDoc) -> Option<Vec<SampleRun>> {
        let runs = match parse_samples(&text.text) {
            Ok(runs) => runs,
            Err(error) => {
                self.reader.syntax(
                    text,
                    "not a list of values",
                    &error,
                    "write values as promtool does: `0+1x10 _ 5 stale`",
                );
                return None;
            }
        };
        let target = target(self.day, doc.target.as_ref(), doc.series.span, self.reader)?;
        let scrapes = self.day.targets[target].scrapes(self.day.calendar);
        let count = runs.iter().fold(0_u64, |sum, run| sum.saturating_add(run.count()));
        if count > scrapes {
            let problem = Diagnostic::error(format!("{count} values for {scrapes} scrapes"));
            self.reader.problem(
                text.span,
                problem.help("one value is exposed a scrape; the rest lie behind the end of the replay"),
            );
            return None;
        }
        for run in &runs {
            let refused = run.samples().flatten().find_map(|sample| sample.histogram()?.validate().err());
            if let Some(refused) = refused {
                let error = ParseError::new(run.span(), refused.to_string());
                self.reader.syntax(text, "no native histogram", &error, "write one that a server would store");
                return None;
            }
        }
        Some(runs)
    }

    /// The counter of what has left the backlog of another metric.
    fn drained(&self, of: &Text, rests: &mut Rests) -> Option<Generator> {
        let backlogs = || self.docs.iter().filter(|doc| doc.backlog.is_some());
        let Some(doc) = backlogs().find(|doc| doc.series.text == of.text) else {
            let known: Vec<&str> = backlogs().map(|doc| doc.series.text.as_str()).collect();
            let problem = Diagnostic::error(format!("no backlog `{}`", of.text));
            self.reader
                .problem(of.span, problem.help(names::hint(&of.text, "the backlogs are", known.iter().copied())));
            return None;
        };
        let backlog = doc.backlog.as_ref()?;
        let starts = match &doc.starts {
            Some(starts) => self.amount(starts, "starts", rests)?,
            None => 0.0,
        };
        let (inflow, out) = (self.rates(&backlog.inflow, "in", rests)?, self.rates(&backlog.out, "out", rests)?);
        Some(Generator::Drained { inflow, out, starts })
    }

    /// When the series appears.
    fn born(&self, doc: &MetricDoc, generator: &Generator) -> Option<Option<Timestamp>> {
        let Some(born) = &doc.born else { return Some(Some(self.day.start())) };
        if born.text == "first" {
            let Generator::Count { times, .. } = generator else {
                let problem = Diagnostic::error("`born: first` is the first event that a series counts");
                self.reader
                    .problem(born.span, problem.help("write `born: start`, a time or a mark; only `count` has events"));
                return None;
            };
            return Some(times.first().copied());
        }
        self.day.time(born).map(Some).map_err(|problem| self.reader.extend([problem])).ok()
    }

    fn amount(&self, doc: &FigureDoc, part: &str, rests: &mut Rests) -> Option<f64> {
        self.figure(doc, part, rests, &units::amount)
    }

    /// The value of one figure on this day.
    fn figure<T: Scaled + PartialEq>(
        &self,
        doc: &FigureDoc,
        part: &str,
        rests: &mut Rests,
        parse: &dyn Fn(&str) -> Result<T, Diagnostic>,
    ) -> Option<T> {
        rests.add(self.reader, doc, part);
        let read = |text: &Text| self.reader.keep(text.span, parse(&text.text));
        let value = read(&doc.value);
        let between = match &doc.between {
            Some([low, high]) => Some([read(low)?, read(high)?]),
            None => None,
        };
        let kind = doc.origin.kind().or(rests.own).unwrap_or(Kind::Assumed);
        let value = value?;
        if kind > Kind::Fitted && between.is_none() {
            return Some(value);
        }
        let figure = LooseFigure {
            what: format!("{}.{part}", rests.what),
            kind,
            written: doc.value.text.clone(),
            between: doc.between.as_ref().map(|bounds| bounds.clone().map(|bound| bound.text)),
            place: doc.value.span,
        };
        Some(self.reader.looseness.value(figure, value, between))
    }

    /// The moments of an event's mark.
    fn event(&self, text: &Text, rests: &mut Rests) -> Option<Arc<[Timestamp]>> {
        let (name, mark) = text.text.split_once('.').unwrap_or((&text.text, ""));
        let Some(event) = self.day.event(name) else {
            let known: Vec<&str> = self.day.events.iter().map(|event| event.name.as_str()).collect();
            let problem = Diagnostic::error(format!("unknown event `{name}`"));
            self.reader.problem(text.span, problem.help(names::hint(name, "the events are", known.iter().copied())));
            return None;
        };
        rests.figures.extend(event.figures.iter().cloned());
        self.reader.keep(text.span, event.times(mark)).map(Arc::from)
    }

    fn rates(&self, doc: &BySpanDoc, part: &str, rests: &mut Rests) -> Option<Timeline<Rate>> {
        self.timeline(doc, part, Some(Rate::ZERO), rests, &units::rate)
    }

    /// A figure by span. `rest` is the value outside of all spans where `else` is not written.
    fn timeline<T: Clone + PartialEq + Scaled>(
        &self,
        doc: &BySpanDoc,
        part: &str,
        rest: Option<T>,
        rests: &mut Rests,
        parse: &dyn Fn(&str) -> Result<T, Diagnostic>,
    ) -> Option<Timeline<T>> {
        let (reader, day) = (self.reader, self.day);
        let entries = match doc {
            BySpanDoc::Always(figure) => {
                let value = self.figure(figure, part, rests, parse)?;
                return Some(Timeline::new(day.start(), value, &[]));
            }
            BySpanDoc::Spans(entries) => entries,
        };
        let mut other = rest;
        let mut stretches: Vec<(Timestamp, Timestamp, T, &Text)> = Vec::new();
        let mut whole = true;
        for (name, figure) in entries {
            let value = self.figure(figure, &format!("{part}.{}", name.text), rests, parse);
            if name.text == "else" {
                whole &= value.is_some();
                other = value.or(other);
                continue;
            }
            let Some(span) = day.span(&name.text) else {
                let known: Vec<&str> = day.spans.iter().map(|span| span.name.as_str()).chain(["else"]).collect();
                let problem = Diagnostic::error(format!("unknown span `{}`", name.text));
                reader
                    .problem(name.span, problem.help(names::hint(&name.text, "the spans are", known.iter().copied())));
                whole = false;
                continue;
            };
            whole &= value.is_some();
            if let (false, Some(value)) = (span.left_out, value) {
                rests.figures.extend(span.figure.clone());
                stretches.push((span.from, span.to, value, name));
            }
        }
        stretches.sort_by_key(|(from, ..)| *from);
        // A span that is longer on a shaken day ends where the next one begins.
        if reader.looseness.is_shifted() {
            let begins: Vec<Timestamp> = stretches.iter().map(|(from, ..)| *from).collect();
            stretches
                .iter_mut()
                .zip(&begins[1.min(begins.len())..])
                .for_each(|((_, to, ..), next)| *to = (*to).min(*next));
            stretches.retain(|(from, to, ..)| from < to);
        }
        for pair in stretches.windows(2) {
            if let [(_, to, _, one), (from, _, _, two)] = pair
                && from < to
            {
                let problem = Diagnostic::error(format!(
                    "the spans `{}` and `{}` overlap, so there are two values",
                    one.text, two.text
                ));
                reader.problem(two.span, problem.help("let one span end where the other begins"));
                return None;
            }
        }
        if !whole {
            return None;
        }
        let Some(other) = other else {
            let place = entries.first().map_or_else(Span::default, |(name, _)| name.span);
            reader.problem(place, Diagnostic::error("no value for the rest of the time").help("add `else: ...`"));
            return None;
        };
        let stretches: Vec<(Timestamp, Timestamp, T)> =
            stretches.into_iter().map(|(from, to, value, _)| (from, to, value)).collect();
        Some(Timeline::new(day.start(), other, &stretches))
    }
}

/// The figures on which a metric rests, as they are found.
struct Rests {
    what: String,
    /// What the metric itself says.
    own: Option<Kind>,
    figures: Vec<Figure>,
}

impl Rests {
    fn add(&mut self, reader: &Reader<'_>, doc: &FigureDoc, part: &str) {
        let origin = &doc.origin;
        let what = format!("{}.{part}", self.what);
        self.figures.extend(figure(reader, what, [&origin.source, &origin.assumed, &origin.fitted, &origin.recorded]));
    }
}

/// The index of a target by its name; a lone target needs no name.
pub fn target(day: &Day, name: Option<&Text>, place: Span, reader: &Reader<'_>) -> Option<usize> {
    let known: Vec<&str> = day.targets.iter().map(|Target { name, .. }| name.as_str()).collect();
    let Some(name) = name else {
        if day.targets.len() == 1 {
            return Some(0);
        }
        let help = names::known("add `target: NAME`; the targets are", known.iter().copied());
        reader.problem(place, Diagnostic::error("this does not say which target exposes it").help(help));
        return None;
    };
    let found = known.iter().position(|known| *known == name.text);
    if found.is_none() {
        let problem = Diagnostic::error(format!("unknown target `{}`", name.text));
        reader.problem(name.span, problem.help(names::hint(&name.text, "the targets are", known.iter().copied())));
    }
    found
}

/// Reads the name and labels of a series.
pub fn parse_series(text: &Text, reader: &Reader<'_>) -> Option<Labels> {
    match crate::promql::parse_series(&text.text) {
        Ok(labels) if labels.name().is_empty() => {
            reader.problem(
                text.span,
                Diagnostic::error("a series without a name").help("write the metric's name in front: up{job=\"node\"}"),
            );
            None
        }
        Ok(labels) => Some(labels),
        Err(error) => {
            reader.syntax(text, "not a series", &error, "write the name and labels: up{job=\"node\"}");
            None
        }
    }
}

/// A metric's own labels with those of its target. A label that both have is the target's; the metric's becomes
/// `exported_NAME`, as in Prometheus (`honor_labels: false`).
pub fn join(own: &Labels, target: &Labels) -> Labels {
    let mut labels = own.builder();
    for (name, value) in target.iter().filter(|(name, _)| *name != METRIC_NAME) {
        if own.has(name) {
            labels.set(&format!("exported_{name}"), own.get(name));
        }
        labels.set(name, value);
    }
    labels.build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_that_the_target_has_too_is_exported() {
        let own = Labels::from_pairs([("__name__", "x"), ("job", "inner"), ("path", "/")]);
        let target = Labels::from_pairs([("job", "outer"), ("instance", "a:1")]);
        assert_eq!(
            join(&own, &target).to_string(),
            r#"{__name__="x", exported_job="inner", instance="a:1", job="outer", path="/"}"#
        );
    }
}
