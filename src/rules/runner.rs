//! One rule over time: its plan, its state, and what becomes of the results.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::engine::{Head, Matrix, Mode, Step, bits};
use crate::labels::{Labels, LabelsBuilder, METRIC_NAME};
use crate::promql::ast::ValueType;
use crate::promql::eval::{Query, SharedParts};
use crate::store::{AppendError, MetricStore, Moment};
use crate::syntax::ParseError;
use crate::template::{Template, has_actions};

use super::dependency::{ALERTS, ALERTS_FOR_STATE};
use super::expand::{Expander, failed};
use super::lifecycle::{AlertState, AlertTrack, Lifecycle, Sighting};
use super::logs::LogRule;
use super::run::{RuleError, RuleFailure, RuleRef};
use super::schedule::{EvaluateOptions, Schedule};
use super::written::Written;
use super::{Group, Query as RuleQuery, Rule, RuleKind};

/// A rule with its plan and its state.
pub struct Runner<'a> {
    pub place: RuleRef,
    pub position: u32,
    pub rule: &'a Rule,
    /// `None` where the expression yields what no rule can use, and until it is compiled.
    query: Option<Asked<'a>>,
    outcome: Outcome<'a>,
    written: Written,
    pub errors: Vec<RuleError>,
}

enum Asked<'a> {
    Metrics(Box<Query>),
    Logs(LogRule<'a>),
}

enum Outcome<'a> {
    Record(Record),
    Alert(Box<Alert<'a>>),
}

/// What a recording rule remembers of the columns of its result.
struct Record {
    limit: Option<u64>,
    export_replaced: bool,
    head: Option<Arc<Head>>,
    /// The columns that feed each slot.
    columns: Vec<Vec<u32>>,
}

struct Alert<'a> {
    lifecycle: Lifecycle,
    labels: Vec<(&'a str, Template)>,
    export_replaced: bool,
    /// Whether its series are written.
    readable: bool,
    /// The series of alerts start with the rule's labels as they are written, also where one expands to nothing.
    base: Labels,
    expander: Expander<'a>,
    /// Identities by the labels of the result, where labels hold no templates.
    identities: Option<HashMap<Labels, Labels>>,
    series: HashMap<Labels, AlertSeries>,
}

/// The slots of an alert's series.
#[derive(Clone, Copy)]
struct AlertSeries {
    pending: usize,
    firing: usize,
    for_state: usize,
}

