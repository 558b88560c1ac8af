//! LogQL as Loki 3.7 evaluates it.

pub mod arithmetic;
pub mod ast;
pub mod byte_size;
pub mod conformance;
mod lexer;
mod parser;
pub mod pattern;
pub mod pipeline;
mod printer;

pub use parser::parse;
