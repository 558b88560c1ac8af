//! Rules over time: every rule of every group at every tick, with what each could see then.
//!
//! The result is that of Prometheus' loop (for each tick, each group, each rule in turn), computed the other way
//! round: rule by rule over blocks of ticks, in an order in which a rule comes after all that it may read. The moments
//! of samples and steps keep from a rule what it could not have seen. Rules that read each other in a circle, or may
//! write one series, go tick by tick, through the same code.

use crate::engine::Step;
use crate::histogram::Sample;
use crate::labels::Labels;
use crate::store::{MetricStore, Moment, SeriesId};
use crate::text::Diagnostic;
use crate::time::{Duration, Timestamp};

use super::dependency::{Component, Output, Writers, components};
use super::run::{RuleError, RuleFailure, RuleRef, Run};
use super::runner::Runner;
use super::schedule::{EvaluateOptions, Schedule};
use super::sharing::{Reader, shared_parts};
use super::{Group, Rule};

/// The most values that a selector of all series holds at a time, unless that is less than one tick.
const BLOCK_VALUES: usize = 2_000_000;

/// Evaluates all groups over the samples of `store`, and those in LogQL over the log entries of the options, and writes into
/// the store what is readable there. Groups are evaluated in the order given, at ticks that they share; rules in another
/// language are left out.
///
/// # Errors
/// Expressions that cannot be evaluated at all (a duration that is none), with their place. What fails at single ticks is in
/// `Run::errors`.
pub fn evaluate(groups: &[Group], store: &mut MetricStore, options: &EvaluateOptions) -> Result<Run, Vec<Diagnostic>> {
    let schedules: Vec<Schedule> =
        groups.iter().enumerate().map(|(index, group)| Schedule::of(index, group, options)).collect();
    let (mut positions, mut runners, mut problems) = (Vec::new(), Vec::<Runner<'_>>::new(), Vec::new());
    let mut position = 0;
    for (g, group) in groups.iter().enumerate() {
        let mut own = Vec::new();
        for (r, rule) in group.rules.iter().enumerate() {
            position += 1;
            own.push(position);
            runners.extend(Runner::new(RuleRef { group: g, rule: r }, position, group, rule, options));
        }
        positions.push(own);
    }
    let rules: Vec<&Rule> = runners.iter().map(|runner| runner.rule).collect();
    let writers = Writers::new(&rules);
    let order = components(&rules, &writers, &|index| runners[index].reads_anything());
    let readers: Vec<Reader<'_>> = runners
        .iter()
        .map(|runner| Reader { rule: runner.rule, position: runner.position, schedule: &schedules[runner.place.group] })
        .collect();
    let parts = shared_parts(&readers, &writers, &order);
    for (runner, parts) in runners.iter_mut().zip(&parts) {
        if let Err(error) = runner.compile(options, parts, &schedules[runner.place.group]) {
            problems.push(runner.rule.expr.diagnose(error.span, error.diagnostic()));
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let mut inputs = contested(&order, &rules, store);
    let mut evaluations = 0;
    let shortest = schedules.iter().map(|schedule| schedule.interval).min().unwrap_or(options.interval);
    let last = schedules.iter().filter(|s| s.count > 0).map(|s| s.tick(s.count - 1)).max();
    let mut from = schedules.iter().map(|schedule| schedule.tick(0)).min().unwrap_or(options.start);
    while last.is_some_and(|last| from <= last) {
        // Of many series fewer ticks at once: what is held at a time stays the same.
        let ticks = options.block.min(BLOCK_VALUES / store.len().max(1)).max(1);
        let to = from + Duration(shortest.0.saturating_mul(i64::try_from(ticks).unwrap_or(i64::MAX)));
        for (component, inputs) in order.iter().zip(&mut inputs) {
            evaluations += run_component(component, &mut runners, inputs, &schedules, (from, to), store);
        }
        if to <= from {
            break;
        }
        from = to;
    }
    for (component, inputs) in order.iter().zip(&mut inputs) {
        inputs.load(Moment::END, component, &mut runners, store);
    }
    let (mut errors, mut alerts) = (Vec::new(), Vec::new());
    for runner in runners {
        let (failed, tracks) = runner.finish();
        errors.extend(failed);
        alerts.extend(tracks);
    }
    errors.sort_by_key(|error| (error.tick, error.rule));
    Ok(Run {
        evaluations,
        alerts,
        errors,
        schedules,
        positions,
        external_labels: options.external_labels.clone(),
        external_url: options.external_url.clone(),
        serves: options.serves,
        profile: options.profile.clone(),
        logs: options.logs.clone(),
    })
}

/// Runs the ticks of a component that lie in a block (its end excluded). Returns how many evaluations that were.
fn run_component(
    component: &Component,
    runners: &mut [Runner<'_>],
    inputs: &mut Inputs,
    schedules: &[Schedule],
    (from, to): (Timestamp, Timestamp),
    store: &mut MetricStore,
) -> u64 {
    let ticks = |runner: &Runner<'_>| {
        let schedule = &schedules[runner.place.group];
        let range = schedule.index_from(from)..schedule.index_from(to);
        range.map(|index| schedule.step(index, runner.position)).collect::<Vec<Step>>()
    };
    let mut evaluations = 0;
    if !component.stepwise && inputs.is_empty() {
        for index in &component.rules {
            let steps = ticks(&runners[*index]);
            evaluations += steps.len() as u64;
            runners[*index].run(&steps, &steps, store);
        }
        return evaluations;
    }
    // Every evaluation in the order in which it happens.
    let blocks: Vec<Vec<Step>> = component.rules.iter().map(|index| ticks(&runners[*index])).collect();
    let mut all: Vec<(Step, usize, usize)> = Vec::new();
    for (nth, block) in blocks.iter().enumerate() {
        all.extend(block.iter().enumerate().map(|(at, step)| (*step, nth, at)));
    }
    all.sort_by_key(|(step, ..)| step.frontier);
    for (step, nth, at) in all {
        inputs.load(step.frontier, component, runners, store);
        evaluations += 1;
        runners[component.rules[nth]].run(&blocks[nth][at..=at], &blocks[nth], store);
    }
    // Later components of this block may read what arrives between the ticks of this one.
    inputs.load(Moment::arrival(to), component, runners, store);
    evaluations
}

/// Samples of series that are loaded and that rules may write as well: they are loaded when they arrive, so that
/// each writer finds what was there.
#[derive(Default)]
struct Inputs {
    /// The latest first.
    waiting: Vec<(Moment, SeriesId, Timestamp, Sample)>,
}

/// Takes out of the store what rules may write as well, for each component.
fn contested(order: &[Component], rules: &[&Rule], store: &mut MetricStore) -> Vec<Inputs> {
    let mut found = Vec::new();
    for component in order {
        let outputs: Vec<Output<'_>> = component.rules.iter().map(|rule| Output::of(rules[*rule])).collect();
        let mut inputs = Inputs::default();
        let may_write = |labels: &Labels| outputs.iter().any(|output| output.may_write(labels));
        let mut ids: Vec<SeriesId> =
            outputs.iter().flat_map(Output::names).flat_map(|name| store.named(name)).copied().collect();
        ids.sort_unstable();
        ids.dedup();
        for id in ids {
            if may_write(&store.series(id).labels) {
                let samples = store.withdraw(id);
                inputs.waiting.extend(samples.into_iter().map(|(time, sample, moment)| (moment, id, time, sample)));
            }
        }
        inputs.waiting.sort_by_key(|(moment, id, time, _)| std::cmp::Reverse((*moment, *time, *id)));
        found.push(inputs);
    }
    found
}

impl Inputs {
    fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Loads what a reader at `reader` can see.
    fn load(&mut self, reader: Moment, component: &Component, runners: &mut [Runner<'_>], store: &mut MetricStore) {
        while let Some((moment, id, time, sample)) = self.waiting.pop_if(|(moment, ..)| *moment < reader) {
            if let Err(error) = store.append_sample(id, time, &sample, moment)
                && let Some(runner) = component.rules.first().and_then(|rule| runners.get_mut(*rule))
            {
                let error = RuleFailure::InputRefused(error);
                runner.errors.push(RuleError { rule: runner.place, tick: moment.at, error });
            }
        }
    }
}
