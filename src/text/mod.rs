//! Source texts, places in them, and diagnostics that show the place.

mod diagnostic;
mod source;

pub use diagnostic::{Diagnostic, Severity};
pub use source::{LineColumn, Source, Span};
