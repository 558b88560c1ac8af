//! Saved answers of Prometheus' HTTP API, what promtool prints with `-o json`, and VictoriaMetrics' export.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::file::{body, json_error, span_of};
use super::series::{Collected, Recording, Times};
use crate::labels::Labels;
use crate::number::parse_go_float;
use crate::text::{Diagnostic, Source, Span};
use crate::time::Timestamp;

const WHAT: &str = "not an answer of /api/v1/query_range";
const SAVE: &str = "save the answer of /api/v1/query_range, or of /api/v1/query, as it comes";

/// What an answer says of itself; either the whole envelope or its `data` alone.
#[derive(Deserialize)]
struct Head {
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    warnings: Option<Vec<String>>,
    #[serde(default)]
    data: Option<DataHead>,
    #[serde(default, rename = "resultType")]
    result_type: Option<String>,
}

#[derive(Deserialize)]
struct DataHead {
    #[serde(default, rename = "resultType")]
    result_type: Option<String>,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    data: Data<'a>,
}

#[derive(Deserialize)]
struct Data<'a> {
    #[serde(borrow)]
    result: Vec<Item<'a>>,
}

/// A series; numbers are texts, as the API writes them.
#[derive(Deserialize)]
struct Item<'a> {
    #[serde(default)]
    metric: BTreeMap<String, String>,
    #[serde(borrow, default)]
    values: Vec<(f64, &'a str)>,
    #[serde(borrow, default)]
    value: Option<(f64, &'a str)>,
    #[serde(default)]
    histograms: Option<IgnoredAny>,
    #[serde(default)]
    histogram: Option<IgnoredAny>,
}

/// A line of VictoriaMetrics' `/api/v1/export`.
#[derive(Deserialize)]
struct ExportLine<'a> {
    metric: BTreeMap<String, String>,
    #[serde(borrow)]
    values: Vec<ExportValue<'a>>,
    /// Milliseconds.
    timestamps: Vec<i64>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum ExportValue<'a> {
    Number(f64),
    /// `Infinity`, `-Infinity`
    Text(&'a str),
    /// NaN and the end of a series
    Null,
}

/// Reads a file that begins with `{` or `[`.
pub fn read(source: &Source) -> Result<Recording, Diagnostic> {
    let (text, from) = body(source);
    let first = text.trim_start().lines().next().unwrap_or_default();
    if first.contains("\"timestamps\"") && serde_json::from_str::<ExportLine<'_>>(first).is_ok() {
        return export(source);
    }
    let wrong = |error: serde_json::Error| json_error(source, from, WHAT, &error).help(SAVE);
    let mut warnings = Vec::new();
    let items: Vec<Item<'_>> = if text.trim_start().starts_with('[') {
        serde_json::from_str(text).map_err(wrong)?
    } else {
        let head: Head = serde_json::from_str(text).map_err(wrong)?;
        warnings = head.warnings.unwrap_or_default();
        let place = Span::new(from, from);
        if head.status.as_deref() == Some("error") {
            let said = head.error.unwrap_or_default();
            return Err(Diagnostic::error(format!("the saved answer is an error: {said}"))
                .at(source, place)
                .help("ask again, and save an answer that holds series"));
        }
        let kind = head.data.as_ref().and_then(|data| data.result_type.as_deref());
        match kind.or(head.result_type.as_deref()) {
            Some("matrix" | "vector") => {}
            Some("streams") => {
                return Err(Diagnostic::error("an answer of Loki that holds log lines, not series")
                    .at(source, place)
                    .help("read it under `logs` (`recorded_file`) or as events (`evidence`), or save a metric query"));
            }
            Some(other) => {
                return Err(Diagnostic::error(format!("an answer of type {other}")).at(source, place).help(SAVE));
            }
            None => return Err(Diagnostic::error(format!("{WHAT}: no `resultType`")).at(source, place).help(SAVE)),
        }
        if head.data.is_some() {
            serde_json::from_str::<Envelope<'_>>(text).map_err(wrong)?.data.result
        } else {
            serde_json::from_str::<Data<'_>>(text).map_err(wrong)?.result
        }
    };
    let mut collected = Collected::new(source);
    for item in &items {
        let samples = item.values.iter().chain(&item.value);
        let place = samples.clone().next().map_or(Span::default(), |(_, value)| span_of(source, value));
        let labels = Labels::from_pairs(&item.metric);
        if item.histograms.is_some() || item.histogram.is_some() {
            let message = format!("native histograms are not supported yet: {}", labels.as_metric());
            return Err(Diagnostic::error(message).at(source, place).help("leave the series out of the query"));
        }
        let series = collected.series(labels, None, place);
        for (seconds, value) in samples {
            let time = milliseconds(*seconds);
            let number = parse_go_float(value).ok_or_else(|| {
                Diagnostic::error(format!("`{value}` is no number")).at(source, span_of(source, value)).help(SAVE)
            })?;
            collected.sample(series, time, number);
        }
    }
    Ok(Recording { warnings, ..collected.finish(Times::Steps) })
}

