//! Text of a `.test` script to commands.

use std::collections::HashMap;
use std::str::FromStr;
use std::sync::LazyLock;

use regex::Regex;

use super::expect::{Expected, Failure, Pattern, Values};
use super::{Command, CommandKind, Eval, EvalTime, Load, LoadedSeries};
use crate::engine::Steps;
use crate::labels::Labels;
use crate::number::parse_go_number;
use crate::promql::parse_series_prefix;
use crate::promql::series_values::{SampleRun, parse_samples};
use crate::syntax::{Cursor, ParseError, strings};
use crate::text::{Diagnostic, Source, Span};
use crate::time::{Duration, Timestamp};

/// The most steps of a range, far more than scripts have.
const MAX_STEPS: i64 = 1_000_000;

/// The shapes of commands and expectations; each pattern is a constant and tested below.
struct Shapes {
    load: Regex,
    instant: Regex,
    range: Regex,
    expect: Regex,
    range_vector: Regex,
}

static SHAPES: LazyLock<Option<Shapes>> = LazyLock::new(|| {
    Some(Shapes {
        load: Regex::new(r"^load(_with_nhcb)?\s+(.+)$").ok()?,
        instant: Regex::new(r"^eval(?:_(fail|warn|ordered|info))?\s+instant\s+(?:at\s+(.+?))?\s+(.+)$").ok()?,
        range: Regex::new(r"^eval(?:_(fail|warn|info))?\s+range\s+from\s+(.+)\s+to\s+(.+)\s+step\s+(.+?)\s+(.+)$")
            .ok()?,
        expect: Regex::new(r"^expect\s+(ordered|fail|warn|no_warn|info|no_info)(?:\s+(regex|msg):(.+))?$").ok()?,
        range_vector: Regex::new(r"^expect range vector\s+from\s+(.+)\s+to\s+(.+)\s+step\s+(.+)$").ok()?,
    })
});

/// Reads a script. The first error ends it.
pub fn parse(source: &Source) -> Result<Vec<Command>, Diagnostic> {
    let Some(shapes) = &*SHAPES else { return Err(Diagnostic::error("the patterns of commands do not compile")) };
    let mut reader = Reader { source, shapes, lines: lines(source.text()), at: 0 };
    let mut commands = Vec::new();
    while let Some(line) = reader.next() {
        if line.text.is_empty() {
            continue;
        }
        let word = line.text.split([' ', '\t']).next().unwrap_or_default().to_ascii_lowercase();
        let kind = match word.as_str() {
            "clear" => CommandKind::Clear,
            word if word.starts_with("load") => CommandKind::Load(reader.load(line)?),
            word if word.starts_with("eval") => CommandKind::Eval(Box::new(reader.eval(line)?)),
            _ => {
                return Err(reader
                    .error(line, format!("unknown command {:?}", line.text))
                    .help("a command is clear, load or eval; lines that belong to one follow it without a gap"));
            }
        };
        commands.push(Command { line: line.number, kind });
    }
    Ok(commands)
}

/// A line without blanks around it; a comment is an empty line.
#[derive(Clone, Copy)]
struct Line<'a> {
    text: &'a str,
    /// Byte offset in the script.
    start: usize,
    /// From 1.
    number: usize,
}

fn lines(text: &str) -> Vec<Line<'_>> {
    let mut start = 0;
    let mut lines = Vec::new();
    for (at, raw) in text.split('\n').enumerate() {
        let trimmed = raw.trim();
        let lead = raw.len() - raw.trim_start().len();
        let text = if trimmed.starts_with('#') { "" } else { trimmed };
        lines.push(Line { text, start: start + lead, number: at + 1 });
        start += raw.len() + 1;
    }
    lines
}

