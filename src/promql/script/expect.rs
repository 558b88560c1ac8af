//! What an `eval` expects, and the comparison with what came out.

use std::collections::HashMap;
use std::fmt;

use regex::Regex;

use crate::histogram::{FloatHistogram, Sample};
use crate::labels::Labels;
use crate::number::almost_equal;
use crate::promql::series_values::SampleRun;
use crate::time::{Duration, Timestamp};

/// The relative error that upstream allows.
const EPSILON: f64 = 0.000001;

/// Everything that follows an `eval`.
#[derive(Clone, Debug, Default)]
pub struct Expected {
    pub values: Values,
    /// Expected elements in this order.
    pub ordered: bool,
    /// The query has to fail.
    pub failure: Option<Failure>,
    pub warnings: Annotations,
    pub infos: Annotations,
    /// `expect range vector`: the times of the values of an instant query.
    pub range_vector: Option<(Timestamp, Timestamp, Duration)>,
}

/// How an expected text is given.
#[derive(Clone, Debug)]
pub enum Pattern {
    Any,
    Exact(String),
    Regex(Regex),
}

impl Pattern {
    pub fn matches(&self, text: &str) -> bool {
        match self {
            Pattern::Any => true,
            Pattern::Exact(exact) => exact == text,
            Pattern::Regex(regex) => regex.is_match(text),
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Pattern::Any => f.write_str("any"),
            Pattern::Exact(text) => write!(f, "{text:?}"),
            Pattern::Regex(regex) => write!(f, "like {}", regex.as_str()),
        }
    }
}

/// The errors of which one is expected.
#[derive(Clone, Debug)]
pub struct Failure(pub Pattern);

/// A warning or an info that came.
#[derive(Clone, Debug)]
pub struct Said {
    pub text: String,
    /// With the place that it is about. Scripts up to 3.14 leave it out, later ones write it.
    pub placed: String,
}

impl Said {
    fn meets(&self, pattern: &Pattern) -> bool {
        pattern.matches(&self.text) || pattern.matches(&self.placed)
    }
}

/// Warnings or infos that are expected.
#[derive(Clone, Debug, Default)]
pub struct Annotations {
    /// Each has to be met, and each that comes has to meet one; empty: not looked at.
    pub patterns: Vec<Pattern>,
    /// There has to be at least one, whatever it says (`eval_warn`, `eval_info`).
    pub some: bool,
    /// There must be none.
    pub none: bool,
}

impl Annotations {
    fn check(&self, kind: &str, found: &[Said]) -> Result<(), String> {
        let all = || found.iter().map(|said| said.placed.as_str()).collect::<Vec<_>>().join("; ");
        if self.none && !found.is_empty() {
            return Err(format!("unexpected {kind}: {}", all()));
        }
        if (self.some || !self.patterns.is_empty()) && found.is_empty() {
            return Err(format!("a {kind} was expected, but there is none"));
        }
        if self.patterns.is_empty() {
            return Ok(());
        }
        if let Some(missed) = self.patterns.iter().find(|pattern| !found.iter().any(|said| said.meets(pattern))) {
            return Err(format!("no {kind} is {missed}; found: {}", all()));
        }
        match found.iter().find(|said| !self.patterns.iter().any(|pattern| said.meets(pattern))) {
            Some(extra) => Err(format!("unexpected {kind}: {}", extra.placed)),
            None => Ok(()),
        }
    }
}

/// The expected result.
#[derive(Clone, Debug, Default)]
pub enum Values {
    /// Neither series nor number: an empty result.
    #[default]
    Nothing,
    Scalar(f64),
    String(String),
    /// By labels: the place among the lines (from 0), and the values.
    Series(HashMap<Labels, (usize, Vec<SampleRun>)>),
}

/// What an evaluation yields, as text a script can compare with.
#[derive(Clone, Debug)]
pub enum Text {
    Scalar(f64),
    String(String),
    /// Elements in the order of the result.
    Vector(Vec<(Labels, Sample)>),
    /// Series in the order of the result, with their points.
    Matrix(Vec<(Labels, Vec<(Timestamp, Sample)>)>),
}

impl Expected {
    /// Compares warnings and infos.
    pub fn check_annotations(&self, warnings: &[Said], infos: &[Said]) -> Result<(), String> {
        self.warnings.check("warning", warnings)?;
        self.infos.check("info", infos)
    }

    /// Compares a result; `grid` holds the times of expected values (start, end, step).
    pub fn check(&self, result: &Text, grid: (Timestamp, Timestamp, Duration)) -> Result<(), String> {
        match (&self.values, result) {
            (Values::String(expected), Text::String(found)) if expected == found => Ok(()),
            (Values::Nothing, Text::String(found)) if found.is_empty() => Ok(()),
            (_, Text::String(found)) => Err(format!("found the string {found:?}")),
            (Values::Scalar(expected), Text::Scalar(found)) => {
                if almost_equal(*expected, *found, EPSILON) {
                    Ok(())
                } else {
                    Err(format!("expected {expected}, found {found}"))
                }
            }
            (_, Text::Scalar(found)) => Err(format!("series were expected, found the scalar {found}")),
            (Values::Scalar(_), _) => Err("a scalar was expected, found series".to_owned()),
            (_, Text::Vector(elements)) => self.check_vector(elements),
            (_, Text::Matrix(series)) => self.check_matrix(series, grid),
        }
    }

