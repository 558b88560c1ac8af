//! A day of a replay as OpenMetrics text, to be loaded into a server or turned into blocks.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::histogram;
use crate::labels::{Labels, METRIC_NAME};
use crate::number::{format_api, is_stale};
use crate::replay::{Day, Generated, Generator};
use crate::store::Series;
use crate::time::Timestamp;

/// The samples of a day, family by family, series by series, in order of time. Every sample stands at its own time, also
/// one that arrived late; stale markers and native histograms are left out, for the text format has none.
pub fn openmetrics(day: &Day, generated: &Generated) -> String {
    let mut metrics: BTreeMap<&str, Vec<&Series>> = BTreeMap::new();
    for series in generated.store.iter() {
        metrics.entry(series.labels.name()).or_default().push(series);
    }
    let kinds = kinds(day);
    let written = |value: f64| !is_stale(value) && histogram::index_of(value).is_none();
    let mut out = String::new();
    // Writing to a string cannot fail.
    for (name, series) in &metrics {
        let (family, kind) = match kinds.get(name) {
            Some(Kind::Gauge) => (*name, "gauge"),
            Some(Kind::Counter) => match name.strip_suffix("_total") {
                // A family of that name may be there as well.
                Some(family) if !metrics.contains_key(family) => (family, "counter"),
                _ => (*name, "unknown"),
            },
            _ => (*name, "unknown"),
        };
        let _ = writeln!(out, "# TYPE {} {kind}", family_name(family));
        for series in series {
            let labels = sample_labels(&series.labels);
            for (time, value) in series.times.iter().zip(&series.values).filter(|(_, value)| written(**value)) {
                let _ = writeln!(out, "{labels} {} {}", format_api(*value), seconds(*time));
            }
        }
    }
    out + "# EOF\n"
}

/// What is known of the series of a name.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Counter,
    Gauge,
    Unknown,
}

fn kinds(day: &Day) -> BTreeMap<&str, Kind> {
    let mut kinds = BTreeMap::from([("up", Kind::Gauge)]);
    for metric in &day.metrics {
        let kind = match &metric.generator {
            Generator::Count { .. } | Generator::Counter(_) | Generator::Drained { .. } => Kind::Counter,
            Generator::Gauge { .. } | Generator::Backlog { .. } => Kind::Gauge,
            Generator::Histogram { .. } | Generator::Values(_) | Generator::Recorded(_) => Kind::Unknown,
        };
        let known = kinds.entry(metric.labels.name()).or_insert(kind);
        if *known != kind {
            *known = Kind::Unknown;
        }
    }
    kinds
}

/// Whether a name needs no quotes: `[a-zA-Z_:][a-zA-Z0-9_:]*`.
fn is_plain(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':'))
}

fn family_name(name: &str) -> String {
    if is_plain(name) { name.to_owned() } else { escaped(name) }
}

/// `name{label="value"}`, or `{"a name",label="value"}` where the name has other characters.
fn sample_labels(labels: &Labels) -> String {
    let name = labels.name();
    let mut parts = Vec::new();
    if !is_plain(name) {
        parts.push(escaped(name));
    }
    let label = |name: &str| if is_plain(name) && !name.contains(':') { name.to_owned() } else { escaped(name) };
    let own = labels.iter().filter(|(name, _)| *name != METRIC_NAME);
    parts.extend(own.map(|(name, value)| format!("{}={}", label(name), escaped(value))));
    match (is_plain(name), parts.is_empty()) {
        (true, true) => name.to_owned(),
        (true, false) => format!("{name}{{{}}}", parts.join(",")),
        (false, _) => format!("{{{}}}", parts.join(",")),
    }
}

/// In quotes; the format knows three escapes.
fn escaped(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}

/// A time in seconds, so written that a reader who multiplies and cuts off gets the same millisecond (Prometheus
/// `textparse/openmetricsparse.go`).
fn seconds(time: Timestamp) -> String {
    let sign = if time.0 < 0 { "-" } else { "" };
    let (whole, rest) = (time.0.unsigned_abs() / 1000, time.0.unsigned_abs() % 1000);
    if rest == 0 {
        return format!("{sign}{whole}");
    }
    let shortest = format!("{sign}{whole}.{rest:03}");
    match shortest.parse::<f64>().map(|seconds| (seconds * 1000.0) as i64) {
        Ok(milliseconds) if milliseconds == time.0 => shortest,
        // Half a millisecond more is cut off again.
        _ => format!("{shortest}5"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_cut_off_to_the_same_millisecond() {
        for time in (0..3000).map(|n| 1_763_130_600_000 + n).chain([0, 1, 999, -1, -1500, 4_102_444_800_001]) {
            let read: f64 = seconds(Timestamp(time)).parse().unwrap();
            assert_eq!((read * 1000.0) as i64, time);
        }
        assert_eq!(seconds(Timestamp(1_763_130_600_500)), "1763130600.500");
        assert_eq!(seconds(Timestamp(1_763_130_600_000)), "1763130600");
        // 1.001 * 1000 is 1000.9999999999999.
        assert_eq!(seconds(Timestamp(1001)), "1.0015");
    }

    #[test]
    fn names_and_values_are_quoted_where_they_have_to_be() {
        let labels = |pairs: &[(&str, &str)]| sample_labels(&Labels::from_pairs(pairs.iter().copied()));
        assert_eq!(labels(&[("__name__", "up")]), "up");
        assert_eq!(labels(&[("__name__", "a:b"), ("x", "1\\2\"3\n"), ("y", "")]), r#"a:b{x="1\\2\"3\n"}"#);
        assert_eq!(labels(&[("__name__", "a.b"), ("c.d", "ü")]), r#"{"a.b","c.d"="ü"}"#);
    }
}