impl<'a> Runner<'a> {
    /// `None` for a rule in another language.
    pub fn new(
        place: RuleRef,
        position: u32,
        group: &'a Group,
        rule: &'a Rule,
        options: &'a EvaluateOptions,
    ) -> Option<Runner<'a>> {
        rule.expression()?;
        let limit = group.limit.filter(|limit| *limit > 0);
        let outcome = match &rule.kind {
            RuleKind::Record => {
                let export_replaced = options.export_replaced_labels;
                Outcome::Record(Record { limit, export_replaced, head: None, columns: Vec::new() })
            }
            RuleKind::Alert { for_, keep_firing_for, .. } => {
                let lifecycle = Lifecycle::new(place, *for_, *keep_firing_for, limit);
                Outcome::Alert(Box::new(Alert::new(rule, lifecycle, options)))
            }
        };
        let written = Written::default();
        Some(Runner { place, position, rule, query: None, outcome, written, errors: Vec::new() })
    }

    /// Prepares the expression, of which `parts` are shared with other rules, for the ticks of its schedule.
    ///
    /// # Errors
    /// What the engine does not support, with its place in the expression.
    pub fn compile(
        &mut self,
        options: &EvaluateOptions,
        parts: &SharedParts,
        schedule: &Schedule,
    ) -> Result<(), ParseError> {
        self.query = match &self.rule.query {
            RuleQuery::Promql(expr) if matches!(expr.value_type(), ValueType::Scalar | ValueType::Vector) => {
                Some(Asked::Metrics(Box::new(Query::compile_sharing(expr, &options.profile, parts)?)))
            }
            RuleQuery::Logql(expr) if schedule.count > 0 => {
                let asked = |index: usize| schedule.tick(index) - schedule.offset;
                let rule = LogRule::new(expr, &options.logs, asked(0), asked(schedule.count - 1));
                Some(Asked::Logs(rule))
            }
            _ => None,
        };
        Ok(())
    }

    /// Whether a label's template asks the store for what cannot be told beforehand.
    pub fn reads_anything(&self) -> bool {
        match &self.outcome {
            Outcome::Record(_) => false,
            Outcome::Alert(alert) => {
                self.rule.promql().is_some() && alert.labels.iter().any(|(_, template)| template.uses_query())
            }
        }
    }

    /// Evaluates the rule at the given ticks and writes what comes out. Parts that are shared are evaluated for the whole
    /// `block` of ticks that these are among.
    pub fn run(&mut self, steps: &[Step], block: &[Step], store: &mut MetricStore) {
        if steps.is_empty() {
            return;
        }
        let Some(query) = &mut self.query else {
            self.fail(steps.iter().map(|step| (step, RuleFailure::NoVector)));
            return;
        };
        let found = match query {
            Asked::Metrics(query) => query.run_part(store, steps, block, Mode::Instants),
            Asked::Logs(rule) => rule.run(steps, block),
        };
        let mut matrix = match found {
            Ok(matrix) => matrix,
            // All ticks together may exceed limits that each of them respects.
            Err(_) if steps.len() > 1 => {
                let (early, late) = steps.split_at(steps.len() / 2);
                self.run(early, early, store);
                self.run(late, late, store);
                return;
            }
            Err(error) => {
                self.fail(steps.iter().map(|step| (step, RuleFailure::Query(error.clone()))));
                return;
            }
        };
        let errors = std::mem::take(&mut matrix.errors);
        let mut failures: BTreeMap<usize, RuleFailure> =
            errors.into_iter().map(|(index, error)| (index, RuleFailure::Query(error))).collect();
        match &mut self.outcome {
            Outcome::Record(record) => {
                record.run(self.rule, &matrix, steps, &mut self.written, &mut failures, store);
            }
            Outcome::Alert(alert) => alert.run(&matrix, steps, &mut self.written, &mut failures, store),
        }
        self.fail(failures.into_iter().filter_map(|(index, failure)| Some((steps.get(index)?, failure))));
    }

    fn fail<'s>(&mut self, failures: impl Iterator<Item = (&'s Step, RuleFailure)>) {
        let rule = self.place;
        self.errors.extend(failures.map(|(step, error)| RuleError { rule, tick: step.frontier.at, error }));
    }

    /// Errors, and the lives of alerts.
    pub fn finish(self) -> (Vec<RuleError>, Vec<AlertTrack>) {
        match self.outcome {
            Outcome::Record(_) => (self.errors, Vec::new()),
            Outcome::Alert(alert) => (self.errors, alert.lifecycle.into_tracks()),
        }
    }
}

/// Notes that the store refused a sample at a step; a duplicate is told before a late one.
fn refuse(failures: &mut BTreeMap<usize, RuleFailure>, step: usize, error: AppendError) {
    match failures.get(&step) {
        Some(_) if error == AppendError::OutOfOrder => {}
        _ => drop(failures.insert(step, RuleFailure::Refused(error))),
    }
}

impl Record {
    /// Series by series: what one step yields bears on another only through its own series.
    fn run(
        &mut self,
        rule: &Rule,
        matrix: &Matrix,
        steps: &[Step],
        written: &mut Written,
        failures: &mut BTreeMap<usize, RuleFailure>,
        store: &mut MetricStore,
    ) {
        if self.head.as_ref().is_none_or(|head| !Arc::ptr_eq(head, matrix.head())) {
            self.head = Some(matrix.head().clone());
            self.columns.iter_mut().for_each(Vec::clear);
            for (column, result) in (0u32..).zip(&matrix.head().labels) {
                let slot = written.slot(&recorded(rule, result, self.export_replaced));
                self.columns.resize(written.len(), Vec::new());
                self.columns[slot].push(column);
            }
        }
        self.check(matrix, failures);
        if !rule.readable {
            return;
        }
        self.create(matrix, written, failures, store);
        for (slot, columns) in self.columns.iter().enumerate() {
            if !written.has_series(slot) {
                continue;
            }
            for (index, step) in steps.iter().enumerate() {
                let failure = failures.get(&index);
                if failure.is_some_and(|failure| !matches!(failure, RuleFailure::Refused(_))) {
                    continue;
                }
                let sample = columns.iter().find_map(|column| matrix.sample(*column as usize, index));
                if let Err(error) = written.write(slot, sample.as_ref(), step, store) {
                    refuse(failures, index, error);
                }
            }
        }
    }

