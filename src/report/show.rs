//! A replay for people: its timeline, what stands at a time, the day in plain words.

use std::fmt::Write;

use owo_colors::{OwoColorize, Style};

use super::chart::{self, Layout};
use super::human::{self, Look};
use crate::drill::timeline::{AlertState, Row, Timeline};
use crate::drill::verdict::Life;
use crate::drill::{self, Incident, Playback, explain};
use crate::labels::Labels;
use crate::number;
use crate::replay::{Event, GapKind, TimeSpan};
use crate::rules::{AlertTrack, Rule, RuleKind};
use crate::text::Located;
use crate::time::{Duration, Timestamp};

/// The most lives of one rule that are told.
const LIVES: usize = 8;

/// The whole day: spans, then each alert that did something under the values of its conditions, then who was silent.
pub fn timeline(incident: &Incident, playback: &Playback, look: Look) -> String {
    let day = &playback.day;
    let mut out = format!(
        "{}  {}\n{} to {}, rules every {}\n",
        incident.drill_name(day),
        day.title,
        day.start(),
        day.end(),
        day.interval
    );
    let spans: Vec<&TimeSpan> = day.spans.iter().filter(|span| !span.left_out).collect();
    let mut silent = Vec::new();
    let mut blind = Vec::new();
    let mut charts = Vec::new();
    for (at, rule) in playback.alert_rules() {
        let lives: Vec<_> = playback.lives().filter(|(of, _)| *of == at).map(|(_, life)| life).collect();
        if !lives.is_empty() {
            charts.push((at, explain::chart(playback, at, &[], &lives), lives));
        } else if drill::blindness(playback, at, &[]).is_some() {
            blind.push(rule.name.value.as_str());
        } else {
            silent.push(rule.name.value.as_str());
        }
    }
    let ticks = charts.first().map_or_else(|| every_tick(playback), |(_, chart, _)| chart.ticks.clone());
    let span_rows = spans.iter().map(|span| {
        let inside = |tick: &Timestamp| if span.contains(*tick) { AlertState::Firing } else { AlertState::Inactive };
        Row::States { label: span.name.clone(), states: ticks.iter().map(inside).collect() }
    });
    let span_chart = Timeline { rows: span_rows.collect(), ticks: ticks.clone() };
    let layout = Layout::of(charts.iter().map(|(_, chart, _)| chart).chain([&span_chart]), look);
    if !span_chart.rows.is_empty() {
        out.push('\n');
        out.push_str(&chart::draw(&span_chart, layout));
    }
    for (at, chart, lives) in &charts {
        out.push('\n');
        out.push_str(&chart::draw(chart, layout));
        tell_lives(&mut out, playback.rule(*at), lives, day.start());
    }
    out.push('\n');
    for (word, names) in [("silent", &silent), ("blind", &blind)] {
        if !names.is_empty() {
            let _ = writeln!(out, "{word}: {}", names.join(", "));
        }
    }
    if !playback.run.errors.is_empty() {
        let failed = human::plural(playback.run.errors.len(), "evaluation");
        let _ = writeln!(out, "{failed} failed; `firedrill test` says which");
    }
    let _ = writeln!(out, ". inactive  ~ pending  # firing");
    out
}

/// What became of the instances of a rule; labels that all of them have stand once, behind the rule's place.
fn tell_lives(out: &mut String, rule: &Rule, lives: &[Life], start: Timestamp) {
    let all: Vec<&Labels> = lives.iter().map(|life| &life.labels).collect();
    for life in lives.iter().take(LIVES) {
        let line = format!("  {}  {}", explain::tell(life, start), explain::distinguishing(&life.labels, &all));
        let _ = writeln!(out, "{}", line.trim_end());
    }
    if lives.len() > LIVES {
        let _ = writeln!(out, "  and {} more", lives.len() - LIVES);
    }
    let shared = lives.first().map(|life| {
        life.labels
            .filter(|name| name != "alertname" && all.iter().all(|other| other.get(name) == life.labels.get(name)))
    });
    let labels: Vec<String> =
        shared.iter().flat_map(Labels::iter).map(|(name, value)| format!("{name}={value}")).collect();
    let _ = writeln!(out, "  {}  {}  {}", place(&rule.name), held_for(&rule.kind), labels.join(" "));
}

fn held_for(kind: &RuleKind) -> String {
    match kind {
        RuleKind::Alert { for_, .. } if *for_ > Duration::ZERO => format!("for: {for_}"),
        _ => "fires at once".to_owned(),
    }
}

fn every_tick(playback: &Playback) -> Vec<Timestamp> {
    let (start, end, interval) = (playback.day.start(), playback.day.end(), playback.day.interval);
    (0..=(end - start).0 / interval.0.max(1)).map(|k| start + Duration(k * interval.0)).collect()
}

fn place(text: &Located) -> String {
    format!("{}:{}", text.source.name(), text.source.place(text.span.start).line)
}

/// What is firing and pending at a time, as an on-call script that asks the alerting server would print it.
pub fn at(playback: &Playback, at: Timestamp, look: Look) -> String {
    let standing: Vec<(&AlertTrack, AlertState)> = playback
        .run
        .alerts
        .iter()
        .map(|track| (track, Playback::life(track).state(at)))
        .filter(|(_, state)| *state != AlertState::Inactive)
        .collect();
    let count = |state| standing.iter().filter(|(_, other)| *other == state).count();
    let mut out = format!(
        "{}  {} firing, {} pending\n",
        at.to_string().replace('T', " ").trim_end_matches('Z'),
        count(AlertState::Firing),
        count(AlertState::Pending)
    );
    let mut standing = standing;
    standing.sort_by_key(|(track, state)| (std::cmp::Reverse(*state), track.rule, track.labels.clone()));
    for (track, state) in standing {
        one(&mut out, playback, track, state, at, look);
    }
    out
}

