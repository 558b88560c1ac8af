//! The series that an expression reads in the end, and what each has to be in healthy time and in the incident.

use std::collections::BTreeMap;

use crate::labels::Matcher;
use crate::time::Duration;

/// The two kinds of time in a new replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Healthy = 0,
    Incident = 1,
}

impl Phase {
    pub fn other(self) -> Phase {
        match self {
            Phase::Healthy => Phase::Incident,
            Phase::Incident => Phase::Healthy,
        }
    }
}

/// What a series exposes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Level {
    /// The series is not there.
    Gone,
    Value(f64),
    /// A time in Unix seconds that lies so many seconds back.
    Age(f64),
}

/// What is known of a series in one phase; what is not, nothing asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Facts {
    pub level: Option<Level>,
    /// A counter's increase a second.
    pub growth: Option<f64>,
    /// A gauge's change a second.
    pub slope: Option<f64>,
    /// The value around which a histogram's observations lie.
    pub observed: Option<f64>,
}

impl Facts {
    /// These facts, and from `other` those that are missing.
    pub fn or(self, other: Facts) -> Facts {
        Facts {
            level: self.level.or(other.level),
            growth: self.growth.or(other.growth),
            slope: self.slope.or(other.slope),
            observed: self.observed.or(other.observed),
        }
    }

    pub fn is_gone(self) -> bool {
        self.level == Some(Level::Gone)
    }
}

/// One series, or a histogram.
#[derive(Clone, Debug)]
pub struct Leaf {
    pub name: String,
    /// Without the name; `job` and `instance` included.
    pub labels: BTreeMap<String, String>,
    /// Those of the selector that asked for it first, without the one for the name.
    pub matchers: Vec<Matcher>,
    /// What was asked for is the sum over all series that meet the matchers.
    pub summed: bool,
    /// The time over which its increase is asked for, for the notation of its rate.
    pub per: Option<Duration>,
    /// It counts whole things.
    pub whole: bool,
    pub facts: [Facts; 2],
}

impl Leaf {
    pub fn meets(&self, matchers: &[Matcher]) -> bool {
        let value = |label: &str| self.labels.get(label).map_or("", String::as_str);
        matchers.iter().all(|matcher| matcher.matches(value(&matcher.name)))
    }

    pub fn is_histogram(&self) -> bool {
        self.facts.iter().any(|facts| facts.observed.is_some())
    }
}
