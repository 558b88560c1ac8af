//! Series as text: OpenMetrics, and Prometheus' exposition format.

use std::collections::HashMap;

use super::file::{body, span_of};
use super::series::{Collected, Recording, Times};
use crate::number::parse_go_float;
use crate::promql::parse_series;
use crate::text::{Diagnostic, Source, Span};
use crate::time::Timestamp;

/// Reads the samples. Times are seconds in OpenMetrics, which ends with `# EOF`, and milliseconds in Prometheus' own format;
/// samples without a time are of the moment `at`.
///
/// # Errors
/// Lines that are no samples, and samples without a time where there is no `at`.
pub fn read(source: &Source, at: Option<Timestamp>) -> Result<Recording, Diagnostic> {
    let (text, _) = body(source);
    let open_metrics = text.trim_end().lines().next_back().is_some_and(|line| line.trim() == "# EOF");
    let mut collected = Collected::new(source);
    // The labels of the samples of a series are written alike.
    let mut known: HashMap<&str, usize> = HashMap::new();
    for line in text.lines() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (name, value, time) = parts(line).ok_or_else(|| {
            Diagnostic::error("not a sample")
                .at(source, span_of(source, line))
                .help("a sample is a series and a value, and behind it its time: up{job=\"node\"} 1 1763132805")
        })?;
        let number = parse_go_float(value)
            .ok_or_else(|| Diagnostic::error(format!("`{value}` is no number")).at(source, span_of(source, value)))?;
        let time = match (time, at) {
            (Some(time), _) => stamp(time, open_metrics).ok_or_else(|| {
                let unit = if open_metrics { "its times are seconds" } else { MILLISECONDS };
                Diagnostic::error(format!("`{time}` is no time")).at(source, span_of(source, time)).help(unit)
            })?,
            (None, Some(at)) => at,
            (None, None) => {
                let end = span_of(source, value).end;
                return Err(Diagnostic::error("this sample has no time")
                    .at(source, Span::new(end, end))
                    .help("say when it was taken: `recorded_file: {file: ..., at: \"15:09:00\"}`"));
            }
        };
        let series = match known.get(name) {
            Some(series) => *series,
            None => {
                let place = span_of(source, name);
                let labels = parse_series(name).map_err(|error| {
                    let span = Span::new(place.start + error.span.start, place.start + error.span.end);
                    Diagnostic::error(format!("not a series: {error}")).at(source, span)
                })?;
                known.insert(name, collected.series(labels, None, place));
                known[name]
            }
        };
        collected.sample_at(series, time, number, span_of(source, line).start);
    }
    let taken_as = (!open_metrics).then_some(MILLISECONDS);
    Ok(Recording { taken_as, ..collected.finish(Times::Scrapes) })
}

/// How times are taken where nothing says that they are OpenMetrics'.
const MILLISECONDS: &str = "its times were taken as milliseconds, as in Prometheus' text format, since its last line is not `# EOF`; \
                            OpenMetrics has seconds, and ends with that line";

/// Whether a line is a sample of this format.
pub fn is_sample(line: &str) -> bool {
    let time = |time: &str| stamp(time, false).or_else(|| stamp(time, true)).is_some();
    parts(line.trim()).is_some_and(|(name, value, at)| {
        parse_go_float(value).is_some() && parse_series(name).is_ok() && at.is_none_or(time)
    })
}

/// Series, value and time of a line; exemplars behind them are passed over.
fn parts(line: &str) -> Option<(&str, &str, Option<&str>)> {
    let (mut quoted, mut escaped, mut braces) = (false, false, false);
    let end = line.char_indices().find_map(|(at, c)| {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '{' if !quoted => braces = true,
            '}' if !quoted => return Some(at + 1),
            ' ' | '\t' if !quoted && !braces => {
                // Labels may come behind a blank.
                let spaced = line[at..].trim_start().starts_with('{');
                return (!spaced).then_some(at);
            }
            _ => {}
        }
        None
    })?;
    let (name, rest) = line.split_at(end);
    let mut words = rest.split_ascii_whitespace();
    let (value, time) = (words.next()?, words.next());
    match time {
        Some("#") => Some((name, value, None)),
        _ if words.next().is_some_and(|word| word != "#") => None,
        time => Some((name, value, time)),
    }
}

