//! What items of `exp_alerts`, `exp_samples` and `exp_logs` would have to say for a case to hold.

use std::fmt::Write;

use crate::export::yaml::scalar;
use crate::labels::Labels;
use crate::number;
use crate::promql;
use crate::rules::AlertState;
use crate::text::yaml::Node;
use crate::unit_test::{
    AlertMismatch, LineDifference, ResultLine, ResultSample, SampleMismatch, StandingAlert, WantedAlert, WantedText,
};

/// What becomes of an item of a list.
pub enum Change {
    Keep,
    Remove,
    /// Entries of the item with their new values, as pairs of key and value.
    Set(Vec<Entry>),
}

/// A key of an item and what it has to hold.
pub enum Entry {
    Scalar(&'static str, String),
    Map(&'static str, Vec<(String, String)>),
    Gone(&'static str),
}

/// What becomes of the item that wants an alert, or of what stands and no item wants.
pub fn alert(mismatch: &AlertMismatch, items: &[Node], changes: &mut [Change], added: &mut Vec<Vec<Entry>>) {
    let place = mismatch.expected.as_ref().and_then(|wanted| items.iter().position(|item| item.span == wanted.span));
    let change = match (&mismatch.expected, &mismatch.got) {
        (_, None) => Change::Remove,
        (expected, Some(got)) => Change::Set(alert_entries(expected.as_ref(), got)),
    };
    match (place, change) {
        (Some(place), change) => changes[place] = change,
        (None, Change::Set(entries)) => added.push(entries),
        (None, _) => {}
    }
}

/// What an item has to say of an alert, in the terms in which it speaks.
fn alert_entries(expected: Option<&WantedAlert>, got: &StandingAlert) -> Vec<Entry> {
    let mut out = Vec::new();
    let of = |pairs: &[(String, String)], names: &dyn Fn(&str) -> bool| -> Vec<(String, String)> {
        pairs.iter().filter(|(name, _)| name != "alertname" && names(name)).cloned().collect()
    };
    match expected {
        Some(wanted) if wanted.more_labels => {
            let named = |name: &str| wanted.labels.iter().any(|(own, value)| own == name && !value.is_empty());
            out.push(Entry::Map("exp_labels_include", of(&got.labels, &named)));
        }
        _ => out.push(Entry::Map("exp_labels", of(&got.labels, &|_| true))),
    }
    match expected {
        Some(wanted) if wanted.more_annotations => {
            let text = |name: &str| got.annotations.iter().find(|(own, _)| own == name).map(|(_, text)| text.as_str());
            let kept = wanted.annotations.iter().filter_map(|(name, wanted)| {
                let text = text(name)?;
                let pattern = match wanted {
                    WantedText::Matching { pattern, .. } if wanted.accepts(text) => pattern.clone(),
                    WantedText::Matching { .. } => regex::escape(text),
                    WantedText::Exactly(_) => text.to_owned(),
                };
                Some((name.clone(), pattern))
            });
            out.push(Entry::Map("exp_annotations_match", kept.collect()));
        }
        _ => out.push(Entry::Map("exp_annotations", of(&got.annotations, &|_| true))),
    }
    match (got.state, expected.map(|wanted| wanted.state)) {
        (AlertState::Pending, _) => out.push(Entry::Scalar("exp_state", "pending".to_owned())),
        (AlertState::Firing, Some(AlertState::Pending)) => out.push(Entry::Scalar("exp_state", "firing".to_owned())),
        _ => {}
    }
    if expected.is_some_and(|wanted| wanted.value.is_some()) {
        match got.value {
            Some(value) => out.push(Entry::Scalar("exp_value", yaml_number(value))),
            None => out.push(Entry::Gone("exp_value")),
        }
    }
    if expected.is_some_and(|wanted| wanted.active_at.is_some()) {
        out.push(Entry::Scalar("exp_active_at", got.active_at.to_string()));
    }
    out
}

/// As [`alert`], of a sample.
pub fn sample(mismatch: &SampleMismatch, items: &[Node], changes: &mut [Change], added: &mut Vec<Vec<Entry>>) {
    let place = mismatch.expected.as_ref().and_then(|expected| {
        items.iter().zip(changes.iter()).position(|(item, change)| {
            let text = item.get("labels").and_then(Node::text).unwrap_or_default();
            let labels = if text.is_empty() { Some(Labels::empty()) } else { promql::parse_series(text).ok() };
            matches!(change, Change::Keep) && labels.as_ref() == Some(&expected.labels)
        })
    });
    let change = match &mismatch.got {
        None => Change::Remove,
        Some(got) => Change::Set(sample_entries(mismatch.expected.as_ref(), got)),
    };
    match (place, change) {
        (Some(place), change) => changes[place] = change,
        (None, Change::Set(entries)) => added.push(entries),
        (None, _) => {}
    }
}

/// As [`alert`], of all lines of a case: each item is an expected line, in the same order.
pub fn lines(difference: &LineDifference, changes: &mut [Change], added: &mut Vec<Vec<Entry>>) {
    let mut surplus: Vec<&ResultLine> = difference.surplus.iter().collect();
    for missing in &difference.missing {
        let mut items = difference.expected.iter().zip(changes.iter_mut());
        let item = items.find(|(expected, change)| matches!(change, Change::Keep) && *expected == missing);
        let Some((_, change)) = item else { continue };
        // The same line with other labels, or another one of the stream; what says its time is written anew.
        let like = |got: &&ResultLine| got.line == missing.line || got.labels == missing.labels;
        let near = surplus.iter().position(like).filter(|_| missing.time.is_none());
        *change = match near.map(|near| surplus.remove(near)) {
            Some(got) if got.labels == missing.labels => Change::Set(vec![Entry::Scalar("line", scalar(&got.line))]),
            Some(got) => Change::Set(vec![Entry::Scalar("labels", scalar(&got.labels.to_string()))]),
            None => Change::Remove,
        };
    }
    added.extend(surplus.into_iter().map(|got| {
        vec![Entry::Scalar("labels", scalar(&got.labels.to_string())), Entry::Scalar("line", scalar(&got.line))]
    }));
}

fn sample_entries(expected: Option<&ResultSample>, got: &ResultSample) -> Vec<Entry> {
    let mut out = Vec::new();
    // A value that becomes a histogram has its item written anew.
    if got.histogram.is_some() || expected.is_none_or(|expected| expected.labels != got.labels) {
        out.push(Entry::Scalar("labels", scalar(&got.labels.as_metric())));
    }
    match &got.histogram {
        Some(histogram) => {
            out.push(Entry::Gone("value"));
            out.push(Entry::Scalar("histogram", scalar(histogram)));
        }
        None => out.push(Entry::Scalar("value", yaml_number(got.value))),
    }
    out
}

fn yaml_number(value: f64) -> String {
    if value.is_nan() {
        ".nan".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { ".inf".to_owned() } else { "-.inf".to_owned() }
    } else {
        number::format_f(value)
    }
}

fn in_braces(pairs: &[(String, String)]) -> String {
    let entries: Vec<String> = pairs.iter().map(|(name, text)| format!("{}: {}", scalar(name), scalar(text))).collect();
    format!("{{{}}}", entries.join(", "))
}

/// `exp_labels: {severity: page}`.
pub fn entry_in_line(entry: &Entry) -> String {
    match entry {
        Entry::Scalar(name, text) => format!("{name}: {text}"),
        Entry::Map(name, pairs) => format!("{name}: {}", in_braces(pairs)),
        Entry::Gone(_) => String::new(),
    }
}

/// An item between braces.
pub fn flow(entries: &[Entry]) -> String {
    let texts: Vec<String> = present(entries).map(entry_in_line).collect();
    format!("{{{}}}", texts.join(", "))
}

/// An item of a list in lines, the dash at a column.
pub fn block(entries: &[Entry], indent: usize) -> String {
    let mut out = String::new();
    for entry in present(entries) {
        let lead = if out.is_empty() { format!("{:indent$}- ", "") } else { format!("{:indent$}  ", "") };
        match entry {
            Entry::Map(name, pairs) => {
                let _ = writeln!(out, "{lead}{name}:");
                for (name, text) in pairs {
                    let _ = writeln!(out, "{:indent$}    {}: {}", "", scalar(name), scalar(text));
                }
            }
            entry => {
                let _ = writeln!(out, "{lead}{}", entry_in_line(entry));
            }
        }
    }
    if out.is_empty() { format!("{:indent$}- {{}}\n", "") } else { out }
}

fn present(entries: &[Entry]) -> impl Iterator<Item = &Entry> {
    entries.iter().filter(|entry| match entry {
        Entry::Gone(_) => false,
        Entry::Map(_, pairs) => !pairs.is_empty(),
        Entry::Scalar(..) => true,
    })
}
