//! What an `eval` expects, and the comparison with what came out.

use std::collections::HashMap;
use std::fmt;

use regex::Regex;

use super::Points;
use crate::labels::Labels;
use crate::number::almost_equal;
use crate::promql::series_values::ValueRun;
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
    fn check(&self, kind: &str, found: &[String]) -> Result<(), String> {
        if self.none && !found.is_empty() {
            return Err(format!("unexpected {kind}: {}", found.join("; ")));
        }
        if (self.some || !self.patterns.is_empty()) && found.is_empty() {
            return Err(format!("a {kind} was expected, but there is none"));
        }
        if self.patterns.is_empty() {
            return Ok(());
        }
        if let Some(missed) = self.patterns.iter().find(|pattern| !found.iter().any(|text| pattern.matches(text))) {
            return Err(format!("no {kind} is {missed}; found: {}", found.join("; ")));
        }
        match found.iter().find(|text| !self.patterns.iter().any(|pattern| pattern.matches(text))) {
            Some(extra) => Err(format!("unexpected {kind}: {extra}")),
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
    Series(HashMap<Labels, (usize, Points)>),
}

/// What an evaluation yields, as text a script can compare with.
#[derive(Clone, Debug)]
pub enum Text {
    Scalar(f64),
    String(String),
    /// Elements in the order of the result.
    Vector(Vec<(Labels, f64)>),
    /// Series in the order of the result, with their points.
    Matrix(Vec<(Labels, Vec<(Timestamp, f64)>)>),
}

impl Expected {
    /// Whether a native histogram is expected somewhere.
    pub fn has_histograms(&self) -> bool {
        match &self.values {
            Values::Series(series) => series.values().any(|(_, points)| *points == Points::Histograms),
            _ => false,
        }
    }

    /// Compares warnings and infos.
    pub fn check_annotations(&self, warnings: &[String], infos: &[String]) -> Result<(), String> {
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

    fn series(&self, labels: &Labels) -> Option<(usize, &[ValueRun])> {
        match &self.values {
            Values::Series(series) => match series.get(labels)? {
                (place, Points::Floats(runs)) => Some((*place, runs)),
                (_, Points::Histograms) => None,
            },
            _ => None,
        }
    }

    fn check_vector(&self, elements: &[(Labels, f64)]) -> Result<(), String> {
        for (place, (labels, found)) in elements.iter().enumerate() {
            let (expected_place, runs) =
                self.series(labels).ok_or_else(|| format!("unexpected {labels} with {found}"))?;
            if self.ordered && expected_place != place {
                return Err(format!("{labels} is element {} and not {}", place + 1, expected_place + 1));
            }
            // Upstream compares with 0 where the value is left out.
            let expected = runs.iter().copied().flat_map(ValueRun::values).next().flatten().unwrap_or(0.0);
            if !almost_equal(expected, *found, EPSILON) {
                return Err(format!("expected {expected} for {labels}, found {found}"));
            }
        }
        self.check_missing(|labels| elements.iter().any(|(found, _)| found == labels))
    }

    fn check_matrix(
        &self,
        series: &[(Labels, Vec<(Timestamp, f64)>)],
        (start, end, step): (Timestamp, Timestamp, Duration),
    ) -> Result<(), String> {
        if self.ordered {
            return Err("a range query has no order".to_owned());
        }
        if let Some(pair) = series.windows(2).find(|pair| pair[0].0 > pair[1].0) {
            return Err(format!("{} comes before {}", pair[0].0, pair[1].0));
        }
        for (labels, found) in series {
            let (_, runs) = self.series(labels).ok_or_else(|| format!("unexpected {labels} with {found:?}"))?;
            let mut expected = Vec::new();
            let mut time = start;
            for value in runs.iter().copied().flat_map(ValueRun::values) {
                if time > end {
                    return Err(format!("more values are expected for {labels} than the query has steps"));
                }
                expected.extend(value.map(|value| (time, value)));
                time = time + step;
            }
            if expected.len() != found.len() {
                return Err(format!("expected {} values for {labels}, found {found:?}", expected.len()));
            }
            for ((time, expected), (found_time, found)) in expected.iter().zip(found) {
                if time != found_time || !almost_equal(*expected, *found, EPSILON) {
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
