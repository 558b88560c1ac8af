//! Marks: the names of moments, such as `stuck.from` and `attempt.first`.

use super::events::Event;
use super::model::TimeSpan;
use super::names;
use super::times::Calendar;
use crate::text::Diagnostic;
use crate::time::Timestamp;

/// What marks can name.
#[derive(Clone, Copy)]
pub struct Known<'a> {
    pub calendar: Calendar,
    pub spans: &'a [TimeSpan],
    pub events: &'a [Event],
}

impl Known<'_> {
    /// The moment of a mark: `start`, `end`, `SPAN.from`, `SPAN.to`, `EVENT.first`, `EVENT.last`,
    /// `EVENT.end.first`, or `EVENT.success` where it comes once.
    pub fn mark(&self, mark: &str) -> Result<Timestamp, Diagnostic> {
        match mark {
            "start" => return Ok(self.calendar.start),
            "end" => return Ok(self.calendar.end),
            _ => {}
        }
        let (name, rest) = mark.split_once('.').unwrap_or((mark, ""));
        if let Some(span) = self.spans.iter().find(|span| span.name == name) {
            return span_mark(span, rest);
        }
        if let Some(event) = self.events.iter().find(|event| event.name == name) {
            return event_mark(event, rest);
        }
        let known: Vec<&str> = self
            .spans
            .iter()
            .map(|span| span.name.as_str())
            .chain(self.events.iter().map(|event| event.name.as_str()))
            .chain(["start", "end"])
            .collect();
        Err(unknown_name(name, &known))
    }
}

/// What is said of a name that is neither a span nor an event.
pub fn unknown_name(name: &str, known: &[&str]) -> Diagnostic {
    Diagnostic::error(format!("unknown span or event `{name}`")).help(names::hint(
        name,
        "the spans and events are",
        known.iter().copied(),
    ))
}

/// `from` or `to` of a span.
pub fn span_mark(span: &TimeSpan, mark: &str) -> Result<Timestamp, Diagnostic> {
    let name = &span.name;
    if span.left_out {
        return Err(Diagnostic::error(format!("the variant leaves out the span `{name}`"))
            .help("give the variant its own `expect`, with times that it has"));
    }
    match mark {
        "from" => Ok(span.from),
        "to" => Ok(span.to),
        _ => Err(Diagnostic::error(format!("unknown mark `{name}.{mark}`"))
            .help(format!("a span has `{name}.from` and `{name}.to`"))),
    }
}

/// The first or last of an event's moments.
pub fn event_mark(event: &Event, mark: &str) -> Result<Timestamp, Diagnostic> {
    let name = &event.name;
    let (kind, which) = mark.rsplit_once('.').unwrap_or(match mark {
        "first" | "last" => ("", mark),
        kind => (kind, ""),
    });
    let times = event.times(kind)?;
    let none = || Diagnostic::error(format!("`{name}` does not happen in this day, so `{name}.{mark}` is no time"));
    match (which, times) {
        ("first", _) => times.first().copied().ok_or_else(none),
        ("last", _) => times.last().copied().ok_or_else(none),
        ("", [one]) => Ok(*one),
        ("", []) => Err(none()),
        _ => {
            let dot = if kind.is_empty() { String::new() } else { format!(".{kind}") };
            Err(Diagnostic::error(format!("`{name}.{mark}` is not one moment: it comes {} times", times.len()))
                .help(format!("write `{name}{dot}.first` or `{name}{dot}.last`")))
        }
    }
}
