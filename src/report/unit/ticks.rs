//! Values and states at a few ticks, as a table: a column for each tick, that of the case in brackets.

use std::fmt::Write;

use owo_colors::{OwoColorize, Style};

use crate::evidence::{AlertState, Row};
use crate::histogram;
use crate::number;
use crate::report::chart::{Line, lines};
use crate::report::human::Look;
use crate::report::words::shortened;
use crate::unit_test::Around;

/// Labels are cut to this width where the values need the room.
const LABEL: usize = 34;

/// What stands between columns that are not neighbours.
const GAP: &str = "..";

/// The table; nothing where there is nothing to show.
pub fn table(around: &Around, look: Look) -> String {
    let timeline = &around.timeline;
    let Some(here) = timeline.ticks.iter().position(|tick| *tick == around.eval) else { return String::new() };
    let heads: Vec<String> = timeline
        .ticks
        .iter()
        .map(|tick| (*tick - around.start).to_string())
        .enumerate()
        .map(|(at, text)| if at == here { format!("[{text}]") } else { text })
        .collect();
    let rows = lines(timeline);
    let cells: Vec<Vec<String>> = rows.iter().map(|line| row(line.row)).collect();
    let widths: Vec<usize> = (0..heads.len())
        .map(|at| cells.iter().map(|row| row[at].chars().count()).chain([heads[at].chars().count()]).max().unwrap_or(0))
        .collect();
    let apart = timeline.ticks.windows(2).map(|pair| pair[1] - pair[0]).min();
    let gap = |at: usize| at > 0 && apart.is_some_and(|apart| timeline.ticks[at] - timeline.ticks[at - 1] > apart);
    let longest = rows.iter().map(|line| line.label.chars().count()).max().unwrap_or(0);
    // What is farthest from the case goes first where there is no room.
    let mut shown: Vec<usize> = (0..heads.len()).collect();
    let taken = |shown: &[usize]| {
        shown.iter().map(|at| 2 + widths[*at] + if gap(*at) { 2 + GAP.len() } else { 0 }).sum::<usize>()
    };
    while shown.len() > 1 && 2 + longest.min(LABEL) + taken(&shown) > look.width {
        match here - shown[0] > shown[shown.len() - 1] - here {
            true => drop(shown.remove(0)),
            false => drop(shown.pop()),
        }
    }
    let labels = longest.min(look.width.saturating_sub(2 + taken(&shown)).max(LABEL));
    let line = |label: &str, texts: &[String], paint: &dyn Fn(usize, &str) -> String| {
        let mut out = format!("  {:labels$}", shortened(label, labels));
        for (nth, at) in shown.iter().enumerate() {
            if gap(*at) && nth > 0 {
                let _ = write!(out, "  {}", if label.is_empty() { GAP } else { "  " });
            }
            let pad = widths[*at] - texts[*at].chars().count();
            let _ = write!(out, "  {:pad$}{}", "", paint(*at, &texts[*at]));
        }
        out.truncate(out.trim_end().len());
        out + "\n"
    };
    let bold = |at: usize, text: &str| {
        if look.color && at == here { text.bold().to_string() } else { text.to_owned() }
    };
    let mut out = line("", &heads, &bold);
    for (Line { heading, label, row }, texts) in rows.iter().zip(&cells) {
        if let Some(heading) = heading {
            out += &format!("  {}\n", shortened(heading, look.width.saturating_sub(2)));
        }
        let paint = |at: usize, text: &str| match row {
            Row::States { states, .. } if look.color => {
                let style = match states[at] {
                    AlertState::Inactive => Style::new().dimmed(),
                    AlertState::Pending => Style::new().yellow(),
                    AlertState::Firing => Style::new().red(),
                };
                text.style(style).to_string()
            }
            _ => text.to_owned(),
        };
        out += &line(label, texts, &paint);
    }
    out
}

fn row(row: &Row) -> Vec<String> {
    match row {
        Row::Values { values, .. } => values.iter().map(|value| value.map_or_else(String::new, short)).collect(),
        Row::States { states, .. } => states
            .iter()
            .map(|state| match state {
                AlertState::Inactive => ".".to_owned(),
                AlertState::Pending => "~".to_owned(),
                AlertState::Firing => "#".to_owned(),
            })
            .collect(),
    }
}

/// Whole numbers as they are, others with six digits; of a histogram, that it is one.
fn short(value: f64) -> String {
    if histogram::index_of(value).is_some() {
        return "hist".to_owned();
    }
    if value.fract() == 0.0 && value.abs() < 1e9 { number::format_f(value) } else { number::format_g(value, 6) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::Timeline;
    use crate::time::Timestamp;

    fn around(ticks: &[i64], eval: i64) -> Around {
        let ticks: Vec<Timestamp> = ticks.iter().map(|minute| Timestamp(minute * 60_000)).collect();
        let rows = vec![
            Row::Values { label: "a / b".into(), values: ticks.iter().map(|tick| Some(tick.0 as f64 / 7e4)).collect() },
            Row::States { label: "X".into(), states: vec![AlertState::Pending; ticks.len()] },
        ];
        Around { start: Timestamp(0), eval: Timestamp(eval * 60_000), timeline: Timeline { ticks, rows } }
    }

    const LOOK: Look = Look { color: false, width: 80, bounded: true };

    #[test]
    fn the_tick_of_the_case_is_in_brackets_and_gaps_are_seen() {
        assert_eq!(
            table(&around(&[0, 1, 9, 10], 9), LOOK),
            "         0s        1m  ..     [9m]      10m\n\
             \x20 a / b   0  0.857143      7.71429  8.57143\n\
             \x20 X       ~         ~            ~        ~\n"
        );
    }

    #[test]
    fn what_is_farthest_from_the_case_makes_room() {
        let shown = table(&around(&[0, 1, 2, 3, 4, 5, 6, 7, 8], 7), Look { width: 60, ..LOOK });
        assert!(shown.lines().all(|line| line.chars().count() <= 60), "{shown}");
        assert!(shown.contains("[7m]") && !shown.contains("0s"), "{shown}");
    }
}
