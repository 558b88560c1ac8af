//! `histogram_quantile` and `histogram_fraction` over classic histograms: series with an `le` label.

use std::collections::HashMap;
use std::sync::Arc;

use super::annotation::Level;
use super::run::{Node, Run, State, scalar_values};
use crate::engine::{EvalError, Head, Matrix, Memo, bits};
use crate::labels::Labels;
use crate::promql::functions::histogram::{Bucket, fraction, quantile};
use crate::text::Span;

const LE: &str = "le";

/// A call over the buckets of histograms.
pub struct Histogram {
    pub input: Node,
    /// The quantile, or the lower and the upper bound.
    pub args: Vec<Node>,
    pub buckets: Memo<Buckets>,
}

/// Which columns are the buckets of one histogram.
pub struct Buckets {
    /// Columns and upper bounds.
    histograms: Vec<Vec<(u32, f64)>>,
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
    let mut labels = Vec::new();
    let mut strays = Vec::new();
    for (column, bucket) in (0u32..).zip(&head.labels) {
        let Some(upper) = bound(bucket.get(LE)) else {
            strays.push(column);
            continue;
        };
        let identity = bucket.filter(|name| name != LE);
        let number = *numbers.entry(identity).or_insert_with_key(|identity| {
            labels.push(if late { identity.clone() } else { identity.without_metadata() });
            histograms.push(Vec::new());
            histograms.len() - 1
        });
        histograms[number].push((column, upper));
    }
    // Sorted here once, so that nothing is left to sort at each step.
    histograms.iter_mut().for_each(|buckets| buckets.sort_by(|a, b| a.1.total_cmp(&b.1)));
    // Prometheus yields histograms in any order; here it must not depend on which buckets are there.
    let mut sorted: Vec<(Labels, Vec<(u32, f64)>)> = labels.into_iter().zip(histograms).collect();
    sorted.sort_by(|a, b| a.0.cmp(&b.0));
    let (labels, histograms): (Vec<Labels>, Vec<_>) = sorted.into_iter().unzip();
    let drop_name = vec![true; labels.len()];
    Buckets { histograms, head: Arc::new(Head::new(labels, drop_name)), strays }
}

impl Histogram {
    pub fn eval(&mut self, span: Span, run: &Run<'_>, state: &mut State) -> Result<Matrix, EvalError> {
        let mut parameters = Vec::with_capacity(self.args.len());
        for arg in &mut self.args {
            parameters.push(arg.eval(run, state)?);
        }
        let input = self.input.eval(run, state)?;
        let late = run.profile.delayed_name_removal;
        let buckets = self.buckets.get(&[input.head()], || group(input.head(), late));
        let place = self.input.span;
        for column in &buckets.strays {
            let column = input.column(*column as usize);
            if !bits::none(column.present) {
                let message =
                    format!("bucket label \"le\" is missing or has a malformed value of {:?}", column.labels.get(LE));
                state.annotate(Level::Warning, place, message + &named(column.labels, late));
            }
        }
        let bounds: Vec<&[f64]> = parameters.iter().map(scalar_values).collect();
        if let ([q], [node]) = (bounds.as_slice(), self.args.as_slice()) {
            for q in q.iter().filter(|q| !(0.0..=1.0).contains(*q)) {
                let message = format!("quantile value should be between 0 and 1, got {}", shown(*q));
                state.annotate(Level::Warning, node.span, message);
            }
        }
        let mut out = Matrix::new(buckets.head.clone(), run.steps.len());
        let mut found: Vec<Bucket> = Vec::new();
        for (number, columns) in buckets.histograms.iter().enumerate() {
            for step in 0..run.steps.len() {
                found.clear();
                found.extend(columns.iter().filter_map(|(column, upper)| {
                    let count = input.column(*column as usize).at(step)?;
                    Some(Bucket { upper: *upper, count })
                }));
                if found.is_empty() {
                    continue;
                }
                let value = match bounds.as_slice() {
                    [q] => {
                        let (value, repair) = quantile(q[step], &mut found);
                        if repair.is_some() {
                            let message = "input to histogram_quantile needed to be fixed for monotonicity (see https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)";
                            state.annotate(
                                Level::Info,
                                place,
                                message.to_owned() + &named(&buckets.head.labels[number], late),
                            );
                        }
                        value
                    }
                    [lower, upper] => fraction(lower[step], upper[step], &mut found),
                    _ => f64::NAN,
                };
                out.set(number, step, value);
            }
        }
        for parameter in parameters {
            out.fail_all(parameter.errors);
        }
        out.fail_all(input.errors);
        Ok(run.settle(out, span))
    }
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
