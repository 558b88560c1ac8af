//! Expansion of the templates of an alert rule, with queries that see what the rule could see.

use crate::engine::{Mode, Step, Steps};
use crate::labels::Labels;
use crate::promql;
use crate::promql::eval::{Profile, Query};
use crate::store::{MetricStore, Moment};
use crate::template::{Context, Sample, Template, TemplateError};
use crate::time::Timestamp;

use super::lifecycle::Sighting;

/// What templates of a rule are expanded with, besides the alert.
pub struct Expander<'a> {
    /// The alert's name.
    pub name: &'a str,
    pub external_labels: &'a Labels,
    pub external_url: &'a str,
    pub serves: bool,
    pub profile: &'a Profile,
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
        let mut query = |text: &str, time: Timestamp| self.query(text, time, frontier, store);
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
