//! A replay beside a recording: for people, and as JSON in the schema `compare/1`.
//!
//! Times are RFC 3339 in UTC, distances seconds. Fields are added within a version, never renamed or removed.

use std::fmt::Write;

use owo_colors::{OwoColorize, Style};
use serde_json::{Value, json};

use super::human::{Look, grouped, plural};
use super::json::{labels as labels_object, life as life_out};
use super::words::{paragraph, plain, shortened};
use crate::drill::comparison::{AlertPair, Comparison, Distance};
use crate::drill::explain::{clock, tell};
use crate::drill::verdict::Life;
use crate::labels::Labels;
use crate::number::format_g;
use crate::time::{Duration, Timestamp};

/// The most series that are told each.
const MOST: usize = 20;

/// The comparison for people.
pub fn render(compared: &Comparison, look: Look) -> String {
    let start = compared.day.start();
    let recording = &compared.recording;
    let mut out = format!("{}  beside  {}\n", plain(&compared.drill), plain(&recording.name));
    let mut told = format!(
        "{} series, {} samples from {} to {}",
        recording.series,
        grouped(recording.samples as u64),
        clock(recording.from, start),
        clock(recording.to, start)
    );
    if recording.written_by_rules > 0 {
        let _ = write!(told, "; {} more are written by rules, and computed anew", recording.written_by_rules);
    }
    out.push_str(&paragraph("recording  ", 0, &told, look.width));
    alerts(&mut out, compared, look);
    series(&mut out, compared, look);
    for (lead, list) in
        [("only in the replay", &compared.only_replay), ("only in the recording", &compared.only_recording)]
    {
        if !list.is_empty() {
            let _ = writeln!(out, "\n{lead}: {}", list.len());
            for labels in list.iter().take(MOST) {
                let _ = writeln!(out, "  {}", fitting(&plain(&labels.as_metric()), 2, look));
            }
            more(&mut out, list.len());
        }
    }
    out
}

/// A text behind `indent` columns; shortened on a terminal, whole elsewhere.
fn fitting(text: &str, indent: usize, look: Look) -> String {
    if look.bounded { shortened(text, look.width - indent) } else { text.to_owned() }
}

fn more(out: &mut String, count: usize) {
    if count > MOST {
        let _ = writeln!(out, "  and {} more (--format json has all)", count - MOST);
    }
}

fn alerts(out: &mut String, compared: &Comparison, look: Look) {
    let differ = compared.alerts.iter().filter(|pair| !pair.same).count();
    let verdict = match (compared.alerts.len(), differ) {
        (0, _) if !compared.blind.is_empty() => "alerts: none, and the recording could not have had all".to_owned(),
        (0, _) => "alerts: none on either side".to_owned(),
        (_, 0) => "alerts: the same".to_owned(),
        (all, differ) => format!("alerts: {differ} of {all} differ"),
    };
    let style = if compared.same_alerts() { Style::new().green() } else { Style::new().red().bold() };
    let shown = if look.color { verdict.style(style).to_string() } else { verdict };
    let _ = writeln!(out, "\n{shown}");
    for reason in &compared.blind {
        out.push_str(&paragraph(
            "  blind   ",
            0,
            &plain(&reason.text.replacen("of this day", "of the recording", 1)),
            look.width,
        ));
    }
    let start = compared.day.start();
    for pair in &compared.alerts {
        let word = if pair.same { "same    " } else { "differs " };
        let _ = writeln!(out, "  {word}{}", fitting(&name(&pair.labels), 10, look));
        match (&pair.replay, &pair.recording) {
            (Some(life), Some(_)) if pair.same => {
                out.push_str(&paragraph("          ", 0, &tell(life, start), look.width));
            }
            (replay, recording) => {
                for (side, life) in [("replay", replay), ("recording", recording)] {
                    let told = life.as_ref().map_or_else(|| "not active".to_owned(), |life| tell(life, start));
                    out.push_str(&paragraph(&format!("          {side:9}  "), 0, &told, look.width));
                }
                if let (Some(replay), Some(recording)) = (replay, recording) {
                    let told = apart(replay, recording);
                    out.push_str(&paragraph("          recording  ", 0, &told, look.width));
                }
            }
        }
    }
}

/// `ApiErrors{job="api"}`.
fn name(labels: &Labels) -> String {
    let rest = labels.filter(|name| name != "alertname" && name != "__name__");
    let own = if rest.is_empty() { String::new() } else { rest.to_string() };
    plain(&format!("{}{own}", labels.get("alertname")))
}

/// How much later the recording's times are.
fn apart(replay: &Life, recording: &Life) -> String {
    let times = [
        ("active", Some(replay.active), Some(recording.active)),
        ("firing", replay.fired, recording.fired),
        ("over", replay.ended, recording.ended),
    ];
    let told = times.into_iter().filter_map(|(what, replay, recording)| {
        let later = recording? - replay?;
        Some(match later.0 {
            0 => format!("{what} at the same time"),
            1.. => format!("{what} {later} later"),
            _ => format!("{what} {} earlier", Duration(-later.0)),
        })
    });
    told.collect::<Vec<_>>().join(", ")
}

