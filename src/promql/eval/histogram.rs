//! `histogram_quantile`, `histogram_quantiles` and `histogram_fraction`, over classic histograms (series with an `le` label)
//! and native ones.

use std::collections::HashMap;
use std::sync::Arc;

use super::annotation::Level;
use super::run::{Node, Run, State, scalar_values};
use crate::engine::{EvalError, Head, Matrix, Memo, bits};
use crate::histogram::FloatHistogram;
use crate::labels::Labels;
use crate::number::format_v;
use crate::promql::functions::histogram::{Bucket, fraction, quantile};
use crate::promql::functions::native_histogram::{self, NanEffect};
use crate::text::Span;

const LE: &str = "le";

/// A call over the buckets of histograms.
pub struct Histogram {
    /// Which function it is.
    pub name: &'static str,
    pub input: Node,
    /// The quantile or quantiles, or the lower and the upper bound.
    pub args: Vec<Node>,
    /// `histogram_quantiles` writes the quantile into this label.
    pub label: Option<String>,
    pub buckets: Memo<Buckets>,
}

/// Which columns are the buckets of one histogram.
pub struct Buckets {
    /// Columns and upper bounds.
    histograms: Vec<Vec<(u32, f64)>>,
    /// The labels of each histogram, its name among them.
    identities: Vec<Labels>,
    head: Arc<Head>,
    /// Columns whose `le` is no number.
    strays: Vec<u32>,
}

fn bound(text: &str) -> Option<f64> {
    let value: f64 = text.parse().ok()?;
    // Go refuses a number that does not fit; only the word is infinite.
    if value.is_infinite() && text.bytes().any(|b| b.is_ascii_digit()) { None } else { Some(value) }
}

fn group(head: &Head, late: bool) -> Buckets {
    let mut numbers: HashMap<Labels, usize> = HashMap::new();
    let mut histograms: Vec<Vec<(u32, f64)>> = Vec::new();
    let mut strays = Vec::new();
    for (column, bucket) in (0u32..).zip(&head.labels) {
        let Some(upper) = bound(bucket.get(LE)) else {
            strays.push(column);
            continue;
        };
        let identity = bucket.filter(|name| name != LE);
        let number = *numbers.entry(identity).or_insert_with(|| {
            histograms.push(Vec::new());
            histograms.len() - 1
        });
        histograms[number].push((column, upper));
    }
    // Sorted here once, so that nothing is left to sort at each step.
    histograms.iter_mut().for_each(|buckets| buckets.sort_by(|a, b| a.1.total_cmp(&b.1)));
    // Prometheus yields histograms in any order; here it must not depend on which buckets are there.
    let result = |identity: &Labels| if late { identity.clone() } else { identity.without_metadata() };
    let mut sorted: Vec<(Labels, Labels, usize)> =
        numbers.into_iter().map(|(identity, number)| (result(&identity), identity, number)).collect();
    sorted.sort();
    let histograms = sorted.iter().map(|(_, _, number)| std::mem::take(&mut histograms[*number])).collect();
    let (labels, identities): (Vec<Labels>, Vec<Labels>) =
        sorted.into_iter().map(|(labels, identity, _)| (labels, identity)).unzip();
    let drop_name = vec![true; labels.len()];
    Buckets { histograms, identities, head: Arc::new(Head::new(labels, drop_name)), strays }
}

/// What is asked of each histogram: bounds and quantiles, one a step.
#[derive(Clone, Copy)]
enum Question<'a> {
    Quantile(&'a [f64]),
    Fraction(&'a [f64], &'a [f64]),
}

