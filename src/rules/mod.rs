//! Rules: the formats they are written in, what they are, and their evaluation over time.

mod model;

pub use model::{Group, Language, Query, Rule, RuleFile, RuleKind};
