//! Saved answers of `/api/v1/query_range` as series.

use std::path::Path;

use serde::Deserialize;

use super::times::Calendar;
use crate::labels::Labels;
use crate::text::Diagnostic;
use crate::time::Timestamp;

/// One series of an answer, with its own labels and times.
#[derive(Clone, Debug)]
pub struct Recording {
    pub labels: Labels,
    pub samples: Vec<(Timestamp, f64)>,
}

#[derive(Deserialize)]
struct Answer {
    data: AnswerData,
}

#[derive(Deserialize)]
struct AnswerData {
    #[serde(rename = "resultType")]
    result_type: String,
    result: Vec<AnswerSeries>,
}

#[derive(Deserialize)]
struct AnswerSeries {
    metric: std::collections::BTreeMap<String, String>,
    values: Vec<(f64, String)>,
}

/// The series of a saved answer that have the labels of `wanted`, within the replay.
pub fn read(path: &Path, wanted: &Labels, calendar: Calendar) -> Result<Vec<Recording>, Diagnostic> {
    let shown = path.display();
    if path.extension().and_then(|ending| ending.to_str()) != Some("json") {
        return Err(Diagnostic::error(format!("{shown}: OpenMetrics and CSV are not supported yet"))
            .help("save the JSON answer of /api/v1/query_range as NAME.json"));
    }
    let text = std::fs::read_to_string(path).map_err(|error| Diagnostic::error(format!("{shown}: {error}")))?;
    parse(&text, wanted, calendar)
        .map_err(|problem| Diagnostic { message: format!("{shown}: {}", problem.message), ..problem })
}

fn parse(text: &str, wanted: &Labels, calendar: Calendar) -> Result<Vec<Recording>, Diagnostic> {
    let answer: Answer = serde_json::from_str(text)
        .map_err(|error| Diagnostic::error(format!("not an answer of /api/v1/query_range: {error}")))?;
    if answer.data.result_type != "matrix" {
        return Err(Diagnostic::error(format!("an answer of type {}", answer.data.result_type))
            .help("save a range query (/api/v1/query_range), whose type is matrix"));
    }
    let mut series = Vec::new();
    for found in answer.data.result {
        let labels = Labels::from_pairs(&found.metric);
        if !wanted.iter().all(|(name, value)| labels.get(name) == value) {
            continue;
        }
        let mut samples: Vec<(Timestamp, f64)> = Vec::with_capacity(found.values.len());
        for (seconds, value) in found.values {
            let time = Timestamp((seconds * 1000.0).round() as i64);
            let value = super::units::amount(&value)?;
            if samples.last().is_some_and(|(last, _)| *last >= time) {
                return Err(Diagnostic::error(format!(
                    "the samples of {} are not in order of time",
                    labels.as_metric()
                )));
            }
            if time >= calendar.start && time <= calendar.end {
                samples.push((time, value));
            }
        }
        if !samples.is_empty() {
            series.push(Recording { labels, samples });
        }
    }
    if series.is_empty() {
        return Err(Diagnostic::error(format!("no series {} within the replay", wanted.as_metric()))
            .help("compare its labels and its times with the replay's"));
    }
    Ok(series)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &str = r#"{"status":"success","data":{"resultType":"matrix","result":[
        {"metric":{"__name__":"up","job":"a"},"values":[[0,"1"],[30.5,"0"],[90,"NaN"]]},
        {"metric":{"__name__":"up","job":"b"},"values":[[0,"1"]]}]}}"#;

    #[test]
    fn the_wanted_series_are_taken_within_the_replay() {
        let calendar = Calendar { start: Timestamp(0), end: Timestamp(60_000) };
        let wanted = Labels::from_pairs([("__name__", "up"), ("job", "a")]);
        let series = parse(ANSWER, &wanted, calendar).unwrap();
        assert_eq!(series.len(), 1);
        assert_eq!(series[0].samples, [(Timestamp(0), 1.0), (Timestamp(30_500), 0.0)]);
        let other = Labels::from_pairs([("__name__", "down")]);
        assert!(parse(ANSWER, &other, calendar).unwrap_err().message.contains("no series down"));
        assert!(parse("{}", &wanted, calendar).is_err());
        assert!(read(Path::new("x.csv"), &wanted, calendar).unwrap_err().message.contains("not supported yet"));
    }
}