struct Reader<'a> {
    source: &'a Source,
    shapes: &'static Shapes,
    lines: Vec<Line<'a>>,
    at: usize,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Option<Line<'a>> {
        let line = self.lines.get(self.at).copied();
        self.at += 1;
        line
    }

    /// The next line of the block that a command begins.
    fn next_of_block(&mut self) -> Option<Line<'a>> {
        let line = *self.lines.get(self.at)?;
        if line.text.is_empty() {
            return None;
        }
        self.at += 1;
        Some(line)
    }

    fn error(&self, line: Line<'_>, message: impl Into<String>) -> Diagnostic {
        Diagnostic::error(message).at(self.source, Span::new(line.start, line.start + line.text.len()))
    }

    fn parse_error(&self, line: Line<'_>, error: ParseError) -> Diagnostic {
        let error = error.shifted(line.start);
        let span = error.span;
        error.diagnostic().at(self.source, span)
    }

    fn duration(&self, line: Line<'_>, text: &str) -> Result<Duration, Diagnostic> {
        Duration::from_str(text).map_err(|error| self.error(line, error.to_string()))
    }

    fn load(&mut self, line: Line<'a>) -> Result<Load, Diagnostic> {
        let (with_nhcb, step) = match self.shapes.load.captures(line.text) {
            Some(shape) => (shape.get(1).is_some(), shape.get(2).map_or("", |step| step.as_str())),
            None => {
                return Err(self.error(line, "not a load command").help("write `load 30s` or `load_with_nhcb 30s`"));
            }
        };
        let step = self.duration(line, step)?;
        let mut load = Load { step, with_nhcb, series: Vec::new() };
        let mut pending: Option<(Line<'a>, Labels, Vec<Option<Duration>>)> = None;
        while let Some(line) = self.next_of_block() {
            let (name, rest) = line.text.split_once([' ', '\t']).unwrap_or((line.text, ""));
            if let Some(name) = name.strip_suffix("@st") {
                let (labels, _) = parse_series_prefix(name).map_err(|error| self.parse_error(line, error))?;
                let starts = starts(rest).ok_or_else(|| {
                    self.error(line, "these are no start timestamps").help(
                        "write for each sample how far from it its start timestamp is: -30s, -1mx3, -1m-1mx3 or _",
                    )
                })?;
                if let Some((line, ..)) = pending.replace((line, labels, starts)) {
                    return Err(self.error(line, "no line with samples follows this line with start timestamps"));
                }
                continue;
            }
            let (labels, points) = self.series(line)?;
            let starts = match pending.take() {
                Some((line, of, _)) if of != labels => {
                    return Err(self.error(line, "the line below has the samples of another series"));
                }
                Some((line, _, starts)) => {
                    let samples = values_of(&points);
                    if starts.len() as u64 != samples {
                        let message = format!("there are {} start timestamps for {samples} samples", starts.len());
                        return Err(self.error(line, message));
                    }
                    starts
                }
                None => Vec::new(),
            };
            load.series.retain(|earlier| earlier.labels != labels);
            load.series.push(LoadedSeries { labels, points, starts });
        }
        match pending {
            Some((line, ..)) => Err(self.error(line, "no line with samples follows this line with start timestamps")),
            None => Ok(load),
        }
    }

    fn series(&self, line: Line<'_>) -> Result<(Labels, Vec<SampleRun>), Diagnostic> {
        let (labels, end) = parse_series_prefix(line.text).map_err(|error| self.parse_error(line, error))?;
        let rest = line.text.get(end..).unwrap_or_default();
        let runs = parse_samples(rest).map_err(|error| self.parse_error(line, error.shifted(end)))?;
        Ok((labels, runs))
    }

    fn eval(&mut self, line: Line<'a>) -> Result<Eval, Diagnostic> {
        let text = |found: Option<regex::Match<'a>>| found.map_or("", |found| found.as_str());
        let (modifier, at, expr) = if let Some(shape) = self.shapes.instant.captures(line.text) {
            let time = self.duration(line, text(shape.get(2)))?;
            (text(shape.get(1)), EvalTime::Instant(Timestamp(time.0)), shape.get(3))
        } else if let Some(shape) = self.shapes.range.captures(line.text) {
            let (start, end, step) = self.range(line, text(shape.get(2)), text(shape.get(3)), text(shape.get(4)))?;
            (text(shape.get(1)), EvalTime::Range { start, end, step }, shape.get(5))
        } else {
            return Err(self
                .error(line, "not an eval command")
                .help("write `eval instant at 5m up` or `eval range from 0 to 10m step 1m up`"));
        };
        let mut expected = Expected { ordered: modifier == "ordered", ..Expected::default() };
        match modifier {
            "fail" => expected.failure = Some(Failure(Pattern::Any)),
            "warn" => expected.warnings.some = true,
            "info" => expected.infos.some = true,
            _ => {}
        }
        let span = expr.map_or(Span::default(), |expr| Span::new(line.start + expr.start(), line.start + expr.end()));
        let is_instant = matches!(at, EvalTime::Instant(_));
        self.expectations(&mut expected, modifier == "fail", is_instant)?;
        Ok(Eval { expr: text(expr).to_owned(), span, at, expected })
    }

    fn range(
        &self,
        line: Line<'_>,
        from: &str,
        to: &str,
        step: &str,
    ) -> Result<(Timestamp, Timestamp, Duration), Diagnostic> {
        let (from, to) = (self.duration(line, from)?, self.duration(line, to)?);
        if to < from {
            return Err(self.error(line, "the range ends before it starts"));
        }
        let (from, to, step) = (Timestamp(from.0), Timestamp(to.0), self.duration(line, step)?);
        if step <= Duration::ZERO {
            return Err(self.error(line, "a range that never steps").help("write a step above 0s"));
        }
        let steps = Steps::count(from, to, step);
        if steps > MAX_STEPS {
            let message = format!("the range has {steps} steps, more than the {MAX_STEPS} that are allowed");
            return Err(self.error(line, message).help("write a longer step or a shorter range"));
        }
        Ok((from, to, step))
    }

    fn expectations(&mut self, expected: &mut Expected, fails: bool, is_instant: bool) -> Result<(), Diagnostic> {
        let mut series = HashMap::new();
        while let Some(line) = self.next_of_block() {
            if fails && let Some(message) = line.text.strip_prefix("expected_fail_message") {
                expected.failure = Some(Failure(Pattern::Exact(message.trim().to_owned())));
                return Ok(());
            }
            if fails && let Some(pattern) = line.text.strip_prefix("expected_fail_regexp") {
                expected.failure = Some(Failure(self.regex(line, pattern)?));
                return Ok(());
            }
            if line.text.starts_with("expect range vector") {
                let Some(shape) = self.shapes.range_vector.captures(line.text) else {
                    return Err(self
                        .error(line, "the times of the range vector are missing")
                        .help("write `expect range vector from 10s to 1m step 10s`"));
                };
                let [from, to, step] = shape.extract().1;
                expected.range_vector = Some(self.range(line, from, to, step)?);
            } else if let Some(literal) = line.text.strip_prefix("expect string") {
                expected.values = Values::String(self.string(line, literal.trim_start())?);
            } else if line.text.split(' ').next() == Some("expect") {
                self.expect(line, expected)?;
            } else if let Some(number) = parse_go_number(line.text) {
                expected.values = Values::Scalar(number);
                return Ok(());
            } else {
                let (labels, points) = self.series(line)?;
                if is_instant && expected.range_vector.is_none() && values_of(&points) > 1 {
                    return Err(self
                        .error(line, "an instant query has one value a series")
                        .help("for a range vector, write `expect range vector from ... to ... step ...` above"));
                }
                let place = series.len();
                series.insert(labels, (place, points));
            }
        }
        if !series.is_empty() {
            expected.values = Values::Series(series);
        }
        Ok(())
    }

    /// `expect fail`, `expect warn msg: ...` and the like.
    fn expect(&self, line: Line<'_>, expected: &mut Expected) -> Result<(), Diagnostic> {
        let Some(shape) = self.shapes.expect.captures(line.text) else {
            return Err(self.error(line, "not an expectation").help(
                "write `expect` and ordered, fail, warn, no_warn, info or no_info, then optionally `msg: ...` or `regex: ...`",
            ));
        };
        let part = |at: usize| shape.get(at).map_or("", |found| found.as_str());
        let pattern = match part(2) {
            "msg" => Pattern::Exact(part(3).trim().to_owned()),
            "regex" => self.regex(line, part(3))?,
            _ => Pattern::Any,
        };
        match part(1) {
            "ordered" => expected.ordered = true,
            "fail" => expected.failure = Some(Failure(pattern)),
            "warn" => expected.warnings.patterns.push(pattern),
            "info" => expected.infos.patterns.push(pattern),
            "no_warn" => expected.warnings.none = true,
            _ => expected.infos.none = true,
        }
        let contradicts = |of: &super::Annotations| of.none && !of.patterns.is_empty();
        if contradicts(&expected.warnings) || contradicts(&expected.infos) {
            return Err(self.error(line, "this contradicts an expectation above"));
        }
        Ok(())
    }

    fn regex(&self, line: Line<'_>, pattern: &str) -> Result<Pattern, Diagnostic> {
        let compiled = Regex::new(pattern.trim()).map_err(|error| self.error(line, error.to_string()))?;
        Ok(Pattern::Regex(compiled))
    }

    fn string(&self, line: Line<'_>, literal: &str) -> Result<String, Diagnostic> {
        let mut cursor = Cursor::new(literal);
        match strings::scan(&mut cursor) {
            Ok(value) if cursor.rest().is_empty() => Ok(value),
            _ => Err(self.error(line, "a string was expected").help("quote it: `expect string \"text\"`")),
        }
    }
}

