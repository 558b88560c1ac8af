//! What happened on a day, as rows of a table and as a chart.

use std::collections::BTreeMap;
use std::path::Path;

use crate::drill::explain::clock;
use crate::drill::verdict::Life;
use crate::drill::{Incident, Playback};
use crate::time::Timestamp;

use super::{ReplayFacts, RowFacts, way};

/// The most rows of a table, and the most bars that one alert has in a chart.
const ROWS: usize = 40;
const BARS: usize = 6;

/// A day, told.
pub fn of_day(incident: &Incident, playback: &Playback, page_folder: &Path) -> ReplayFacts {
    let day = &playback.day;
    let lives: Vec<Life> = playback.lives().map(|(_, life)| life).collect();
    let mut rows = rows(playback, &lives);
    let more = rows.len().saturating_sub(ROWS);
    rows.truncate(ROWS);
    let date = day.start().calendar().map(|time| time.format("%Y-%m-%d").to_string()).unwrap_or_default();
    ReplayFacts {
        name: incident.name.clone(),
        replay: incident.drill_name(day),
        title: day.title.clone(),
        file: way(page_folder, Path::new(day.source.name())),
        date,
        rows,
        more,
        chart: chart(playback, &lives),
    }
}

fn rows(playback: &Playback, lives: &[Life]) -> Vec<RowFacts> {
    let day = &playback.day;
    let (start, end) = (day.start(), day.end());
    // At one time, what happened stands before what rules make of it.
    let mut told: Vec<(Timestamp, u8, String, String)> = Vec::new();
    for span in day.spans.iter().filter(|span| !span.left_out) {
        let footing = span.figure.as_ref().map_or("assumed", |figure| figure.kind.as_str()).to_owned();
        if span.from > start {
            told.push((span.from, 0, format!("`{}` begins", span.name), footing.clone()));
        }
        if span.to < end {
            told.push((span.to, 0, format!("`{}` ends", span.name), footing));
        }
    }
    // Instances that do the same at one time share a row.
    let mut events: BTreeMap<(Timestamp, u8, &str), Vec<&Life>> = BTreeMap::new();
    for life in lives.iter().filter(|life| life.fired.is_some()) {
        let name = life.labels.get("alertname");
        let times = [(Some(life.active), 1), (life.fired, 2), (life.ended, 3)];
        for (at, rank) in times.into_iter().filter_map(|(at, rank)| Some((at?, rank))) {
            // What fires at once need not be said to become active.
            if rank > 1 || life.fired != Some(at) {
                events.entry((at, rank, name)).or_default().push(life);
            }
        }
    }
    let series = Series::of(playback);
    for ((at, rank, name), lives) in events {
        let what = match rank {
            1 => "becomes active",
            2 => "fires",
            _ => "is resolved",
        };
        told.push((at, rank, format!("{} {what}", instances(name, &lives, &series)), String::new()));
    }
    told.sort();
    told.into_iter().map(|(at, _, what, footing)| RowFacts { at: clock(at, start), what, footing }).collect()
}

fn instances(name: &str, lives: &[&Life], series: &Series) -> String {
    match lives {
        [life] => format!("`{}`", series.named(life)),
        several => format!("`{name}` ({} series)", several.len()),
    }
}

/// How instances of alerts are told: by labels that say more than which target it was.
pub struct Series<'p> {
    playback: &'p Playback,
}

impl<'p> Series<'p> {
    pub fn of(playback: &'p Playback) -> Series<'p> {
        Series { playback }
    }

    /// `ApiErrors{path="/write"}`: labels of a target only where instances differ in them.
    pub fn named(&self, life: &Life) -> String {
        let alert = life.labels.get("alertname");
        let of_target = |name: &str| self.playback.day.targets.iter().any(|target| !target.labels.get(name).is_empty());
        let others =
            || self.playback.lives().map(|(_, life)| life.labels).filter(|labels| labels.get("alertname") == alert);
        let differs = |name: &str| others().any(|other| other.get(name) != life.labels.get(name));
        let own =
            life.labels.filter(|name| !matches!(name, "alertname" | "severity") && (!of_target(name) || differs(name)));
        format!("{alert}{}", if own.is_empty() { String::new() } else { own.as_metric() })
    }
}

/// A chart of mermaid: a bar for each span, and for each alert what it was.
fn chart(playback: &Playback, lives: &[Life]) -> String {
    let day = &playback.day;
    let time = |at: Timestamp| {
        let at = at.max(day.start()).min(day.end());
        at.calendar().map(|time| time.format("%Y-%m-%d %H:%M:%S").to_string()).unwrap_or_default()
    };
    let mut text = "gantt\n    dateFormat YYYY-MM-DD HH:mm:ss\n    axisFormat %H:%M\n".to_owned();
    let spans: Vec<_> = day.spans.iter().filter(|span| !span.left_out && span.from < span.to).collect();
    if !spans.is_empty() {
        text += "    section what happened\n";
    }
    for span in spans {
        text += &format!("    {} :{}, {}\n", plain(&span.name), time(span.from), time(span.to));
    }
    let mut by_alert: BTreeMap<&str, Vec<&Life>> = BTreeMap::new();
    for life in lives.iter().filter(|life| life.fired.is_some()) {
        by_alert.entry(life.labels.get("alertname")).or_default().push(life);
    }
    for (alert, lives) in by_alert {
        text += &format!("    section {}\n", plain(alert));
        for life in lives.into_iter().take(BARS) {
            let Some(fired) = life.fired else { continue };
            if life.active < fired {
                text += &format!("    pending :active, {}, {}\n", time(life.active), time(fired));
            }
            text += &format!("    firing :crit, {}, {}\n", time(fired), time(life.ended.unwrap_or(day.end())));
        }
    }
    text
}

/// A name without what mermaid reads as notation.
fn plain(name: &str) -> String {
    name.chars().map(|c| if matches!(c, ':' | ';' | '#' | ',') { ' ' } else { c }).collect()
}
