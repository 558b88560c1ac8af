//! Timelines drawn with characters: states of alerts as `.` `~` `#`, values as bars or digits.

use std::fmt::Write;

use owo_colors::{OwoColorize, Style};

use super::human::Look;
use crate::drill::timeline::{AlertState, Row, Timeline};
use crate::number;
use crate::time::{Duration, Timestamp};

/// Distances between the times on the axis, from which the first that leaves enough room is taken.
const AXIS: [i64; 17] = [
    1_000, 5_000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000, 900_000, 1_800_000, 3_600_000, 7_200_000,
    10_800_000, 21_600_000, 43_200_000, 86_400_000,
];

const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// How timelines are laid out: one layout for several puts their columns under each other.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    labels: usize,
    room: usize,
    color: bool,
}

impl Layout {
    /// Room for all rows of the timelines within `look.width`.
    pub fn of<'t>(timelines: impl Iterator<Item = &'t Timeline> + Clone, look: Look) -> Layout {
        let rows = || timelines.clone().flat_map(|timeline| &timeline.rows);
        let labels = rows().map(|row| row.label().chars().count()).max().unwrap_or(0).min(look.width / 2);
        // Two blanks on each side of the label, and room for the lowest and highest value behind the bars.
        let ranges = rows().map(range_width).max().unwrap_or(0);
        Layout { labels, room: look.width.saturating_sub(labels + 4 + ranges).max(20), color: look.color }
    }
}

/// Draws a timeline; neighbouring ticks share a column where they have to.
pub fn draw(timeline: &Timeline, layout: Layout) -> String {
    let Some((first, last)) = timeline.ticks.first().zip(timeline.ticks.last()) else { return String::new() };
    let Layout { labels, room, color } = layout;
    let per_column = timeline.ticks.len().div_ceil(room).max(1);
    let columns = timeline.ticks.len().div_ceil(per_column);
    let mut out = String::new();
    let axis = axis(&timeline.ticks, per_column, columns, *last - *first);
    let _ = writeln!(out, "  {:labels$}  {}", "", axis.trim_end());
    for row in &timeline.rows {
        let name = shortened(row.label(), labels);
        let cells = match row {
            Row::Values { values, .. } => bars(values, per_column),
            Row::States { states, .. } => cells(states, per_column, color),
        };
        let _ = writeln!(out, "  {name:labels$}  {}", cells.trim_end());
    }
    out
}

/// A label that is too long keeps its beginning and its end.
fn shortened(label: &str, width: usize) -> String {
    let count = label.chars().count();
    if count <= width || width < 8 {
        return label.chars().take(width).collect();
    }
    let head = width / 2;
    let tail = width - head - 2;
    label.chars().take(head).chain("..".chars()).chain(label.chars().skip(count - tail)).collect()
}

fn range_width(row: &Row) -> usize {
    match row {
        Row::Values { values, .. } => extent(values).map_or(0, |(low, high)| range(low, high).chars().count() + 2),
        Row::States { .. } => 0,
    }
}

/// The lowest and the highest value, unless all are 0 or 1 and drawn as digits.
fn extent(values: &[Option<f64>]) -> Option<(f64, f64)> {
    let known = || values.iter().flatten().copied().filter(|v| v.is_finite());
    let (low, high) = known().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
    let digits = known().all(|v| v == 0.0 || v == 1.0);
    (!digits).then_some((low, high))
}

/// The clock over the columns: each time starts at the column that holds it.
fn axis(ticks: &[Timestamp], per_column: usize, columns: usize, length: Duration) -> String {
    let per_label = length.0 / (columns as i64 / 10).max(1);
    let distance = AXIS.iter().copied().find(|d| *d >= per_label).unwrap_or(AXIS[AXIS.len() - 1]);
    let mut line = vec![' '; columns + 8];
    let mut free = 0;
    for column in 0..columns {
        let held = &ticks[column * per_column..((column + 1) * per_column).min(ticks.len())];
        let Some(mark) = held.iter().find(|tick| tick.0 % distance == 0) else { continue };
        let text = match mark.calendar() {
            Some(time) if distance < 60_000 => time.format("%H:%M:%S").to_string(),
            Some(time) if distance >= 86_400_000 => time.format("%m-%d").to_string(),
            Some(time) => time.format("%H:%M").to_string(),
            None => continue,
        };
        if column < free {
            continue;
        }
        for (at, character) in text.chars().enumerate() {
            line[column + at] = character;
        }
        free = column + text.len() + 1;
    }
    line.into_iter().collect()
}

/// Values that are all 0 or 1 stay digits; all others become bars between the lowest and the highest, which stand behind them.
fn bars(values: &[Option<f64>], per_column: usize) -> String {
    let extent = extent(values);
    let mut out: String = values
        .chunks(per_column)
        .map(|held| match (held.iter().rev().flatten().next(), extent) {
            (None, _) => ' ',
            (Some(value), _) if value.is_nan() => '?',
            (Some(value), None) => {
                if *value == 0.0 {
                    '0'
                } else {
                    '1'
                }
            }
            (Some(value), Some((low, high))) if high > low => {
                let level = ((value - low) / (high - low) * 7.0).round();
                BARS[(level as usize).min(7)]
            }
            (Some(_), Some(_)) => BARS[0],
        })
        .collect();
    if let Some((low, high)) = extent {
        let _ = write!(out, "  {}", range(low, high));
    }
    out
}

fn range(low: f64, high: f64) -> String {
    if low == high {
        number::format_g(low, 4)
    } else {
        format!("{} to {}", number::format_g(low, 4), number::format_g(high, 4))
    }
}

fn cells(states: &[AlertState], per_column: usize, color: bool) -> String {
    let mut out = String::new();
    for held in states.chunks(per_column) {
        let state = held.iter().copied().max().unwrap_or_default();
        let (cell, style) = match state {
            AlertState::Inactive => ('.', Style::new().dimmed()),
            AlertState::Pending => ('~', Style::new().yellow()),
            AlertState::Firing => ('#', Style::new().red()),
        };
        if color {
            let _ = write!(out, "{}", cell.style(style));
        } else {
            out.push(cell);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_and_digits_stand_under_their_times() {
        let ticks: Vec<Timestamp> = (0..12).map(|k| Timestamp(k * 60_000)).collect();
        let states = (0..12)
            .map(|k| match k {
                0..3 => AlertState::Inactive,
                3..8 => AlertState::Pending,
                _ => AlertState::Firing,
            })
            .collect();
        let values = (0..12).map(|k| if k == 5 { None } else { Some(f64::from(u8::from(k < 3))) }).collect();
        let timeline = Timeline {
            ticks,
            rows: vec![Row::Values { label: "up".into(), values }, Row::States { label: "Down".into(), states }],
        };
        assert_eq!(
            draw(&timeline, Layout::of([&timeline].into_iter(), Look { color: false, width: 60, bounded: true })),
            "        00:00\n".to_owned() + "  up    11100 000000\n" + "  Down  ...~~~~~####\n"
        );
    }
}
