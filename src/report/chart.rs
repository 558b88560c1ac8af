//! Timelines drawn with characters: states of alerts as `.` `~` `#`, values as bars or digits.

use std::fmt::Write;

use owo_colors::{OwoColorize, Style};

use super::human::Look;
use super::logs::Level;
use super::words::{plain, shortened};
use crate::evidence::{AlertState, Row, Timeline};
use crate::number;
use crate::template::humanize;
use crate::time::Timestamp;

const DAY: i64 = 86_400_000;

/// The fewest columns from one time on the axis to the next.
const MARK: i64 = 7;

/// Distances between the times on the axis, from which the first that leaves enough room is taken.
const AXIS: [i64; 20] = [
    1_000,
    5_000,
    10_000,
    15_000,
    30_000,
    60_000,
    120_000,
    300_000,
    600_000,
    900_000,
    1_800_000,
    3_600_000,
    7_200_000,
    10_800_000,
    21_600_000,
    43_200_000,
    DAY,
    2 * DAY,
    7 * DAY,
    28 * DAY,
];

const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The widest label; longer ones lose their middle.
const LABEL: usize = 32;

/// Fewer columns than this are no chart: then nothing stands behind the rows.
const FEWEST: usize = 24;

/// How timelines are laid out: one layout for several puts their columns under each other.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    labels: usize,
    room: usize,
    /// Whether there is room for notes behind the rows.
    notes: bool,
    width: usize,
    color: bool,
}

impl Layout {
    /// Room for all rows of the timelines and for their notes within `look.width`.
    pub fn of<'t>(timelines: impl IntoIterator<Item = (&'t Timeline, &'t [String])>, look: Look) -> Layout {
        let (mut labels, mut behind, mut ticks) = (0, 0, 0);
        for (timeline, notes) in timelines {
            ticks = ticks.max(timeline.ticks.len());
            for (at, line) in lines(timeline).iter().enumerate() {
                labels = labels.max(line.label.chars().count());
                behind = behind.max(note(line.row, notes.get(at)).chars().count());
            }
        }
        // Where each tick has a column anyway, labels may take the rest.
        let spare = look.width.saturating_sub(ticks + behind + 6);
        let labels = labels.min(LABEL.min(look.width / 3).max(spare));
        // Two blanks on each side of the label, and before a note.
        let free = look.width.saturating_sub(labels + 4);
        let noted = free.saturating_sub(behind + 2);
        let notes = behind > 0 && noted >= FEWEST;
        let room = if notes { noted } else { free };
        Layout { labels, room: room.max(1), notes, width: look.width, color: look.color }
    }
}

/// Draws a timeline; neighbouring ticks share a column where they have to. Behind the rows stand the notes, or the range
/// of their values.
pub fn draw(timeline: &Timeline, notes: &[String], layout: Layout) -> String {
    drawn(timeline, notes, layout, |_, row, per_column| match row {
        Row::Values { values, .. } => bars(values, per_column),
        Row::States { states, .. } => cells(states, per_column, layout.color),
    })
}

/// As `draw`, for values that are counts: those of a column add up, and it has the colour of its gravest level. `levels` are those
/// of the rows, one a tick.
pub fn draw_counts(timeline: &Timeline, notes: &[String], levels: &[Vec<Option<Level>>], layout: Layout) -> String {
    drawn(timeline, notes, layout, |at, row, per_column| match row {
        Row::Values { values, .. } => counts(values, levels.get(at).filter(|_| layout.color), per_column),
        Row::States { .. } => String::new(),
    })
}

/// A timeline whose rows look as `cells` says.
fn drawn(
    timeline: &Timeline,
    notes: &[String],
    layout: Layout,
    cells: impl Fn(usize, &Row, usize) -> String,
) -> String {
    let Layout { labels, room, .. } = layout;
    if timeline.ticks.is_empty() {
        return String::new();
    }
    let per_column = timeline.ticks.len().div_ceil(room).max(1);
    let mut out = String::new();
    let axis = axis(&timeline.ticks, per_column, room);
    let _ = writeln!(out, "  {:labels$}  {axis}", "");
    for (at, line) in lines(timeline).iter().enumerate() {
        if let Some(heading) = &line.heading {
            let _ = writeln!(out, "  {}", shortened(heading, layout.width.saturating_sub(2)));
        }
        let name = shortened(&line.label, labels);
        let cells = cells(at, line.row, per_column);
        let note = if layout.notes { note(line.row, notes.get(at)) } else { String::new() };
        let _ = writeln!(out, "{}", format!("  {name:labels$}  {cells}  {note}").trim_end());
    }
    out
}

/// Draws a timeline that stands alone.
pub fn draw_alone(timeline: &Timeline, look: Look) -> String {
    draw(timeline, &[], Layout::of([(timeline, &[][..])], look))
}

