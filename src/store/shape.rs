//! What is known of all samples of a series together, so that nobody looks at each of them to find out.

use crate::time::{Duration, Timestamp};

/// How the samples of a series lie.
#[derive(Clone, Copy, Debug, Default)]
pub struct Shape {
    spacing: Spacing,
    /// Whether a value is not a number; stale markers are not.
    has_nan: bool,
}

#[derive(Clone, Copy, Debug, Default)]
enum Spacing {
    /// Fewer than two samples.
    #[default]
    Open,
    Even(Duration),
    Uneven,
}

impl Shape {
    /// Takes note of the next sample, `before` being the time of the last one.
    pub fn note(&mut self, before: Option<Timestamp>, time: Timestamp, value: f64) {
        self.has_nan |= value.is_nan();
        let Some(before) = before else { return };
        self.spacing = match self.spacing {
            Spacing::Open => Spacing::Even(time - before),
            Spacing::Even(spacing) if spacing == time - before => return,
            _ => Spacing::Uneven,
        };
    }

    /// The time from each sample to the next, where that is always the same; `None` below two samples.
    pub fn spacing(&self) -> Option<Duration> {
        match self.spacing {
            Spacing::Even(spacing) => Some(spacing),
            Spacing::Open | Spacing::Uneven => None,
        }
    }

    /// Whether all values are numbers: none is a stale marker either.
    pub fn is_numbers(&self) -> bool {
        !self.has_nan
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(samples: &[(i64, f64)]) -> Shape {
        let mut shape = Shape::default();
        let mut before = None;
        for (time, value) in samples {
            shape.note(before, Timestamp(*time), *value);
            before = Some(Timestamp(*time));
        }
        shape
    }

    #[test]
    fn spacing_is_known_while_it_is_even() {
        assert_eq!(shape(&[(5, 1.0)]).spacing(), None);
        assert_eq!(shape(&[(5, 1.0), (8, 1.0), (11, 1.0)]).spacing(), Some(Duration(3)));
        assert_eq!(shape(&[(5, 1.0), (8, 1.0), (12, 1.0), (15, 1.0)]).spacing(), None);
    }

    #[test]
    fn stale_markers_are_no_numbers() {
        assert!(shape(&[(0, f64::INFINITY)]).is_numbers());
        assert!(!shape(&[(0, 1.0), (1, crate::number::stale_marker())]).is_numbers());
    }
}
