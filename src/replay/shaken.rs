//! Figures that could as well be others: those that are assumed or fitted, and those that say between what they lie. A day
//! is shaken by reading it again with one of them moved.

use std::cell::RefCell;

use super::histogram::Distribution;
use super::provenance::Kind;
use super::units::Rate;
use crate::text::Span;
use crate::time::Duration;

/// The names of what is shaken and is no figure.
pub const SCRAPE_PHASES: &str = "scrape phases";
pub const EVALUATION_PHASES: &str = "evaluation phases";
pub const MISSED_SCRAPES: &str = "missed scrapes";

/// A figure that could as well be another.
#[derive(Clone, Debug, PartialEq)]
pub struct LooseFigure {
    /// `spans.stuck`, `events.attempt`, `metrics.SERIES.counter.stuck`.
    pub what: String,
    pub kind: Kind,
    /// As it is written; the length of a span.
    pub written: String,
    /// What it is moved to; half and double unless the figure says otherwise.
    pub between: Option<[String; 2]>,
    /// Where it stands. What is written once and used for several series is one figure.
    pub place: Span,
}

impl LooseFigure {
    /// `spans.stuck (51m15s) doubled`.
    pub fn moved(&self, bound: Bound) -> String {
        let LooseFigure { what, written, between, .. } = self;
        match (between, bound) {
            (Some([low, _]), Bound::Low) => format!("{what} {low} instead of {written}"),
            (Some([_, high]), Bound::High) => format!("{what} {high} instead of {written}"),
            (None, Bound::Low) => format!("{what} ({written}) halved"),
            (None, Bound::High) => format!("{what} ({written}) doubled"),
        }
    }

    /// Whether a name means it: its own, or that of what it is a part of.
    pub fn is_called(&self, name: &str) -> bool {
        self.what.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    }
}

/// Which way a figure is moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    Low,
    High,
}

/// One figure of a day, moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shift {
    pub place: Span,
    pub bound: Bound,
}

/// What can be halved and doubled.
pub trait Scaled {
    fn scaled(&self, factor: f64) -> Self;
}

impl Scaled for f64 {
    fn scaled(&self, factor: f64) -> f64 {
        self * factor
    }
}

impl Scaled for Rate {
    fn scaled(&self, factor: f64) -> Rate {
        Rate { amount: self.amount * factor, per: self.per }
    }
}

impl Scaled for Duration {
    fn scaled(&self, factor: f64) -> Duration {
        Duration((self.0 as f64 * factor).round() as i64)
    }
}

impl Scaled for Distribution {
    /// Every observation is so many times as large; what spreads a logarithm stays.
    fn scaled(&self, factor: f64) -> Distribution {
        match self {
            Distribution::Constant(value) => Distribution::Constant(value * factor),
            Distribution::Uniform { from, to } => Distribution::Uniform { from: from * factor, to: to * factor },
            Distribution::Normal { mean, deviation } => {
                Distribution::Normal { mean: mean * factor, deviation: deviation * factor }
            }
            Distribution::LogNormal { median, sigma } => {
                Distribution::LogNormal { median: median * factor, sigma: *sigma }
            }
            Distribution::Exponential { mean } => Distribution::Exponential { mean: mean * factor },
            Distribution::Quantiles(points) => {
                Distribution::Quantiles(points.iter().map(|(part, value)| (*part, value * factor)).collect())
            }
        }
    }
}

/// The loose figures of a day as it is read, and which of them is moved.
#[derive(Default)]
pub struct Looseness {
    shift: Option<Shift>,
    found: RefCell<Vec<LooseFigure>>,
}

impl Looseness {
    pub fn new(shift: Option<Shift>) -> Looseness {
        Looseness { shift, found: RefCell::default() }
    }

    /// Whether any figure is moved, so that spans may meet that are apart as written.
    pub fn is_shifted(&self) -> bool {
        self.shift.is_some()
    }

    /// The value that a loose figure has on this day, and a note of it. `between` is what it is moved to; half and double
    /// unless it is there. What is the same when doubled (0, infinity) is not loose.
    pub fn value<T: Scaled + PartialEq>(&self, figure: LooseFigure, value: T, between: Option<[T; 2]>) -> T {
        if between.is_none() && value.scaled(2.0) == value {
            return value;
        }
        let moved = self.shift.filter(|shift| shift.place == figure.place).map(|shift| shift.bound);
        let mut found = self.found.borrow_mut();
        if !found.iter().any(|other| other.place == figure.place) {
            found.push(figure);
        }
        match (moved, between) {
            (None, _) => value,
            (Some(Bound::Low), None) => value.scaled(0.5),
            (Some(Bound::High), None) => value.scaled(2.0),
            (Some(Bound::Low), Some([low, _])) => low,
            (Some(Bound::High), Some([_, high])) => high,
        }
    }

    pub fn figures(&self) -> Vec<LooseFigure> {
        self.found.borrow().clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(what: &str, at: usize) -> LooseFigure {
        let place = Span::new(at, at + 1);
        LooseFigure { what: what.to_owned(), kind: Kind::Assumed, written: "4".to_owned(), between: None, place }
    }

    #[test]
    fn only_the_figure_at_its_place_is_moved() {
        let shift = Shift { place: Span::new(3, 4), bound: Bound::High };
        let looseness = Looseness::new(Some(shift));
        assert_eq!(looseness.value(figure("a", 3), 4.0, None), 8.0);
        assert_eq!(looseness.value(figure("b", 5), 4.0, None), 4.0);
        assert_eq!(looseness.value(figure("a", 3), 4.0, Some([3.0, 5.0])), 5.0);
        // A zero is the same when doubled, and one place is one figure.
        assert_eq!(looseness.value(figure("zero", 7), 0.0, None), 0.0);
        assert_eq!(looseness.figures().iter().map(|figure| figure.what.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    }

    #[test]
    fn a_figure_is_called_by_its_name_and_by_that_of_what_it_is_a_part_of() {
        let figure = figure("metrics.a{le=\"0.5\"}.counter.stuck", 1);
        assert!(figure.is_called("metrics.a{le=\"0.5\"}.counter.stuck") && figure.is_called("metrics.a{le=\"0.5\"}"));
        assert!(!figure.is_called("metrics.a{le=\"0.5\"}.count") && !figure.is_called("metrics.a"));
    }
}
