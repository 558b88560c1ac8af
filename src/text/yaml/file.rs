//! Files into texts, with a limit on their size.

use std::fs;
use std::io::Read;
use std::path::Path;

use crate::text::{Diagnostic, Source, Span};

/// The largest file that is read where nothing else is said: YAML of this size takes 3 s and 500 MB of memory in a release
/// build, linear in the size. Rule files of large sites have a few megabytes.
pub const MAX_FILE_BYTES: u64 = 128 * MIB;

const MIB: u64 = 1024 * 1024;

/// Reads a text file of at most `MAX_FILE_BYTES`.
///
/// # Errors
/// As `read_file_within`.
pub fn read_file(path: &Path) -> Result<Source, Diagnostic> {
    read_file_within(path, MAX_FILE_BYTES)
}

/// Reads a text file of at most `limit` bytes.
///
/// # Errors
/// Files that cannot be opened, are larger, or are no UTF-8 (with the place of the first byte that is not).
pub fn read_file_within(path: &Path, limit: u64) -> Result<Source, Diagnostic> {
    let larger = "raise `max_file_bytes` under `limits` in firedrill.yaml, or split the file";
    decode(&path.display().to_string(), read_bytes_within(path, limit, larger)?)
}

/// Reads a file of at most `limit` bytes; `larger` says what to do about a larger one.
///
/// # Errors
/// Files that cannot be opened or are larger.
pub fn read_bytes_within(path: &Path, limit: u64, larger: &str) -> Result<Vec<u8>, Diagnostic> {
    let name = path.display().to_string();
    let unreadable = |error: std::io::Error| Diagnostic::error(format!("cannot read {name}: {}", io_reason(&error)));
    // Opening a pipe waits for its writer, for ever if there is none; those of the shell are under /dev.
    if !path.starts_with("/dev") && is_pipe(path) {
        return Err(Diagnostic::error(format!("{name} is a named pipe, not a file"))
            .help("write what comes out of it to a file"));
    }
    let file = fs::File::open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    if metadata.is_dir() {
        return Err(Diagnostic::error(format!("{name} is a folder, not a file")));
    }
    let mut bytes = Vec::new();
    if metadata.len() <= limit {
        bytes.reserve_exact(usize::try_from(metadata.len()).unwrap_or_default());
        // One byte more than allowed, so that pipes and growing files end too.
        file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(unreadable)?;
    }
    if metadata.len().max(bytes.len() as u64) > limit {
        let most = if limit.is_multiple_of(MIB) { format!("{} MiB", limit / MIB) } else { format!("{limit} bytes") };
        return Err(Diagnostic::error(format!("{name} is larger than {most}")).help(larger));
    }
    Ok(bytes)
}

#[cfg(unix)]
fn is_pipe(path: &Path) -> bool {
    use std::os::unix::fs::FileTypeExt;
    fs::metadata(path).is_ok_and(|metadata| metadata.file_type().is_fifo())
}

#[cfg(not(unix))]
fn is_pipe(_: &Path) -> bool {
    false
}

/// What the system says, without its number and its paths.
pub fn io_reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_lowercase()
}

/// A text from bytes that have to be UTF-8.
///
/// # Errors
/// The first byte that is not, with its place.
pub fn decode(name: &str, bytes: Vec<u8>) -> Result<Source, Diagnostic> {
    let error = match String::from_utf8(bytes) {
        Ok(text) => return Ok(Source::new(name, text)),
        Err(error) => error,
    };
    let at = error.utf8_error().valid_up_to();
    let bytes = error.as_bytes();
    let byte = bytes.get(at).copied().unwrap_or_default();
    if bytes.contains(&0) && !bytes.starts_with(&[0xFF, 0xFE]) && !bytes.starts_with(&[0xFE, 0xFF]) {
        return Err(Diagnostic::error(format!("{name} is a binary file")).help("name a text file"));
    }
    let utf16 = bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]);
    let text = String::from_utf8_lossy(bytes);
    let source = Source::new(name, text);
    // What replaces the byte in the text is one character, three bytes long.
    let problem = match utf16 {
        true => Diagnostic::error("the file is UTF-16"),
        false => Diagnostic::error(format!("byte 0x{byte:02x} is not valid UTF-8")),
    };
    Err(problem.at(&source, Span::new(at, at + 3)).help("save the file as UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invalid_utf8_has_a_place() {
        let problem = decode("f.yaml", b"a: 1\nb: caf\xe9 au lait\n".to_vec()).unwrap_err();
        assert_eq!(problem.to_string(), "f.yaml:2:7: byte 0xe9 is not valid UTF-8");
        let problem = decode("f.yaml", b"\xff\xfea\0".to_vec()).unwrap_err();
        assert_eq!(problem.to_string(), "f.yaml:1:1: the file is UTF-16");
    }

    #[test]
    fn files_that_cannot_be_read_are_named() {
        let folder = tempfile::tempdir().unwrap();
        assert!(read_file(folder.path()).unwrap_err().to_string().contains("is a folder"));
        let missing = folder.path().join("none.yaml");
        assert!(read_file(&missing).unwrap_err().to_string().starts_with("cannot read "));
    }

    #[test]
    fn files_above_the_limit_are_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        file.as_file().set_len(MAX_FILE_BYTES + 1).unwrap();
        assert!(read_file(file.path()).unwrap_err().to_string().contains("larger than 128 MiB"));
        file.as_file().set_len(10).unwrap();
        assert!(read_file_within(file.path(), 9).unwrap_err().to_string().contains("larger than 9 bytes"));
        assert_eq!(read_file_within(file.path(), 10).unwrap().text().len(), 10);
    }
}
