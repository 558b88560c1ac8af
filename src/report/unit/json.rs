//! Groups of unit test files as JSON: what was expected, what happened, why. Times are durations after the start, as the
//! files have them; values are texts, since JSON has no infinity and no NaN.

use serde_json::{Map, Value, json};

use super::failure;
use crate::evidence::{self, Place, Row};
use crate::labels::Labels;
use crate::number;
use crate::rules::AlertState;
use crate::text::{Diagnostic, Source, Span};
use crate::time::{Duration, Timestamp};
use crate::unit_test::{
    AlertMismatch, Around, BlindCase, Failure, FailureKind, GroupResult, ResultLine, ResultSample, SampleMismatch,
    StandingAlert, WantedAlert, WantedText,
};

/// A group.
pub fn group(group: &GroupResult) -> Value {
    json!({
        "file": group.file.name(),
        "name": group.name,
        "place": at(&group.file, group.span),
        "verdict": if group.passed() { "pass" } else { "fail" },
        "cases": group.cases,
        "not_run": group.not_run,
        "seconds": group.elapsed.as_secs_f64(),
        "failures": group.failures.iter().map(|failure| one(group, failure)).collect::<Vec<_>>(),
        "blind": group.blind.iter().map(|case| blind(group, case)).collect::<Vec<_>>(),
        "warnings": group.warnings.iter().map(problem).collect::<Vec<_>>(),
    })
}

/// A case that holds though nothing was tested.
fn blind(group: &GroupResult, case: &BlindCase) -> Value {
    let reason = told(&case.reason.text, case.reason.place.as_ref());
    json!({"subject": case.subject, "place": at(&group.file, case.span), "reasons": [reason]})
}

fn one(group: &GroupResult, failed: &Failure) -> Value {
    let mut out = Map::new();
    let mut put = |name: &str, value: Value| drop(out.insert(name.to_owned(), value));
    put("subject", json!(failed.subject));
    put("place", at(&group.file, failed.span));
    match &failed.kind {
        FailureKind::Unusable(problems) => {
            put("kind", json!("unusable"));
            put("problems", problems.iter().map(problem).collect());
        }
        FailureKind::Rule { error, .. } => {
            put("kind", json!("rule"));
            put("problems", json!([problem(error)]));
        }
        FailureKind::Trap(error) => {
            put("kind", json!("trap"));
            put("problems", json!([problem(error)]));
        }
        FailureKind::Expression(error) => {
            put("kind", json!("expression"));
            put("problems", json!([problem(error)]));
        }
        FailureKind::Alerts(difference) => {
            put("kind", json!("alerts"));
            put("eval_time", duration(difference.eval_time));
            put("expected", difference.expected.iter().map(wanted).collect());
            put("happened", difference.got.iter().map(standing).collect());
            put("mismatches", difference.mismatches.iter().map(alerts).collect());
        }
        FailureKind::Samples(difference) => {
            put("kind", json!("samples"));
            put("eval_time", duration(difference.eval_time));
            put("expected", difference.expected.iter().map(sample).collect());
            put("happened", difference.got.iter().map(sample).collect());
            put("mismatches", difference.mismatches.iter().map(samples).collect());
        }
        FailureKind::Lines(difference) => {
            put("kind", json!("lines"));
            put("eval_time", duration(difference.eval_time));
            put("expected", difference.expected.iter().map(line).collect());
            put("happened", difference.got.iter().map(line).collect());
            let missing = difference.missing.iter().map(|own| json!({"expected": line(own), "happened": null}));
            let surplus = difference.surplus.iter().map(|own| json!({"expected": null, "happened": line(own)}));
            put("mismatches", missing.chain(surplus).collect());
        }
    }
    let reasons = failed.explanation.reasons.iter();
    put("reasons", reasons.map(|reason| told(&reason.text, reason.place.as_ref())).collect());
    if let Some(values) = &failed.explanation.around {
        put("around", around(values));
    }
    put("text", json!(failure(failed)));
    Value::Object(out)
}

fn at(source: &Source, span: Span) -> Value {
    let spot = source.place(span.start);
    json!({"file": source.name(), "line": spot.line, "column": spot.column})
}