fn stamp(text: &str, open_metrics: bool) -> Option<Timestamp> {
    if !open_metrics {
        return text.parse().ok().map(Timestamp);
    }
    // As Prometheus cuts them off (`model/textparse/openmetricsparse.go`).
    let seconds: f64 = text.parse().ok()?;
    seconds.is_finite().then_some(Timestamp((seconds * 1000.0) as i64))
}

#[cfg(test)]
mod tests {
    use super::*;

    type Told = (String, Vec<(i64, f64)>);

    fn read_text(text: &str, at: Option<i64>) -> Result<Vec<Told>, String> {
        let found = read(&Source::new("m.txt", text), at.map(Timestamp)).and_then(Recording::whole);
        let found = found.map_err(|problem| problem.to_string())?;
        let samples = |series: &super::super::RecordedSeries| {
            series.samples.iter().map(|(time, value)| (time.0, *value)).collect::<Vec<_>>()
        };
        Ok(found.series.iter().map(|series| (series.labels.as_metric(), samples(series))).collect())
    }

    #[test]
    fn open_metrics_counts_seconds_and_prometheus_milliseconds() {
        let text = "# TYPE up gauge\nup{job=\"a b}\\\"c\"} 1 1.5\nup{job=\"a b}\\\"c\"} 0 31.5\n\
                    x_bucket{le=\"+Inf\"} 3 2 # {trace_id=\"x\"} 0.5 1.2\n{\"a.b\",c=\"d\"} +Inf 2\n# EOF\n";
        let samples = read_text(text, None).unwrap();
        assert_eq!(samples[0], (r#"up{job="a b}\"c"}"#.to_owned(), vec![(1500, 1.0), (31_500, 0.0)]));
        assert_eq!(samples[1], (r#"x_bucket{le="+Inf"}"#.to_owned(), vec![(2000, 3.0)]));
        assert_eq!(samples[2], (r#"{__name__="a.b", c="d"}"#.to_owned(), vec![(2000, f64::INFINITY)]));
        assert_eq!(read_text("up 1 1500\nup 2 31500\n", None).unwrap()[0].1, [(1500, 1.0), (31_500, 2.0)]);
    }

    #[test]
    fn one_scrape_is_of_the_moment_that_is_given() {
        let text = "# HELP x y\nenvoy_cluster_upstream_rq{code=\"503\"} 98\nup 1 # {a=\"b\"} 1\nspaced {a=\"b\"}  2\n";
        assert_eq!(read_text(text, None).unwrap_err(), "m.txt:2:41: this sample has no time");
        let samples = read_text(text, Some(7)).unwrap();
        assert_eq!(samples[0], (r#"envoy_cluster_upstream_rq{code="503"}"#.to_owned(), vec![(7, 98.0)]));
        assert_eq!(samples[2], (r#"spaced{a="b"}"#.to_owned(), vec![(7, 2.0)]));
    }

    #[test]
    fn what_is_no_sample_has_its_place() {
        for (text, says) in [
            ("up 1 1\n  up x 1\n", "m.txt:2:6: `x` is no number"),
            ("up 1 1.5\n", "m.txt:1:6: `1.5` is no time"),
            ("up 1 x\n# EOF", "m.txt:1:6: `x` is no time"),
            ("up\n", "m.txt:1:1: not a sample"),
            ("up{a=\"b\" 1\n", "m.txt:1:1: not a sample"),
            ("up 1 2 3\n", "m.txt:1:1: not a sample"),
            ("up 1 1\nup 1 2\nup 2 2\n", "m.txt:3:1: two values of up"),
            ("up{a=b} 1 1\n", "m.txt:1:6: not a series"),
        ] {
            let problem = read_text(text, None).unwrap_err();
            assert!(problem.contains(says), "{problem}");
        }
    }
}