impl Histogram {
    pub fn eval(&mut self, span: Span, run: &Run<'_>, state: &mut State) -> Result<Matrix, EvalError> {
        let mut parameters = Vec::with_capacity(self.args.len());
        for arg in &mut self.args {
            parameters.push(arg.eval(run, state)?);
        }
        let mut input = self.input.eval(run, state)?;
        let late = run.profile.delayed_name_removal;
        let buckets = self.buckets.get(&[input.head()], || group(input.head(), late));
        let place = self.input.span;
        let natives = Natives::split(&mut input, buckets, late, place, state);
        for column in &buckets.strays {
            let column = input.column(*column as usize);
            if !bits::none(column.present) {
                let message =
                    format!("bucket label \"le\" is missing or has a malformed value of {:?}", column.labels.get(LE));
                state.annotate(Level::Warning, place, message + &named(column.labels, late));
            }
        }
        let values: Vec<&[f64]> = parameters.iter().map(scalar_values).collect();
        let questions: Vec<Question<'_>> = match values.as_slice() {
            [lower, upper] if self.name == "histogram_fraction" => vec![Question::Fraction(lower, upper)],
            quantiles => quantiles.iter().map(|quantiles| Question::Quantile(quantiles)).collect(),
        };
        for (question, node) in questions.iter().zip(&self.args) {
            let Question::Quantile(quantiles) = question else { continue };
            for q in quantiles.iter().filter(|q| !(0.0..=1.0).contains(*q)) {
                let message = format!("quantile value should be between 0 and 1, got {}", shown(*q));
                state.annotate(Level::Warning, node.span, message);
            }
        }
        let mut answers = questions.iter().map(|question| {
            let native = natives.as_ref().map(|natives| natives.ask(*question, late, place, state));
            (native, ask_classic(*question, buckets, &input, late, place, state))
        });
        let mut out = match (&self.label, &natives) {
            (None, None) => answers.next().map(|(_, classic)| classic).unwrap_or_default(),
            (label, _) => {
                let answers: Vec<(Option<Matrix>, Matrix)> = answers.collect();
                let label = label.as_deref().map(|label| (label, values.as_slice()));
                joined(&answers, label, run.steps.len())
            }
        };
        for parameter in parameters {
            out.fail_all(parameter.errors);
        }
        out.fail_all(input.errors);
        Ok(run.settle(out, span))
    }
}

/// The answers of classic histograms to a question.
fn ask_classic(
    question: Question<'_>,
    buckets: &Buckets,
    input: &Matrix,
    late: bool,
    place: Span,
    state: &mut State,
) -> Matrix {
    let mut out = Matrix::new(buckets.head.clone(), input.steps());
    let mut found: Vec<Bucket> = Vec::new();
    for (number, columns) in buckets.histograms.iter().enumerate() {
        for step in 0..input.steps() {
            found.clear();
            found.extend(columns.iter().filter_map(|(column, upper)| {
                let count = input.column(*column as usize).at(step)?;
                Some(Bucket { upper: *upper, count })
            }));
            if found.is_empty() {
                continue;
            }
            let value = match question {
                Question::Quantile(q) => {
                    let (value, repair) = quantile(q[step], &mut found);
                    if repair.is_some() {
                        let message = "input to histogram_quantile needed to be fixed for monotonicity (see https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)";
                        let name = named(&buckets.head.labels[number], late);
                        state.annotate(Level::Info, place, message.to_owned() + &name);
                    }
                    value
                }
                Question::Fraction(lower, upper) => fraction(lower[step], upper[step], &mut found),
            };
            out.set(number, step, value);
        }
    }
    out
}

/// A step, and the histogram there.
type AtStep = (usize, Arc<FloatHistogram>);

/// The native histograms among the elements.
struct Natives {
    steps: usize,
    /// Labels, and the histogram at each of some steps.
    columns: Vec<(Labels, Vec<AtStep>)>,
}

impl Natives {
    /// Takes the native histograms out of the elements; `None` where there can be none. Where a classic histogram has the
    /// labels of a native one, neither is looked at.
    fn split(input: &mut Matrix, buckets: &Buckets, late: bool, place: Span, state: &mut State) -> Option<Natives> {
        input.arena()?;
        let mut columns = Vec::new();
        let mut doubtful = Vec::new();
        for (column, labels) in input.head().labels.iter().enumerate() {
            let classic = buckets.identities.iter().position(|identity| identity == labels);
            let mut found = Vec::new();
            for (step, value) in input.handles(column) {
                let is_number = |value: f64| input.histogram(value).is_none();
                let at = |bucket: &(u32, f64)| input.column(bucket.0 as usize).at(step).is_some_and(is_number);
                match classic.filter(|classic| buckets.histograms[*classic].iter().any(at)) {
                    Some(classic) => doubtful.push((classic, step, labels.clone())),
                    None => found.extend(input.histogram(value).map(|histogram| (step, histogram.clone()))),
                }
            }
            if !found.is_empty() {
                columns.push((labels.clone(), found));
            }
        }
        input.drop_histograms();
        for (classic, step, labels) in doubtful {
            let message = "vector contains a mix of classic and native histograms".to_owned();
            state.annotate(Level::Warning, place, message + &named(&labels, late));
            for (column, _) in &buckets.histograms[classic] {
                input.put(*column as usize, step, None);
            }
        }
        Some(Natives { steps: input.steps(), columns })
    }

