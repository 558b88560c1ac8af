//! Random expressions over random data through firedrill and through a Prometheus server: one answer, to the bit.
//!
//! Each data set has a server of its own, which gets the samples by remote write. Each expression is asked at one time and over
//! a range. `FIREDRILL_FUZZ_EXPRESSIONS` says how many expressions (2,000), `FIREDRILL_FUZZ_SEED` with which data set to begin (1).

#[path = "../common/mod.rs"]
mod common;
mod compare;
mod days;
mod expressions;
mod server;

use std::panic::{AssertUnwindSafe, catch_unwind};

use common::dice::Dice;
use compare::{Found, Reference, sorted};
use firedrill::engine::{Mode, Steps};
use firedrill::histogram::Sample;
use firedrill::labels::Labels;
use firedrill::promql::ast::ValueType;
use firedrill::promql::eval::{Profile, Query};
use firedrill::promql::{Features, parse_with};
use firedrill::report::result::{Answer, to_json};
use firedrill::store::{MetricStore, Moment};
use firedrill::time::{Duration, Timestamp};
use serde_json::json;

/// How many expressions are asked of one data set.
const PER_DATA_SET: u64 = 500;
/// How often Prometheus is asked again where it may go through its maps in another order.
const AGAIN: usize = 30;

fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).map_or(usual, |text| text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
}

/// When an expression is evaluated.
#[derive(Clone, Copy)]
enum When {
    At(Timestamp),
    Over(Timestamp, Timestamp, Duration),
}

#[test]
fn random_expressions_have_prometheus_answers() {
    let Some(prometheus) = common::peer("prometheus") else { return };
    let (expressions, first) = (number("FIREDRILL_FUZZ_EXPRESSIONS", 2000), number("FIREDRILL_FUZZ_SEED", 1));
    let mut different = Vec::new();
    let (mut asked, mut empty, mut failing, mut chance, mut unknown, mut otherwise, mut mixed) = (0, 0, 0, 0, 0, 0, 0);
    for seed in (first..).take(expressions.div_ceil(PER_DATA_SET) as usize) {
        let late_names = seed % 2 == 0;
        let mut features = vec!["promql-experimental-functions", "promql-duration-expr", "native-histograms"];
        features.extend(late_names.then_some("promql-delayed-name-removal"));
        let server = server::Server::start(&prometheus, &features);
        let samples = days::samples(seed);
        let store = store_of(&samples, |_| true);
        server.write(&samples);
        let reference = Reference::of(&server.version());
        let mut dice = Dice::new(seed ^ 0xe4b7);
        let profile = Profile { features: Features::ALL, delayed_name_removal: late_names, ..Profile::prometheus() };
        for _ in 0..PER_DATA_SET {
            let expr = expressions::Expressions { dice: &mut dice, numbers_only: false }.query();
            let at = Timestamp(days::START.0 + dice.below(days::LENGTH as u64 / 1000) as i64 * 1000);
            let step = Duration([15_000, 60_000, 60_000, 137_000, 7_500][dice.below(5) as usize]);
            let steps = dice.below(20) as i64;
            for when in [When::At(at), When::Over(at, at + Duration(step.0 * steps), step)] {
                asked += 1;
                let ours = ours(&store, &profile, &expr, when);
                match &ours {
                    Found::Result(result) if result["result"].as_array().is_some_and(Vec::is_empty) => empty += 1,
                    Found::Error(_) => failing += 1,
                    Found::Result(_) => {}
                }
                let theirs = theirs(&server, &expr, when);
                if matches!(&theirs, Found::Error(error) if error.contains("unknown function")) {
                    unknown += 1;
                    continue;
                }
                if reference.same(&ours, &theirs) {
                    continue;
                }
                // Equal labels of a float and a histogram: an error here. The server keeps both in one series; which of them it
                // shows, or whether it is surprised by them, depends on what comes after.
                let meet = |floats: bool| {
                    let store = store_of(&samples, |sample| sample.float().is_some() == floats);
                    self::ours(&store, &profile, &expr, when).is_same_labelset()
                };
                let surprised = matches!(&theirs, Found::Error(error) if error == "unexpected number of samples");
                if ours.is_same_labelset() && (surprised || (!meet(true) && !meet(false))) {
                    mixed += 1;
                    continue;
                }
                if reference.passes_over(&expr, late_names) {
                    otherwise += 1;
                    continue;
                }
                let again: Vec<Found> = (0..AGAIN).map(|_| self::theirs(&server, &expr, when)).collect();
                let varies = again.iter().any(|again| !reference.same(again, &theirs));
                let found = |again: &Found| reference.same(&ours, again) || (varies && compare::near(&ours, again));
                match again.iter().any(found) {
                    true => chance += 1,
                    false => different.push(format!(
                        "data set {seed}{}: {}\n{}",
                        if late_names { " (late names)" } else { "" },
                        shown(&expr, when),
                        compare::first_difference(&ours, &theirs)
                    )),
                }
            }
        }
    }
    println!(
        "{asked} answers, {empty} of them empty, {failing} errors; {chance} are left to chance by Prometheus, {unknown} are \
         unknown to this one, {otherwise} otherwise in it; {mixed} mix floats and histograms of equal labels"
    );
    assert!(different.is_empty(), "{} of {asked} answers differ:\n{}", different.len(), different.join("\n"));
    // Answers that are mostly empty would test little.
    assert!(empty * 2 < asked && failing * 4 < asked, "{empty} empty and {failing} failing of {asked}");
}

