//! Answers to the cases of `firedrill conformance template`.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{Context, Sample, Template, TemplateError};
use crate::labels::Labels;
use crate::time::Timestamp;

/// With what Prometheus expanded the recorded cases, which are handed over without it.
const RECORDED: &str = r#"{
    "external_labels": {"cluster": "c1", "site": "eqiad"},
    "external_url": "http://prom.example:9090/path/",
    "time_ms": 1763132940123,
    "query": {
        "up": [
            {"labels": {"__name__": "up", "instance": "i2", "job": "j1"}, "value": 8.5},
            {"labels": {"__name__": "up", "instance": "i1", "job": "j1"}, "value": 7}
        ],
        "none": [],
        "sv": [{"labels": {"__value__": "text"}, "value": 1}]
    }
}"#;

/// What all cases share.
#[derive(Debug, Default, Deserialize)]
pub struct Environment {
    external_labels: BTreeMap<String, String>,
    external_url: String,
    time_ms: i64,
    query: BTreeMap<String, Vec<Element>>,
}

#[derive(Debug, Deserialize)]
struct Element {
    labels: BTreeMap<String, String>,
    value: f64,
}

#[derive(Deserialize)]
struct Case {
    text: String,
    labels: BTreeMap<String, String>,
    value: String,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    Output(String),
    Error(String),
    ParseError(String),
}

impl Environment {
    /// The environment in `environment.json` beside the cases; without one, that of the recorded cases.
    ///
    /// # Errors
    /// A file that is no environment, in words.
    pub fn beside(cases: &Path) -> Result<Environment, String> {
        let path = cases.with_file_name("environment.json");
        let text = std::fs::read_to_string(&path).unwrap_or_else(|_| RECORDED.to_owned());
        serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))
    }

    /// The answer to a case, one JSON object each.
    ///
    /// # Errors
    /// What is no case.
    pub fn answer(&self, line: &str) -> Result<String, serde_json::Error> {
        let case: Case = serde_json::from_str(line)?;
        serde_json::to_string(&match self.expand(&case) {
            Ok(output) => Answer::Output(output),
            Err(TemplateError::Parse { message, .. }) => Answer::ParseError(message),
            Err(TemplateError::Expand(message)) => Answer::Error(message),
        })
    }

    fn expand(&self, case: &Case) -> Result<String, TemplateError> {
        let template = Template::parse("__alert_X", &case.text)?;
        let mut query = |text: &str, _: Timestamp| {
            // What is not given finds nothing.
            Ok(self
                .query
                .get(text)
                .into_iter()
                .flatten()
                .map(|e| Sample { labels: Labels::from_pairs(&e.labels), value: e.value.into() })
                .collect())
        };
        template.expand(&mut Context {
            labels: &Labels::from_pairs(&case.labels),
            value: case.value.parse().unwrap_or(f64::NAN).into(),
            external_labels: &Labels::from_pairs(&self.external_labels),
            external_url: &self.external_url,
            serves: true,
            time: Timestamp(self.time_ms),
            query: &mut query,
        })
    }
}
