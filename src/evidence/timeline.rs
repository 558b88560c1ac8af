//! What happened tick by tick: the states of alerts and the values under them, ready to be drawn.

use crate::time::Timestamp;

/// The state of an alert at one tick.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum AlertState {
    #[default]
    Inactive,
    Pending,
    Firing,
}

/// One line of a chart.
#[derive(Clone, Debug, PartialEq)]
pub enum Row {
    /// Values of one series, one a tick; `None` where it has none.
    Values { label: String, values: Vec<Option<f64>> },
    /// States of one alert instance, one a tick.
    States { label: String, states: Vec<AlertState> },
}

impl Row {
    pub fn label(&self) -> &str {
        match self {
            Row::Values { label, .. } | Row::States { label, .. } => label,
        }
    }
}

/// Rows over common ticks.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Timeline {
    pub ticks: Vec<Timestamp>,
    pub rows: Vec<Row>,
}

impl Timeline {
    /// The part of the timeline from `from` to `to`, both included.
    pub fn clip(&self, from: Timestamp, to: Timestamp) -> Timeline {
        let first = self.ticks.partition_point(|tick| *tick < from);
        let last = self.ticks.partition_point(|tick| *tick <= to).max(first);
        let rows = self
            .rows
            .iter()
            .map(|row| match row {
                Row::Values { label, values } => {
                    Row::Values { label: label.clone(), values: values[first..last].to_vec() }
                }
                Row::States { label, states } => {
                    Row::States { label: label.clone(), states: states[first..last].to_vec() }
                }
            })
            .collect();
        Timeline { ticks: self.ticks[first..last].to_vec(), rows }
    }
}
