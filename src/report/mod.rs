//! Results as text: for people, for machines, for CI servers. Nothing here decides anything.

pub mod chart;
pub mod compare;
mod day_logs;
pub mod extract;
pub mod human;
pub mod json;
pub mod junit;
pub mod logs;
pub mod result;
pub mod runbook;
pub mod shake;
pub mod show;
mod stretch;
pub mod triage;
mod unit;
mod words;

/// What a run of `firedrill test` did besides its drills.
#[derive(Clone, Copy, Debug, Default)]
pub struct RunFacts {
    /// YAML files in searched folders that are no replays.
    pub skipped: usize,
    pub elapsed: std::time::Duration,
}
