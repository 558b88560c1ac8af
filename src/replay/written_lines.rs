//! The lines that an event writes: which of them, when, and what is filled in.

use std::collections::BTreeMap;

use chrono::format::{Item, StrftimeItems};

use super::deserialize::{Reader, Text};
use super::document::{LogDoc, OneOrMany};
use super::logs::LogEntry;
use super::model::Day;
use super::names;
use super::random::Random;
use super::tree::{Kind, Node, substitute};
use super::units;
use crate::labels::Labels;
use crate::text::{Diagnostic, Span, nearest};
use crate::time::{Duration, Nanoseconds};

/// Lines for each event of a kind.
#[derive(Clone, Debug)]
pub struct WrittenLines {
    /// The event and its mark, as in `attempt.end`.
    event: Text,
    /// With what is filled in; all of them, or one where there are weights.
    lines: Vec<Text>,
    /// How often each of the lines is the one, as parts of their sum; empty where all are written.
    weights: Vec<f64>,
    fields: Vec<(String, Field)>,
    metadata: Vec<(String, Text)>,
    delay: Duration,
    /// How `${time}` is written; `None` for RFC 3339.
    time: Option<String>,
    /// The number of the first event.
    first: u64,
}

/// What a name stands for, event by event.
#[derive(Clone, Debug)]
enum Field {
    /// One value after the other, and again from the first.
    InTurn(Vec<String>),
    /// Any of them, each as often as its weight says.
    Drawn(Vec<String>, Vec<f64>),
}

/// Names that every line knows.
const KNOWN: [&str; 3] = ["time", "n", "wait"];

/// Resolves the lines of an event; none where something is wrong, which is noted.
pub fn resolve(doc: &LogDoc, mark: &Text, place: Span, day: &Day, reader: &Reader<'_>) -> Option<WrittenLines> {
    let (name, rest) = mark.text.split_once('.').unwrap_or((&mark.text, ""));
    let Some(event) = day.event(name) else {
        let known: Vec<&str> = day.events.iter().map(|event| event.name.as_str()).collect();
        let problem = Diagnostic::error(format!("unknown event `{name}`"));
        reader.problem(mark.span, problem.help(names::hint(name, "the events are", known.iter().copied())));
        return None;
    };
    reader.keep(mark.span, event.times(rest))?;
    let fields = match &doc.fields {
        Some(node) => fields(node, reader)?,
        None => Vec::new(),
    };
    let has_waits = !event.waits.is_empty() || event.marks.len() > 1;
    let known = KNOWN.iter().copied().filter(|name| has_waits || *name != "wait");
    let known = known.chain(fields.iter().map(|(name, _)| name.as_str()));
    let known: BTreeMap<String, String> = known.map(|name| (name.to_owned(), String::new())).collect();
    let Some(OneOrMany(lines)) = &doc.line else {
        reader.problem(place, Diagnostic::error("missing field `line`").help("add `line: ...` here"));
        return None;
    };
    let mut metadata = Vec::new();
    for (name, value) in &doc.metadata.0 {
        metadata.push((name.text.clone(), value.read(reader)?));
    }
    for text in lines.iter().chain(metadata.iter().map(|(_, value)| value)) {
        filled_by(text, &known, reader)?;
    }
    if let Some(Text { text, span, .. }) = &doc.time
        && StrftimeItems::new(text).any(|item| matches!(item, Item::Error))
    {
        let problem = Diagnostic::error(format!("`{text}` is no way to write a time"));
        reader.problem(*span, problem.help("write it as strftime does: `%Y-%m-%d %H:%M:%S%.3f`"));
        return None;
    }
    let weights = match &doc.weights {
        Some(OneOrMany(written)) => {
            let span = written.first().map_or(place, |text| text.span);
            let read = written.iter().map(|text| weight(&text.text, text.span, reader));
            let read = read.collect::<Option<Vec<f64>>>()?;
            if read.len() != lines.len() {
                let problem = Diagnostic::error(format!("{} weights for {} lines", read.len(), lines.len()));
                reader.problem(span, problem.help("give each line its weight: one of them is written for each event"));
                return None;
            }
            some_weight(read, span, reader)?
        }
        None => Vec::new(),
    };
    let delay = match &doc.delay {
        Some(text) => reader.keep(text.span, units::duration(&text.text))?,
        None => Duration::ZERO,
    };
    Some(WrittenLines {
        event: mark.clone(),
        lines: lines.clone(),
        weights,
        fields,
        metadata,
        delay,
        time: doc.time.as_ref().map(|time| time.text.clone()),
        first: doc.first.unwrap_or(1),
    })
}

/// Whether a text asks for nothing but what is known; what else it asks for is noted at its place.
fn filled_by(text: &Text, known: &BTreeMap<String, String>, reader: &Reader<'_>) -> Option<()> {
    let Err(problem) = substitute(&text.text, known, false) else { return Some(()) };
    let asked = text.text.match_indices("${").map(|(at, _)| {
        let rest = &text.text[at + 2..];
        let name = rest.find('}').map(|close| &rest[..close]);
        (name, Span::new(at, name.map_or(at + 2, |name| at + name.len() + 3)))
    });
    let mut unknown = asked.filter(|(name, _)| name.is_none_or(|name| !known.contains_key(name)));
    let (name, span) = unknown.next().unwrap_or((None, Span::new(0, text.text.len())));
    let problem = match name {
        None => problem,
        Some(name) => {
            let near = nearest(name, known.keys().map(String::as_str));
            let near = near.map_or_else(String::new, |near| format!("did you mean `${{{near}}}`? "));
            let names: Vec<String> = known.keys().map(|name| format!("`${{{name}}}`")).collect();
            problem.help(format!("{near}a line knows {}, and what `fields` and `each` give it", names.join(", ")))
        }
    };
    reader.extend([text.located(reader.source).diagnose(span, problem)]);
    None
}

