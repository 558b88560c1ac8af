//! `decolorize`: a line without the sequences that colour it in a terminal (Loki `log/fmt.go`).

use std::sync::LazyLock;

use regex::bytes::Regex;

use super::Verdict;

/// What Loki takes for a sequence, after `acarl005/stripansi`. The introducer of one character is two bytes in UTF-8.
static SEQUENCE: LazyLock<Regex> = LazyLock::new(|| {
    const PATTERN: &str = "[\u{1B}\u{9B}][\\[\\]()#;?]*(?:(?:(?:[a-zA-Z0-9]*(?:;[a-zA-Z0-9]*)*)?\u{7})|(?:(?:[0-9]{1,4}(?:;[0-9]{0,4})*)?[0-9A-PRZcf-ntqry=><~]))";
    Regex::new(PATTERN).expect("it is a regular expression")
});

/// The plain line goes to `out`.
pub(super) fn process(line: &[u8], out: &mut Vec<u8>) -> Verdict {
    let mut from = 0;
    let mut sequences = SEQUENCE.find_iter(line).peekable();
    if sequences.peek().is_none() {
        return Verdict::Keep;
    }
    out.clear();
    for sequence in sequences {
        out.extend_from_slice(&line[from..sequence.start()]);
        from = sequence.end();
    }
    out.extend_from_slice(&line[from..]);
    Verdict::Replace
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_go_and_text_stays() {
        let mut out = Vec::new();
        assert_eq!(process(b"\x1b[31mred\x1b[0m \xff\x1b[1;32;4mx", &mut out), Verdict::Replace);
        assert_eq!(out, b"red \xffx");
        assert_eq!(process(b"plain", &mut out), Verdict::Keep);
    }
}