/// A row with its label; rows that differ only in their labels stand under what they have in common.
pub struct Line<'t> {
    pub heading: Option<String>,
    pub label: String,
    pub row: &'t Row,
}

/// The rows of a timeline.
pub fn lines(timeline: &Timeline) -> Vec<Line<'_>> {
    let rows = &timeline.rows;
    let stem = |at: usize| rows.get(at).and_then(|row| stem(row.label()));
    let mut above = None;
    let mut out = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        let line = match stem(at).filter(|own| above == Some(*own) || stem(at + 1) == Some(*own)) {
            Some(common) => {
                let heading = (above != Some(common)).then(|| plain(common.trim_end()));
                above = Some(common);
                Line { heading, label: format!("  {}", plain(&row.label()[common.len()..])), row }
            }
            None => {
                above = None;
                Line { heading: None, label: plain(row.label()), row }
            }
        };
        out.push(line);
    }
    out
}

/// What stands before the labels at the end of a row's label: `up ` of `up {job="node"}`.
fn stem(label: &str) -> Option<&str> {
    let mut quote = None;
    let mut escaped = false;
    let mut brace = None;
    for (at, character) in label.char_indices() {
        match quote {
            Some(_) if escaped => escaped = false,
            Some(open) if open != '`' && character == '\\' => escaped = true,
            Some(open) if character == open => quote = None,
            Some(_) => {}
            None if matches!(character, '"' | '\'' | '`') => quote = Some(character),
            None if character == '{' => brace = Some(at),
            None => {}
        }
    }
    let stem = &label[..brace.filter(|_| label.ends_with('}'))?];
    (!stem.trim().is_empty()).then_some(stem)
}

/// What stands behind a row: what is given, or the range of its values.
fn note(row: &Row, given: Option<&String>) -> String {
    match (given, row) {
        (Some(given), _) => plain(given),
        (None, Row::Values { values, .. }) => extent(values).map_or_else(String::new, |(low, high)| range(low, high)),
        (None, Row::States { .. }) => String::new(),
    }
}

/// The lowest and the highest value, unless there is none or all are 0 or 1 and drawn as digits.
fn extent(values: &[Option<f64>]) -> Option<(f64, f64)> {
    let known = || values.iter().flatten().copied().filter(|v| v.is_finite());
    let (low, high) = known().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
    let digits = values.iter().flatten().all(|v| v.is_nan() || *v == 0.0 || *v == 1.0);
    (!digits && low <= high).then_some((low, high))
}

/// The clock over the columns: a time stands at the column that holds it, or the first tick after it.
fn axis(ticks: &[Timestamp], per_column: usize, room: usize) -> String {
    let apart = ticks.windows(2).map(|pair| (pair[1] - pair[0]).0).max().unwrap_or(60_000).max(1);
    let least = apart.saturating_mul(per_column as i64).saturating_mul(MARK);
    let distance = AXIS.iter().copied().find(|d| *d >= least).unwrap_or(AXIS[AXIS.len() - 1]);
    let mut line = String::new();
    let mut used = 0;
    let mut before = None;
    for (column, held) in ticks.chunks(per_column).enumerate() {
        let (Some(first), Some(last)) = (held.first(), held.last()) else { continue };
        let round = last.0.div_euclid(distance) * distance;
        let unseen = before.unwrap_or(first.0.saturating_sub(1));
        before = Some(last.0);
        let Some(time) = Timestamp(round).calendar().filter(|_| round > unseen) else { continue };
        let midnight = round.rem_euclid(DAY) == 0 && column > 0;
        let form = if distance >= DAY || midnight {
            "%m-%d"
        } else if distance < 60_000 {
            "%H:%M:%S"
        } else {
            "%H:%M"
        };
        let text = time.format(form).to_string();
        let free = column == 0 || column > used;
        if free && column + text.len() <= room {
            let _ = write!(line, "{:pad$}{text}", "", pad = column - used);
            used = column + text.len();
        }
    }
    line
}

/// Values that are all 0 or 1 stay digits; all others become bars between the lowest and the highest. A column that holds
/// several shows the one that is farthest from the row's first, so that short peaks and short outages are seen.
fn bars(values: &[Option<f64>], per_column: usize) -> String {
    let extent = extent(values);
    let first = values.iter().flatten().copied().find(|value| !value.is_nan()).unwrap_or_default();
    let farther = |a: f64, b: f64| if (b - first).abs() > (a - first).abs() || a.is_nan() { b } else { a };
    let cell = |held: &[Option<f64>]| match (held.iter().flatten().copied().reduce(farther), extent) {
        (None, _) => ' ',
        (Some(value), _) if value.is_nan() => '?',
        (Some(value), None) => {
            if value == 0.0 {
                '0'
            } else if value == 1.0 {
                '1'
            } else {
                '!'
            }
        }
        (Some(value), Some((low, high))) if high > low => {
            let level = ((value - low) / (high - low) * 7.0).round();
            BARS[(level as usize).min(7)]
        }
        (Some(_), Some(_)) => BARS[0],
    };
    values.chunks(per_column).map(cell).collect()
}

