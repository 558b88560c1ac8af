//! Expansion of the templates of an alert rule, with queries that see what the rule could see.

use crate::engine::{Mode, Step, Steps};
use crate::labels::Labels;
use crate::logql::{self, answer};
use crate::promql;
use crate::promql::eval::{Profile, Query};
use crate::store::{LogStore, MetricStore, Moment};
use crate::template::{Context, Sample, Template, TemplateError};
use crate::time::{Nanoseconds, Timestamp};

use super::lifecycle::Sighting;

/// What templates of a rule are expanded with, besides the alert.
pub struct Expander<'a> {
    /// The alert's name.
    pub name: &'a str,
    pub external_labels: &'a Labels,
    pub external_url: &'a str,
    pub serves: bool,
    pub profile: &'a Profile,
    /// What `query` asks where the rule is Loki's; else the samples.
    pub logs: Option<&'a LogStore>,
}

/// What stands in the place of a template that fails.
pub fn failed(error: &TemplateError) -> String {
    format!("<error expanding template: {error}>")
}

impl Expander<'_> {
    /// How messages call the template.
    pub fn template_name(&self) -> String {
        format!("__alert_{}", self.name)
    }

    /// The text; a template that fails says so in its place.
    pub fn expand(&self, template: &Template, sighting: &Sighting, frontier: Moment, store: &MetricStore) -> String {
        let mut query = |text: &str, time: Timestamp| match self.logs {
            Some(logs) => query_logs(text, time, logs),
            None => self.query(text, time, frontier, store),
        };
        let mut context = Context {
            labels: &sighting.result,
            value: sighting.value.clone(),
            external_labels: self.external_labels,
            external_url: self.external_url,
            serves: self.serves,
            // The tick, not the time that the rule's query asked for.
            time: sighting.tick,
            query: &mut query,
        };
        template.expand(&mut context).unwrap_or_else(|error| failed(&error))
    }

    fn query(&self, text: &str, time: Timestamp, frontier: Moment, store: &MetricStore) -> Result<Vec<Sample>, String> {
        let expr = promql::parse_with(text, self.profile.features).map_err(|error| error.to_string())?;
        let mut query = Query::compile(&expr, self.profile).map_err(|error| error.to_string())?;
        let steps = Steps(vec![Step { time, frontier }]);
        let matrix = query.run(store, &steps, Mode::Instants).map_err(|error| error.to_string())?;
        let elements = matrix.sample_result(0).map_err(|error| error.to_string())?;
        Ok(elements.into_iter().map(|(labels, value)| Sample { labels, value }).collect())
    }
}

/// As Loki answers a template (`pkg/ruler/compat.go`, `queryFunc`): a number is a sample without labels.
fn query_logs(text: &str, time: Timestamp, logs: &LogStore) -> Result<Vec<Sample>, String> {
    let expr = match logql::parse(text).map_err(|error| error.to_string())? {
        logql::ast::Query::Metric(expr) => expr,
        logql::ast::Query::Log(_) => return Err("log queries are not supported as an instant query type".to_owned()),
    };
    let sample = |(labels, value)| Sample { labels, value: crate::histogram::Sample::Float(value) };
    match answer::instant(&expr, logs, Nanoseconds::at(time)).map_err(|error| error.message)? {
        answer::Samples::Scalar(_, value) => Ok(vec![sample((Labels::empty(), value))]),
        answer::Samples::Vector(_, elements) => Ok(elements.into_iter().map(sample).collect()),
        answer::Samples::Matrix(_) => Ok(Vec::new()),
    }
}
