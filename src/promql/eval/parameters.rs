//! The first arguments of `topk`, `limitk`, `limit_ratio` and `quantile`: a range query looks at all its values together, an
//! instant query at its own (Prometheus `promql/engine.go`, `rangeEvalAgg`).

use std::collections::BTreeMap;

use super::annotation::Level;
use super::histogram::shown;
use super::run::State;
use crate::engine::{EvalError, Mode};
use crate::labels::Labels;
use crate::number::math;
use crate::text::Span;

/// The values of one query: which steps they are for, and what Prometheus looks at.
struct Values<'a> {
    first_step: usize,
    values: &'a [f64],
    min: f64,
    max: f64,
}

fn by_query(values: &[f64], mode: Mode) -> impl Iterator<Item = Values<'_>> {
    let width = if let Mode::Range { .. } = mode { values.len().max(1) } else { 1 };
    values.chunks(width).enumerate().map(move |(nth, values)| Values {
        first_step: nth * width,
        values,
        min: values.iter().copied().fold(f64::MAX, math::min),
        max: values.iter().copied().fold(-f64::MAX, math::max),
    })
}

impl Values<'_> {
    fn has_nan(&self) -> bool {
        self.values.iter().any(|value| value.is_nan())
    }
}

/// How many elements each step wants.
pub struct Counts {
    pub counts: Vec<usize>,
    pub errors: BTreeMap<usize, EvalError>,
}

impl Counts {
    pub fn of(values: &[f64], mode: Mode, place: Span) -> Counts {
        let mut out = Counts { counts: vec![0; values.len()], errors: BTreeMap::new() };
        for query in by_query(values, mode) {
            if query.max < 1.0 {
                continue;
            }
            // As far as an i64 reaches; the bounds themselves are out of it.
            let message = if query.has_nan() {
                "Parameter value is NaN".to_owned()
            } else if query.min <= i64::MIN as f64 {
                format!("Scalar value {} underflows int64", shown(query.min))
            } else if query.max >= i64::MAX as f64 {
                format!("Scalar value {} overflows int64", shown(query.max))
            } else {
                for (step, value) in query.values.iter().enumerate() {
                    out.counts[query.first_step + step] = *value as usize;
                }
                continue;
            };
            out.errors.insert(query.first_step, EvalError::new(place, message));
        }
        out
    }
}

/// Which share of the elements each step wants, from -1 to 1.
pub struct Ratios {
    pub ratios: Vec<f64>,
    pub errors: BTreeMap<usize, EvalError>,
}

impl Ratios {
    pub fn of(values: &[f64], mode: Mode, place: Span, state: &mut State) -> Ratios {
        let mut out = Ratios { ratios: vec![0.0; values.len()], errors: BTreeMap::new() };
        for query in by_query(values, mode) {
            if query.max == 0.0 && query.min == 0.0 {
                continue;
            }
            if query.has_nan() {
                out.errors.insert(query.first_step, EvalError::new(place, "Ratio value is NaN"));
                continue;
            }
            for (found, nearest) in [(query.max.max(1.0), 1.0), (query.min.min(-1.0), -1.0)] {
                if found != nearest {
                    let message = format!(
                        "ratio value should be between -1 and 1, got {}, capping to {}",
                        shown(found),
                        shown(nearest)
                    );
                    state.annotate(Level::Warning, place, message);
                }
            }
            for (step, value) in query.values.iter().enumerate() {
                out.ratios[query.first_step + step] = value.clamp(-1.0, 1.0);
            }
        }
        out
    }
}

/// From which ratio on a series is chosen: its hash among all hashes.
pub fn place_of(labels: &Labels) -> f64 {
    labels.go_hash() as f64 / u64::MAX as f64
}

/// What Prometheus says of a quantile that is none.
pub fn invalid_quantile(q: f64) -> String {
    format!("quantile value should be between 0 and 1, got {}", shown(q))
}

/// Says which quantiles are none.
pub fn warn_of_quantiles(values: &[f64], mode: Mode, place: Span, state: &mut State) {
    for query in by_query(values, mode) {
        let mut warn = |found: f64| state.annotate(Level::Warning, place, invalid_quantile(found));
        if query.has_nan() {
            warn(f64::NAN);
        }
        if query.max > 1.0 {
            warn(query.max);
        }
        if query.min < 0.0 {
            warn(query.min);
        }
    }
}
