//! Days of replays as files that other programs read, and the other way round.

mod expressions;
mod found_rules;
mod loki;
mod openmetrics;
mod promtool;
mod replay;
mod rule_files;
mod stretch;
mod test_file;
mod values;
pub mod yaml;

pub use found_rules::found_rules;
pub use loki::loki;
pub use openmetrics::openmetrics;
pub use promtool::{Wanted, promtool};
pub use replay::{ConvertedReplay, replay_of};
pub use rule_files::{PlainRules, RuleFiles};
pub use test_file::{Alert, AlertTest, ExprTest, TestFile, TestGroup};
