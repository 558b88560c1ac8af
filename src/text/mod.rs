//! Source texts, places in them, and diagnostics that show the place.

mod diagnostic;
mod located;
mod schema;
mod source;
mod suggest;
pub mod yaml;

pub use diagnostic::{Diagnostic, Severity};
pub use located::{Located, Piece};
#[cfg(test)]
pub use schema::assert_checked_in;
pub use schema::schema;
pub use source::{LineColumn, Source, Span};
pub use suggest::{listed, nearest};
