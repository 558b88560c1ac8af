//! Query results for people (tables), machines (Prometheus' HTTP API) and spreadsheets (CSV).

use std::fmt::Write;

use serde_json::{Value, json};

use super::json::labels as labels_object;
use crate::labels::Labels;
use crate::number;
use crate::time::Timestamp;

/// A query's answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    Scalar(Timestamp, f64),
    String(Timestamp, String),
    Vector(Timestamp, Vec<(Labels, f64)>),
    /// Series with their samples.
    Matrix(Vec<(Labels, Vec<(Timestamp, f64)>)>),
}

/// As `/api/v1/query` and `/api/v1/query_range` answer.
pub fn to_json(answer: &Answer) -> Value {
    let pair = |time: Timestamp, value: f64| json!([seconds(time), number::format_api(value)]);
    let (kind, result) = match answer {
        Answer::Scalar(time, value) => ("scalar", json!([seconds(*time), number::format_f(*value)])),
        Answer::String(time, text) => ("string", json!([seconds(*time), text])),
        Answer::Vector(time, samples) => {
            let result = samples
                .iter()
                .map(|(labels, value)| json!({"metric": labels_object(labels), "value": pair(*time, *value)}));
            ("vector", result.collect())
        }
        Answer::Matrix(series) => {
            let result = series.iter().map(|(labels, samples)| {
                let values: Vec<Value> = samples.iter().map(|(time, value)| pair(*time, *value)).collect();
                json!({"metric": labels_object(labels), "values": values})
            });
            ("matrix", result.collect())
        }
    };
    json!({"status": "success", "data": {"resultType": kind, "result": result}})
}

/// Seconds since the epoch, whole ones as integers, as the API writes them.
fn seconds(time: Timestamp) -> Value {
    if time.0 % 1000 == 0 { json!(time.0 / 1000) } else { json!(time.seconds()) }
}

/// One line a sample: `time,series,value`.
pub fn to_csv(answer: &Answer) -> String {
    let mut out = "time,series,value\n".to_owned();
    let mut line = |time: Timestamp, series: &str, value: &str| {
        let _ = writeln!(out, "{time},{},{}", csv_field(series), csv_field(value));
    };
    match answer {
        Answer::Scalar(time, value) => line(*time, "", &number::format_f(*value)),
        Answer::String(time, text) => line(*time, "", text),
        Answer::Vector(time, samples) => {
            samples.iter().for_each(|(labels, value)| line(*time, &labels.as_metric(), &number::format_f(*value)));
        }
        Answer::Matrix(series) => {
            for (labels, samples) in series {
                let metric = labels.as_metric();
                samples.iter().for_each(|(time, value)| line(*time, &metric, &number::format_f(*value)));
            }
        }
    }
    out
}

fn csv_field(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

/// A table: a row a series for a vector, a row a time below each series for a matrix.
pub fn to_table(answer: &Answer) -> String {
    match answer {
        Answer::Scalar(_, value) => format!("{}\n", number::format_f(*value)),
        Answer::String(_, text) => format!("{text:?}\n"),
        Answer::Vector(_, samples) if samples.is_empty() => "no series\n".to_owned(),
        Answer::Matrix(series) if series.is_empty() => "no series\n".to_owned(),
        Answer::Vector(_, samples) => {
            aligned(samples.iter().map(|(labels, value)| (labels.as_metric(), number::format_f(*value))).collect())
        }
        Answer::Matrix(series) => series
            .iter()
            .map(|(labels, samples)| {
                let rows = samples.iter().map(|(time, value)| (format!("  {time}"), number::format_f(*value)));
                format!("{}\n{}", labels.as_metric(), aligned(rows.collect()))
            })
            .collect(),
    }
}

/// Two columns, the first padded to its widest cell.
fn aligned(rows: Vec<(String, String)>) -> String {
    let width = rows.iter().map(|(first, _)| first.chars().count()).max().unwrap_or(0);
    rows.iter().map(|(first, second)| format!("{first:width$}  {second}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_have_the_shape_of_the_http_api() {
        let labels = Labels::from_pairs([("__name__", "up"), ("job", "node")]);
        let vector = Answer::Vector(Timestamp(1_500), vec![(labels.clone(), 1.0)]);
        assert_eq!(
            to_json(&vector).to_string(),
            r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{"__name__":"up","job":"node"},"value":[1.5,"1"]}]}}"#
        );
        let matrix = Answer::Matrix(vec![(labels, vec![(Timestamp(0), f64::NAN), (Timestamp(60_000), 2.5)])]);
        assert_eq!(to_json(&matrix)["data"]["result"][0]["values"].to_string(), r#"[[0,"NaN"],[60,"2.5"]]"#);
        assert_eq!(
            to_csv(&matrix),
            "time,series,value\n1970-01-01T00:00:00Z,\"up{job=\"\"node\"\"}\",NaN\n1970-01-01T00:01:00Z,\"up{job=\"\"node\"\"}\",2.5\n"
        );
    }
}
