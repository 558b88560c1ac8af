//! When two answers are one.

use serde_json::Value;

/// What is compared: the result in one order, or an error.
#[derive(Debug)]
pub enum Found {
    Result(Value),
    Error(String),
}

impl Found {
    /// Whether it is the error of two elements of equal labels.
    pub fn is_same_labelset(&self) -> bool {
        matches!(self, Found::Error(error) if error == SAME_LABELSET)
    }
}

/// Series in an order that does not depend on the evaluation.
pub fn sorted(mut data: Value) -> Found {
    let of_series = matches!(data["resultType"].as_str(), Some("vector" | "matrix"));
    if let (true, Some(series)) = (of_series, data["result"].as_array_mut()) {
        series.sort_by_cached_key(|series| {
            let mut labels: Vec<(String, String)> = series["metric"]
                .as_object()
                .into_iter()
                .flatten()
                .map(|(name, value)| (name.clone(), value.to_string()))
                .collect();
            labels.sort();
            labels
        });
    }
    Found::Result(data)
}

const SEVERAL: &str = "multiple matches for labels";
const SAME_LABELSET: &str = "vector cannot contain metrics with the same labelset";

/// The server that answers: one of the version that this program follows, or an older one.
pub struct Reference {
    older: bool,
}

impl Reference {
    /// `version`: as the server says it, such as `3.5.3+ds1`.
    pub fn of(version: &str) -> Reference {
        let mut numbers = version.split(['.', '+', '-']).map_while(|part| part.parse::<u64>().ok());
        let version = (numbers.next(), numbers.next());
        Reference { older: version < (Some(3), Some(14)) }
    }

    /// Whether both are the same, floats to the bit. Which of several series an error names is left to chance.
    ///
    /// Prometheus 3.5 does some things in another way than the version that this program follows: it looks for several matches
    /// behind a comparison only, it takes equal labels for an error where they do not meet or their names are not to be dropped,
    /// and it computes sums of histograms without compensation. Which buckets of a histogram are empty and stored all the same
    /// shows there where they are multiplied by NaN; they are left out.
    pub fn same(&self, ours: &Found, theirs: &Found) -> bool {
        match (ours, theirs) {
            (Found::Error(ours), Found::Error(theirs)) => {
                without_series(ours) == without_series(theirs) || (self.older && ours.starts_with(SEVERAL))
            }
            (Found::Error(ours), Found::Result(_)) => self.older && ours.starts_with(SEVERAL),
            (Found::Result(_), Found::Error(_)) => self.older && theirs.is_same_labelset(),
            (Found::Result(ours), Found::Result(theirs)) if self.older => equal(ours, theirs, false),
            (Found::Result(ours), Found::Result(theirs)) => ours == theirs,
        }
    }

    /// What an older version does otherwise in ways that an answer does not show: with late names, the name that an aggregation
    /// by name leaves is dropped or kept as that of another series is; and it looks at the buckets of gauges, for resets, also
    /// where only their count or sum is asked for.
    pub fn passes_over(&self, expr: &str, late_names: bool) -> bool {
        let totals = ["histogram_count", "histogram_sum", "histogram_avg"].iter().any(|name| expr.contains(name));
        self.older && ((late_names && expr.contains("by (__name__)")) || (totals && expr.contains("irate(")))
    }
}

/// Whether numbers are the same but for rounding, as where the order of additions is left to chance.
pub fn near(ours: &Found, theirs: &Found) -> bool {
    matches!((ours, theirs), (Found::Result(ours), Found::Result(theirs)) if equal(ours, theirs, true))
}

fn without_series(error: &str) -> &str {
    error.split_once("for the match group").map_or(error, |(before, _)| before)
}

fn equal(ours: &Value, theirs: &Value, in_histogram: bool) -> bool {
    match (ours, theirs) {
        (Value::Object(a), Value::Object(b)) if a.contains_key("count") && a.len() != b.len() => {
            let none = Value::Array(Vec::new());
            let buckets = [a, b].map(|histogram| histogram.get("buckets").unwrap_or(&none));
            a["count"] == b["count"] && a["sum"] == b["sum"] && equal(buckets[0], buckets[1], true)
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter().all(|(name, ours)| {
                    let inside = in_histogram || a.contains_key("count");
                    b.get(name).is_some_and(|theirs| equal(ours, theirs, inside))
                })
        }
        (Value::Array(a), Value::Array(b)) => {
            let number = |bucket: &&Value| bucket[3] != "NaN";
            if in_histogram && a.iter().chain(b).any(|bucket| !number(&bucket)) {
                return a.iter().filter(number).eq(b.iter().filter(number));
            }
            a.len() == b.len() && a.iter().zip(b).all(|(ours, theirs)| equal(ours, theirs, in_histogram))
        }
        (Value::String(a), Value::String(b)) if in_histogram => {
            let numbers = a.parse::<f64>().ok().zip(b.parse::<f64>().ok());
            let near = |a: f64, b: f64| (a - b).abs() <= 1e-9 * a.abs().max(b.abs());
            a == b || numbers.is_some_and(|(a, b)| near(a, b) || !(a.is_finite() || b.is_finite()))
        }
        // A histogram as the value of a label.
        (Value::String(a), Value::String(b)) if a.starts_with("{count:") => b.starts_with("{count:"),
        (ours, theirs) => ours == theirs,
    }
}

/// The first parts that differ.
pub fn first_difference(ours: &Found, theirs: &Found) -> String {
    let (Found::Result(a), Found::Result(b)) = (ours, theirs) else {
        return format!("  ours:   {ours:?}\n  theirs: {theirs:?}").chars().take(1500).collect();
    };
    let (mut path, mut a, mut b) = (String::new(), a, b);
    loop {
        let children: Vec<(String, &Value, &Value)> = match (a, b) {
            (Value::Object(x), Value::Object(y)) if x.len() == y.len() => {
                x.iter().filter_map(|(name, value)| Some((name.clone(), value, y.get(name)?))).collect()
            }
            (Value::Array(x), Value::Array(y)) if x.len() == y.len() => {
                x.iter().zip(y).enumerate().map(|(at, (x, y))| (at.to_string(), x, y)).collect()
            }
            _ => Vec::new(),
        };
        match children.into_iter().find(|(_, x, y)| !equal(x, y, false)) {
            Some((name, x, y)) => {
                path = format!("{path}.{name}");
                (a, b) = (x, y);
            }
            None => {
                let short = |value: &Value| value.to_string().chars().take(700).collect::<String>();
                return format!("  at {path}\n  ours:   {}\n  theirs: {}", short(a), short(b));
            }
        }
    }
}