    fn series(&self, labels: &Labels) -> Option<(usize, &[SampleRun])> {
        match &self.values {
            Values::Series(series) => series.get(labels).map(|(place, runs)| (*place, runs.as_slice())),
            _ => None,
        }
    }

    fn check_vector(&self, elements: &[(Labels, Sample)]) -> Result<(), String> {
        for (place, (labels, found)) in elements.iter().enumerate() {
            let (expected_place, runs) =
                self.series(labels).ok_or_else(|| format!("unexpected {labels} with {}", shown(found)))?;
            if self.ordered && expected_place != place {
                return Err(format!("{labels} is element {} and not {}", place + 1, expected_place + 1));
            }
            // Upstream compares with 0 where the value is left out.
            let left_out = Wanted { sample: Sample::Float(0.0), hint_written: false };
            let expected = wanted(runs).next().flatten().unwrap_or(left_out);
            if !expected.is_met_by(found) {
                return Err(format!("expected {} for {labels}, found {}", shown(&expected.sample), shown(found)));
            }
        }
        self.check_missing(|labels| elements.iter().any(|(found, _)| found == labels))
    }

    fn check_matrix(
        &self,
        series: &[(Labels, Vec<(Timestamp, Sample)>)],
        (start, end, step): (Timestamp, Timestamp, Duration),
    ) -> Result<(), String> {
        if self.ordered {
            return Err("a range query has no order".to_owned());
        }
        if let Some(pair) = series.windows(2).find(|pair| pair[0].0 > pair[1].0) {
            return Err(format!("{} comes before {}", pair[0].0, pair[1].0));
        }
        for (labels, found) in series {
            let listed = || found.iter().map(|(_, sample)| shown(sample)).collect::<Vec<_>>().join(" ");
            let (_, runs) = self.series(labels).ok_or_else(|| format!("unexpected {labels} with {}", listed()))?;
            let mut expected = Vec::new();
            let mut time = start;
            for value in wanted(runs) {
                if time > end {
                    return Err(format!("more values are expected for {labels} than the query has steps"));
                }
                expected.extend(value.map(|value| (time, value)));
                time = time + step;
            }
            if expected.len() != found.len() {
                return Err(format!("expected {} values for {labels}, found {}", expected.len(), listed()));
            }
            for ((time, expected), (found_time, found)) in expected.iter().zip(found) {
                if time != found_time || !expected.is_met_by(found) {
                    let (expected, found) = (shown(&expected.sample), shown(found));
                    return Err(format!("expected {expected} at {time} for {labels}, found {found} at {found_time}"));
                }
            }
        }
        self.check_missing(|labels| series.iter().any(|(found, _)| found == labels))
    }

    fn check_missing(&self, is_there: impl Fn(&Labels) -> bool) -> Result<(), String> {
        let Values::Series(series) = &self.values else { return Ok(()) };
        match series.keys().filter(|labels| !is_there(labels)).min() {
            Some(labels) => Err(format!("expected {labels}, which is not there")),
            None => Ok(()),
        }
    }
}

/// An expected sample.
struct Wanted {
    sample: Sample,
    /// A counter reset hint that is not written is not compared.
    hint_written: bool,
}

/// The expected samples, `None` where there must be none.
fn wanted(runs: &[SampleRun]) -> impl Iterator<Item = Option<Wanted>> + '_ {
    runs.iter().flat_map(|run| {
        let hint_written = matches!(run, SampleRun::Histograms(run) if run.hint_written);
        run.samples().map(move |sample| sample.map(|sample| Wanted { sample, hint_written }))
    })
}

impl Wanted {
    fn is_met_by(&self, found: &Sample) -> bool {
        match (&self.sample, found) {
            (Sample::Float(expected), Sample::Float(found)) => almost_equal(*expected, *found, EPSILON),
            (Sample::Histogram(expected), Sample::Histogram(found)) => {
                (!self.hint_written || expected.hint == found.hint) && same_histogram(expected, found)
            }
            _ => false,
        }
    }
}

/// Whether all numbers of two histograms are nearly the same, empty buckets left out (`compareNativeHistogram`).
fn same_histogram(expected: &FloatHistogram, found: &FloatHistogram) -> bool {
    let near = |a: f64, b: f64| almost_equal(a, b, EPSILON);
    let [expected, found] = [expected, found].map(|histogram| {
        let mut histogram = histogram.clone();
        histogram.compact();
        histogram
    });
    let same_buckets = [(&expected.positive, &found.positive), (&expected.negative, &found.negative)];
    let same_buckets = same_buckets
        .into_iter()
        .all(|(a, b)| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.index == b.index && near(a.count, b.count)));
    expected.schema == found.schema
        && near(expected.count, found.count)
        && near(expected.sum, found.sum)
        && (!expected.has_custom_buckets() || expected.custom_values == found.custom_values)
        && expected.zero_threshold == found.zero_threshold
        && near(expected.zero_count, found.zero_count)
        && same_buckets
}

/// A sample as a script writes it.
fn shown(sample: &Sample) -> String {
    match sample {
        Sample::Float(value) => value.to_string(),
        Sample::Histogram(histogram) => histogram.test_expression(),
    }
}
