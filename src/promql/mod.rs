//! PromQL: syntax tree, parser, printer, evaluation.

pub mod ast;
pub mod conformance;
mod durations;
pub mod eval;
pub mod functions;
pub mod histogram_notation;
mod lexer;
mod normal;
mod parser;
mod printer;
pub mod script;
pub mod series_values;
mod types;

pub use parser::{Features, parse, parse_selector, parse_series, parse_series_prefix, parse_with};
