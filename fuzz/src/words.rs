//! Texts made of the words of a dictionary, so that parsers are reached and not only lexers.

/// The words of a dictionary as libFuzzer reads it: a word in quotes a line, with `\\`, `\"` and `\xAB`.
pub fn dictionary(text: &str) -> Vec<String> {
    let words = text.lines().filter_map(|line| line.strip_prefix('"')?.strip_suffix('"'));
    words.map(|word| String::from_utf8(unescaped(word.as_bytes())).expect("words are text")).collect()
}

fn unescaped(word: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = word;
    while let Some((byte, more)) = rest.split_first() {
        rest = more;
        match (byte, more) {
            (b'\\', [b'x', high, low, more @ ..]) => {
                let digit = |digit: &u8| char::from(*digit).to_digit(16).expect("a hexadecimal digit") as u8;
                out.push(digit(high) << 4 | digit(low));
                rest = more;
            }
            (b'\\', [escaped, more @ ..]) => {
                out.push(*escaped);
                rest = more;
            }
            _ => out.push(*byte),
        }
    }
    out
}

/// Each byte chooses a word; those beyond the last one say that the next byte is a letter of ASCII.
pub fn text(words: &[String], input: &[u8]) -> String {
    let mut out = String::new();
    let mut bytes = input.iter();
    while let Some(byte) = bytes.next() {
        match words.get(usize::from(*byte)) {
            Some(word) => {
                let is_word = |c: char| c.is_alphanumeric() || c == '_';
                if out.ends_with(is_word) && word.starts_with(is_word) {
                    out.push(' ');
                }
                out.push_str(word);
            }
            None => out.extend(bytes.next().map(|byte| char::from(byte & 0x7f))),
        }
    }
    out
}
