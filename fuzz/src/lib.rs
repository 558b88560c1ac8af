//! What the fuzz targets do with their inputs. The ordinary tests do the same with the corpora (`tests/fuzz_corpora.rs`).

#[path = "../../tests/common/mod.rs"]
mod common;
#[path = "../../tests/prometheus_fuzz/days.rs"]
mod days;
#[path = "../../tests/prometheus_fuzz/expressions.rs"]
mod expressions;
mod log_queries;
mod logql;
mod promql;
mod words;

/// What is done with an input; it panics where the input shows a fault.
pub type Target = fn(&[u8]);

/// Every target by its name.
pub const TARGETS: [(&str, Target); 8] = [
    ("promql_lexer", promql::lexer),
    ("promql_parser", promql::parser),
    ("promql_evaluator", promql::evaluator),
    ("promql_script", promql::script),
    ("logql_lexer", logql::lexer),
    ("logql_parser", logql::parser),
    ("logql_stages", logql::stages),
    ("logql_metrics", logql::metrics),
];

/// Does what a target does.
///
/// # Panics
/// Where the input shows a fault, and where there is no such target.
pub fn run(target: &str, input: &[u8]) {
    match TARGETS.iter().find(|(name, _)| *name == target) {
        Some((_, run)) => run(input),
        None => panic!("no target is called {target}"),
    }
}
