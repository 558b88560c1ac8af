//! `info(v, {labels})`: elements get the labels of the info metrics that share their identifying labels (Prometheus
//! `promql/info.go`).

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::run::{Node, Run, State};
use super::selector::{Reach, Selector, sees_all};
use crate::engine::{EvalError, Head, Matrix, Memo, bits};
use crate::histogram::index_of;
use crate::labels::{Labels, METRIC_NAME, MatchOp, Matcher, RegexError};
use crate::number::is_stale;
use crate::text::Span;
use crate::time::Timestamp;

/// What an element and its info series have in common.
const IDENTIFYING: [&str; 2] = ["instance", "job"];

/// A call of `info`.
pub struct Info {
    pub input: Node,
    /// What info series are selected by, names included.
    pub series: Selector,
    /// Names of info metrics: elements that have one stay as they are.
    pub names: Vec<Matcher>,
    /// The labels that are wanted; all where there are none.
    pub wanted: Vec<Matcher>,
    pub tables: Memo<Tables>,
    /// The results met so far, numbered as they came; and their head.
    pub known: HashMap<(Labels, bool), u32>,
    pub head: Arc<Head>,
}

/// What is known of elements and info series before any value is.
pub struct Tables {
    /// Elements that stay as they are.
    left_alone: Vec<bool>,
    /// Of each info series the number of its name and identifying labels.
    signatures: Vec<u32>,
    /// Of each element those of info series that would fit, by name of the info metric.
    fitting: Vec<Vec<u32>>,
    count: usize,
}

/// The matchers for names that select info metrics: names that are only excluded leave all others that end as info metrics do.
pub fn effective_names(written: &[Matcher]) -> Result<Vec<Matcher>, RegexError> {
    let mut names = written.to_vec();
    if written.is_empty() {
        names.push(Matcher::new(METRIC_NAME, MatchOp::Equal, "target_info")?);
    } else if written.iter().all(|matcher| matches!(matcher.op, MatchOp::NotEqual | MatchOp::NotRegex)) {
        names.insert(0, Matcher::new(METRIC_NAME, MatchOp::Regex, ".+_info")?);
    }
    Ok(names)
}

fn identity(labels: &Labels) -> [&str; 2] {
    IDENTIFYING.map(|name| labels.get(name))
}

fn tables(names: &[Matcher], input: &Head, infos: &Head) -> Tables {
    let matches_all = |labels: &Labels| names.iter().all(|matcher| matcher.matches(labels.name()));
    let left_alone = input.labels.iter().map(matches_all).collect();
    let mut numbers: HashMap<(&str, [&str; 2]), u32> = HashMap::new();
    let mut metrics: Vec<&str> = infos.labels.iter().map(Labels::name).collect();
    metrics.sort_unstable();
    metrics.dedup();
    let signatures = infos.labels.iter().map(|labels| {
        let next = numbers.len() as u32;
        *numbers.entry((labels.name(), identity(labels))).or_insert(next)
    });
    let signatures = signatures.collect();
    let fitting = input.labels.iter().map(|labels| {
        let fitting = metrics.iter().filter_map(|metric| numbers.get(&(*metric, identity(labels))));
        fitting.copied().collect()
    });
    Tables { left_alone, signatures, fitting: fitting.collect(), count: numbers.len() }
}

/// The times of the samples of info series, in milliseconds, at each step; `None` where there is none.
type Times = Vec<Vec<Option<Timestamp>>>;

impl Info {
    pub fn eval(&mut self, span: Span, run: &Run<'_>, state: &mut State) -> Result<Matrix, EvalError> {
        let input = self.input.eval(run, state)?;
        self.series.search(run.store);
        state.reserve(self.series.ids.len(), run.steps.len(), span)?;
        let mut errors = Vec::new();
        let times = self.times(run, span, &mut errors);
        let names = &self.names;
        let infos = self.series.head.clone();
        let tables = self.tables.get(&[input.head(), &infos], || tables(names, input.head(), &infos));
        let mut results: Vec<(usize, usize, u32)> = Vec::new();
        let known = self.known.len();
        let whole = run.is_range().then(|| Identities::of(&input, tables, |column| !bits::none(input.present(column))));
        let mut places: HashMap<(usize, Vec<u32>), Option<u32>> = HashMap::new();
        for (step, times) in times.iter().enumerate() {
            let here = |column: usize| bits::has(input.present(column), step);
            let own;
            let identities = match &whole {
                Some(whole) => whole,
                None => {
                    own = Identities::of(&input, tables, here);
                    &own
                }
            };
            let newest = match newest(tables, &infos, times, identities) {
                Ok(newest) => newest,
                Err(_) if input.columns_at(step).next().is_none() => continue,
                Err(message) => {
                    errors.push((step, EvalError::new(span, message)));
                    continue;
                }
            };
            for column in input.columns_at(step) {
                let chosen: Vec<u32> = if tables.left_alone[column] {
                    Vec::new()
                } else {
                    tables.fitting[column].iter().filter_map(|signature| newest[*signature as usize]).collect()
                };
                let key = (column, chosen);
                let place = match places.get(&key) {
                    Some(place) => *place,
                    None => {
                        let (labels, drop_name) = (&input.head().labels[column], input.head().drop_name[column]);
                        let found = if tables.left_alone[column] {
                            Ok(Some(labels.clone()))
                        } else {
                            enriched(labels, &key.1, &infos, &self.wanted)
                        };
                        let found = match found {
                            Ok(found) => found,
                            Err(message) => {
                                errors.push((step, EvalError::new(span, message)));
                                break;
                            }
                        };
                        let known = &mut self.known;
                        let place = found.map(|labels| {
                            let next = known.len() as u32;
                            *known.entry((labels, drop_name)).or_insert(next)
                        });
                        places.insert(key, place);
                        place
                    }
                };
                results.extend(place.map(|place| (column, step, place)));
            }
        }
        if self.known.len() > known {
            let mut columns: Vec<(&(Labels, bool), u32)> = self.known.iter().map(|(of, place)| (of, *place)).collect();
            columns.sort_unstable_by_key(|(_, place)| *place);
            let (labels, drop_name) = columns.into_iter().map(|(of, _)| of.clone()).unzip();
            self.head = Arc::new(Head::new(labels, drop_name));
        }
        state.reserve(self.head.len(), run.steps.len(), span)?;
        let mut out = Matrix::new(self.head.clone(), run.steps.len());
        let mut order: Vec<u32> = Vec::new();
        for results in results.chunk_by(|a, b| a.1 == b.1) {
            order.clear();
            for (column, step, place) in results {
                if bits::has(out.present(*place as usize), *step) {
                    let message = "vector cannot contain metrics with the same labelset";
                    errors.push((*step, EvalError::new(span, message)));
                }
                out.set(*place as usize, *step, input.values(*column)[*step]);
                order.push(*place);
            }
            if let Some((_, step, _)) = results.first()
                && !order.is_sorted()
                && !run.is_range()
            {
                out.order.insert(*step, order.clone());
            }
        }
        out.set_arena(input.arena().cloned());
        out.fail_all(input.errors);
        errors.into_iter().for_each(|(step, error)| out.fail(step, error));
        Ok(run.settle(out, span))
    }

