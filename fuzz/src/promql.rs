//! PromQL: text, words, expressions over random days, scripts.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::LazyLock;

use firedrill::engine::{Matrix, Mode, Steps};
use firedrill::promql::eval::{Profile, Query};
use firedrill::promql::{Features, parse_with, script};
use firedrill::store::{MetricStore, Moment};
use firedrill::text::Source;
use firedrill::time::Duration;

use super::common::dice::Dice;
use super::expressions::Expressions;
use super::{days, words};

static WORDS: LazyLock<Vec<String>> = LazyLock::new(|| words::dictionary(include_str!("../promql.dict")));

/// Any text is refused at a place inside of it, or printed so that it is read and printed the same again.
pub fn lexer(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    match parse_with(text, Features::ALL) {
        Ok(expr) => {
            let printed = expr.to_string();
            let again = parse_with(&printed, Features::ALL).unwrap_or_else(|error| panic!("{printed}: {error}"));
            // Behind two signs arithmetic goes on, as it does not behind a number; Prometheus prints the signs away all the same.
            let letters: String = text.split_whitespace().collect::<String>().to_lowercase();
            let signed = |rest: &str| rest.bytes().take_while(|byte| matches!(byte, b'-' | b'+')).count() > 1;
            if !letters.split("offset").skip(1).any(signed) {
                assert_eq!(again.to_string(), printed, "of {text}");
            }
        }
        Err(error) => {
            let span = error.span;
            assert!(span.start <= span.end && span.end <= text.len(), "{span:?} of {text}");
            assert!(text.is_char_boundary(span.start) && text.is_char_boundary(span.end), "{span:?} of {text}");
        }
    }
}

/// The same of a text made of PromQL's words.
pub fn parser(input: &[u8]) {
    lexer(words::text(&WORDS, input).as_bytes());
}

thread_local! {
    /// Days by their seed.
    static DAYS: RefCell<HashMap<u64, MetricStore>> = RefCell::default();
}

fn day(seed: u64) -> MetricStore {
    let mut store = MetricStore::default();
    for (labels, time, sample) in days::samples(seed) {
        let id = store.id_or_create(&labels);
        store.append_sample(id, time, &sample, Moment::arrival(time)).expect("in order");
    }
    store
}

/// An expression is evaluated without a panic, and at many steps as at each of them alone. The input: which day, what engine, when,
/// whether the rest is the expression as text or decisions from which one is made.
pub fn evaluator(input: &[u8]) {
    let Some((head, rest)) = input.split_first_chunk::<5>() else { return };
    let [seed, engine, at, step, steps] = *head;
    let expr = match engine & 1 {
        0 => Expressions { dice: &mut Dice::of(rest.to_vec()), numbers_only: false }.query(),
        _ => String::from_utf8_lossy(rest).into_owned(),
    };
    let profile = Profile {
        features: Features::ALL,
        delayed_name_removal: engine & 2 != 0,
        use_start_timestamps: engine & 4 != 0,
        max_samples: 100_000,
        ..Profile::prometheus()
    };
    let Ok(expr) = parse_with(&expr, profile.features) else { return };
    let start = days::START + Duration(days::LENGTH / 256 * i64::from(at));
    let step = Duration([15_000, 60_000, 137_000, 7_500, 1, 3_600_000][usize::from(step) % 6]);
    let end = start + Duration(step.0 * i64::from(steps % 12));
    DAYS.with_borrow_mut(|days| {
        let seed = u64::from(seed % 4);
        let store = days.entry(seed).or_insert_with(|| day(seed));
        let range = Mode::Range { start, end, step };
        let steps = Steps::range(start, end, step);
        if let Ok(mut query) = Query::compile_for(&expr, &profile, range) {
            let _ = query.run(store, &steps, range);
        }
        let Ok(mut query) = Query::compile(&expr, &profile) else { return };
        let Ok(together) = query.run(store, &steps, Mode::Instants) else { return };
        // Prometheus leaves the order of what a subquery joins to chance.
        let by_chance = expr.to_string().contains(':');
        for (at, step) in steps.0.iter().enumerate() {
            let alone = query.run(store, &Steps(vec![*step]), Mode::Instants).expect("it holds less than all of them");
            let [together, alone] = [shown(&together, at), shown(&alone, 0)].map(|shown| {
                let mut shown = shown?;
                if by_chance {
                    shown.sort();
                }
                Ok::<_, ()>(shown)
            });
            assert_eq!(together, alone, "{expr} at {}", step.time.0);
        }
    });
}

/// What there is at a step; numbers with all their digits, and an error as such: which of several is told does not matter.
fn shown(matrix: &Matrix, step: usize) -> Result<Vec<String>, ()> {
    let elements = matrix.sample_result(step).map_err(|_| ())?;
    Ok(elements.into_iter().map(|(labels, sample)| format!("{labels:?} {sample:?}")).collect())
}

/// A script is refused at a place inside of it, or run.
pub fn script(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    match script::parse(&Source::new("fuzz.test", text)) {
        Ok(commands) => drop(script::run(&commands)),
        Err(diagnostic) => {
            let (_, span) = diagnostic.place.expect("a place");
            assert!(span.start <= span.end && span.end <= text.len(), "{span:?} of {text}");
        }
    }
}
