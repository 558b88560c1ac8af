//! Unit test files of promtool and vmalert-tool, and of Loki's rules in their shape: read, run, and judged as promtool judges
//! them (Prometheus `cmd/promtool/unittest.go`).

mod blind;
mod checks;
mod explain;
mod file;
mod input;
mod load;
mod run;
mod streams;
mod traps;
mod verdict;
mod vmalert;
mod wanted;

pub use file::{AlertTest, Dialect, ExpectedAlert, ExpectedSample, ExprTest, InputSeries, TestFile, TestGroup, read};
pub use input::{Input, load_series};
pub use load::{RuleFiles, Rules};
pub use run::{Options, run};
pub use streams::{ExpectedLine, InputLine, InputStream, LogTest};
pub use traps::of_all_groups;
pub use verdict::{
    AlertDifference, AlertMismatch, Around, BlindCase, Explanation, Failure, FailureKind, GroupResult, Life,
    LineDifference, ResultLine, ResultSample, SampleDifference, SampleMismatch, StandingAlert,
};
pub use wanted::{WantedAlert, WantedText};
