//! A replay for people: its timeline, what stands at a time, the day in plain words.

use std::collections::BTreeMap;
use std::fmt::Write;

use owo_colors::{OwoColorize, Style};

use super::chart::{self, Layout};
use super::day_logs::{self, Volumes};
use super::human::{self, Look};
use super::words::{paragraph, plain, shortened, wrapped};
use crate::drill::verdict::Life;
use crate::drill::{self, Incident, Playback, explain, footing};
use crate::evidence::{AlertState, Row, Timeline, distinguishing};
use crate::histogram::Sample;
use crate::labels::{Labels, Matcher};
use crate::number;
use crate::replay::{Event, Figure, GapKind, SeriesProvenance, Target, TimeSpan};
use crate::rules::{AlertTrack, Rule, RuleError, RuleKind, RuleRef};
use crate::text::Located;
use crate::time::{Duration, Timestamp};

/// The most lives of one rule that are told.
const LIVES: usize = 8;

/// The whole day: spans, then each alert that did something under the values of its conditions, then how many log lines there
/// were when, then who was silent.
pub fn timeline(incident: &Incident, playback: &Playback, look: Look) -> String {
    let day = &playback.day;
    let mut out = format!(
        "{}  {}\n{} to {}, rules every {}\n",
        plain(&incident.drill_name(day)),
        plain(&day.title),
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
    let span_times: Vec<String> = spans
        .iter()
        .map(|span| format!("{} to {}", to_the_second(span.from, day.start()), to_the_second(span.to, day.start())))
        .collect();
    let volumes = playback.logs().map(|logs| Volumes::new(logs, &ticks)).unwrap_or_default();
    let rules = charts.iter().map(|(_, chart, _)| (chart, &[][..]));
    let others = [(&span_chart, &span_times[..]), (&volumes.timeline, &volumes.notes[..])];
    let layout = Layout::of(rules.chain(others), look);
    if !span_chart.rows.is_empty() {
        out.push('\n');
        out.push_str(&chart::draw(&span_chart, &span_times, layout));
    }
    for (at, chart, lives) in &charts {
        out.push('\n');
        out.push_str(&chart::draw(chart, &[], layout));
        tell_lives(&mut out, playback.rule(*at), lives, day.start(), look);
    }
    let drawn = volumes.draw(layout);
    if !drawn.is_empty() {
        out.push('\n');
        out.push_str(&drawn);
    }
    out.push('\n');
    for (word, names) in [("silent", &silent), ("blind", &blind)] {
        let listed: Vec<String> = names
            .iter()
            .enumerate()
            .map(|(at, name)| format!("{}{}", plain(name), if at + 1 < names.len() { "," } else { "" }))
            .collect();
        out.push_str(&wrapped(&format!("{word}: "), 0, listed.iter().map(String::as_str), look.width));
    }
    if !playback.run.errors.is_empty() {
        let failed = human::plural(playback.run.errors.len(), "evaluation");
        let _ = writeln!(out, "{failed} failed; `firedrill test` says which");
    }
    let _ = writeln!(out, ". inactive  ~ pending  # firing");
    out
}

/// What became of the instances of a rule, where the rule stands, and the labels that all instances share.
fn tell_lives(out: &mut String, rule: &Rule, lives: &[Life], start: Timestamp, look: Look) {
    let all: Vec<&Labels> = lives.iter().map(|life| &life.labels).collect();
    for life in lives.iter().take(LIVES) {
        let own = plain(&distinguishing(&life.labels, &all));
        let line = format!("  {}  {own}", explain::tell(life, start));
        let _ = writeln!(out, "{}", shortened(line.trim_end(), look.width));
    }
    if lives.len() > LIVES {
        let _ = writeln!(out, "  and {} more", lives.len() - LIVES);
    }
    let _ = writeln!(out, "  {}  {}", place(&rule.name), held_for(&rule.kind));
    if let Some(life) = lives.first() {
        let shared =
            |name: &str| name != "alertname" && all.iter().all(|other| other.get(name) == life.labels.get(name));
        out.push_str(&labels_line("  labels  ", &life.labels.filter(shared), look));
    }
}

/// `labels  job=vmsingle instance=...`, wrapped.
fn labels_line(lead: &str, labels: &Labels, look: Look) -> String {
    let pairs: Vec<String> = labels.iter().map(|(name, value)| plain(&format!("{name}={value}"))).collect();
    wrapped(lead, 0, pairs.iter().map(String::as_str), look.width)
}

/// A time behind a row, where fractions of a second only take room.
fn to_the_second(time: Timestamp, start: Timestamp) -> String {
    explain::clock(Timestamp(time.0.div_euclid(1000) * 1000), start)
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
    format!("{}:{}", plain(text.source.name()), text.source.place(text.span.start).line)
}

/// What is firing and pending at a time, as an on-call script that asks the alerting server would print it, and of each stream the
/// `lines` nearest to it.
pub fn at(playback: &Playback, at: Timestamp, lines: usize, look: Look) -> String {
    let mut standing: Vec<(&AlertTrack, AlertState)> = playback
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
    standing.sort_by_key(|(track, state)| (std::cmp::Reverse(*state), track.rule, track.labels.clone()));
    for (track, state) in standing {
        out.push('\n');
        one(&mut out, playback, track, state, at, look);
    }
    failures(&mut out, playback, at, look);
    if let Ok(logs) = playback.logs() {
        out.push_str(&day_logs::around(logs, at, lines, playback.day.start(), look));
    }
    out
}

fn one(out: &mut String, playback: &Playback, track: &AlertTrack, state: AlertState, at: Timestamp, look: Look) {
    let rule = playback.rule(track.rule);
    let start = playback.day.start();
    let style = if state == AlertState::Firing { Style::new().red().bold() } else { Style::new().yellow() };
    let name = plain(&rule.name.value);
    let word = if state == AlertState::Firing { "firing" } else { "pending" };
    let severity = plain(track.labels.get("severity"));
    let gap = if severity.is_empty() { "" } else { "  " };
    let stood = at - track.active_at;
    let mut told = match (track.fired_at, &rule.kind) {
        (Some(fired), _) if state == AlertState::Firing && fired != track.active_at => {
            format!(
                " since {}, active since {} ({stood})",
                explain::clock(fired, start),
                explain::clock(track.active_at, start)
            )
        }
        (_, RuleKind::Alert { for_, .. }) if state == AlertState::Pending => format!(
            " since {} ({stood}), fires at {} if it goes on",
            explain::clock(track.active_at, start),
            explain::clock(track.active_at + *for_, start)
        ),
        _ => format!(" since {} ({stood})", explain::clock(track.active_at, start)),
    };
    if let Some(sighting) = track.sighting(at) {
        let value = match &sighting.value {
            Sample::Float(value) => number::format_g(*value, 4),
            Sample::Histogram(histogram) => histogram.to_string(),
        };
        let _ = write!(told, ", value {value}");
    }
    let told = format!("{name}{gap}{severity}  {word}{told}");
    let headline = wrapped("  ", 2, told.split_inclusive(", ").map(str::trim_end), look.width);
    match look.color {
        true => out.push_str(&headline.replacen(&name, &name.style(style).to_string(), 1)),
        false => out.push_str(&headline),
    }
    let shown = track.labels.filter(|label| label != "alertname" && label != "severity");
    out.push_str(&labels_line("    ", &shown, look));
    out.push_str(&paragraph("    expr  ", 0, &rule.expr.value, look.width));
    let _ = writeln!(out, "    {}  {}", held_for(&rule.kind), place(&rule.name));
    let mut annotations = playback.annotations(track, at);
    annotations.retain(|(_, text)| !text.is_empty());
    let rank = |name: &str| ["summary", "description", "message"].iter().position(|first| *first == name).unwrap_or(3);
    annotations.sort_by_key(|(name, _)| rank(name));
    for (name, text) in &annotations {
        let lead =
            if rank(name) < 3 { "    ".to_owned() } else { format!("    {}  ", plain(name.trim_end_matches("_url"))) };
        out.push_str(&paragraph(&lead, 0, text, look.width));
    }
}

/// Rules whose last evaluation at or before a time failed: what they would have said is not known.
fn failures(out: &mut String, playback: &Playback, at: Timestamp, look: Look) {
    let start = playback.day.start();
    let last: BTreeMap<RuleRef, &RuleError> =
        playback.run.errors.iter().filter(|error| error.tick <= at).map(|error| (error.rule, error)).collect();
    // A rule that has been evaluated again since has recovered.
    let failed = last.iter().filter(|(rule, error)| {
        let ticks = playback.steps(**rule).0;
        ticks.iter().rfind(|step| step.frontier.at <= at).is_some_and(|step| step.frontier.at <= error.tick)
    });
    for (rule, error) in failed {
        let rule = playback.rule(*rule);
        let text = format!("{} failed at {}: {}", rule.name.value, explain::clock(error.tick, start), error.error);
        out.push('\n');
        out.push_str(&paragraph(&format!("  {}  ", place(&rule.name)), 0, &text, look.width));
    }
}

/// The day in plain words: when what was going on, what is counted from what, what is missing, and where figures come from.
pub fn explain(incident: &Incident, playback: &Playback, look: Look) -> String {
    let day = &playback.day;
    let start = day.start();
    let mut out =
        format!("{}  {}\n{} to {}\n", plain(&incident.drill_name(day)), plain(&day.title), day.start(), day.end());
    let heading = |out: &mut String, text: &str| {
        let text = if look.color { text.bold().to_string() } else { text.to_owned() };
        let _ = writeln!(out, "\n{text}");
    };
    if !day.spans.is_empty() {
        heading(&mut out, "Spans");
    }
    for span in &day.spans {
        let name = plain(&span.name);
        let _ = match span.left_out {
            true => writeln!(out, "  {name}: left out in this variant"),
            false => writeln!(out, "  {name}: {} ({})", from_to(span.from, span.to, start), span.to - span.from),
        };
        span.figure.iter().for_each(|figure| tell_figure(&mut out, "", figure, look));
    }
    heading(&mut out, "Targets");
    for target in &day.targets {
        let first = match target.phase {
            Duration::ZERO => "from the start on".to_owned(),
            phase => format!("the first time {phase} after the start"),
        };
        let _ = writeln!(out, "  {}: scraped every {}, {first}", plain(&target.name), target.scrape);
        out.push_str(&labels_line("    ", &target.labels, look));
    }
    if !day.events.is_empty() {
        heading(&mut out, "Events");
    }
    day.events.iter().for_each(|event| tell_event(&mut out, event, start));
    heading(&mut out, "Series");
    for series in playback.generated.provenance.iter().filter(|series| !series.implied) {
        tell_series(&mut out, playback, series, look);
    }
    if !day.gaps.is_empty() {
        heading(&mut out, "Gaps");
    }
    for gap in &day.gaps {
        let what = match &gap.kind {
            GapKind::Down => "cannot be scraped, so `up` is 0",
            GapKind::Vanished => "is no longer discovered, so its series end",
            GapKind::Absent => "is up, but does not expose its series",
            GapKind::Late => "is scraped in time, but its samples arrive only at the end",
            GapKind::Restart(_) => "restarts, and its counters begin at 0",
        };
        let target = day.targets.get(gap.target).map_or("", |target| target.name.as_str());
        let only = match gap.matchers.is_empty() {
            true => String::new(),
            false => format!(" (only some series: {})", listed(&gap.matchers)),
        };
        let told = format!("{target} {what}: {}{only}", from_to(gap.from, gap.to, start));
        out.push_str(&paragraph("  ", 2, &told, look.width));
        let own = gap.figures.iter().filter(|figure| figure.what == "gaps");
        own.for_each(|figure| tell_figure(&mut out, "", figure, look));
    }
    heading(&mut out, "Alerts");
    for (_, rule) in playback.alert_rules() {
        let rests = footing::of_exprs(playback, rule.expression());
        let told = if rests.is_empty() { "rests on no series of this day" } else { "rests on" };
        let _ = writeln!(out, "  {}: {told}", plain(&rule.name.value));
        out.push_str(&human::named_rests("    ", &rests, look.width));
    }
    let read = footing::of_exprs(playback, playback.alert_rules().filter_map(|(_, rule)| rule.promql()));
    let all = human::series(footing::of_all(&playback.generated, &read));
    let _ = writeln!(out, "\n{all}; {} samples", human::grouped(playback.generated.samples));
    out
}

fn from_to(from: Timestamp, to: Timestamp, start: Timestamp) -> String {
    format!("{} to {}", explain::clock(from, start), explain::clock(to, start))
}

fn listed(matchers: &[Matcher]) -> String {
    matchers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// A series by its own labels and its target, and what it rests on.
fn tell_series(out: &mut String, playback: &Playback, series: &SeriesProvenance, look: Look) {
    // The target with the most labels among those that the series carries all labels of.
    let carries = |target: &&Target| target.labels.iter().all(|(name, value)| series.labels.get(name) == value);
    let target = playback.day.targets.iter().filter(carries).max_by_key(|target| target.labels.iter().count());
    let own = series.labels.filter(|name| target.is_none_or(|target| target.labels.get(name).is_empty()));
    let of = target.map_or_else(String::new, |target| format!(", target {}", target.name));
    let told = format!("{}{of}: {}", own.as_metric(), series.kind.as_str());
    out.push_str(&paragraph("  ", 2, &told, look.width));
    for figure in &series.figures {
        // The series is named in the line above.
        let of_series =
            figure.what.strip_prefix("metrics.").map(|rest| rest.rsplit_once('}').map_or("", |(_, part)| part));
        let what = of_series.map_or(figure.what.as_str(), |part| part.trim_start_matches('.'));
        tell_figure(out, what, figure, look);
    }
}

fn tell_figure(out: &mut String, what: &str, figure: &Figure, look: Look) {
    let what = if what.is_empty() { String::new() } else { format!("{what}, ") };
    let told = format!("{what}{}: {}", figure.kind.as_str(), figure.text);
    out.push_str(&paragraph("    ", 2, &told, look.width));
}

fn tell_event(out: &mut String, event: &Event, start: Timestamp) {
    for (mark, times) in &event.marks {
        let name = if mark.is_empty() { event.name.clone() } else { format!("{}.{mark}", event.name) };
        let name = plain(&name);
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