    /// Finds the steps at which two results are one series, or there are too many.
    fn check(&self, matrix: &Matrix, failures: &mut BTreeMap<usize, RuleFailure>) {
        for columns in self.columns.iter().filter(|columns| columns.len() > 1) {
            let mut seen = vec![0; bits::words(matrix.steps())];
            for column in columns {
                let present = matrix.present(*column as usize);
                let both: Vec<u64> = seen.iter().zip(present).map(|(seen, present)| seen & present).collect();
                for step in bits::steps(&both) {
                    failures.entry(step).or_insert(RuleFailure::TwinSeries);
                }
                bits::join(&mut seen, present);
            }
        }
        let Some(limit) = self.limit else { return };
        for step in 0..matrix.steps() {
            let series = matrix.columns().filter(|column| bits::has(column.present, step)).count() as u64;
            if series > limit {
                failures.entry(step).or_insert(RuleFailure::TooManySeries { limit, series });
            }
        }
    }

    /// Creates the series that get their first sample, in the order in which Prometheus would.
    fn create(
        &self,
        matrix: &Matrix,
        written: &mut Written,
        failures: &BTreeMap<usize, RuleFailure>,
        store: &mut MetricStore,
    ) {
        let mut new: Vec<(usize, usize, usize)> = Vec::new();
        for (slot, columns) in self.columns.iter().enumerate() {
            if written.has_series(slot) {
                continue;
            }
            let first = |column: &u32| {
                let mut steps = bits::steps(matrix.present(*column as usize));
                Some((steps.find(|step| !failures.contains_key(step))?, *column as usize))
            };
            let Some((step, column)) = columns.iter().filter_map(first).min() else { continue };
            let rank = match matrix.order.contains_key(&step) {
                true => matrix.columns_at(step).position(|other| other == column).unwrap_or(column),
                false => column,
            };
            new.push((step, rank, slot));
        }
        new.sort_unstable();
        for (_, _, slot) in new {
            written.create(slot, store);
        }
    }
}

/// The labels of a recorded series: those of the result, then the rule's (Prometheus `rules/recording.go`).
fn recorded(rule: &Rule, result: &Labels, export_replaced: bool) -> Labels {
    let mut labels = result.builder();
    labels.set(METRIC_NAME, &rule.name);
    for (name, value) in &rule.labels {
        if export_replaced {
            export(&mut labels, name, value, result);
        }
        labels.set(name, value);
    }
    labels.build()
}

/// Keeps what a label of a result was, where it becomes something else (vmalert's `labelSet.add`).
fn export(labels: &mut LabelsBuilder, name: &str, value: &str, result: &Labels) {
    let was = result.get(name);
    if !value.is_empty() && !was.is_empty() && was != value {
        labels.set(&format!("exported_{name}"), was);
    }
}

