//! The notation of values in test files: `1+1x10 _x3 stale NaN` (Prometheus `promql/parser/generated_parser.y`, series
//! descriptions, and https://prometheus.io/docs/prometheus/latest/configuration/unit_testing_rules/#series).

use super::histogram_notation::{self, Change, HistogramRun};
use crate::histogram::Sample;
use crate::labels::Labels;
use crate::number::stale_marker;
use crate::syntax::{Cursor, ParseError, number};
use crate::text::Span;

/// One item of a sequence: a number of values, each larger than the one before by the same step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ValueRun {
    /// Where the item stands.
    pub span: Span,
    /// The first value; `None` where there is no sample, the stale marker for `stale`.
    pub first: Option<f64>,
    /// What is added from value to value.
    pub step: f64,
    /// How many values there are in all; `1x3` has four.
    pub count: u64,
}

impl ValueRun {
    /// The values, each the sum of the one before and the step, with the rounding errors of that.
    pub fn values(self) -> impl Iterator<Item = Option<f64>> {
        let mut next = self.first;
        (0..self.count).map(move |_| {
            let value = next;
            next = next.map(|value| value + self.step);
            value
        })
    }
}

/// One item of a sequence that may hold native histograms.
#[derive(Clone, Debug, PartialEq)]
pub enum SampleRun {
    Floats(ValueRun),
    Histograms(HistogramRun),
}

impl SampleRun {
    /// How many values there are in all.
    pub fn count(&self) -> u64 {
        match self {
            SampleRun::Floats(run) => run.count,
            SampleRun::Histograms(run) => run.count,
        }
    }

    /// Where the item stands.
    pub fn span(&self) -> Span {
        match self {
            SampleRun::Floats(run) => run.span,
            SampleRun::Histograms(run) => run.span,
        }
    }

    fn span_mut(&mut self) -> &mut Span {
        match self {
            SampleRun::Floats(run) => &mut run.span,
            SampleRun::Histograms(run) => &mut run.span,
        }
    }

    /// The samples; `None` where there is none.
    pub fn samples(&self) -> Box<dyn Iterator<Item = Option<Sample>> + '_> {
        match self {
            SampleRun::Floats(run) => Box::new(run.values().map(|value| value.map(Sample::Float))),
            SampleRun::Histograms(run) => {
                Box::new(run.histograms().map(|histogram| Some(Sample::Histogram(histogram))))
            }
        }
    }
}

/// Reads a sequence of numbers and native histograms.
pub fn parse_samples(text: &str) -> Result<Vec<SampleRun>, ParseError> {
    let mut reader = Reader { text, cursor: Cursor::new(text) };
    let mut runs = Vec::new();
    reader.blanks();
    while !reader.cursor.rest().is_empty() {
        runs.push(reader.run()?);
        let start = reader.cursor.at();
        if !reader.blanks() && !reader.cursor.rest().is_empty() {
            return Err(reader.unexpected(start, "behind a value").hint("write a space between values"));
        }
    }
    Ok(runs)
}

/// Reads a series and its values, as a line of a `load` block has them: `up{job="node"} 1 1 0`.
pub fn parse_series_line(text: &str) -> Result<(Labels, Vec<SampleRun>), ParseError> {
    let (labels, end) = super::parse_series_prefix(text)?;
    let rest = text.get(end..).unwrap_or_default();
    if rest.starts_with(|c: char| !is_blank(c)) {
        let next = rest.chars().next().map_or(0, char::len_utf8);
        return Err(ParseError::new(Span::new(end, end + next), "the values do not stand apart from the series")
            .hint("write a space between a series and its values"));
    }
    let mut runs = parse_samples(rest).map_err(|error| error.shifted(end))?;
    for run in &mut runs {
        let span = run.span_mut();
        *span = Span::new(span.start + end, span.end + end);
    }
    Ok((labels, runs))
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

struct Reader<'a> {
    text: &'a str,
    cursor: Cursor<'a>,
}

impl<'a> Reader<'a> {
    /// Skips blanks and says whether there were any.
    fn blanks(&mut self) -> bool {
        let start = self.cursor.at();
        self.cursor.eat_while(|byte| is_blank(char::from(byte)));
        self.cursor.at() > start
    }

