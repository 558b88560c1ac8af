//! Unit test files of promtool and vmalert-tool: read, run, and judged as promtool judges them (Prometheus
//! `cmd/promtool/unittest.go`).

mod checks;
mod file;
mod input;
mod load;
mod run;
mod verdict;

pub use file::{AlertTest, ExpectedAlert, ExpectedSample, ExprTest, InputSeries, TestFile, TestGroup, read};
pub use load::{RuleFiles, Rules};
pub use run::{Options, run};
pub use verdict::{AlertDifference, Failure, FailureKind, FiringAlert, GroupResult, ResultSample};