fn series(out: &mut String, compared: &Comparison, look: Look) {
    let different: Vec<&Distance> = compared.series.iter().filter(|distance| !distance.is_none()).collect();
    let all = compared.series.len();
    let _ = match different.len() {
        0 => writeln!(out, "\nseries: all {all} that both have are equal"),
        count => writeln!(out, "\nseries: {count} of {all} that both have differ"),
    };
    let start = compared.day.start();
    for distance in different.iter().take(MOST) {
        let _ = writeln!(out, "  {}", fitting(&plain(&distance.labels.as_metric()), 2, look));
        out.push_str(&paragraph("    ", 0, &far(distance, start), look.width));
    }
    more(out, different.len());
}

/// `at most 5 (12 %) apart, 1.2 (3 %) on average; worst at 15:32:00: 40, in the recording 45`.
fn far(distance: &Distance, start: Timestamp) -> String {
    let percent = |part: f64| format!("{} %", format_g(part * 100.0, 3));
    let figure = |value: f64| format_g(value, 6);
    let mut parts = Vec::new();
    if distance.max > 0.0 {
        let counted = if distance.counter { "counted " } else { "" };
        parts.push(format!(
            "{counted}at most {} ({}) apart, on average {} ({})",
            figure(distance.max),
            percent(distance.max_relative),
            figure(distance.mean),
            percent(distance.mean_relative)
        ));
    }
    if let Some((time, replay, recording)) = distance.worst {
        let (time, replay, recording) = (clock(time, start), figure(replay), figure(recording));
        parts.push(format!("most at {time}: {replay} in the replay, {recording} in the recording"));
    }
    let equal = distance.compared - distance.unlike;
    if distance.max == 0.0 && equal > 0 {
        parts.push(format!("equal at {equal} times"));
    }
    for (count, what) in [
        (distance.unlike, "at which one is NaN or infinite"),
        (distance.only_replay, "that only the replay has"),
        (distance.only_recording, "that only the recording has"),
    ] {
        if count > 0 {
            parts.push(format!("{} {what}", plural(count, "sample")));
        }
    }
    parts.join("; ")
}

/// The comparison for machines, pretty-printed.
pub fn to_json(compared: &Comparison) -> serde_json::Result<String> {
    let recording = &compared.recording;
    let list = |labels: &[Labels]| labels.iter().map(|labels| Value::Object(labels_object(labels))).collect::<Value>();
    let value = json!({
        "firedrill": "compare/1",
        "drill": compared.drill,
        "same_alerts": compared.same_alerts(),
        "within_seconds": compared.within.seconds(),
        "recording": {
            "file": recording.name,
            "series": recording.series,
            "samples": recording.samples,
            "from": recording.from.to_string(),
            "to": recording.to.to_string(),
            "written_by_rules": recording.written_by_rules,
        },
        "alerts": compared.alerts.iter().map(alert).collect::<serde_json::Result<Vec<_>>>()?,
        "series": compared.series.iter().map(distance).collect::<Value>(),
        "only_replay": list(&compared.only_replay),
        "only_recording": list(&compared.only_recording),
        "blind": compared.blind.iter().map(|reason| reason.text.as_str()).collect::<Value>(),
    });
    Ok(serde_json::to_string_pretty(&value)? + "\n")
}

fn alert(pair: &AlertPair) -> serde_json::Result<Value> {
    let times = |life: &Option<Life>| -> serde_json::Result<Value> {
        life.as_ref().map_or(Ok(Value::Null), |found| serde_json::to_value(life_out(found)))
    };
    let later = |of: fn(&Life) -> Option<Timestamp>| {
        let (replay, recording) = (pair.replay.as_ref().and_then(of)?, pair.recording.as_ref().and_then(of)?);
        Some((recording - replay).seconds())
    };
    Ok(json!({
        "labels": labels_object(&pair.labels),
        "same": pair.same,
        "replay": times(&pair.replay)?,
        "recording": times(&pair.recording)?,
        "later_seconds": {
            "active": later(|life| Some(life.active)),
            "fired": later(|life| life.fired),
            "ended": later(|life| life.ended),
        },
    }))
}

fn distance(distance: &Distance) -> Value {
    let worst = distance
        .worst
        .map(|(time, replay, recording)| json!({"at": time.to_string(), "replay": replay, "recording": recording}));
    json!({
        "labels": labels_object(&distance.labels),
        "counter": distance.counter,
        "compared": distance.compared,
        "only_replay": distance.only_replay,
        "only_recording": distance.only_recording,
        "unlike": distance.unlike,
        "max_difference": distance.max,
        "mean_difference": distance.mean,
        "max_relative_difference": distance.max_relative,
        "mean_relative_difference": distance.mean_relative,
        "worst": worst,
    })
}
