//! Resolves spans and events, which may refer to each other, into times.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};

use super::deserialize::{Reader, Text};
use super::document::{EventDoc, OneOrMany, SpanDoc};
use super::events::{self, Event};
use super::marks;
use super::model::TimeSpan;
use super::names;
use super::provenance::{self, Figure, Kind};
use super::recorded::{Files, millisecond};
use super::shaken::{LooseFigure, Scaled};
use super::times::{Calendar, Point};
use super::units;
use crate::text::{Diagnostic, Span};
use crate::time::{Duration, Timestamp};

/// What a variant leaves out.
#[derive(Clone, Debug, Default)]
pub struct LeftOut {
    pub spans: BTreeSet<String>,
    pub events: BTreeSet<String>,
}

/// Spans and events on their way to times.
pub struct Resolver<'a> {
    reader: &'a Reader<'a>,
    calendar: Calendar,
    files: &'a Files<'a>,
    left_out: &'a LeftOut,
    spans: Vec<(Text, SpanDoc)>,
    events: Vec<(Text, EventDoc)>,
    span_slots: RefCell<HashMap<String, Slot<TimeSpan>>>,
    event_slots: RefCell<HashMap<String, Slot<Event>>>,
}

#[derive(Clone)]
enum Slot<T> {
    /// Being resolved: whoever asks now goes round in a circle.
    Busy,
    /// `None` where it is broken, which was noted.
    Done(Option<T>),
}

/// `None`: broken, and noted where it is.
type Found<T> = Result<Option<T>, Diagnostic>;

