//! Files of other programs as texts: what cannot be one is refused in words that help.

use std::path::Path;

use crate::text::yaml::read_bytes_within;
use crate::text::{Diagnostic, Source, Span};

/// How the files of some programs begin that pack or count, and how people open them.
const PACKED: [(&[u8], &str, &str); 5] = [
    (b"\x1f\x8b", "packed by gzip", "unpack it first: gunzip FILE"),
    (b"\x28\xb5\x2f\xfd", "packed by zstd", "unpack it first: zstd -d FILE"),
    (b"BZh", "packed by bzip2", "unpack it first: bunzip2 FILE"),
    (b"PK\x03\x04", "a zip archive or a spreadsheet", "unpack it, or save it as CSV"),
    (b"LPKSHHRH", "a journal of systemd", "write it as text first: journalctl --file FILE -o json"),
];

/// Reads a text file of at most `max_bytes`. Bytes that are no UTF-8 become U+FFFD where `lossy`, as log lines hold what
/// programs printed.
///
/// # Errors
/// Files that cannot be opened, are larger, are empty, are packed, or hold bytes that no text has.
pub fn read_text(path: &Path, lossy: bool, max_bytes: u64) -> Result<Source, Diagnostic> {
    let larger = "cut out the time of the incident, or raise `max_file_bytes` under `limits` in firedrill.yaml";
    let bytes = read_bytes_within(path, max_bytes, larger)?;
    let name = path.display().to_string();
    if let Some((_, what, help)) = PACKED.iter().find(|(start, ..)| bytes.starts_with(start)) {
        return Err(Diagnostic::error(format!("{name} is {what}")).help(*help));
    }
    let utf16 = bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]);
    if !utf16 && bytes.contains(&0) {
        return Err(Diagnostic::error(format!("{name} is no text: it holds zero bytes"))
            .help("save what it holds as text: JSON, OpenMetrics, CSV, or log lines"));
    }
    let source = if lossy && !utf16 {
        Source::new(name, String::from_utf8(bytes).unwrap_or_else(|error| lossy_text(&error)))
    } else {
        crate::text::yaml::decode(&name, bytes)?
    };
    if source.text().trim_matches(['\u{feff}', ' ', '\t', '\r', '\n']).is_empty() {
        return Err(Diagnostic::error("an empty file").at(&source, Span::default()));
    }
    Ok(source)
}

fn lossy_text(error: &std::string::FromUtf8Error) -> String {
    String::from_utf8_lossy(error.as_bytes()).into_owned()
}

/// The text without a byte order mark, and where it begins in the file.
pub fn body(source: &Source) -> (&str, usize) {
    match source.text().strip_prefix('\u{feff}') {
        Some(rest) => (rest, '\u{feff}'.len_utf8()),
        None => (source.text(), 0),
    }
}

/// Where a part of the text of a source stands; the start of the file for a text from elsewhere.
pub fn span_of(source: &Source, part: &str) -> Span {
    let whole = source.text();
    let start = (part.as_ptr() as usize).wrapping_sub(whole.as_ptr() as usize);
    if start + part.len() <= whole.len() { Span::new(start, start + part.len()) } else { Span::default() }
}

/// What serde_json says of a text at `from`, at its place in the file.
pub fn json_error(source: &Source, from: usize, what: &str, error: &serde_json::Error) -> Diagnostic {
    let rest = source.text().get(from..).unwrap_or_default();
    let line_start = match error.line() {
        0 | 1 => 0,
        line => rest.match_indices('\n').nth(line - 2).map_or(rest.len(), |(at, _)| at + 1),
    };
    // The column counts bytes, up to and with the one that is wrong.
    let at = from + (line_start + error.column().saturating_sub(1)).min(rest.len());
    let text = error.to_string();
    let reason = text.rsplit_once(" at line ").map_or(text.as_str(), |(reason, _)| reason);
    let reason = reason.replace("a borrowed string", "a string");
    Diagnostic::error(format!("{what}: {reason}")).at(source, Span::new(at, at))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn read(bytes: &[u8], lossy: bool) -> Result<Source, Diagnostic> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f.log");
        fs::write(&path, bytes).unwrap();
        read_text(&path, lossy, 1000)
    }

    #[test]
    fn what_is_no_text_is_refused_by_what_it_is() {
        for (bytes, says) in [
            (&b"\x1f\x8b\x08\0\0"[..], "packed by gzip"),
            (b"PK\x03\x04", "spreadsheet"),
            (b"abc\0def", "zero bytes"),
            (b"", "an empty file"),
            (b"\xef\xbb\xbf \r\n", "an empty file"),
            (b"\xff\xfea\0", "UTF-16"),
        ] {
            for lossy in [false, true] {
                let problem = read(bytes, lossy).unwrap_err();
                assert!(problem.message.contains(says), "{}", problem.message);
            }
        }
    }

    #[test]
    fn log_lines_may_hold_bytes_that_are_no_utf8() {
        assert_eq!(read(b"caf\xe9\n", true).unwrap().text(), "caf\u{fffd}\n");
        assert!(read(b"caf\xe9\n", false).unwrap_err().message.contains("0xe9"));
    }

    #[test]
    fn errors_in_json_have_their_place_in_the_file() {
        let source = Source::new("a.json", "\u{feff}{\n  \"a\": nope}");
        let (text, from) = body(&source);
        let error = serde_json::from_str::<serde_json::Value>(text).unwrap_err();
        assert_eq!(json_error(&source, from, "not JSON", &error).to_string(), "a.json:2:9: not JSON: expected ident");
    }
}