fn told(text: &str, place: Option<&Place>) -> Value {
    match place {
        Some(place) => json!({"text": text, "place": at(&place.source, place.span)}),
        None => json!({"text": text}),
    }
}

fn problem(problem: &Diagnostic) -> Value {
    let place = problem.place.as_ref().map(|(source, span)| Place { source: source.clone(), span: *span });
    told(&problem.message, place.as_ref())
}

fn duration(time: Duration) -> Value {
    json!(time.to_string())
}

fn object(pairs: &[(String, String)]) -> Value {
    pairs.iter().map(|(name, value)| (name.clone(), json!(value))).collect::<Map<_, _>>().into()
}

fn wanted(alert: &WantedAlert) -> Value {
    let annotations = alert.annotations.iter().map(|(name, text)| match text {
        WantedText::Exactly(text) => (name.clone(), json!(text)),
        WantedText::Matching { pattern, .. } => (name.clone(), json!({"matching": pattern})),
    });
    let mut out = Map::new();
    let mut put = |name: &str, value: Value| drop(out.insert(name.to_owned(), value));
    put("labels", object(&alert.labels));
    put("annotations", annotations.collect::<Map<_, _>>().into());
    put("state", json!(alert.state.as_str()));
    // What an item does not speak of is free.
    for (name, free) in [("more_labels", alert.more_labels), ("more_annotations", alert.more_annotations)] {
        if free {
            put(name, json!(true));
        }
    }
    if let Some(value) = alert.value {
        put("value", json!(number::format_f(value)));
    }
    if let Some(time) = alert.active_at {
        put("active_at", duration(time));
    }
    out.into()
}

fn standing(alert: &StandingAlert) -> Value {
    json!({
        "labels": object(&alert.labels),
        "annotations": object(&alert.annotations),
        "state": alert.state.as_str(),
        "value": alert.value.map(number::format_f),
        "active_at": alert.active_at.to_string(),
    })
}

fn alerts(mismatch: &AlertMismatch) -> Value {
    json!({
        "expected": mismatch.expected.as_ref().map(wanted),
        "happened": mismatch.got.as_ref().map(standing),
        "state": mismatch.state.map_or("inactive", AlertState::as_str),
        "life": mismatch.life.map(|life| json!({
            "active_at": life.active.to_string(),
            "fired_at": life.fired.map(|time| time.to_string()),
            "ended_at": life.ended.map(|time| time.to_string()),
        })),
        "text": mismatch.happened,
    })
}

fn sample(sample: &ResultSample) -> Value {
    let value = sample.histogram.clone().unwrap_or_else(|| number::format_f(sample.value));
    json!({"labels": labels(&sample.labels), "value": value})
}

fn line(line: &ResultLine) -> Value {
    let time = line.time.map(|time| Duration(time.0 / 1_000_000).to_string());
    json!({"labels": labels(&line.labels), "line": line.line, "at": time})
}

fn labels(labels: &Labels) -> Value {
    labels.iter().map(|(name, value)| (name.to_owned(), json!(value))).collect::<Map<_, _>>().into()
}

fn samples(mismatch: &SampleMismatch) -> Value {
    json!({"expected": mismatch.expected.as_ref().map(sample), "happened": mismatch.got.as_ref().map(sample)})
}

fn around(around: &Around) -> Value {
    let since = |time: Timestamp| (time - around.start).to_string();
    let row = |row: &Row| match row {
        Row::Values { label, values } => {
            json!({"label": label, "values": values.iter().map(|value| value.map(number::format_f)).collect::<Vec<_>>()})
        }
        Row::States { label, states } => {
            let word = |state: &evidence::AlertState| match state {
                evidence::AlertState::Inactive => "inactive",
                evidence::AlertState::Pending => "pending",
                evidence::AlertState::Firing => "firing",
            };
            json!({"label": label, "states": states.iter().map(word).collect::<Vec<_>>()})
        }
    };
    json!({
        "tick": since(around.eval),
        "ticks": around.timeline.ticks.iter().map(|tick| since(*tick)).collect::<Vec<_>>(),
        "rows": around.timeline.rows.iter().map(row).collect::<Vec<_>>(),
    })
}