/// How many values are written.
fn values_of(points: &[SampleRun]) -> u64 {
    points.iter().map(SampleRun::count).fold(0, u64::saturating_add)
}

/// The most start timestamps that one line may have.
const MAX_STARTS: u64 = 1_000_000;

/// Start timestamps: `_`, `_x3`, `-30s`, `-30sx3` (four times), `-30s-1mx3` (each a minute less).
fn starts(text: &str) -> Option<Vec<Option<Duration>>> {
    let mut starts = Vec::new();
    for item in text.split_whitespace() {
        let (item, more) = match item.split_once('x') {
            Some((item, count)) => (item, Some(count.parse::<u64>().ok().filter(|count| *count <= MAX_STARTS)?)),
            None => (item, None),
        };
        if item == "_" {
            starts.extend((0..more.unwrap_or(1)).map(|_| None));
            continue;
        }
        let (mut start, rest) = signed_duration(item)?;
        let step = match (rest.is_empty(), more) {
            (true, _) => Duration::ZERO,
            (false, Some(_)) => signed_duration(rest).filter(|(_, rest)| rest.is_empty())?.0,
            (false, None) => return None,
        };
        for _ in 0..=more.unwrap_or(0) {
            starts.push(Some(start));
            start = start + step;
        }
    }
    Some(starts)
}