/// Times of the API are seconds with up to three decimals.
fn milliseconds(seconds: f64) -> Timestamp {
    Timestamp((seconds * 1000.0).round() as i64)
}

fn export(source: &Source) -> Result<Recording, Diagnostic> {
    let (text, _) = body(source);
    let mut collected = Collected::new(source);
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let place = span_of(source, line);
        let read: ExportLine<'_> = serde_json::from_str(line)
            .map_err(|error| json_error(source, place.start, "not a line of /api/v1/export", &error))?;
        let start = Span::new(place.start, place.start);
        if read.values.len() != read.timestamps.len() {
            let message = format!("{} values at {} timestamps", read.values.len(), read.timestamps.len());
            return Err(Diagnostic::error(message).at(source, start).help("each value has one timestamp"));
        }
        let series = collected.series(Labels::from_pairs(&read.metric), None, start);
        for (value, time) in read.values.iter().zip(&read.timestamps) {
            let number = match value {
                ExportValue::Null => continue,
                ExportValue::Number(number) => *number,
                ExportValue::Text(text) => parse_go_float(text).ok_or_else(|| {
                    Diagnostic::error(format!("`{text}` is no number")).at(source, span_of(source, text))
                })?,
            };
            collected.sample(series, Timestamp(*time), number);
        }
    }
    Ok(collected.finish(Times::Scrapes))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RESULT: &str = r#"[
        {"metric":{"__name__":"up","job":"a"},"values":[[0,"1"],[30.5,"0"],[90,"NaN"]]},
        {"metric":{"job":"b"},"values":[[0,"+Inf"]]}]"#;

    fn times(recording: &Recording) -> Vec<(String, Vec<i64>)> {
        let of = |series: &super::super::RecordedSeries| series.samples.iter().map(|(time, _)| time.0).collect();
        recording.series.iter().map(|series| (series.labels.to_string(), of(series))).collect()
    }

    fn read_text(text: &str) -> Result<Recording, String> {
        read(&Source::new("a.json", text)).map_err(|problem| problem.to_string())
    }

    #[test]
    fn the_envelope_its_data_and_the_bare_result_are_the_same_answer() {
        let data = format!(r#"{{"resultType":"matrix","result":{RESULT}}}"#);
        let expected = vec![
            (r#"{__name__="up", job="a"}"#.to_owned(), vec![0, 30_500, 90_000]),
            (r#"{job="b"}"#.to_owned(), vec![0]),
        ];
        for text in [format!(r#"{{"status":"success","data":{data}}}"#), data, RESULT.to_owned()] {
            let found = read_text(&text).unwrap();
            assert_eq!(times(&found), expected, "{text}");
            assert!(found.series[0].samples[2].1.is_nan());
        }
    }

    #[test]
    fn an_instant_answer_has_one_sample_a_series() {
        let text = r#"{"status":"success","data":{"resultType":"vector","result":[
            {"metric":{"__name__":"up"},"value":[1435781451.781,"1"]}]}}"#;
        assert_eq!(times(&read_text(text).unwrap()), [(r#"{__name__="up"}"#.to_owned(), vec![1_435_781_451_781])]);
    }

    #[test]
    fn the_export_of_victoriametrics_is_read_line_by_line() {
        let text = "{\"metric\":{\"__name__\":\"up\"},\"values\":[1,null,\"Infinity\"],\"timestamps\":[0,15000,30000]}\n\n\
                    {\"metric\":{\"__name__\":\"x\"},\"values\":[2.5],\"timestamps\":[7]}\n";
        let found = read_text(text).unwrap();
        assert_eq!(found.series[0].samples, [(Timestamp(0), 1.0), (Timestamp(30_000), f64::INFINITY)]);
        assert_eq!(found.series[1].samples, [(Timestamp(7), 2.5)]);
        let problem = read_text(&text.replace("[7]", "[7,8]")).unwrap_err();
        assert_eq!(problem, "a.json:3:1: 1 values at 2 timestamps");
    }

    #[test]
    fn what_is_no_answer_with_series_says_so_at_its_place() {
        for (text, says) in [
            ("{}", "a.json:1:1: not an answer of /api/v1/query_range: no `resultType`"),
            (
                "{\"status\":\"success\",\n\"data\": nope}",
                "a.json:2:10: not an answer of /api/v1/query_range: expected ident",
            ),
            (r#"{"status":"error","errorType":"bad_data","error":"parse error"}"#, "is an error: parse error"),
            (r#"{"resultType":"streams","result":[{"stream":{},"values":[["1","x"]]}]}"#, "an answer of Loki"),
            (r#"{"resultType":"scalar","result":[0,"1"]}"#, "an answer of type scalar"),
            (
                "{\"resultType\":\"matrix\",\"result\":[\n{\"metric\":{},\"values\":[[0,\"1\"],[1,\"x\"]]}]}",
                "a.json:2:36: `x` is no number",
            ),
            (r#"{"resultType":"matrix","result":[{"metric":{},"histograms":[]}]}"#, "native histograms"),
        ] {
            let problem = read_text(text).unwrap_err();
            assert!(problem.contains(says), "{problem}");
        }
    }
}
