//! The plain evaluator: tick by tick, group by group, rule by rule, each an instant query compiled anew over nothing but
//! what has been stored so far.

use std::collections::{BTreeMap, BTreeSet};

use firedrill::engine::{Mode, Steps};
use firedrill::labels::Labels;
use firedrill::number::stale_marker;
use firedrill::promql::ast::{Expr, ValueType};
use firedrill::promql::{self, eval::Profile, eval::Query};
use firedrill::rules::{EvaluateOptions, Group, Rule, RuleKind};
use firedrill::store::{AppendError, MetricStore, Moment};
use firedrill::template::{Context, Sample, Template};
use firedrill::time::{Duration, Timestamp};

use super::generate::Input;

/// What an alert shows after an evaluation.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    pub firing: bool,
    pub active_at: Timestamp,
    pub fired_at: Option<Timestamp>,
    pub value_bits: u64,
    pub annotations: Vec<(String, String)>,
}

/// Alerts after each evaluation of a rule, by group, rule, tick.
pub type AlertLog = BTreeMap<(usize, usize, Timestamp), BTreeMap<Labels, Shown>>;

/// Tick, rule (none where a loaded sample was refused) and message.
pub type ErrorLog = BTreeSet<(Timestamp, Option<(usize, usize)>, String)>;

#[derive(Default)]
pub struct Outcome {
    pub store: MetricStore,
    pub alerts: AlertLog,
    pub errors: ErrorLog,
}

#[derive(Clone)]
struct Alert {
    inactive: bool,
    shown: Shown,
    keep_firing_since: Option<Timestamp>,
}

#[derive(Default)]
struct State {
    active: BTreeMap<Labels, Alert>,
    previous: BTreeSet<Labels>,
}

pub fn run(groups: &[Group], inputs: &[Input], options: &EvaluateOptions) -> Outcome {
    let mut outcome = Outcome::default();
    let mut ticks: Vec<(Timestamp, usize)> = Vec::new();
    for (g, group) in groups.iter().enumerate() {
        let interval = group.interval.filter(|_| options.group_intervals).unwrap_or(options.interval);
        let mut tick = options.start + options.phases.get(g).copied().unwrap_or_default();
        while tick <= options.end {
            ticks.push((tick, g));
            tick = tick + interval;
        }
    }
    ticks.sort();
    let mut waiting: Vec<(Timestamp, Timestamp, usize, f64)> = Vec::new();
    for (index, input) in inputs.iter().enumerate() {
        // Nothing overtakes within a series.
        let mut latest = Timestamp::MIN;
        for sample in &input.samples {
            latest = latest.max(sample.arrival);
            waiting.push((latest, sample.time, index, sample.value));
        }
    }
    waiting.sort_by_key(|(arrival, time, index, _)| (*arrival, *index, *time));
    let mut waiting = waiting.into_iter().peekable();
    let mut states: BTreeMap<(usize, usize), State> = BTreeMap::new();
    let mut load = |outcome: &mut Outcome, until: Timestamp| {
        while let Some((arrival, time, index, value)) = waiting.next_if(|(arrival, ..)| *arrival <= until) {
            if let Err(error) = store(outcome, &inputs[index].labels, time, value, arrival) {
                outcome.errors.insert((arrival, None, error.to_string()));
            }
        }
    };
    for (tick, g) in ticks {
        load(&mut outcome, tick);
        for (r, rule) in groups[g].rules.iter().enumerate() {
            let state = states.entry((g, r)).or_default();
            if let Err(message) = evaluate(&groups[g], rule, (g, r), tick, options, state, &mut outcome) {
                outcome.errors.insert((tick, Some((g, r)), message));
            }
            if rule.is_alert() {
                let standing = state.active.iter().filter(|(_, alert)| !alert.inactive);
                let shown = standing.map(|(labels, alert)| (labels.clone(), alert.shown.clone())).collect();
                outcome.alerts.insert((g, r, tick), shown);
            }
        }
    }
    load(&mut outcome, Timestamp::MAX);
    outcome
}

/// Stores a sample at a tick, or at its arrival.
fn store(
    outcome: &mut Outcome,
    labels: &Labels,
    time: Timestamp,
    value: f64,
    now: Timestamp,
) -> Result<(), AppendError> {
    let id = outcome.store.id_or_create(labels);
    outcome.store.append(id, time, value, Moment::arrival(now))
}

fn instant(store: &MetricStore, expr: &Expr, profile: &Profile, time: Timestamp) -> Result<Vec<(Labels, f64)>, String> {
    if matches!(expr.value_type(), ValueType::Matrix | ValueType::String) {
        return Err("rule result is not a vector or scalar".to_owned());
    }
    let mut query = Query::compile(expr, profile).map_err(|error| error.to_string())?;
    let matrix = query.run(store, &Steps::instant(time), Mode::Instants).map_err(|error| error.to_string())?;
    matrix.result(0).map_err(|error| error.to_string())
}

fn expand(
    text: &str,
    rule: &Rule,
    labels: &Labels,
    value: f64,
    tick: Timestamp,
    store: &MetricStore,
    options: &EvaluateOptions,
) -> String {
    let mut query = |text: &str, time: Timestamp| {
        let expr = promql::parse(text).map_err(|error| error.to_string())?;
        let found = instant(store, &expr, &options.profile, time)?;
        Ok(found.into_iter().map(|(labels, value)| Sample { labels, value: value.into() }).collect())
    };
    let mut context = Context {
        labels,
        value: value.into(),
        external_labels: &options.external_labels,
        external_url: &options.external_url,
        serves: true,
        time: tick,
        query: &mut query,
    };
    let template = Template::parse(&format!("__alert_{}", rule.name.value), text);
    match template.and_then(|template| template.expand(&mut context)) {
        Ok(text) => text,
        Err(error) => format!("<error expanding template: {error}>"),
    }
}