/// A duration of one unit that may have a sign, and what follows it.
fn signed_duration(text: &str) -> Option<(Duration, &str)> {
    let unsigned = text.trim_start_matches(['+', '-']);
    if text.len() > unsigned.len() + 1 {
        return None;
    }
    let digits = unsigned.find(|c: char| !c.is_ascii_digit()).unwrap_or(unsigned.len());
    let unit = unsigned[digits..].find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(unsigned.len() - digits);
    let (duration, rest) = unsigned.split_at(digits + unit);
    let duration: Duration = duration.parse().ok()?;
    Some((if text.starts_with('-') { -duration } else { duration }, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::histogram::Sample;

    fn read(text: &str) -> Result<Vec<Command>, Diagnostic> {
        parse(&Source::new("a.test", text))
    }

    fn eval(text: &str) -> Eval {
        match read(text).unwrap().pop().unwrap().kind {
            CommandKind::Eval(eval) => *eval,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_script_is_a_list_of_commands_with_their_lines() {
        let commands =
            read("# data\nload 5m\n  a{b=\"c\"} 1+1x3 _ stale\n  h {{sum:1}}\n\nclear\neval instant at 5m a\n  a 1\n")
                .unwrap();
        assert_eq!(commands.iter().map(|command| command.line).collect::<Vec<_>>(), [2, 6, 7]);
        let CommandKind::Load(load) = &commands[0].kind else { panic!() };
        assert_eq!(load.step, Duration(300_000));
        assert_eq!(load.series[0].labels.as_metric(), "a{b=\"c\"}");
        let sum = |sample: Option<Sample>| sample.and_then(|sample| sample.histogram().map(|found| found.sum));
        assert_eq!(load.series[1].points[0].samples().map(sum).collect::<Vec<_>>(), [Some(1.0)]);
    }

    #[test]
    fn evals_have_a_time_or_a_range_and_expectations() {
        let instant = eval("eval_ordered instant at 1h30m sort(a)\n  a 2\n  b 1\n");
        assert_eq!(instant.at, EvalTime::Instant(Timestamp(5_400_000)));
        assert!(instant.expected.ordered);
        assert!(matches!(&instant.expected.values, Values::Series(series) if series.len() == 2));
        let range =
            eval("eval range from 0 to 10m step 30s rate(a[1m])\n  expect no_warn\n  expect info regex: ^PromQL\n");
        assert_eq!(range.expr, "rate(a[1m])");
        assert!(matches!(range.at, EvalTime::Range { end: Timestamp(600_000), step: Duration(30_000), .. }));
        assert!(range.expected.warnings.none && range.expected.infos.patterns.len() == 1);
        assert!(matches!(eval("eval instant at 0 1+1\n  2").expected.values, Values::Scalar(2.0)));
        let fails = eval("eval_fail instant at 0 a\n  expected_fail_message no\n").expected.failure;
        assert!(matches!(fails, Some(Failure(Pattern::Exact(message))) if message == "no"));
        let string = eval("eval instant at 0 (\"x\")\n  expect string \"x\"\n");
        assert!(matches!(string.expected.values, Values::String(text) if text == "x"));
    }

    #[test]
    fn bad_lines_are_refused_at_their_place() {
        for (text, line, message) in [
            ("load 5m\n  a 1\n\n  b 1\n", 4, "unknown command"),
            ("load soon\n", 1, "not a valid duration"),
            ("\nload 5m\n  a@st 1m\n", 3, "no line with samples"),
            ("eval instant a\n", 1, "not an eval command"),
            ("eval instant at soon a\n", 1, "not a valid duration"),
            ("eval range from 5m to 1m step 1m a\n", 1, "ends before"),
            ("eval range from 0 to 1m step 0s a\n", 1, "never steps"),
            ("eval range from 0 to 200y step 1ms a\n", 1, "steps, more than the 1000000"),
            ("load 1m\n  a@st _\n  a 1x18446744073709551614 1 1\n", 2, "start timestamps for"),
            ("eval instant at 0 a\n  a 1 2\n", 2, "one value a series"),
            ("eval instant at 0 a\n  expect nothing\n", 2, "not an expectation"),
            ("eval instant at 0 a\n  expect warn\n  expect no_warn\n", 3, "contradicts"),
            ("load 1m\n  a{ 1\n", 2, ""),
        ] {
            let error = read(text).unwrap_err();
            let (source, span) = error.place.as_ref().unwrap();
            assert_eq!(source.place(span.start).line, line, "{text}");
            assert!(error.message.contains(message), "{text}: {}", error.message);
        }
    }
}
