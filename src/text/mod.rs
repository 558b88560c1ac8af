//! Source texts, places in them, and diagnostics that show the place.

mod diagnostic;
mod located;
mod source;
mod suggest;
pub mod yaml;

pub use diagnostic::{Diagnostic, Severity};
pub use located::{Located, Piece};
pub use source::{LineColumn, Source, Span};
pub use suggest::{listed, nearest};
