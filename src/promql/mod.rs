//! PromQL: syntax tree, parser, printer, evaluation.

pub mod ast;
pub mod functions;
