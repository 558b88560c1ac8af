//! Replays: what happened in an incident, told once, from which every sample follows.
//!
//! Reading goes in three steps. The YAML tree is changed (`each`, a variant's `set`), then read into the types of
//! `document` (which are also the schema), then resolved into a [`Day`]: spans and events become times, figures become
//! timelines, references become indexes. All that is wrong is reported at once. Generating walks each target's scrapes
//! once for each of its series, so that its cost grows with the number of samples and nothing else.

mod deserialize;
mod document;
mod document_evidence;
mod document_expect;
mod document_shapes;
mod each;
mod events;
mod expectation;
mod expectation_triage;
mod exposed;
mod gaps;
mod generate;
mod histogram;
mod logs;
mod marks;
mod metrics;
mod model;
mod names;
mod native;
mod provenance;
mod random;
mod read;
mod recorded;
mod schema;
mod shaken;
mod spans;
#[cfg(test)]
mod tests;
mod timeline;
mod times;
mod tree;
mod units;
mod values;
mod variants;
mod written_lines;

pub use deserialize::{Entries, Later, Reader, Text};
pub use events::Event;
pub use expectation::{
    AlertExpectation, Expectations, ExpectedState, FiringAlert, FiringAt, Occurs, Others, Query, QueryExpectation,
    QueryTime, Returns, Row, StateAt, Tolerance, Window,
};
pub use expectation_triage::{NO_CAUSE, TriageExpectation, TriageFrom};
pub use gaps::{Gap, GapKind};
pub use generate::{Generated, Limits};
pub use logs::{LogEntry, LogLines};
pub use metrics::{Generator, Metric, Noise};
pub use model::{Accept, Day, Dialect, LogStream, Loki, Replay, RuleFile, Skip, Target, TimeSpan};
pub use names::hint;
pub use provenance::{Figure, Kind, SeriesProvenance};
pub use read::{read, read_within};
pub use schema::schema;
pub use shaken::{Bound, EVALUATION_PHASES, LooseFigure, MISSED_SCRAPES, SCRAPE_PHASES, Shift};
pub use times::Calendar;
pub use written_lines::WrittenLines;
