//! Drills that were shaken, for people: a line for each, what flips, what the replay accepts, and a summary.

use std::collections::BTreeMap;
use std::fmt::Write;

use owo_colors::{OwoColorize, Style};

use super::human::{self, Look, at, grouped, plural};
use super::words::{paragraph, plain, shortened};
use crate::drill::margin::Margin;
use crate::drill::shake::{Flip, Shaken};
use crate::drill::verdict::Verdict;
use crate::suite::Outcome;

/// Lines of drills that were shaken, whose names are known beforehand: each can be told as soon as it is there.
#[derive(Clone, Copy, Debug)]
pub struct Lines {
    look: Look,
    /// How wide the longest name is.
    names: usize,
}

impl Lines {
    /// For all drills that ran.
    pub fn of(outcome: &Outcome, look: Look) -> Lines {
        let names = outcome.drills.iter().map(|drill| plain(&drill.name).chars().count());
        Lines { look, names: names.max().unwrap_or(0) }
    }

    /// How a drill came out.
    pub fn line(self, one: &Shaken) -> String {
        let held = one.runs - one.flips.len();
        let mut told = format!("{held} of {} hold", plural(one.runs, "shake"));
        if let Some(margin) = tightest(one) {
            let shake = margin.shake.as_ref().map_or_else(String::new, |shake| format!(" ({shake})"));
            let _ = write!(told, "; closest: {} {}{shake}", margin.subject, margin.told);
        }
        self.told(&badge(one, self.look), &one.drill, &told)
    }

    /// That a drill was not shaken.
    pub fn unshaken(self, drill: &str, verdict: Verdict) -> String {
        let told = match verdict {
            Verdict::Blind => "not shaken: it is blind",
            _ => "not shaken: it fails",
        };
        self.told(&format!("{} ", human::badge(verdict, self.look)), drill, told)
    }

    fn told(self, badge: &str, drill: &str, told: &str) -> String {
        let names = self.names;
        let left = width(self.look).saturating_sub(9 + names + 2).clamp(20, 140);
        let line = format!(" {badge}  {:names$}  {}", plain(drill), shortened(&plain(told), left));
        format!("{}\n", line.trim_end())
    }
}

fn width(look: Look) -> usize {
    if look.bounded { look.width } else { usize::MAX }
}

/// What stands behind the lines: drills that were not shaken, what flips, and what replays accept.
pub fn flips(outcome: &Outcome, look: Look) -> String {
    let (shaken, width) = (&outcome.shaken, width(look));
    let lines = Lines::of(outcome, look);
    let mut out: String = outcome.unshaken.iter().map(|(drill, verdict)| lines.unshaken(drill, *verdict)).collect();
    let flips = |accepted: bool| {
        let flips = shaken.iter().flat_map(|one| one.flips.iter().map(move |flip| (one, flip)));
        flips.filter(move |(_, flip)| flip.accepted.is_some() == accepted)
    };
    for (one, flip) in flips(false) {
        tell(&mut out, one, flip, look, width);
    }
    let mut accepted: BTreeMap<(&str, &str, &str), usize> = BTreeMap::new();
    for (one, flip) in flips(true) {
        if let Some(accept) = &flip.accepted {
            *accepted.entry((one.replay.name(), &accept.name.text, &accept.reason.text)).or_default() += 1;
        }
    }
    if !accepted.is_empty() {
        out.push('\n');
    }
    for ((replay, name, reason), count) in accepted {
        let told = format!("{replay} accepts {} by {name}: {reason}", plural(count, "flip"));
        out.push_str(&paragraph("", 2, &told, width));
    }
    out
}

/// A flip that is not accepted: what was moved, and which verdicts do not hold with it.
fn tell(out: &mut String, shaken: &Shaken, flip: &Flip, look: Look, width: usize) {
    let head = flip.place.as_ref().map_or_else(|| plain(shaken.replay.name()), at);
    let style = if look.color { Style::new().red().bold() } else { Style::new() };
    let _ = writeln!(out, "\n{head}  {} {}, {}", "FLIPS".style(style), plain(&shaken.drill), plain(&flip.shake));
    for flipped in &flip.verdicts {
        let lead = flipped.place.as_ref().map_or_else(|| "  ".to_owned(), |place| format!("  {}  ", at(place)));
        let told = format!("{}: {}", plain(&flipped.subject), flipped.told);
        out.push_str(&paragraph(&lead, 0, &told, width));
    }
}

fn badge(shaken: &Shaken, look: Look) -> String {
    let (text, style) = match () {
        () if shaken.flips.is_empty() => ("HOLDS ", Style::new().green()),
        () if shaken.holds() => ("ACCEPT", Style::new().yellow()),
        () => ("FLIPS ", Style::new().red().bold()),
    };
    if look.color { text.style(style).to_string() } else { text.to_owned() }
}

/// The margin with the least room.
fn tightest(shaken: &Shaken) -> Option<&Margin> {
    shaken.margins.iter().min_by(|a, b| a.room.total_cmp(&b.room))
}

/// `40 drills shaken 1,204 times: 38 hold, 1 flips as accepted, 1 flips`.
pub fn summary(outcome: &Outcome) -> String {
    let shaken = &outcome.shaken;
    let runs: usize = shaken.iter().map(|one| one.runs).sum();
    let count = |test: &dyn Fn(&&Shaken) -> bool| shaken.iter().filter(test).count();
    let holds = count(&|one| one.flips.is_empty());
    let accepted = count(&|one| !one.flips.is_empty() && one.holds());
    let flips = count(&|one| !one.holds());
    let mut line =
        format!("{} shaken {} times: {holds} hold", human::plural(shaken.len(), "drill"), grouped(runs as u64));
    if accepted > 0 {
        let _ = write!(line, ", {accepted} but for what their replays accept");
    }
    if flips > 0 {
        let _ = write!(line, ", {flips} do not");
    }
    let immovable: usize = shaken.iter().map(|one| one.immovable.len()).sum();
    if immovable > 0 {
        let _ = write!(line, "; {immovable} times the day does not allow it");
    }
    if !outcome.unshaken.is_empty() {
        let _ = write!(line, "; {} not shaken", outcome.unshaken.len());
    }
    line
}