/// Bars from nothing to the most that a column holds.
fn counts(values: &[Option<f64>], levels: Option<&Vec<Option<Level>>>, per_column: usize) -> String {
    let sums: Vec<f64> = values.chunks(per_column).map(|held| held.iter().flatten().sum()).collect();
    let most = sums.iter().copied().fold(1.0, f64::max);
    let mut out = String::new();
    for (column, sum) in sums.iter().enumerate() {
        let bar = if *sum > 0.0 { BARS[((sum / most * 8.0).ceil() as usize).clamp(1, 8) - 1] } else { ' ' };
        let held = levels.and_then(|levels| levels.chunks(per_column).nth(column));
        match held.and_then(|held| held.iter().flatten().max()) {
            Some(level) => {
                let _ = write!(out, "{}", bar.style(level.shown().1));
            }
            None => out.push(bar),
        }
    }
    out
}

fn range(low: f64, high: f64) -> String {
    if low == high { short(low) } else { format!("{} to {}", short(low), short(high)) }
}

/// A number for people: four digits, from a thousand on with a prefix.
fn short(value: f64) -> String {
    if value.abs() >= 1000.0 { humanize(value) } else { number::format_g(value, 4) }
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

    const LOOK: Look = Look { color: false, width: 60, bounded: true };

    fn minutes(count: i64) -> Vec<Timestamp> {
        (0..count).map(|k| Timestamp(k * 60_000)).collect()
    }

    #[test]
    fn rows_that_differ_in_labels_stand_under_what_they_share() {
        let row = |label: &str| Row::Values { label: label.to_owned(), values: vec![Some(2.0), Some(5_570_000.0)] };
        let rows = vec![row("up {path=\"/{a}\"}"), row("up {path=\"/{b}\"}"), row("down"), row("x{a=\"1\"}")];
        assert_eq!(
            draw_alone(&Timeline { ticks: minutes(2), rows }, LOOK),
            "                   00:00\n\
             \x20 up\n\
             \x20   {path=\"/{a}\"}  ▁█  2 to 5.57M\n\
             \x20   {path=\"/{b}\"}  ▁█  2 to 5.57M\n\
             \x20 down             ▁█  2 to 5.57M\n\
             \x20 x{a=\"1\"}         ▁█  2 to 5.57M\n"
        );
    }

    #[test]
    fn a_short_peak_and_a_short_outage_show_in_a_column_of_many_ticks() {
        let mut peak = vec![Some(0.5); 10];
        peak[4] = Some(9.0);
        assert_eq!(bars(&peak, 5), "█▁");
        let mut outage = vec![Some(1.0); 10];
        outage[4] = Some(0.0);
        assert_eq!(bars(&outage, 5), "01");
    }

    #[test]
    fn no_line_is_wider_than_asked_and_times_do_not_touch() {
        for (count, width, apart) in [(121, 60, 60_000), (121, 100, 30_007), (3_000, 80, 60_000), (90, 100, 86_400_000)]
        {
            let ticks: Vec<Timestamp> = (0..count).map(|k| Timestamp(k * apart + 7_777)).collect();
            let label = "increase(some_very_long_name_of_a_metric_total[5m])".to_owned();
            let rows = vec![Row::Values { label, values: (0..count).map(|k| Some(k as f64 * 1e6)).collect() }];
            let text = draw_alone(&Timeline { ticks, rows }, Look { width, ..LOOK });
            assert!(text.lines().all(|line| line.chars().count() <= width && line.trim_end() == line), "{text}");
            let axis = text.lines().next().unwrap_or_default();
            assert!(axis.split_whitespace().count() >= 1, "{text}");
            assert!(axis.split_whitespace().all(|mark| mark.len() <= 8), "{text}");
        }
    }

    #[test]
    fn states_and_digits_stand_under_their_times() {
        let states = (0..12)
            .map(|k| match k {
                0..3 => AlertState::Inactive,
                3..8 => AlertState::Pending,
                _ => AlertState::Firing,
            })
            .collect();
        let values = (0..12).map(|k| if k == 5 { None } else { Some(f64::from(u8::from(k < 3))) }).collect();
        let timeline = Timeline {
            ticks: minutes(12),
            rows: vec![Row::Values { label: "up".into(), values }, Row::States { label: "Down".into(), states }],
        };
        assert_eq!(
            draw_alone(&timeline, LOOK),
            "        00:00     00:10\n".to_owned() + "  up    11100 000000\n" + "  Down  ...~~~~~####\n"
        );
    }
}
