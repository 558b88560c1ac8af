//! Query results for people (tables), machines (Prometheus' HTTP API) and spreadsheets (CSV).

use std::fmt::Write;

use serde_json::{Value, json};

use super::json::labels as labels_object;
use crate::histogram::{FloatHistogram, Sample};
use crate::labels::Labels;
use crate::number;
use crate::time::Timestamp;

/// A query's answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    Scalar(Timestamp, f64),
    String(Timestamp, String),
    Vector(Timestamp, Vec<(Labels, Sample)>),
    /// Series with their samples.
    Matrix(Vec<(Labels, Vec<(Timestamp, Sample)>)>),
}

/// As `/api/v1/query` and `/api/v1/query_range` answer.
pub fn to_json(answer: &Answer) -> Value {
    let (kind, result) = match answer {
        Answer::Scalar(time, value) => ("scalar", json!([seconds(*time), number::format_f(*value)])),
        Answer::String(time, text) => ("string", json!([seconds(*time), text])),
        Answer::Vector(time, samples) => {
            let result = samples.iter().map(|(labels, sample)| {
                let name = if sample.histogram().is_some() { "histogram" } else { "value" };
                json!({"metric": labels_object(labels), name: point(*time, sample)})
            });
            ("vector", result.collect())
        }
        Answer::Matrix(series) => {
            let result = series.iter().map(|(labels, samples)| {
                let (numbers, histograms): (Vec<_>, Vec<_>) =
                    samples.iter().partition(|(_, sample)| sample.histogram().is_none());
                let points = |samples: Vec<&(Timestamp, Sample)>| -> Vec<Value> {
                    samples.into_iter().map(|(time, sample)| point(*time, sample)).collect()
                };
                let mut object = json!({"metric": labels_object(labels)});
                for (name, samples) in [("values", numbers), ("histograms", histograms)] {
                    if !samples.is_empty() {
                        object[name] = json!(points(samples));
                    }
                }
                object
            });
            ("matrix", result.collect())
        }
    };
    json!({"status": "success", "data": {"resultType": kind, "result": result}})
}

/// A sample and its time.
fn point(time: Timestamp, sample: &Sample) -> Value {
    match sample {
        Sample::Float(value) => json!([seconds(time), number::format_api(*value)]),
        Sample::Histogram(histogram) => json!([seconds(time), histogram_object(histogram)]),
    }
}

/// Count, sum and the buckets that are not empty: which ends belong to each (0 the upper, 1 the lower, 2 none, 3 both), its
/// ends, its count.
fn histogram_object(histogram: &FloatHistogram) -> Value {
    let [count, sum] = [histogram.count, histogram.sum].map(number::format_api);
    let mut object = json!({"count": count, "sum": sum});
    let buckets: Vec<Value> = histogram
        .intervals()
        .filter(|bucket| bucket.count != 0.0)
        .map(|bucket| {
            let ends = match (bucket.lower_inclusive, bucket.upper_inclusive) {
                (false, true) => 0,
                (true, false) => 1,
                (false, false) => 2,
                (true, true) => 3,
            };
            let [lower, upper, count] = [bucket.lower, bucket.upper, bucket.count].map(number::format_api);
            json!([ends, lower, upper, count])
        })
        .collect();
    if !buckets.is_empty() {
        object["buckets"] = json!(buckets);
    }
    object
}

/// A sample in a table: a number, or a histogram as Prometheus prints it.
fn shown(sample: &Sample) -> String {
    match sample {
        Sample::Float(value) => number::format_f(*value),
        Sample::Histogram(histogram) => histogram.to_string(),
    }
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
            samples.iter().for_each(|(labels, sample)| line(*time, &labels.as_metric(), &shown(sample)));
        }
        Answer::Matrix(series) => {
            for (labels, samples) in series {
                let metric = labels.as_metric();
                samples.iter().for_each(|(time, sample)| line(*time, &metric, &shown(sample)));
            }
        }
    }
    out
}

pub(super) fn csv_field(text: &str) -> String {
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
            aligned(samples.iter().map(|(labels, sample)| (labels.as_metric(), shown(sample))).collect())
        }
        Answer::Matrix(series) => series
            .iter()
            .map(|(labels, samples)| {
                let rows = samples.iter().map(|(time, sample)| (format!("  {time}"), shown(sample)));
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
        let vector = Answer::Vector(Timestamp(1_500), vec![(labels.clone(), Sample::Float(1.0))]);
        assert_eq!(
            to_json(&vector).to_string(),
            r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{"__name__":"up","job":"node"},"value":[1.5,"1"]}]}}"#
        );
        let matrix = Answer::Matrix(vec![(
            labels,
            vec![(Timestamp(0), Sample::Float(f64::NAN)), (Timestamp(60_000), Sample::Float(2.5))],
        )]);
        assert_eq!(to_json(&matrix)["data"]["result"][0]["values"].to_string(), r#"[[0,"NaN"],[60,"2.5"]]"#);
        assert_eq!(
            to_csv(&matrix),
            "time,series,value\n1970-01-01T00:00:00Z,\"up{job=\"\"node\"\"}\",NaN\n1970-01-01T00:01:00Z,\"up{job=\"\"node\"\"}\",2.5\n"
        );
    }

    // Buckets are [which bounds belong to it, lower, upper, count], empty ones left out (Prometheus
    // `util/jsonutil/marshal.go`); bounds of schema 0 are powers of two.
    #[test]
    fn histograms_are_objects_beside_the_numbers() {
        use crate::histogram::Bucket;
        let bucket = |index, count| Bucket { index, count };
        let histogram = FloatHistogram {
            count: 7.0,
            sum: 2.5,
            zero_count: 1.0,
            zero_threshold: 0.25,
            positive: vec![bucket(0, 2.0), bucket(1, 0.0), bucket(2, 1.0)],
            negative: vec![bucket(0, 3.0)],
            ..FloatHistogram::default()
        };
        let samples = vec![
            (Timestamp(0), Sample::Float(1.0)),
            (Timestamp(60_000), Sample::Histogram(std::sync::Arc::new(histogram))),
        ];
        let matrix = Answer::Matrix(vec![(Labels::from_pairs([("__name__", "x")]), samples)]);
        assert_eq!(
            to_json(&matrix)["data"]["result"].to_string(),
            r#"[{"metric":{"__name__":"x"},"values":[[0,"1"]],"histograms":[[60,{"count":"7","sum":"2.5","buckets":[[1,"-1","-0.5","3"],[3,"-0.25","0.25","1"],[0,"0.5","1","2"],[0,"2","4","1"]]}]]}]"#
        );
        assert_eq!(
            to_table(&matrix),
            "x\n  1970-01-01T00:00:00Z  1\n  1970-01-01T00:01:00Z  {count:7, sum:2.5, [-1,-0.5):3, [-0.25,0.25]:1, (0.5,1]:2, (2,4]:1}\n"
        );
    }
}
