//! What a series holds at a time: a number or a histogram.

use std::sync::Arc;

use super::FloatHistogram;

/// A sample without its time.
#[derive(Clone, Debug)]
pub enum Sample {
    Float(f64),
    Histogram(Arc<FloatHistogram>),
}

impl Sample {
    /// The number; `None` for a histogram.
    pub fn float(&self) -> Option<f64> {
        match self {
            Sample::Float(value) => Some(*value),
            Sample::Histogram(_) => None,
        }
    }

    /// The histogram; `None` for a number.
    pub fn histogram(&self) -> Option<&FloatHistogram> {
        match self {
            Sample::Float(_) => None,
            Sample::Histogram(histogram) => Some(histogram),
        }
    }
}

impl PartialEq for Sample {
    /// Numbers compare as numbers, histograms bit by bit.
    fn eq(&self, other: &Sample) -> bool {
        match (self, other) {
            (Sample::Float(a), Sample::Float(b)) => a == b,
            (Sample::Histogram(a), Sample::Histogram(b)) => a.equals(b),
            _ => false,
        }
    }
}

impl From<f64> for Sample {
    fn from(value: f64) -> Sample {
        Sample::Float(value)
    }
}