    /// When the samples were taken that info series have at each step.
    fn times(&self, run: &Run<'_>, span: Span, errors: &mut Vec<(usize, EvalError)>) -> Times {
        let ends = self.series.times(run);
        let sees_all = sees_all(&ends, run.steps);
        let mut times = vec![vec![None; self.series.ids.len()]; ends.len()];
        for (column, id) in self.series.ids.iter().enumerate() {
            let series = run.store.series(*id);
            let mut reach = Reach::new(series, sees_all);
            for (step, end) in ends.iter().enumerate() {
                let Some(latest) = reach.to(*end, run.steps[step].frontier).checked_sub(1) else { continue };
                let (sampled, value) = (series.times[latest], series.values[latest]);
                if sampled <= *end - run.profile.lookback || is_stale(value) {
                    continue;
                }
                if index_of(value).is_some() {
                    let message = format!("this should be an info metric, with float samples: {}", series.labels);
                    errors.push((step, EvalError::new(span, message)));
                }
                times[step][column] = Some(sampled);
            }
        }
        times
    }
}

/// The values of identifying labels among the elements that info series are looked for.
struct Identities<'a>([HashSet<&'a str>; 2]);

impl<'a> Identities<'a> {
    fn of(input: &'a Matrix, tables: &Tables, is_there: impl Fn(usize) -> bool) -> Identities<'a> {
        let mut found = Identities([HashSet::new(), HashSet::new()]);
        for (column, labels) in input.head().labels.iter().enumerate() {
            if !tables.left_alone[column] && is_there(column) {
                for (values, value) in found.0.iter_mut().zip(identity(labels)) {
                    if !value.is_empty() {
                        values.insert(value);
                    }
                }
            }
        }
        found
    }

    /// Whether an info series is selected at all.
    fn select(&self, info: &Labels) -> bool {
        self.0.iter().any(|values| !values.is_empty())
            && self.0.iter().zip(identity(info)).all(|(values, value)| values.is_empty() || values.contains(value))
    }
}

/// The newest info series of each signature.
///
/// Errors: two of them are of the same time.
fn newest(
    tables: &Tables,
    infos: &Head,
    times: &[Option<Timestamp>],
    identities: &Identities<'_>,
) -> Result<Vec<Option<u32>>, String> {
    let mut newest: Vec<Option<u32>> = vec![None; tables.count];
    for (column, time) in (0u32..).zip(times) {
        let (Some(time), labels) = (time, &infos.labels[column as usize]) else { continue };
        if !identities.select(labels) {
            continue;
        }
        let best = &mut newest[tables.signatures[column as usize] as usize];
        let known = best.and_then(|best| Some((best, times[best as usize]?)));
        match known {
            Some((known, at)) if at == *time => {
                return Err(format!(
                    "found duplicate series for info metric: existing {} @ {}, new {labels} @ {}",
                    infos.labels[known as usize], at.0, time.0
                ));
            }
            Some((_, at)) if at > *time => {}
            _ => *best = Some(column),
        }
    }
    Ok(newest)
}

/// The labels of an element with those of its info series; `None` where it has none and a wanted label has to be there.
///
/// Errors: two info series that disagree.
fn enriched(labels: &Labels, chosen: &[u32], infos: &Head, wanted: &[Matcher]) -> Result<Option<Labels>, String> {
    let mut added: Vec<(&str, &str)> = Vec::new();
    for info in chosen {
        for (name, value) in infos.labels[*info as usize].iter() {
            if name == METRIC_NAME || (!wanted.is_empty() && wanted.iter().all(|matcher| &*matcher.name != name)) {
                continue;
            }
            match added.iter().find(|(known, _)| *known == name) {
                Some((_, known)) if *known != value => return Err(format!("conflicting label: {name}")),
                Some(_) => {}
                None if labels.has(name) => {}
                None => added.push((name, value)),
            }
        }
    }
    if chosen.is_empty() && wanted.iter().any(|matcher| !matcher.matches("")) {
        return Ok(None);
    }
    let mut builder = labels.builder();
    for (name, value) in added {
        builder.set(name, value);
    }
    Ok(Some(builder.build()))
}