impl<'a> Resolver<'a> {
    pub fn new(
        reader: &'a Reader<'a>,
        calendar: Calendar,
        files: &'a Files<'a>,
        left_out: &'a LeftOut,
        spans: Vec<(Text, SpanDoc)>,
        events: Vec<(Text, EventDoc)>,
    ) -> Resolver<'a> {
        Resolver {
            reader,
            calendar,
            files,
            left_out,
            spans,
            events,
            span_slots: RefCell::default(),
            event_slots: RefCell::default(),
        }
    }

    /// Spans and events that could not be read, which was noted: what hangs on them would only repeat it.
    pub fn with_unread(self, names: &[String]) -> Resolver<'a> {
        self.span_slots.borrow_mut().extend(names.iter().map(|name| (name.clone(), Slot::Done(None))));
        self.event_slots.borrow_mut().extend(names.iter().map(|name| (name.clone(), Slot::Done(None))));
        self
    }

    /// All spans and events, in the order of the file.
    pub fn resolve(&self) -> (Vec<TimeSpan>, Vec<Event>) {
        let spans = self
            .spans
            .iter()
            .filter_map(|(name, _)| self.reader.keep(name.span, self.span(&name.text)).flatten())
            .collect();
        let events = self
            .events
            .iter()
            .filter_map(|(name, _)| self.reader.keep(name.span, self.event(&name.text)).flatten())
            .collect();
        (spans, events)
    }

    fn unknown(&self, name: &str) -> Diagnostic {
        let names = self.spans.iter().map(|(name, _)| name).chain(self.events.iter().map(|(name, _)| name));
        let known: Vec<&str> = names.map(|name| name.text.as_str()).collect();
        marks::unknown_name(name, &known)
    }

    fn span(&self, name: &str) -> Found<TimeSpan> {
        match self.span_slots.borrow().get(name) {
            Some(Slot::Done(found)) => return Ok(found.clone()),
            Some(Slot::Busy) => return Err(circle(name)),
            None => {}
        }
        let (key, doc) = self.spans.iter().find(|(key, _)| key.text == name).ok_or_else(|| self.unknown(name))?;
        self.span_slots.borrow_mut().insert(name.to_owned(), Slot::Busy);
        let found = self.resolve_span(key, doc);
        self.span_slots.borrow_mut().insert(name.to_owned(), Slot::Done(found.clone()));
        Ok(found)
    }

    fn resolve_span(&self, key: &Text, doc: &SpanDoc) -> Option<TimeSpan> {
        let name = &key.text;
        let figure =
            figure(self.reader, format!("spans.{name}"), [&doc.source, &doc.assumed, &doc.fitted, &doc.recorded]);
        let span = |from, to, left_out| TimeSpan {
            name: name.clone(),
            from,
            to,
            left_out,
            figure: figure.clone(),
            place: key.span,
        };
        if self.left_out.spans.contains(name) {
            return Some(span(self.calendar.start, self.calendar.start, true));
        }
        let (from, to) = (self.time(&doc.from), self.time(&doc.to));
        let (from, to) = (from?, to?);
        // A span that hangs on something left out is left out with it.
        let (Some(from), Some(to)) = (from, to) else {
            return Some(span(self.calendar.start, self.calendar.start, true));
        };
        if to <= from {
            let problem = Diagnostic::error(format!("the span `{name}` ends before it begins"));
            self.reader.problem(doc.to.span, problem.help(format!("`to` is later than `from`, {from}")));
            return None;
        }
        Some(span(from, self.loose_end(key, figure.as_ref(), from, to), false))
    }

    /// The end of a span whose length is loose.
    fn loose_end(&self, key: &Text, figure: Option<&Figure>, from: Timestamp, to: Timestamp) -> Timestamp {
        let kind = figure.map_or(Kind::Assumed, |figure| figure.kind);
        if kind > Kind::Fitted {
            return to;
        }
        let length = to - from;
        let what = format!("spans.{}", key.text);
        let figure = LooseFigure { what, kind, written: length.to_string(), between: None, place: key.span };
        let moved = self.reader.looseness.value(figure, length, None).max(Duration(1));
        (from + moved).min(self.calendar.end)
    }

    /// By how much the durations of an event are multiplied, or its rate divided.
    fn loose_pace(&self, key: &Text, kind: Kind, written: &str) -> f64 {
        if kind > Kind::Fitted {
            return 1.0;
        }
        let what = format!("events.{}", key.text);
        let figure = LooseFigure { what, kind, written: written.to_owned(), between: None, place: key.span };
        self.reader.looseness.value(figure, 1.0, None)
    }

    /// A time in a span or an event; the inner `None` hangs on something that is left out.
    fn time(&self, text: &Text) -> Option<Option<Timestamp>> {
        let point = self.reader.keep(text.span, self.calendar.point(text))?;
        let (name, offset) = match point {
            Point::Time(time) => return Some(Some(time)),
            Point::Mark { name, offset } => (name, offset),
        };
        let base = match name.as_str() {
            "start" => self.calendar.start,
            "end" => self.calendar.end,
            mark => {
                let times = self.reader.keep(text.span, self.moments(mark))??;
                match times.first() {
                    Some(time) => *time,
                    None => return Some(None),
                }
            }
        };
        self.reader.keep(text.span, self.calendar.inside(base + offset)).map(Some)
    }

    /// The one moment of a mark as a list; empty where it hangs on something left out.
    fn moments(&self, mark: &str) -> Found<Vec<Timestamp>> {
        let (name, rest) = mark.split_once('.').unwrap_or((mark, ""));
        if self.spans.iter().any(|(key, _)| key.text == name) {
            let Some(span) = self.span(name)? else { return Ok(None) };
            if span.left_out {
                return Ok(Some(Vec::new()));
            }
            return marks::span_mark(&span, rest).map(|time| Some(vec![time]));
        }
        let Some(event) = self.event(name)? else { return Ok(None) };
        if event.marks.iter().all(|(_, times)| times.is_empty()) {
            return Ok(Some(Vec::new()));
        }
        marks::event_mark(&event, rest).map(|time| Some(vec![time]))
    }

    fn event(&self, name: &str) -> Found<Event> {
        match self.event_slots.borrow().get(name) {
            Some(Slot::Done(found)) => return Ok(found.clone()),
            Some(Slot::Busy) => return Err(circle(name)),
            None => {}
        }
        let (key, doc) = self.events.iter().find(|(key, _)| key.text == name).ok_or_else(|| self.unknown(name))?;
        self.event_slots.borrow_mut().insert(name.to_owned(), Slot::Busy);
        let found = self.resolve_event(key, doc);
        self.event_slots.borrow_mut().insert(name.to_owned(), Slot::Done(found.clone()));
        Ok(found)
    }

    fn resolve_event(&self, key: &Text, doc: &EventDoc) -> Option<Event> {
        let name = &key.text;
        let kind = self.reader.keep(key.span, events::only_kind(doc))?;
        let mut figures: Vec<Figure> =
            figure(self.reader, format!("events.{name}"), [&doc.source, &doc.assumed, &doc.fitted, &doc.recorded])
                .into_iter()
                .collect();
        let origin = figures.first().map_or(Kind::Assumed, |figure| figure.kind);
        let (mut marks, waits) = match kind {
            "retry" => self.retry(key, doc, origin)?,
            "evidence" => {
                let (times, figure) = self.recorded(name, doc)?;
                figures.push(figure);
                (vec![("", times)], Vec::new())
            }
            _ => (vec![("", self.times(key, doc, origin)?)], Vec::new()),
        };
        for (_, times) in &mut marks {
            times.sort_unstable();
            if self.left_out.events.contains(name) {
                times.clear();
            }
            // What follows from an event may lie behind the end; nobody sees it.
            times.retain(|time| *time <= self.calendar.end);
        }
        let within = doc.within.iter().flat_map(|OneOrMany(spans)| spans);
        figures.extend(within.filter_map(|span| self.span(&span.text).ok()??.figure));
        if let Some(behind) = events::reference(doc) {
            if let Ok(Some(span)) = self.span(behind) {
                figures.extend(span.figure);
            } else if let Ok(Some(event)) = self.event(behind) {
                figures.extend(event.figures);
            }
        }
        Some(Event { name: name.clone(), marks, waits, figures, place: key.span })
    }

    /// The events that have one unnamed mark.
    fn times(&self, key: &Text, doc: &EventDoc, origin: Kind) -> Option<Vec<Timestamp>> {
        let (reader, name) = (self.reader, &key.text);
        if let Some(times) = &doc.at {
            let found: Vec<Option<Option<Timestamp>>> = times.iter().map(|time| self.time(time)).collect();
            return found.into_iter().collect::<Option<Vec<_>>>().map(|times| times.into_iter().flatten().collect());
        }
        if let Some(every) = &doc.every {
            let interval = reader.keep(every.interval.span, units::duration(&every.interval.text));
            let jitter = match &every.jitter {
                Some(jitter) => reader.keep(jitter.span, units::duration(&jitter.text)),
                None => Some(Duration::ZERO),
            };
            let (from, to) = self.stretch(every.within.as_ref())?;
            let pace = self.loose_pace(key, origin, &format!("every {}", every.interval.text));
            let (interval, jitter) = (interval?.scaled(pace), jitter?.scaled(pace));
            return reader.keep(every.interval.span, events::every(name, interval, jitter, from, to));
        }
        if let Some(poisson) = &doc.poisson {
            let rate = reader.keep(poisson.rate.span, units::rate(&poisson.rate.text));
            let (from, to) = self.stretch(poisson.within.as_ref())?;
            let rate = rate?.scaled(self.loose_pace(key, origin, &poisson.rate.text));
            return reader.keep(poisson.rate.span, events::poisson(name, rate, from, to));
        }
        if let Some(script) = &doc.script {
            let from = self.times_of(&script.from)?;
            let steps: Option<Vec<Duration>> =
                script.steps.iter().map(|step| reader.keep(step.span, units::duration(&step.text))).collect();
            let mut steps = steps?;
            if steps.iter().any(|step| *step > Duration::ZERO) {
                let pace = self.loose_pace(key, origin, "its steps");
                steps.iter_mut().for_each(|step| *step = step.scaled(pace));
            }
            return reader.keep(script.from.span, events::script(name, &from, &steps));
        }
        let after = doc.after.as_ref()?;
        let delay = match &doc.delay {
            Some(delay) => {
                let written = reader.keep(delay.span, units::duration(&delay.text))?;
                let loose = written > Duration::ZERO;
                if loose { written.scaled(self.loose_pace(key, origin, &delay.text)) } else { written }
            }
            None => Duration::ZERO,
        };
        let probability = match &doc.probability {
            Some(part) => reader.keep(part.span, units::amount(&part.text).and_then(part_of_one))?,
            None => 1.0,
        };
        if doc.nth == Some(0) {
            reader.problem(key.span, Diagnostic::error("`nth: 0` counts nothing").help("the first is `nth: 1`"));
            return None;
        }
        let mut of = reader.keep(after.span, self.all_moments(&after.text))??;
        if let Some(OneOrMany(within)) = &doc.within {
            let spans: Option<Vec<TimeSpan>> =
                within.iter().map(|name| reader.keep(name.span, self.named_span(name))?).collect();
            let spans = spans?;
            of.retain(|time| spans.iter().any(|span| span.contains(*time)));
        }
        Some(events::derived(name, &of, delay, doc.nth.unwrap_or(1), probability))
    }

    /// A span by its name alone.
    fn named_span(&self, name: &Text) -> Found<TimeSpan> {
        if self.spans.iter().any(|(span, _)| span.text == name.text) {
            return self.span(&name.text);
        }
        let known: Vec<&str> = self.spans.iter().map(|(span, _)| span.text.as_str()).collect();
        let problem = Diagnostic::error(format!("unknown span `{}`", name.text));
        Err(problem.help(names::hint(&name.text, "the spans are", known.iter().copied())))
    }

    /// A time, or all moments of a mark.
    fn times_of(&self, text: &Text) -> Option<Vec<Timestamp>> {
        let point = self.reader.keep(text.span, self.calendar.point(text))?;
        match point {
            Point::Mark { name, offset } if !matches!(name.as_str(), "start" | "end") => {
                let moments = self.reader.keep(text.span, self.all_moments(&name))??;
                let inside = |time: &Timestamp| self.reader.keep(text.span, self.calendar.inside(*time + offset));
                moments.iter().map(inside).collect()
            }
            _ => self.time(text).map(|time| time.into_iter().collect()),
        }
    }

    /// All moments that `after` names: of an event's mark, or the one of a span's.
    fn all_moments(&self, mark: &str) -> Found<Vec<Timestamp>> {
        let (name, rest) = mark.split_once('.').unwrap_or((mark, ""));
        if self.spans.iter().any(|(key, _)| key.text == name)
            || matches!(rest.rsplit('.').next(), Some("first" | "last"))
        {
            return self.moments(mark);
        }
        let Some(event) = self.event(name)? else { return Ok(None) };
        event.times(rest).map(|times| Some(times.to_vec()))
    }

    /// The times of recorded lines, and what recorded them.
    fn recorded(&self, name: &str, doc: &EventDoc) -> Option<(Vec<Timestamp>, Figure)> {
        let file = doc.evidence.as_ref()?.fields();
        let found = self.files.lines(&file, (self.calendar, &|text| self.time(text)), self.reader)?;
        if found.entries.len() > events::MAX_EVENTS {
            self.reader.problem(file.file.span, events::too_many(name));
            return None;
        }
        let what = format!("events.{name}");
        let figure = Figure { what, kind: Kind::Recorded, text: found.share, place: file.file.span };
        Some((found.entries.iter().map(|entry| millisecond(entry.time)).collect(), figure))
    }

    fn retry(&self, key: &Text, doc: &EventDoc, origin: Kind) -> Option<(events::Marks, Vec<Duration>)> {
        let (reader, doc) = (self.reader, doc.retry.as_ref()?);
        let takes = reader.keep(doc.takes.span, units::duration(&doc.takes.text));
        let waits: Vec<Option<Duration>> =
            doc.waits.iter().map(|wait| reader.keep(wait.span, units::duration(&wait.text))).collect();
        let (from, to) = self.stretch(Some(&doc.during))?;
        let waits = waits.into_iter().collect::<Option<Vec<_>>>()?;
        let pace = self.loose_pace(key, origin, &format!("takes {}, and waits", doc.takes.text));
        let waits: Vec<Duration> = waits.iter().map(|wait| wait.scaled(pace)).collect();
        reader.keep(doc.takes.span, events::retry(&key.text, takes?.scaled(pace), &waits, from, to))
    }

    /// A span by its name, or the whole replay; empty where it is left out.
    fn stretch(&self, name: Option<&Text>) -> Option<(Timestamp, Timestamp)> {
        let Some(name) = name else { return Some((self.calendar.start, self.calendar.end)) };
        let span = self.reader.keep(name.span, self.span(&name.text))??;
        Some(if span.left_out { (self.calendar.start, self.calendar.start) } else { (span.from, span.to) })
    }
}

fn part_of_one(part: f64) -> Result<f64, Diagnostic> {
    if (0.0..=1.0).contains(&part) {
        return Ok(part);
    }
    Err(Diagnostic::error("a probability is at least 0 and at most 1").help("write `25%` or `0.25`"))
}

fn circle(name: &str) -> Diagnostic {
    Diagnostic::error(format!("`{name}` depends on itself")).help("begin one of the spans and events with a time")
}

/// Reads the keys that say where a figure comes from; two of them are noted.
pub fn figure(reader: &Reader<'_>, what: impl Into<String>, keys: [&Option<Text>; 4]) -> Option<Figure> {
    provenance::figure(what, keys).unwrap_or_else(|(place, problem): (Span, Diagnostic)| {
        reader.problem(place, problem);
        None
    })
}
