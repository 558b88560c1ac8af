//! Native histograms as test files write them: `{{schema:1 count:3 sum:7 buckets:[1 2]}}` (Prometheus
//! `promql/parser/generated_parser.y`, `histogram_series_value`).

use std::sync::Arc;

use crate::histogram::{Bucket, CUSTOM_BUCKETS, EXPONENTIAL, FloatHistogram, Invalid, ResetHint};
use crate::syntax::{Cursor, ParseError, number};
use crate::text::Span;

/// A histogram that was written, and whether its counter reset hint was.
#[derive(Clone, Debug)]
pub struct WrittenHistogram {
    pub histogram: FloatHistogram,
    pub hint_written: bool,
}

/// Several histograms of a series: the first, and what is added from one to the next.
#[derive(Clone, Debug)]
pub struct HistogramRun {
    /// Where the item stands.
    pub span: Span,
    pub first: Arc<FloatHistogram>,
    /// What is added, or subtracted, from histogram to histogram.
    pub step: Option<(Change, FloatHistogram)>,
    /// How many there are in all.
    pub count: u64,
    /// Whether counter reset hints were written; the hint of a step is the one that counts.
    pub hint_written: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    Add,
    Subtract,
}

impl PartialEq for HistogramRun {
    /// Histograms compare bit by bit, and with what is said of resets.
    fn eq(&self, other: &HistogramRun) -> bool {
        let same = |a: &FloatHistogram, b: &FloatHistogram| a.hint == b.hint && a.equals(b);
        let same_step = match (&self.step, &other.step) {
            (Some((change, step)), Some((of, by))) => change == of && same(step, by),
            (None, None) => true,
            _ => false,
        };
        self.span == other.span && self.count == other.count && same(&self.first, &other.first) && same_step
    }
}

impl HistogramRun {
    /// The histograms, one after another.
    pub fn histograms(&self) -> impl Iterator<Item = Arc<FloatHistogram>> + '_ {
        let mut next = Some(self.first.clone());
        (0..self.count).filter_map(move |_| {
            let found = next.take()?;
            next = match &self.step {
                None => Some(found.clone()),
                Some((change, step)) => changed(&found, *change, step).ok().map(Arc::new),
            };
            Some(found)
        })
    }
}

/// A histogram with another one added or subtracted, or why that cannot be.
fn changed(histogram: &FloatHistogram, change: Change, step: &FloatHistogram) -> Result<FloatHistogram, String> {
    if histogram.schema > step.schema {
        let (from, to) = (step.schema, histogram.schema);
        return Err(format!("error combining histograms: cannot merge from schema {from} to {to}"));
    }
    // The buckets of others have no bounds; Prometheus panics.
    if let Some(schema) = [histogram.schema, step.schema].into_iter().find(|schema| !has_bounds(*schema)) {
        return Err(Invalid::Schema(schema).to_string());
    }
    let mut next = histogram.clone();
    let combined = match change {
        Change::Add => next.add(step),
        Change::Subtract => next.sub(step),
    };
    combined.map(|_| next).map_err(|error| error.to_string())
}

fn has_bounds(schema: i32) -> bool {
    schema == CUSTOM_BUCKETS || EXPONENTIAL.contains(&schema)
}

/// Joins a histogram and its change to a run of `times` more.
pub(super) fn run(
    span: Span,
    first: WrittenHistogram,
    step: Option<(Change, WrittenHistogram)>,
    times: u64,
) -> Result<HistogramRun, ParseError> {
    let mut hint_written = first.hint_written;
    if let Some((change, step)) = &step {
        hint_written = step.hint_written;
        changed(&first.histogram, *change, &step.histogram).map_err(|error| ParseError::new(span, error))?;
    }
    let step = step.map(|(change, step)| (change, step.histogram));
    let count = times.saturating_add(1);
    Ok(HistogramRun { span, first: Arc::new(first.histogram), step, count, hint_written })
}

const KEYS: [&str; 11] = [
    "schema",
    "sum",
    "count",
    "z_bucket",
    "z_bucket_w",
    "custom_values",
    "buckets",
    "offset",
    "n_buckets",
    "n_offset",
    "counter_reset_hint",
];

/// Reads a histogram; the cursor stands at its `{{`.
pub(super) fn read(cursor: &mut Cursor<'_>) -> Result<WrittenHistogram, ParseError> {
    let start = cursor.at();
    if !cursor.rest().contains("}}") {
        let end = start + cursor.rest().len();
        return Err(ParseError::new(Span::new(start, end), "a `{{` is not closed").hint("write }}"));
    }
    cursor.bump();
    cursor.bump();
    let mut fields = Fields { cursor, histogram: FloatHistogram::default(), seen: Vec::new(), offsets: [0, 0] };
    let blank = fields.blanks();
    if !fields.closed() {
        if blank {
            let at = fields.cursor.at();
            return Err(ParseError::new(Span::new(at - 1, at), "a blank behind `{{`").hint("write {{schema:0 ...}}"));
        }
        loop {
            fields.field()?;
            let blank = fields.blanks();
            if fields.closed() {
                break;
            }
            if !blank {
                return Err(fields.unexpected("behind a value").hint("write a space between the parts, }} at the end"));
            }
        }
    }
    let Fields { mut histogram, seen, offsets, .. } = fields;
    for (buckets, offset) in [(&mut histogram.positive, offsets[0]), (&mut histogram.negative, offsets[1])] {
        buckets.iter_mut().for_each(|bucket| bucket.index = bucket.index.saturating_add(offset));
    }
    Ok(WrittenHistogram { histogram, hint_written: seen.contains(&"counter_reset_hint") })
}