impl<'a> Alert<'a> {
    fn new(rule: &'a Rule, lifecycle: Lifecycle, options: &'a EvaluateOptions) -> Alert<'a> {
        let expander = Expander {
            name: &rule.name.value,
            external_labels: &options.external_labels,
            external_url: &options.external_url,
            serves: options.serves,
            profile: &options.profile,
            logs: rule.logql().is_some().then_some(&*options.logs),
        };
        let name = expander.template_name();
        // Templates are checked when a file is read; one that is none stands for what is wrong with it.
        let parse = |text: &str| {
            Template::parse(&name, text).or_else(|error| Template::parse(&name, &failed(&error).replace("{{", "{ {")))
        };
        let parsed = rule.labels.iter().filter_map(|(label, text)| Some((label.as_str(), parse(text).ok()?)));
        let fixed = !rule.labels.iter().any(|(_, text)| has_actions(text));
        Alert {
            lifecycle,
            labels: parsed.collect(),
            export_replaced: options.export_replaced_labels,
            readable: rule.readable,
            base: Labels::from_pairs(rule.labels.iter().map(|(name, text)| (name.as_str(), &**text))),
            expander,
            identities: fixed.then(HashMap::new),
            series: HashMap::new(),
        }
    }

    fn run(
        &mut self,
        matrix: &Matrix,
        steps: &[Step],
        written: &mut Written,
        failures: &mut BTreeMap<usize, RuleFailure>,
        store: &mut MetricStore,
    ) {
        let mut somewhere = vec![0; bits::words(matrix.steps())];
        matrix.columns().for_each(|column| bits::join(&mut somewhere, column.present));
        for (index, step) in steps.iter().enumerate() {
            let nothing_new = !bits::has(&somewhere, index) && self.lifecycle.is_idle() && written.is_quiet();
            if nothing_new || failures.contains_key(&index) {
                continue;
            }
            match self.step(matrix, index, step, written, store) {
                Ok(Ok(())) => {}
                Ok(Err(error)) => refuse(failures, index, error),
                Err(failure) => drop(failures.insert(index, failure)),
            }
        }
    }

    fn step(
        &mut self,
        matrix: &Matrix,
        index: usize,
        step: &Step,
        written: &mut Written,
        store: &mut MetricStore,
    ) -> Result<Result<(), AppendError>, RuleFailure> {
        let tick = step.frontier.at;
        let mut results: Vec<(Labels, Sighting)> = Vec::new();
        for (result, value) in matrix.samples(index) {
            let sighting = Sighting { tick, value, result: result.clone() };
            results.push((self.identity(&sighting, step.frontier, store), sighting));
        }
        let mut seen = std::collections::HashSet::with_capacity(results.len());
        if !results.iter().all(|(labels, _)| seen.insert(labels)) {
            return Err(RuleFailure::TwinAlerts);
        }
        self.lifecycle.step(tick, results).map_err(RuleFailure::TooManyAlerts)?;
        let mut samples = Vec::new();
        if !self.readable {
            return Ok(Ok(()));
        }
        for (labels, state, active_at) in self.lifecycle.standing() {
            let series = match self.series.get(labels) {
                Some(series) => *series,
                None => {
                    let series = alert_series(&self.base, labels, written);
                    self.series.insert(labels.clone(), series);
                    series
                }
            };
            let slot = match state {
                AlertState::Pending => series.pending,
                AlertState::Firing => series.firing,
            };
            // Whole seconds, as time.Time.Unix has them.
            samples.extend([(slot, 1.0), (series.for_state, active_at.0.div_euclid(1000) as f64)]);
        }
        Ok(written.write_all(&samples, step, store))
    }

    /// The labels that make an alert: those of the result without the metric's name, then the rule's, then `alertname`.
    fn identity(&mut self, sighting: &Sighting, frontier: Moment, store: &MetricStore) -> Labels {
        if let Some(known) = self.identities.as_ref().and_then(|known| known.get(&sighting.result)) {
            return known.clone();
        }
        let mut labels = sighting.result.builder();
        labels.remove(METRIC_NAME);
        for (name, template) in &self.labels {
            let value = self.expander.expand(template, sighting, frontier, store);
            if self.export_replaced {
                export(&mut labels, name, &value, &sighting.result);
            }
            labels.set(name, &value);
        }
        labels.set("alertname", self.expander.name);
        let labels = labels.build();
        if let Some(known) = &mut self.identities {
            known.insert(sighting.result.clone(), labels.clone());
        }
        labels
    }
}

/// The series of an alert (Prometheus `AlertingRule.sample` and `forStateSample`).
fn alert_series(base: &Labels, labels: &Labels, written: &mut Written) -> AlertSeries {
    let mut slot = |name: &str, state: Option<AlertState>| {
        let mut series = base.builder();
        for (label, value) in labels.iter().chain([(METRIC_NAME, name)]) {
            series.set(label, value);
        }
        if let Some(state) = state {
            series.set("alertstate", state.as_str());
        }
        written.slot(&series.build())
    };
    AlertSeries {
        pending: slot(ALERTS, Some(AlertState::Pending)),
        firing: slot(ALERTS, Some(AlertState::Firing)),
        for_state: slot(ALERTS_FOR_STATE, None),
    }
}
