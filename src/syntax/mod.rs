//! What PromQL and LogQL share: the parts of a lexer, literals, operators and their precedence, the Pratt core, and
//! the printer's helpers.

mod cursor;
mod error;
mod limits;
pub mod number;
mod operators;
pub mod pratt;
pub mod printer;
pub mod strings;

pub use cursor::Cursor;
pub use error::ParseError;
pub use limits::{MAX_HEIGHT, MAX_LENGTH, MAX_NESTING, STACK_BYTES};
pub use operators::{BinaryOp, Cardinality, UnaryOp, VectorMatching};
