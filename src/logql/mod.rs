//! LogQL as Loki 3.7 evaluates it.

pub mod answer;
mod arithmetic;
pub mod ast;
pub mod conformance;
pub mod eval;
pub mod label_name;
mod lexer;
pub mod log_query;
mod parser;
pub mod pattern;
pub mod pipeline;
mod printer;
pub mod regex_filter;
mod regex_tree;

pub use parser::parse;
