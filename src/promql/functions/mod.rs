//! The functions of PromQL: names, argument types and result types (Prometheus 3.14 `promql/parser/functions.go`).

mod calendar;
mod column;
mod edges;
mod elementwise;
pub mod histogram;
mod labels;
pub mod native_histogram;
mod over_time;
mod rate;
mod smoothing;
mod started;
mod trend;
mod window;
pub mod window_histograms;

pub use column::{ColumnFn, Parameters, Results, Track, column_function};
pub use edges::{at_edges, interpolated, interpolated_histogram, with_edges};
pub use elementwise::{ElementFn, clamps_nothing, elementwise};
pub use labels::{LabelError, LabelJoin, LabelReplace};
pub use smoothing::{ParameterCheck, check_factors};
pub use started::UNKNOWN as UNKNOWN_START;
pub use window::{RangeFn, Window};

use super::ast::ValueType;
use ValueType::{Matrix, Scalar, String, Vector};

/// What the parser knows of a function.
#[derive(Debug, PartialEq)]
pub struct Signature {
    pub name: &'static str,
    pub args: &'static [ValueType],
    /// 0: exactly `args`; n > 0: the last argument may be left out or repeated up to n times in all (`label_join`: -1, any
    /// number of times), as `Variadic` in Prometheus.
    pub variadic: i32,
    pub returns: ValueType,
    pub experimental: bool,
}

impl Signature {
    /// The fewest arguments of a call.
    pub fn min_args(&self) -> usize {
        if self.variadic == 0 { self.args.len() } else { self.args.len().saturating_sub(1) }
    }

    /// The most arguments of a call; `None` for any number.
    pub fn max_args(&self) -> Option<usize> {
        match self.variadic {
            0 => Some(self.args.len()),
            more => usize::try_from(more).ok().map(|more| self.min_args() + more),
        }
    }

    /// The type of the argument at a place; of the last one for all that repeat it.
    pub fn arg_type(&self, at: usize) -> Option<ValueType> {
        let repeated = if self.variadic == 0 { None } else { self.args.last() };
        self.args.get(at).or(repeated).copied()
    }
}

/// The function of that name; names are case-sensitive.
pub fn signature(name: &str) -> Option<&'static Signature> {
    let at = FUNCTIONS.binary_search_by(|function| function.name.cmp(name)).ok()?;
    FUNCTIONS.get(at)
}

/// What a function over range vectors computes of one series; `None` for a function of another kind.
///
/// `absent_over_time` looks at all series together and is not among them.
pub fn range_function(name: &str) -> Option<RangeFn> {
    Some(match name {
        "avg_over_time" => over_time::avg,
        "changes" => over_time::changes,
        "count_over_time" => over_time::count,
        "delta" => rate::delta,
        "deriv" => trend::deriv,
        "double_exponential_smoothing" => smoothing::double_exponential,
        "first_over_time" => over_time::first,
        "idelta" => rate::idelta,
        "increase" => rate::increase,
        "irate" => rate::irate,
        "last_over_time" => over_time::last,
        "mad_over_time" => over_time::deviation,
        "max_over_time" => over_time::max,
        "min_over_time" => over_time::min,
        "predict_linear" => trend::predict_linear,
        "present_over_time" => over_time::present,
        "quantile_over_time" => over_time::quantile_of,
        "rate" => rate::rate,
        "resets" => over_time::resets,
        "stddev_over_time" => over_time::stddev,
        "stdvar_over_time" => over_time::stdvar,
        "sum_over_time" => over_time::sum,
        "ts_of_first_over_time" => over_time::time_of_first,
        "ts_of_last_over_time" => over_time::time_of_last,
        "ts_of_max_over_time" => over_time::time_of_max,
        "ts_of_min_over_time" => over_time::time_of_min,
        _ => return None,
    })
}

/// All functions, sorted by name.
pub fn all() -> &'static [Signature] {
    FUNCTIONS
}

const fn stable(name: &'static str, args: &'static [ValueType], variadic: i32, returns: ValueType) -> Signature {
    Signature { name, args, variadic, returns, experimental: false }
}

const fn experimental(name: &'static str, args: &'static [ValueType], variadic: i32, returns: ValueType) -> Signature {
    Signature { name, args, variadic, returns, experimental: true }
}