fn one(out: &mut String, playback: &Playback, track: &AlertTrack, state: AlertState, at: Timestamp, look: Look) {
    let rule = playback.rule(track.rule);
    let start = playback.day.start();
    let severity = track.labels.get("severity");
    let value = track
        .sighting(at)
        .map_or_else(String::new, |sighting| format!(", value {}", number::format_g(sighting.value, 4)));
    let since = format!("active since {} ({})", explain::clock(track.active_at, start), at - track.active_at);
    let then = match (state, track.fired_at, &rule.kind) {
        (AlertState::Firing, Some(fired), _) => format!(", firing since {}", explain::clock(fired, start)),
        (_, _, RuleKind::Alert { for_, .. }) => {
            format!(", `for` ends at {}", explain::clock(track.active_at + *for_, start))
        }
        _ => String::new(),
    };
    let name = &rule.name.value;
    let style = if state == AlertState::Firing { Style::new().red().bold() } else { Style::new().yellow() };
    let name = if look.color { name.style(style).to_string() } else { name.clone() };
    let word = if state == AlertState::Firing { "" } else { "  pending" };
    let _ = writeln!(out, "  {name}{word}  {severity}  {since}{then}{value}");
    let hidden = |label: &str| label == "alertname" || label == "severity";
    let labels: Vec<String> = track
        .labels
        .iter()
        .filter(|(label, _)| !hidden(label))
        .map(|(label, value)| format!("{label}={value}"))
        .collect();
    let _ = writeln!(out, "    {}    {}", labels.join(" "), place(&rule.name));
    for (annotation, text) in playback.annotations(track, at) {
        let text = text.trim_end().replace('\n', "\n      ");
        match annotation.as_str() {
            "summary" | "description" | "message" => drop(writeln!(out, "    {text}")),
            _ => drop(writeln!(out, "    {}  {text}", annotation.trim_end_matches("_url"))),
        }
    }
}

/// The day in plain words: when what was going on, what is counted from what, what is missing, and where figures come from.
pub fn explain(incident: &Incident, playback: &Playback, look: Look) -> String {
    let day = &playback.day;
    let start = day.start();
    let mut out = format!("{}  {}\n{} to {}\n", incident.drill_name(day), day.title, start, day.end());
    let heading = |out: &mut String, text: &str| {
        let text = if look.color { text.bold().to_string() } else { text.to_owned() };
        let _ = writeln!(out, "\n{text}");
    };
    if !day.spans.is_empty() {
        heading(&mut out, "Spans");
    }
    for span in &day.spans {
        let from_to = match span.left_out {
            true => "left out in this variant".to_owned(),
            false => format!(
                "from {} to {}, {}",
                explain::clock(span.from, start),
                explain::clock(span.to, start),
                span.to - span.from
            ),
        };
        let _ = writeln!(out, "  {}: {from_to}", span.name);
        if let Some(figure) = &span.figure {
            let _ = writeln!(out, "    {}: {}", figure.kind.as_str(), figure.text);
        }
    }
    heading(&mut out, "Scraped");
    for target in &day.targets {
        let _ = writeln!(
            out,
            "  {}: every {}, first {} after the start, {}",
            target.name, target.scrape, target.phase, target.labels
        );
    }
    if !day.events.is_empty() {
        heading(&mut out, "Events");
    }
    day.events.iter().for_each(|event| tell_event(&mut out, event, start));
    heading(&mut out, "Series");
    for series in &playback.generated.provenance {
        let _ = writeln!(out, "  {}  {}", series.labels.as_metric(), series.kind.as_str());
        for figure in &series.figures {
            let _ = writeln!(out, "    {}, {}: {}", figure.what, figure.kind.as_str(), figure.text);
        }
    }
    if !day.gaps.is_empty() {
        heading(&mut out, "Gaps");
    }
    for gap in &day.gaps {
        let what = match &gap.kind {
            GapKind::Down => "cannot be scraped: up is 0",
            GapKind::Vanished => "is no longer discovered",
            GapKind::Absent => "is up and does not expose its series",
            GapKind::Late => "is scraped in time, and its samples arrive at the end",
            GapKind::Restart(_) => "starts again, counters at 0",
        };
        let target = day.targets.get(gap.target).map_or("", |target| target.name.as_str());
        let _ = writeln!(
            out,
            "  {target} {what}, {} to {}",
            explain::clock(gap.from, start),
            explain::clock(gap.to, start)
        );
    }
    let footing = human::footing(crate::drill::footing(&playback.generated));
    let _ = writeln!(out, "\n{footing}; {} samples", human::grouped(playback.generated.samples));
    out
}

fn tell_event(out: &mut String, event: &Event, start: Timestamp) {
    for (mark, times) in &event.marks {
        let name = if mark.is_empty() { event.name.clone() } else { format!("{}.{mark}", event.name) };
        let _ = match (times.first(), times.last()) {
            (Some(first), Some(last)) if times.len() > 1 => writeln!(
                out,
                "  {name}: {} times, first {}, last {}",
                times.len(),
                explain::clock(*first, start),
                explain::clock(*last, start)
            ),
            (Some(once), _) => writeln!(out, "  {name}: once, at {}", explain::clock(*once, start)),
            _ => writeln!(out, "  {name}: never"),
        };
    }
}
