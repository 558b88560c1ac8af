//! Drills that were shaken, for people: a line for each, what flips, what the replay accepts, and a summary.

use std::collections::BTreeMap;
use std::fmt::Write;

use owo_colors::{OwoColorize, Style};

use super::human::{self, Look, at, grouped, plural};
use super::words::{paragraph, plain, shortened};
use crate::drill::margin::Margin;
use crate::drill::shake::{Flip, Shaken};

/// Nothing where nothing was shaken.
pub fn render(shaken: &[Shaken], look: Look) -> String {
    let mut out = String::new();
    if shaken.is_empty() {
        return out;
    }
    let width = if look.bounded { look.width } else { usize::MAX };
    out.push('\n');
    let names = shaken.iter().map(|one| plain(&one.drill).chars().count()).max().unwrap_or(0);
    for one in shaken {
        let held = one.runs - one.flips.len();
        let mut told = format!("{held} of {} hold", plural(one.runs, "shake"));
        if let Some(margin) = tightest(one) {
            let shake = margin.shake.as_ref().map_or_else(String::new, |shake| format!(" ({shake})"));
            let _ = write!(told, "; closest: {} {}{shake}", margin.subject, margin.told);
        }
        let left = width.saturating_sub(9 + names + 2).clamp(20, 140);
        let line = format!(" {}  {:names$}  {}", badge(one, look), plain(&one.drill), shortened(&plain(&told), left));
        let _ = writeln!(out, "{}", line.trim_end());
    }
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
pub fn summary(shaken: &[Shaken]) -> String {
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
    line
}