fn fields(node: &Node, reader: &Reader<'_>) -> Option<Vec<(String, Field)>> {
    let refuse = |span: Span, message: String| {
        let help =
            "write `fields: {user: [ada, bob], status: {\"200\": 95, \"500\": 5}}`: values in turn, or with weights";
        reader.problem(span, Diagnostic::error(message).help(help));
        None
    };
    if !matches!(node.kind, Kind::Map(_)) {
        return refuse(node.span, format!("expected names with their values, found {}", node.describe()));
    }
    let mut fields = Vec::new();
    for (name, values) in node.entries() {
        let Some(name_text) = name.text() else { return refuse(name.span, "expected a name".to_owned()) };
        if KNOWN.contains(&name_text) {
            return refuse(name.span, format!("`{name_text}` stands for something else"));
        }
        let field = match &values.kind {
            Kind::List(items) if !items.is_empty() => {
                let mut texts = Vec::new();
                for item in items {
                    let Some(text) = item.text() else { return refuse(item.span, "expected a value".to_owned()) };
                    texts.push(text.to_owned());
                }
                Field::InTurn(texts)
            }
            Kind::Map(entries) if !entries.is_empty() => {
                let (mut texts, mut weights) = (Vec::new(), Vec::new());
                for (value, part) in entries {
                    let (Some(text), Some(part_text)) = (value.text(), part.text()) else {
                        return refuse(part.span, "expected a weight".to_owned());
                    };
                    texts.push(text.to_owned());
                    weights.push(weight(part_text, part.span, reader)?);
                }
                Field::Drawn(texts, some_weight(weights, values.span, reader)?)
            }
            _ => return refuse(values.span, format!("`{name_text}` has no values")),
        };
        fields.push((name_text.to_owned(), field));
    }
    Some(fields)
}

fn weight(text: &str, span: Span, reader: &Reader<'_>) -> Option<f64> {
    let value = reader.keep(span, units::amount(text))?;
    if !value.is_finite() || value < 0.0 {
        let problem = Diagnostic::error(format!("`{text}` is no weight"));
        reader.problem(span, problem.help("a weight is 0 or more: of 95 and 5 the first is drawn 95 times of 100"));
        return None;
    }
    Some(value)
}

fn some_weight(weights: Vec<f64>, span: Span, reader: &Reader<'_>) -> Option<Vec<f64>> {
    if weights.iter().sum::<f64>() > 0.0 {
        return Some(weights);
    }
    reader.problem(span, Diagnostic::error("all weights are 0").help("something has to be drawn"));
    None
}

/// A place in the weights, each as often as it weighs.
fn drawn(weights: &[f64], random: &mut Random) -> usize {
    let mut at = random.unit() * weights.iter().sum::<f64>();
    for (place, weight) in weights.iter().enumerate() {
        if at < *weight {
            return place;
        }
        at -= weight;
    }
    // What is left over is rounding.
    weights.iter().rposition(|weight| *weight > 0.0).unwrap_or_default()
}

impl WrittenLines {
    /// The name of the event.
    pub fn event(&self) -> &str {
        self.event.text.split('.').next().unwrap_or_default()
    }

    /// The lines of all events of the day, those after its end aside. What is drawn hangs on the event and the name of the field, so that
    /// all streams of an event agree.
    pub fn write(&self, day: &Day, stream: &Labels, entries: &mut Vec<LogEntry>) {
        let (name, mark) = self.event.text.split_once('.').unwrap_or((&self.event.text, ""));
        let Some(event) = day.event(name) else { return };
        let mut of_fields: Vec<Random> = self
            .fields
            .iter()
            .map(|(field, _)| Random::named(&format!("log field {field} of {}", self.event.text)))
            .collect();
        let mut of_lines = Random::named(&format!("log line of {} in {stream}", self.event.text));
        for (at, time) in event.times(mark).unwrap_or_default().iter().enumerate() {
            let time = *time + self.delay;
            let written = time.calendar().map_or_else(String::new, |calendar| match &self.time {
                Some(format) => calendar.format(format).to_string(),
                None => calendar.to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
            });
            let number = self.first.saturating_add(at as u64);
            let wait = event.waits.get(at).map_or_else(String::new, |wait| format!("{:.3}", wait.0 as f64 / 1000.0));
            let mut values = BTreeMap::from([
                ("time".to_owned(), written),
                ("n".to_owned(), number.to_string()),
                ("wait".to_owned(), wait),
            ]);
            for ((name, field), random) in self.fields.iter().zip(&mut of_fields) {
                let value = match field {
                    Field::InTurn(texts) => &texts[at % texts.len()],
                    Field::Drawn(texts, weights) => &texts[drawn(weights, random)],
                };
                values.insert(name.clone(), value.clone());
            }
            // What can be filled in was checked when the stream was read.
            let filled = |text: &Text| {
                let filled = substitute(&text.text, &values, true).ok().flatten();
                filled.unwrap_or_else(|| text.text.clone())
            };
            let chosen = match self.weights.is_empty() {
                true => &self.lines[..],
                false => std::slice::from_ref(&self.lines[drawn(&self.weights, &mut of_lines)]),
            };
            if time > day.end() {
                continue;
            }
            let metadata = Labels::from_pairs(self.metadata.iter().map(|(name, value)| (name.clone(), filled(value))));
            entries.extend(chosen.iter().map(|line| LogEntry {
                time: Nanoseconds(time.0.saturating_mul(1_000_000)),
                line: filled(line),
                metadata: metadata.clone(),
            }));
        }
    }
}