struct Fields<'c, 'a> {
    cursor: &'c mut Cursor<'a>,
    histogram: FloatHistogram,
    seen: Vec<&'static str>,
    /// Where positive and negative buckets begin.
    offsets: [i32; 2],
}

impl Fields<'_, '_> {
    fn blanks(&mut self) -> bool {
        let start = self.cursor.at();
        self.cursor.eat_while(|byte| byte.is_ascii_whitespace());
        self.cursor.at() > start
    }

    fn closed(&mut self) -> bool {
        let closed = self.cursor.rest().starts_with("}}");
        if closed {
            self.cursor.bump();
            self.cursor.bump();
        }
        closed
    }

    fn unexpected(&self, place: &str) -> ParseError {
        let start = self.cursor.at();
        let next = self.cursor.peek();
        let span = Span::new(start, start + next.map_or(0, char::len_utf8));
        match next {
            Some(c) => ParseError::new(span, format!("unexpected {c:?} {place} of a histogram")),
            None => ParseError::new(span, format!("unexpected end {place} of a histogram")),
        }
    }

    fn word(&mut self) -> (String, Span) {
        let start = self.cursor.at();
        self.cursor.eat_while(|byte| byte.is_ascii_alphabetic() || byte == b'_');
        (self.cursor.since(start).to_ascii_lowercase(), self.cursor.span(start))
    }

    /// `key:value`
    fn field(&mut self) -> Result<(), ParseError> {
        let (word, span) = self.word();
        let known = KEYS.into_iter().find(|key| *key == word);
        let Some(key) = known else {
            let error = if word.is_empty() {
                self.unexpected("where a part should stand")
            } else {
                ParseError::new(span, format!("`{word}` is no part of a histogram"))
            };
            return Err(error.hint(format!("the parts are {}", KEYS.join(", "))));
        };
        if !self.cursor.eat(':') {
            return Err(self.unexpected(&format!("behind `{key}`")).hint(format!("write {key}:...")));
        }
        if self.seen.contains(&key) {
            return Err(ParseError::new(span, format!("`{key}` is there twice")).hint("write each part once"));
        }
        self.seen.push(key);
        match key {
            "schema" => self.histogram.schema = self.int()?,
            "sum" => self.histogram.sum = self.number(true, true)?,
            "count" => self.histogram.count = self.number(true, true)?,
            "z_bucket" => self.histogram.zero_count = self.number(true, true)?,
            "z_bucket_w" => self.histogram.zero_threshold = self.number(false, true)?,
            "custom_values" => self.histogram.custom_values = self.numbers()?.into(),
            "buckets" => self.histogram.positive = buckets(self.numbers()?),
            "n_buckets" => self.histogram.negative = buckets(self.numbers()?),
            "offset" => self.offsets[0] = self.int()?,
            "n_offset" => self.offsets[1] = self.int()?,
            _ => self.histogram.hint = self.hint()?,
        }
        Ok(())
    }

    fn hint(&mut self) -> Result<ResetHint, ParseError> {
        let (word, span) = self.word();
        match word.as_str() {
            "unknown" => Ok(ResetHint::Unknown),
            "reset" => Ok(ResetHint::Reset),
            "not_reset" => Ok(ResetHint::NotReset),
            "gauge" => Ok(ResetHint::Gauge),
            _ => Err(ParseError::new(span, format!("`{word}` is no counter reset hint"))
                .hint("write unknown, reset, not_reset or gauge")),
        }
    }

    fn int(&mut self) -> Result<i32, ParseError> {
        let start = self.cursor.at();
        self.cursor.eat('-');
        self.cursor.eat_while(|byte| byte.is_ascii_digit());
        let text = self.cursor.since(start);
        match text.parse() {
            Ok(int) => Ok(int),
            Err(_) if text.is_empty() => Err(self.unexpected("where a whole number should stand")),
            Err(_) => Err(ParseError::new(self.cursor.span(start), format!("`{text}` is no whole number of 32 bits"))),
        }
    }

    /// A number; words (`Inf`, `NaN`) where they are allowed.
    fn number(&mut self, signed: bool, words: bool) -> Result<f64, ParseError> {
        let start = self.cursor.at();
        let negative = signed && self.cursor.eat('-');
        let digits = self.cursor.at();
        let whole = match self.cursor.peek_byte() {
            byte if byte.is_ascii_digit() => number::scan_number(self.cursor, false),
            byte if words && byte.is_ascii_alphabetic() => {
                let (word, _) = self.word();
                word == "inf" || word == "nan"
            }
            _ => return Err(self.unexpected("where a number should stand").hint("numbers look like 5, -0.5 or 1e3")),
        };
        match number::value(self.cursor.since(digits)).filter(|_| whole) {
            Some(value) => Ok(if negative { -value } else { value }),
            None => {
                let span = self.cursor.span(start);
                Err(ParseError::new(span, format!("`{}` is no number", self.cursor.since(start))))
            }
        }
    }