#[rustfmt::skip]
static FUNCTIONS: &[Signature] = &[
    stable("abs", &[Vector], 0, Vector),
    stable("absent", &[Vector], 0, Vector),
    stable("absent_over_time", &[Matrix], 0, Vector),
    stable("acos", &[Vector], 0, Vector),
    stable("acosh", &[Vector], 0, Vector),
    stable("asin", &[Vector], 0, Vector),
    stable("asinh", &[Vector], 0, Vector),
    stable("atan", &[Vector], 0, Vector),
    stable("atanh", &[Vector], 0, Vector),
    stable("avg_over_time", &[Matrix], 0, Vector),
    stable("ceil", &[Vector], 0, Vector),
    stable("changes", &[Matrix], 0, Vector),
    stable("clamp", &[Vector, Scalar, Scalar], 0, Vector),
    stable("clamp_max", &[Vector, Scalar], 0, Vector),
    stable("clamp_min", &[Vector, Scalar], 0, Vector),
    stable("cos", &[Vector], 0, Vector),
    stable("cosh", &[Vector], 0, Vector),
    stable("count_over_time", &[Matrix], 0, Vector),
    stable("day_of_month", &[Vector], 1, Vector),
    stable("day_of_week", &[Vector], 1, Vector),
    stable("day_of_year", &[Vector], 1, Vector),
    stable("days_in_month", &[Vector], 1, Vector),
    stable("deg", &[Vector], 0, Vector),
    stable("delta", &[Matrix], 0, Vector),
    stable("deriv", &[Matrix], 0, Vector),
    experimental("double_exponential_smoothing", &[Matrix, Scalar, Scalar], 0, Vector),
    experimental("end", &[], 0, Scalar),
    stable("exp", &[Vector], 0, Vector),
    stable("first_over_time", &[Matrix], 0, Vector),
    stable("floor", &[Vector], 0, Vector),
    stable("histogram_avg", &[Vector], 0, Vector),
    stable("histogram_count", &[Vector], 0, Vector),
    stable("histogram_fraction", &[Scalar, Scalar, Vector], 0, Vector),
    stable("histogram_quantile", &[Scalar, Vector], 0, Vector),
    experimental("histogram_quantiles", &[Vector, String, Scalar, Scalar], 9, Vector),
    stable("histogram_stddev", &[Vector], 0, Vector),
    stable("histogram_stdvar", &[Vector], 0, Vector),
    stable("histogram_sum", &[Vector], 0, Vector),
    stable("hour", &[Vector], 1, Vector),
    stable("idelta", &[Matrix], 0, Vector),
    stable("increase", &[Matrix], 0, Vector),
    experimental("info", &[Vector, Vector], 1, Vector),
    stable("irate", &[Matrix], 0, Vector),
    stable("label_join", &[Vector, String, String, String], -1, Vector),
    stable("label_replace", &[Vector, String, String, String, String], 0, Vector),
    stable("last_over_time", &[Matrix], 0, Vector),
    stable("ln", &[Vector], 0, Vector),
    stable("log10", &[Vector], 0, Vector),
    stable("log2", &[Vector], 0, Vector),
    experimental("mad_over_time", &[Matrix], 0, Vector),
    experimental("max_of", &[Scalar, Scalar], 0, Scalar),
    stable("max_over_time", &[Matrix], 0, Vector),
    experimental("min_of", &[Scalar, Scalar], 0, Scalar),
    stable("min_over_time", &[Matrix], 0, Vector),
    stable("minute", &[Vector], 1, Vector),
    stable("month", &[Vector], 1, Vector),
    stable("pi", &[], 0, Scalar),
    stable("predict_linear", &[Matrix, Scalar], 0, Vector),
    stable("present_over_time", &[Matrix], 0, Vector),
    stable("quantile_over_time", &[Scalar, Matrix], 0, Vector),
    stable("rad", &[Vector], 0, Vector),
    experimental("range", &[], 0, Scalar),
    stable("rate", &[Matrix], 0, Vector),
    stable("resets", &[Matrix], 0, Vector),
    stable("round", &[Vector, Scalar], 1, Vector),
    stable("scalar", &[Vector], 0, Scalar),
    stable("sgn", &[Vector], 0, Vector),
    stable("sin", &[Vector], 0, Vector),
    stable("sinh", &[Vector], 0, Vector),
    stable("sort", &[Vector], 0, Vector),
    experimental("sort_by_label", &[Vector, String], -1, Vector),
    experimental("sort_by_label_desc", &[Vector, String], -1, Vector),
    stable("sort_desc", &[Vector], 0, Vector),
    stable("sqrt", &[Vector], 0, Vector),
    experimental("start", &[], 0, Scalar),
    experimental("start_timestamp", &[Vector], 0, Vector),
    stable("stddev_over_time", &[Matrix], 0, Vector),
    stable("stdvar_over_time", &[Matrix], 0, Vector),
    experimental("step", &[], 0, Scalar),
    stable("sum_over_time", &[Matrix], 0, Vector),
    stable("tan", &[Vector], 0, Vector),
    stable("tanh", &[Vector], 0, Vector),
    stable("time", &[], 0, Scalar),
    stable("timestamp", &[Vector], 0, Vector),
    experimental("ts_of_first_over_time", &[Matrix], 0, Vector),
    experimental("ts_of_last_over_time", &[Matrix], 0, Vector),
    experimental("ts_of_max_over_time", &[Matrix], 0, Vector),
    experimental("ts_of_min_over_time", &[Matrix], 0, Vector),
    stable("vector", &[Scalar], 0, Vector),
    stable("year", &[Vector], 1, Vector),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_is_found_by_its_name() {
        assert!(FUNCTIONS.windows(2).all(|pair| pair[0].name < pair[1].name));
        assert!(FUNCTIONS.iter().all(|function| signature(function.name) == Some(function)));
        assert_eq!(signature("Rate"), None);
    }

    #[test]
    fn the_number_of_arguments_follows_variadic() {
        let bounds = |name| signature(name).map(|function| (function.min_args(), function.max_args()));
        assert_eq!(bounds("rate"), Some((1, Some(1))));
        assert_eq!(bounds("round"), Some((1, Some(2))));
        assert_eq!(bounds("hour"), Some((0, Some(1))));
        assert_eq!(bounds("label_join"), Some((3, None)));
        assert_eq!(bounds("time"), Some((0, Some(0))));
    }
}
