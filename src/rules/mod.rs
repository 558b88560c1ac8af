//! Rules: the formats they are written in, what they are, and their evaluation over time.

mod dependency;
mod evaluate;
mod expand;
mod file;
mod language;
mod lifecycle;
mod logs;
mod model;
mod pattern;
mod rule;
mod run;
mod runner;
mod schedule;
mod sharing;
mod written;

pub use dependency::{ALERTS, ALERTS_FOR_STATE, Sources, Writers, reads, sources};
pub use evaluate::evaluate;
pub use file::{ReadOptions, is_rule_document, read, read_with};
pub use language::looks_like_helm;
pub use lifecycle::{AlertState, AlertTrack, OverLimit, Sighting};
pub use logs::evaluate_logs;
pub use model::{Expression, Group, Language, Query, Rule, RuleFile, RuleKind};
pub use pattern::matching;
pub use run::{RuleError, RuleFailure, RuleRef, Run};
pub use schedule::EvaluateOptions;