fn evaluate(
    group: &Group,
    rule: &Rule,
    place: (usize, usize),
    tick: Timestamp,
    options: &EvaluateOptions,
    state: &mut State,
    outcome: &mut Outcome,
) -> Result<(), String> {
    let time = tick - group.query_offset.unwrap_or(options.query_offset);
    let expr = rule.promql().expect("PromQL");
    let results = instant(&outcome.store, expr, &options.profile, time)?;
    let limit = group.limit.unwrap_or(0) as usize;
    let samples = match &rule.kind {
        RuleKind::Record => {
            let mut samples: Vec<(Labels, f64)> = Vec::new();
            for (labels, value) in results {
                let mut named = labels.builder();
                named.set("__name__", &rule.name.value);
                for (name, value) in &rule.labels {
                    named.set(name, value);
                }
                samples.push((named.build(), value));
            }
            let unlike: BTreeSet<&Labels> = samples.iter().map(|(labels, _)| labels).collect();
            if unlike.len() < samples.len() {
                return Err("vector contains metrics with the same labelset after applying rule labels".to_owned());
            }
            if limit > 0 && samples.len() > limit {
                return Err(format!("exceeded limit of {limit} with {} series", samples.len()));
            }
            samples
        }
        RuleKind::Alert { for_, keep_firing_for, annotations } => {
            let hold = (*for_, *keep_firing_for);
            let results = alerts(rule, annotations, results, tick, &outcome.store, options)?;
            step(rule, hold, limit, results, tick, state)?
        }
    };
    let _ = place;
    let mut returned = BTreeSet::new();
    let mut refused = None;
    for (labels, value) in samples {
        match store(outcome, &labels, time, value, tick) {
            Ok(()) => drop(returned.insert(labels)),
            Err(AppendError::OutOfOrder) if refused.is_some() => {}
            Err(error) => refused = Some(error),
        }
    }
    for labels in &state.previous {
        if !returned.contains(labels) {
            let _ = store(outcome, labels, time, stale_marker(), tick);
        }
    }
    state.previous = returned;
    refused.map_or(Ok(()), |error| Err(error.to_string()))
}

type Results = Vec<(Labels, f64, Vec<(String, String)>)>;

fn alerts(
    rule: &Rule,
    annotations: &[(String, firedrill::text::Located)],
    results: Vec<(Labels, f64)>,
    tick: Timestamp,
    store: &MetricStore,
    options: &EvaluateOptions,
) -> Result<Results, String> {
    let mut found: Results = Vec::new();
    for (raw, value) in results {
        let mut labels = raw.without_name().builder();
        for (name, text) in &rule.labels {
            labels.set(name, &expand(text, rule, &raw, value, tick, store, options));
        }
        labels.set("alertname", &rule.name.value);
        let labels = labels.build();
        let told = annotations
            .iter()
            .map(|(name, text)| (name.clone(), expand(text, rule, &raw, value, tick, store, options)))
            .collect();
        if found.iter().any(|(other, ..)| *other == labels) {
            return Err("vector contains metrics with the same labelset after applying alert labels".to_owned());
        }
        found.push((labels, value, told));
    }
    Ok(found)
}

fn step(
    rule: &Rule,
    (hold, keep): (Duration, Duration),
    limit: usize,
    results: Results,
    tick: Timestamp,
    state: &mut State,
) -> Result<Vec<(Labels, f64)>, String> {
    let present: BTreeSet<Labels> = results.iter().map(|(labels, ..)| labels.clone()).collect();
    for (labels, value, annotations) in results {
        match state.active.get_mut(&labels).filter(|alert| !alert.inactive) {
            Some(alert) => {
                alert.shown.value_bits = value.to_bits();
                alert.shown.annotations = annotations;
            }
            None => {
                let value_bits = value.to_bits();
                let shown = Shown { firing: false, active_at: tick, fired_at: None, value_bits, annotations };
                state.active.insert(labels, Alert { inactive: false, shown, keep_firing_since: None });
            }
        }
    }
    let mut samples = Vec::new();
    let mut standing = 0;
    let all: Vec<Labels> = state.active.keys().cloned().collect();
    for labels in all {
        let Some(alert) = state.active.get_mut(&labels) else { continue };
        if present.contains(&labels) {
            alert.keep_firing_since = None;
        } else {
            let mut kept = false;
            if !alert.inactive && alert.shown.firing && keep > Duration::ZERO {
                let since = alert.keep_firing_since.unwrap_or(tick);
                alert.keep_firing_since = Some(since);
                kept = tick - since < keep;
            }
            if !kept {
                alert.inactive = true;
                continue;
            }
        }
        standing += 1;
        if !alert.shown.firing && tick - alert.shown.active_at >= hold {
            alert.shown.firing = true;
            alert.shown.fired_at = Some(tick);
        }
        let mut series = Labels::from_pairs(rule.labels.iter().map(|(n, v)| (n.as_str(), v.value.as_str()))).builder();
        for (name, value) in labels.iter() {
            series.set(name, value);
        }
        series.set("__name__", "ALERTS_FOR_STATE");
        let for_state = series.clone().build();
        series.set("__name__", "ALERTS");
        series.set("alertstate", if alert.shown.firing { "firing" } else { "pending" });
        samples.push((series.build(), 1.0));
        samples.push((for_state, alert.shown.active_at.0.div_euclid(1000) as f64));
    }
    if limit > 0 && standing > limit {
        state.active.clear();
        return Err(format!("exceeded limit of {limit} with {standing} alerts"));
    }
    Ok(samples)
}
