//! Rules: the formats they are written in, what they are, and their evaluation over time.

mod file;
mod language;
mod model;
mod rule;

pub use file::{is_rule_document, read, read_as};
pub use model::{Group, Language, Query, Rule, RuleFile, RuleKind};