    fn ask(&self, question: Question<'_>, late: bool, place: Span, state: &mut State) -> Matrix {
        let labels =
            self.columns.iter().map(|(labels, _)| if late { labels.clone() } else { labels.without_metadata() });
        let head = Head::new(labels.collect(), vec![true; self.columns.len()]);
        let mut out = Matrix::new(Arc::new(head), self.steps);
        for (column, (labels, histograms)) in self.columns.iter().enumerate() {
            for (step, histogram) in histograms {
                let (value, message) = match question {
                    Question::Quantile(q) => {
                        let (value, effect) = native_histogram::quantile(q[*step], histogram);
                        let message = effect.map(|effect| match effect {
                            NanEffect::Result => "input to histogram_quantile has NaN observations, result is NaN",
                            NanEffect::Skew => {
                                "input to histogram_quantile has NaN observations, result is skewed higher"
                            }
                        });
                        (value, message)
                    }
                    Question::Fraction(lower, upper) => {
                        let (value, nan) = native_histogram::fraction(lower[*step], upper[*step], histogram);
                        let message =
                            "input to histogram_fraction has NaN observations, which are excluded from all fractions";
                        (value, nan.then_some(message))
                    }
                };
                if let Some(message) = message {
                    state.annotate(Level::Info, place, message.to_owned() + &named(labels, late));
                }
                out.set(column, *step, value);
            }
        }
        out
    }
}

/// One matrix of several answers, native histograms first; with a label that says which quantile each of them is.
fn joined(answers: &[(Option<Matrix>, Matrix)], label: Option<(&str, &[&[f64]])>, steps: usize) -> Matrix {
    let mut labels = Vec::new();
    let mut cells: Vec<(usize, usize, f64)> = Vec::new();
    for (question, (native, classic)) in answers.iter().enumerate() {
        for column in native.iter().chain([classic]).flat_map(Matrix::columns) {
            let Some((label, quantiles)) = label else {
                cells.extend(column.iter().map(|(step, value)| (labels.len(), step, value)));
                labels.push(column.labels.clone());
                continue;
            };
            // The quantile may be another one at each step.
            let mut places: HashMap<u64, usize> = HashMap::new();
            for (step, value) in column.iter() {
                let q = quantiles[question][step];
                let place = *places.entry(q.to_bits()).or_insert_with(|| {
                    let mut builder = column.labels.builder();
                    builder.set(label, &format_open_metrics(q));
                    labels.push(builder.build());
                    labels.len() - 1
                });
                cells.push((place, step, value));
            }
        }
    }
    let drop_name = vec![true; labels.len()];
    let mut out = Matrix::new(Arc::new(Head::new(labels, drop_name)), steps);
    cells.into_iter().for_each(|(column, step, value)| out.set(column, step, value));
    out
}

/// A number as OpenMetrics writes it: with a point or an exponent.
fn format_open_metrics(value: f64) -> String {
    let text = format_v(value);
    if value.is_finite() && !text.contains(['e', '.']) { text + ".0" } else { text }
}

/// Which metric a message is about, where the name is still there.
fn named(labels: &Labels, late: bool) -> String {
    if late && !labels.name().is_empty() { format!(" for metric name {:?}", labels.name()) } else { String::new() }
}

/// A number in a message, as Go's `%g` writes it where it is not extreme.
pub fn shown(value: f64) -> String {
    match value {
        _ if value.is_nan() => "NaN".to_owned(),
        f64::INFINITY => "+Inf".to_owned(),
        f64::NEG_INFINITY => "-Inf".to_owned(),
        _ if value != 0.0 && !(1e-4..1e21).contains(&value.abs()) => {
            let text = format!("{value:e}");
            match text.split_once('e') {
                Some((digits, exponent)) => {
                    let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |rest| ('-', rest));
                    format!("{digits}e{sign}{exponent:0>2}")
                }
                None => text,
            }
        }
        _ => value.to_string(),
    }
}
