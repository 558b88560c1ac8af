//! Documents from files, with a limit on their size.

use std::path::Path;

use crate::text::yaml::read_file_within;
use crate::text::{Diagnostic, Source};

/// The largest document that is read where nothing else is said. Long ones have some hundred kilobytes.
pub const MAX_DOCUMENT_BYTES: u64 = 16 * 1024 * 1024;

/// Reads a document of at most `limit` bytes.
///
/// # Errors
/// Files that cannot be opened, are larger, or hold no text.
pub fn read_file(path: &Path, limit: u64) -> Result<Source, Diagnostic> {
    let source = read_file_within(path, limit)?;
    if source.text().contains('\0') {
        return Err(Diagnostic::error(format!("{} is a binary file", path.display()))
            .help("name a document: markdown or plain text"));
    }
    Ok(source)
}