    fn run(&mut self) -> Result<SampleRun, ParseError> {
        let start = self.cursor.at();
        if self.cursor.rest().starts_with("{{") {
            return self.histograms(start).map(SampleRun::Histograms);
        }
        let (first, step, times) = if self.cursor.eat('_') {
            // `_x3` are three, where `1x3` are four.
            (None, 0.0, self.times()?)
        } else {
            let first = self.value()?;
            let step = match self.cursor.peek() {
                Some('+' | '-') => Some(self.signed("behind a value", "a step looks like 1+2x5")?),
                _ => None,
            };
            let times = self.times()?;
            if times.is_none() && step.is_some() {
                return Err(self
                    .unexpected(self.cursor.at(), "behind a step")
                    .hint("say how often it is added: 1+2x5 begins with 1 and adds 2 five times"));
            }
            // Minus zero changes nothing that it is added to, not even minus zero.
            (Some(first), step.unwrap_or(-0.0), times.map(|times| times.saturating_add(1)))
        };
        Ok(SampleRun::Floats(ValueRun { span: self.cursor.span(start), first, step, count: times.unwrap_or(1) }))
    }

    fn value(&mut self) -> Result<f64, ParseError> {
        let start = self.cursor.at();
        match self.cursor.peek() {
            Some('+' | '-') => self.signed("where a value should stand", "a value looks like 5, -0.5 or 1e3"),
            Some(c) if c.is_ascii_alphabetic() && c != 'x' => {
                let word = self.word();
                match number::value(word) {
                    Some(value) => Ok(value),
                    None if word == "stale" => Ok(stale_marker()),
                    None => Err(ParseError::new(self.cursor.span(start), format!("`{word}` is no value"))
                        .hint("values are numbers, Inf, NaN, stale, or _ for none; a repeated one is 1x3, _x3")),
                }
            }
            _ => self.number("where a value should stand"),
        }
    }