/// The samples that are `kept`.
fn store_of(samples: &[(Labels, Timestamp, Sample)], kept: impl Fn(&Sample) -> bool) -> MetricStore {
    let mut store = MetricStore::default();
    for (labels, time, sample) in samples.iter().filter(|(_, _, sample)| kept(sample)) {
        let id = store.id_or_create(labels);
        store.append_sample(id, *time, sample, Moment::arrival(*time)).expect("in order");
    }
    store
}

fn shown(expr: &str, when: When) -> String {
    match when {
        When::At(time) => format!("{expr} at {}", time.0),
        When::Over(start, end, step) => format!("{expr} from {} to {} step {}", start.0, end.0, step.0),
    }
}

fn ours(store: &MetricStore, profile: &Profile, expr: &str, when: When) -> Found {
    let answer = catch_unwind(AssertUnwindSafe(|| answer(store, profile, expr, when)));
    match answer {
        Ok(Ok(answer)) => sorted(to_json(&answer)["data"].take()),
        Ok(Err(error)) => Found::Error(error),
        Err(_) => Found::Error("panic".to_owned()),
    }
}

fn answer(store: &MetricStore, profile: &Profile, expr: &str, when: When) -> Result<Answer, String> {
    let expr = parse_with(expr, profile.features).map_err(|error| format!("parse error: {}", error.message))?;
    let (mode, steps) = match when {
        When::At(time) => (Mode::Instants, Steps::instant(time)),
        When::Over(start, end, step) => (Mode::Range { start, end, step }, Steps::range(start, end, step)),
    };
    let mut query = Query::compile_for(&expr, profile, mode).map_err(|error| error.message)?;
    let matrix = query.run(store, &steps, mode).map_err(|error| error.message)?;
    let When::At(time) = when else {
        let series = matrix.head().labels.iter().enumerate().map(|(column, labels)| {
            let samples = matrix.column_samples(column).map(|(step, sample)| (steps.0[step].time, sample));
            (labels.clone(), samples.collect())
        });
        return Ok(Answer::Matrix(series.collect()));
    };
    let elements = matrix.sample_result(0).map_err(|error| error.message)?;
    Ok(match (query.value_type(), elements.first()) {
        (ValueType::Scalar, Some((_, sample))) => Answer::Scalar(time, sample.float().unwrap_or(f64::NAN)),
        _ => Answer::Vector(time, elements),
    })
}

fn theirs(server: &server::Server, expr: &str, when: When) -> Found {
    let seconds = |ms: i64| format!("{}.{:03}", ms / 1000, ms % 1000);
    let answer = match when {
        When::At(time) => server.ask("query", &[("query", expr), ("time", &seconds(time.0))]),
        When::Over(start, end, step) => server.ask(
            "query_range",
            &[("query", expr), ("start", &seconds(start.0)), ("end", &seconds(end.0)), ("step", &seconds(step.0))],
        ),
    };
    match answer["error"].as_str() {
        Some(error) => Found::Error(error.to_owned()),
        None => sorted(json!({"resultType": answer["data"]["resultType"], "result": answer["data"]["result"]})),
    }
}