    /// `[1 2 3]`
    fn numbers(&mut self) -> Result<Vec<f64>, ParseError> {
        if !self.cursor.eat('[') {
            return Err(self.unexpected("where a list should stand").hint("write [1 2 3]"));
        }
        let mut numbers = vec![self.listed_number()?];
        loop {
            let blank = self.blanks();
            if self.cursor.eat(']') {
                return Ok(numbers);
            }
            if !blank {
                return Err(self.unexpected("inside of a list").hint("write spaces between numbers, ] at the end"));
            }
            numbers.push(self.listed_number()?);
        }
    }

    /// Prometheus reads `Inf` in a list, and no `-Inf`.
    fn listed_number(&mut self) -> Result<f64, ParseError> {
        let signed = self.cursor.peek_byte() == b'-';
        self.number(signed, !signed)
    }
}

fn buckets(counts: Vec<f64>) -> Vec<Bucket> {
    (0..).zip(counts).map(|(index, count)| Bucket { index, count }).collect()
}

#[cfg(test)]
mod tests {
    use super::super::series_values::{SampleRun, parse_samples};
    use super::*;

    fn expanded(text: &str) -> Vec<String> {
        let runs = parse_samples(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let samples = runs.iter().flat_map(SampleRun::samples).flatten();
        samples.map(|sample| sample.histogram().map_or("float".to_owned(), FloatHistogram::test_expression)).collect()
    }

    // Expected values: `got` of promtool 3.5 for a series with these values.
    #[test]
    fn histograms_are_read_as_promtool_reads_them() {
        let written = "{{schema:1 count:32.1 sum:-0.3 z_bucket:7.1 z_bucket_w:0.05 offset:-3 buckets:[5.1 10 7] n_offset:-5 n_buckets:[4.1 5]}}";
        assert_eq!(expanded(written), [written]);
        assert_eq!(expanded("{{}}"), ["{{}}"]);
        assert_eq!(expanded("{{ }}"), ["{{}}"]);
        assert_eq!(expanded("{{SCHEMA:1   Sum:2 }}"), ["{{schema:1 sum:2}}"]);
        assert_eq!(expanded("{{sum:-Inf}}"), ["{{sum:-Inf}}"]);
        assert_eq!(expanded("{{buckets:[1  2 ]}}"), ["{{buckets:[1 2]}}"]);
        assert_eq!(expanded("{{buckets:[1 NaN inf]}}"), ["{{buckets:[1 NaN +Inf]}}"]);
        assert_eq!(expanded("{{counter_reset_hint:Gauge}}"), ["{{counter_reset_hint:gauge}}"]);
        assert_eq!(
            expanded("{{count:2 buckets:[2]}}x1 1"),
            ["{{count:2 buckets:[2]}}", "{{count:2 buckets:[2]}}", "float"]
        );
        assert_eq!(
            expanded("{{count:2 buckets:[2]}}+{{count:1 buckets:[1] offset:1}}x2"),
            ["{{count:2 buckets:[2]}}", "{{count:3 buckets:[2 1]}}", "{{count:4 buckets:[2 2]}}"]
        );
        assert_eq!(expanded("{{count:2}}-{{count:1}}x1"), ["{{count:2}}", "{{count:1}}"]);
    }

    // promtool 3.5 refuses each of these.
    #[test]
    fn what_is_wrong_with_a_histogram_is_shown_where_it_is() {
        for (text, start, end) in [
            ("{{ schema:1}}", 2, 3),
            ("{{foo:1}}", 2, 5),
            ("{{sum:+3}}", 6, 7),
            ("{{z_bucket_w:-1}}", 13, 14),
            ("{{buckets:[ 1 2]}}", 11, 12),
            ("{{buckets:[]}}", 11, 12),
            ("{{buckets:[1 -Inf]}}", 14, 15),
            ("{{schema:1 schema:1}}", 11, 17),
            ("{{count:1,sum:2}}", 9, 10),
            ("{{schema:1.5}}", 10, 11),
            ("{{schema:}}", 9, 10),
            ("{{sum:.5}}", 6, 7),
            ("{{counter_reset_hint:maybe}}", 21, 26),
            ("{{}}+{{}}", 9, 9),
            ("{{}}x1.5", 5, 8),
            ("{{sum:1}}{{}}", 9, 10),
            ("{{schema:1}}+{{schema:0}}x2", 0, 27),
            ("{{schema:-53 custom_values:[1]}}+{{}}x1", 0, 39),
            ("{{schema:1}}+{{schema:21}}x2", 0, 28),
            ("{{schema:-40}}+{{schema:-40}}x2", 0, 31),
            ("1 {{schema:1", 2, 12),
        ] {
            let error = parse_samples(text).unwrap_err();
            assert_eq!(error.span, Span::new(start, end), "{text}: {error}");
        }
    }
}