    fn word(&mut self) -> &'a str {
        let start = self.cursor.at();
        self.cursor.eat_while(|byte| number::is_word(byte) || byte == b':');
        self.cursor.since(start)
    }

    fn signed(&mut self, place: &str, hint: &str) -> Result<f64, ParseError> {
        let negative = self.cursor.eat('-');
        if !negative {
            self.cursor.eat('+');
        }
        let start = self.cursor.at();
        let value = match self.cursor.peek() {
            Some(c) if c.is_ascii_alphabetic() && c != 'x' => {
                let word = self.word();
                let value = number::value(word);
                value.ok_or_else(|| ParseError::new(self.cursor.span(start), "this is no number").hint(hint))?
            }
            _ => self.number(place).map_err(|error| error.hint(hint))?,
        };
        Ok(if negative { -value } else { value })
    }

    fn number(&mut self, place: &str) -> Result<f64, ParseError> {
        let start = self.cursor.at();
        let byte = self.cursor.peek_byte();
        let next_is_digit = self.cursor.rest().as_bytes().get(1).is_some_and(u8::is_ascii_digit);
        let begins = byte.is_ascii_digit() || (byte == b'.' && next_is_digit);
        if !begins {
            return Err(self.unexpected(start, place).hint("values look like 5, -0.5, 1+1x10, _x3, stale"));
        }
        let whole = number::scan_number(&mut self.cursor, false);
        let ends = self.cursor.peek_byte() == b'x' || !number::is_word(self.cursor.peek_byte());
        if whole
            && ends
            && let Some(value) = number::value(self.cursor.since(start))
        {
            return Ok(value);
        }
        self.cursor.eat_while(|byte| number::is_word(byte) || byte == b'.');
        let text = self.cursor.since(start);
        Err(ParseError::new(self.cursor.span(start), format!("`{text}` is no number"))
            .hint("values are plain numbers; times and units do not stand here"))
    }

    /// `x5`, if it comes next.
    fn times(&mut self) -> Result<Option<u64>, ParseError> {
        if !self.cursor.eat('x') {
            return Ok(None);
        }
        let start = self.cursor.at();
        self.cursor.eat_while(|byte| number::is_word(byte) || byte == b'.');
        let text = self.cursor.since(start);
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        match text.parse() {
            Ok(times) if digits => Ok(Some(times)),
            _ if text.is_empty() => Err(self.unexpected(start, "behind `x`").hint("say how often: 1x5, 1+2x5")),
            _ => Err(ParseError::new(self.cursor.span(start), format!("`{text}` is no number of repetitions"))
                .hint("write a whole number: 1x5, 1+2x5")),
        }
    }

    /// `{{...}}`, `{{...}}x5`, `{{...}}+{{...}}x5`
    fn histograms(&mut self, start: usize) -> Result<HistogramRun, ParseError> {
        let first = histogram_notation::read(&mut self.cursor)?;
        let change = match self.cursor.peek() {
            Some('+') => Some(Change::Add),
            Some('-') => Some(Change::Subtract),
            _ => None,
        };
        let mut step = None;
        if let Some(change) = change {
            self.cursor.bump();
            let at = self.cursor.at();
            if !self.cursor.rest().starts_with("{{") {
                return Err(self.unexpected(at, "behind a histogram").hint("what is added to a histogram is one too"));
            }
            step = Some((change, histogram_notation::read(&mut self.cursor)?));
        }
        let times = self.times()?;
        if times.is_none() && step.is_some() {
            return Err(self
                .unexpected(self.cursor.at(), "behind a step")
                .hint("say how often it is added: {{count:1}}+{{count:2}}x5"));
        }
        histogram_notation::run(self.cursor.span(start), first, step, times.unwrap_or(0))
    }

    fn unexpected(&self, start: usize, place: &str) -> ParseError {
        match self.text.get(start..).and_then(|rest| rest.chars().next()) {
            Some(c) => ParseError::new(Span::new(start, start + c.len_utf8()), format!("unexpected {c:?} {place}")),
            None => ParseError::new(Span::new(start, start), format!("unexpected end of the values {place}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::number::is_stale;

    fn expanded(text: &str) -> Vec<Option<f64>> {
        let runs = parse_samples(text).unwrap();
        runs.iter().flat_map(SampleRun::samples).map(|sample| sample.map(|sample| sample.float().unwrap())).collect()
    }

    #[test]
    fn repetitions_and_steps_are_written_out() {
        assert_eq!(expanded("1 -2 +3.5"), [Some(1.0), Some(-2.0), Some(3.5)]);
        assert_eq!(expanded("1+2x3"), [1.0, 3.0, 5.0, 7.0].map(Some));
        assert_eq!(expanded("-2-1x2"), [-2.0, -3.0, -4.0].map(Some));
        assert_eq!(
            expanded("7x2 _ _x2 0x1"),
            [Some(7.0), Some(7.0), Some(7.0), None, None, None, Some(0.0), Some(0.0)]
        );
        assert_eq!(expanded("_x0 5x0"), [Some(5.0)]);
        assert_eq!(expanded("010 1_000"), [Some(8.0), Some(1000.0)]);
        assert_eq!(expanded(""), []);
    }

    #[test]
    fn steps_are_added_one_by_one_with_their_rounding() {
        let values = expanded("0+0.1x10");
        let mut sum = 0.0;
        (0..10).for_each(|_| sum += 0.1);
        assert_eq!(values.last(), Some(&Some(sum)));
        assert_ne!(sum, 1.0);
    }

    #[test]
    fn stale_and_special_numbers_are_values() {
        let values = expanded("stale NaN -Inf inf");
        assert!(values[0].is_some_and(is_stale));
        assert!(values[1].is_some_and(|value| value.is_nan() && !is_stale(value)));
        assert_eq!(values[2..], [Some(f64::NEG_INFINITY), Some(f64::INFINITY)]);
    }

    #[test]
    fn what_is_wrong_is_shown_where_it_is() {
        for (text, start, end) in [
            ("1 2 three 4", 4, 9),
            ("1 1x 2", 4, 5),
            ("1 1+1 2", 5, 6),
            ("1 1x1e3", 4, 7),
            ("1 2m", 2, 4),
            ("1,2", 1, 2),
            ("1 stalex3", 2, 9),
            ("x3", 0, 1),
            ("1 {{schema:x}}x3", 11, 12),
            ("1 {{schema:1", 2, 12),
            ("1 +", 3, 3),
        ] {
            assert_eq!(parse_samples(text).unwrap_err().span, Span::new(start, end), "{text}");
        }
    }

    #[test]
    fn a_line_holds_a_series_and_its_values() {
        let (labels, runs) = parse_series_line(r#"up{job="node"} 1 0x2"#).unwrap();
        assert_eq!(labels.as_metric(), r#"up{job="node"}"#);
        let SampleRun::Floats(run) = runs[1] else { panic!() };
        assert_eq!(run, ValueRun { span: Span::new(17, 20), first: Some(0.0), step: 0.0, count: 3 });
        assert_eq!(parse_series_line("up{}1").unwrap_err().span, Span::new(4, 5));
        assert_eq!(parse_series_line("up 1 bad").unwrap_err().span, Span::new(5, 8));
        assert!(parse_series_line("up").unwrap().1.is_empty());
    }
}
