//! Go's regular expressions (RE2, https://github.com/google/re2/wiki/Syntax, as `regexp/syntax` accepts it) in the
//! syntax of the `regex` crate. The two look alike and differ in what they accept and mean: classes such as `\d` are
//! ASCII in Go, `\Q..\E` and octal escapes exist, `&&`, `--`, `~~` and `[` in a class are plain characters, and flags,
//! repetitions and escapes have limits of their own. So a pattern is read as Go reads it and written anew, with every
//! difference spelled out.

mod unicode;

use std::fmt::Write;

use super::RegexError;
use crate::syntax::strings::has_raw_bytes;

/// The most repetitions, also of nested ones multiplied.
const MAX_REPEAT: u32 = 1000;

/// The same pattern for the `regex` crate. `.` also matches a newline until a flag says otherwise, as in Prometheus.
pub(super) fn translate(pattern: &str) -> Result<String, RegexError> {
    read(pattern).map(|(text, _)| text)
}

/// The names of the groups that capture, in order; a name may occur twice, and begin with a digit.
pub(super) fn group_names(pattern: &str) -> Result<Vec<Option<&str>>, RegexError> {
    read(pattern).map(|(_, groups)| groups)
}

fn read(pattern: &str) -> Result<(String, Vec<Option<&str>>), RegexError> {
    if has_raw_bytes(pattern) {
        return Err(error("the pattern holds bytes that are no UTF-8"));
    }
    let mut reader = Reader { rest: pattern, open: vec![Group::new("")], flags: Flags::START, groups: Vec::new() };
    while !reader.rest.is_empty() {
        reader.piece()?;
    }
    let groups = std::mem::take(&mut reader.groups);
    match (reader.open.pop(), reader.open.is_empty()) {
        (Some(group), true) => Ok((group.close("").text, groups)),
        _ => Err(error("a `(` is not closed; write `)`, or `\\(` for a plain parenthesis")),
    }
}

fn error(message: impl Into<String>) -> RegexError {
    RegexError { message: format!("not a regular expression: {}", message.into()) }
}

#[derive(Clone, Copy)]
struct Flags {
    fold_case: bool,
    multi_line: bool,
    dot_is_all: bool,
    swap_greed: bool,
}

impl Flags {
    const START: Flags = Flags { fold_case: false, multi_line: false, dot_is_all: true, swap_greed: false };
}

/// A part of a pattern, written out.
struct Piece {
    text: String,
    /// A repetition may stand right behind it.
    single: bool,
    /// How often its innermost part is repeated at most.
    repeats: u32,
}

impl Piece {
    fn single(text: impl Into<String>) -> Piece {
        Piece { text: text.into(), single: true, repeats: 1 }
    }
}

/// A group that is not closed yet.
struct Group {
    /// What it begins with, such as `(?P<name>`.
    start: String,
    alternatives: Vec<String>,
    /// The pieces since the last `|`.
    pieces: Vec<Piece>,
    repeats: u32,
    /// The flags outside.
    flags: Flags,
}

impl Group {
    fn new(start: &str) -> Group {
        Group { start: start.to_owned(), alternatives: Vec::new(), pieces: Vec::new(), repeats: 1, flags: Flags::START }
    }

    fn end_alternative(&mut self) {
        let mut text = String::new();
        for piece in self.pieces.drain(..) {
            text.push_str(&piece.text);
            self.repeats = self.repeats.max(piece.repeats);
        }
        self.alternatives.push(text);
    }

    fn close(mut self, end: &str) -> Piece {
        self.end_alternative();
        let text = format!("{}{}{end}", self.start, self.alternatives.join("|"));
        Piece { text, single: true, repeats: self.repeats }
    }
}

struct Reader<'a> {
    rest: &'a str,
    /// The open groups; the first is the whole pattern.
    open: Vec<Group>,
    flags: Flags,
    /// The names of the groups that capture.
    groups: Vec<Option<&'a str>>,
}

impl<'a> Reader<'a> {
    fn bump(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let next = chars.next();
        self.rest = chars.as_str();
        next
    }

    fn eat(&mut self, prefix: &str) -> bool {
        match self.rest.strip_prefix(prefix) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn push(&mut self, piece: Piece) {
        if let Some(group) = self.open.last_mut() {
            group.pieces.push(piece);
        }
    }

    fn push_literal(&mut self, c: char) {
        let mut text = String::new();
        write_char(&mut text, c);
        self.push(Piece::single(self.folded(text)));
    }

    /// The text under the flag `i`, if that is on.
    fn folded(&self, text: String) -> String {
        if self.flags.fold_case { format!("(?i:{text})") } else { text }
    }

    fn piece(&mut self) -> Result<(), RegexError> {
        if self.rest.starts_with('{') {
            return self.counted_repetition();
        }
        let Some(c) = self.bump() else { return Ok(()) };
        match c {
            '(' => return self.open_group(),
            ')' => return self.close_group(),
            '|' => {
                if let Some(group) = self.open.last_mut() {
                    group.end_alternative();
                }
            }
            '^' => self.push(Piece::single(if self.flags.multi_line { "(?m:^)" } else { "\\A" })),
            '$' => self.push(Piece::single(if self.flags.multi_line { "(?m:$)" } else { "\\z" })),
            '.' => self.push(Piece::single(if self.flags.dot_is_all { "(?s:.)" } else { "[^\\n]" })),
            '[' => {
                let class = self.class()?;
                self.push(Piece::single(self.folded(class)));
            }
            '*' | '+' | '?' => return self.repetition(&c.to_string(), 1),
            '\\' => return self.escape(),
            _ => self.push_literal(c),
        }
        Ok(())
    }

    /// `{2}`, `{2,}` or `{2,5}`; anything else behind a brace makes it a plain character.
    fn counted_repetition(&mut self) -> Result<(), RegexError> {
        let Some((written, min, max)) = counts(self.rest) else {
            self.bump();
            self.push_literal('{');
            return Ok(());
        };
        self.rest = self.rest.get(written.len()..).unwrap_or_default();
        let (Some(min), Some(max)) = (min, max) else {
            return Err(error(format!("`{written}` repeats more than {MAX_REPEAT} times")));
        };
        if max.is_some_and(|max| min > max) {
            return Err(error(format!("`{written}` has its bounds the wrong way round")));
        }
        self.repetition(written, max.unwrap_or(min).max(min))
    }

    /// Repeats the last piece, `times` times at most where that is counted.
    fn repetition(&mut self, op: &str, times: u32) -> Result<(), RegexError> {
        let lazy = self.eat("?");
        if self.rest.starts_with(['*', '+', '?']) || (self.rest.starts_with('{') && counts(self.rest).is_some()) {
            return Err(error(format!("`{op}` is followed by another repetition; put the first in parentheses")));
        }
        let swap_greed = self.flags.swap_greed;
        let Some(piece) = self.open.last_mut().and_then(|group| group.pieces.last_mut()) else {
            return Err(error(format!(
                "`{op}` has nothing to repeat; write `\\{op}` for a plain one, `.*` for anything"
            )));
        };
        if times > 1 {
            piece.repeats = piece.repeats.saturating_mul(times);
            if piece.repeats > MAX_REPEAT {
                return Err(error(format!("nested repetitions repeat more than {MAX_REPEAT} times")));
            }
        }
        if !piece.single {
            piece.text = format!("(?:{})", piece.text);
        }
        piece.text.push_str(op);
        if lazy != swap_greed {
            piece.text.push('?');
        }
        piece.single = false;
        Ok(())
    }

    fn open_group(&mut self) -> Result<(), RegexError> {
        let mut group = Group { flags: self.flags, ..Group::new("(") };
        let looks_back = self.rest.starts_with("?<=") || self.rest.starts_with("?<!");
        if !looks_back && (self.eat("?P<") || self.eat("?<")) {
            let Some((name, rest)) = self.rest.split_once('>') else {
                return Err(error("the name of a group is not closed; write `(?P<name>...)`"));
            };
            if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
                return Err(error(format!("`{name}` is no name of a group; use letters, digits and `_`")));
            }
            self.rest = rest;
            // Go allows what the `regex` crate does not: names that begin with a digit, and the same name again. Such a
            // group is found by its number, and by a name that occurs twice the first.
            if !name.starts_with(|c: char| c.is_ascii_digit()) && !self.groups.contains(&Some(name)) {
                group.start = format!("(?P<{name}>");
            }
            self.groups.push(Some(name));
        } else if self.eat("?") {
            if !self.group_flags()? {
                return Ok(());
            }
            group.start = "(?:".to_owned();
        } else {
            self.groups.push(None);
        }
        self.open.push(group);
        Ok(())
    }

    /// Reads `i-s:` or `i-s)` and sets the flags; whether a group begins.
    fn group_flags(&mut self) -> Result<bool, RegexError> {
        let start = self.rest;
        let (mut flags, mut on, mut seen) = (self.flags, true, true);
        loop {
            let c = self.bump();
            match c {
                Some('i') => flags.fold_case = on,
                Some('m') => flags.multi_line = on,
                Some('s') => flags.dot_is_all = on,
                Some('U') => flags.swap_greed = on,
                Some('-') if on => {
                    (on, seen) = (false, false);
                    continue;
                }
                Some(':' | ')') if seen => {
                    self.flags = flags;
                    return Ok(c == Some(':'));
                }
                _ => {
                    let around = matches!(start.as_bytes(), [b'=' | b'!', ..] | [b'<', b'=' | b'!', ..]);
                    return Err(error(if around {
                        "looking ahead or back, as in `(?=...)`, does not exist in RE2".to_owned()
                    } else {
                        let shown: String = start.chars().take(4).collect();
                        format!("`(?{shown}` is no group; the flags are i, m, s and U")
                    }));
                }
            }
            seen = true;
        }
    }

    fn close_group(&mut self) -> Result<(), RegexError> {
        let closed = if self.open.len() > 1 { self.open.pop() } else { None };
        let Some(group) = closed else {
            return Err(error("`)` closes nothing; remove it, or write `\\)` for a plain parenthesis"));
        };
        self.flags = group.flags;
        self.push(group.close(")"));
        Ok(())
    }

    /// What follows a backslash outside of a class.
    fn escape(&mut self) -> Result<(), RegexError> {
        if self.eat("Q") {
            let (literal, rest) = self.rest.split_once("\\E").unwrap_or((self.rest, ""));
            self.rest = rest;
            literal.chars().for_each(|c| self.push_literal(c));
            return Ok(());
        }
        let assertion = match self.rest.chars().next() {
            Some('A') => Some("\\A"),
            Some('z') => Some("\\z"),
            Some('b') => Some("(?-u:\\b)"),
            Some('B') => Some("(?-u:\\B)"),
            _ => None,
        };
        if let Some(assertion) = assertion {
            self.bump();
            self.push(Piece::single(assertion));
        } else if let Some(class) = self.class_escape()? {
            self.push(Piece::single(self.folded(class)));
        } else {
            match char::from_u32(self.char_escape()?) {
                Some(c) => self.push_literal(c),
                // Half a character matches nothing.
                None => self.push(Piece::single(NOTHING)),
            }
        }
        Ok(())
    }

    /// `\d`, `\pN` and the like behind the backslash, as a class of its own.
    fn class_escape(&mut self) -> Result<Option<String>, RegexError> {
        let Some(c) = self.rest.chars().next() else { return Ok(None) };
        let ranges = match c {
            'd' | 'D' => DIGIT,
            's' | 'S' => SPACE,
            'w' | 'W' => WORD,
            'p' | 'P' => return self.unicode_class().map(Some),
            _ => return Ok(None),
        };
        self.bump();
        Ok(Some(format!("[{}{ranges}]", if c.is_ascii_uppercase() { "^" } else { "" })))
    }

    /// `pN`, `p{Greek}`, `P{^Greek}`, as a class of its own.
    fn unicode_class(&mut self) -> Result<String, RegexError> {
        let mut negated = self.bump() == Some('P');
        let name = if self.eat("{") {
            let Some((name, rest)) = self.rest.split_once('}') else {
                return Err(error("`\\p{` is not closed; write `\\p{Greek}`"));
            };
            self.rest = rest;
            name.to_owned()
        } else {
            self.bump().map(String::from).unwrap_or_default()
        };
        let name = match name.strip_prefix('^') {
            Some(rest) => {
                negated = !negated;
                rest.to_owned()
            }
            None => name,
        };
        let class = unicode::class(&name).ok_or_else(|| error(format!("`\\p{{{name}}}` is no class of Unicode")))?;
        Ok(format!("[{}{class}]", if negated { "^" } else { "" }))
    }

    /// A character behind a backslash.
    fn char_escape(&mut self) -> Result<u32, RegexError> {
        let Some(c) = self.bump() else { return Err(error("a backslash at the end; write `\\\\` for a plain one")) };
        let is_octal = |c: &char| ('0'..='7').contains(c);
        match c {
            'a' => Ok(0x07),
            'f' => Ok(0x0C),
            'n' => Ok(0x0A),
            'r' => Ok(0x0D),
            't' => Ok(0x09),
            'v' => Ok(0x0B),
            'x' => self.hexadecimal(),
            // A single digit would refer back to a group, which RE2 does not do.
            '0'..='7' if c == '0' || self.rest.chars().next().as_ref().is_some_and(is_octal) => {
                let mut code = c.to_digit(8).unwrap_or(0);
                for _ in 0..2 {
                    let Some(digit) = self.rest.chars().next().and_then(|c| c.to_digit(8)) else { break };
                    code = code * 8 + digit;
                    self.bump();
                }
                Ok(code)
            }
            '1'..='9' => Err(error(format!("`\\{c}` refers back to a group, which does not exist in RE2"))),
            'Z' => Err(error("`\\Z` does not exist in RE2; the end is `\\z`")),
            _ if c.is_ascii() && !c.is_ascii_alphanumeric() => Ok(u32::from(c)),
            _ => Err(error(format!("`\\{c}` means nothing; write `\\\\{c}` for a backslash and a letter"))),
        }
    }

    /// `41` or `{1F525}` behind `\x`.
    fn hexadecimal(&mut self) -> Result<u32, RegexError> {
        let digits = if self.eat("{") {
            let Some((digits, rest)) = self.rest.split_once('}') else {
                return Err(error("`\\x{` is not closed; write `\\x{1F525}`"));
            };
            self.rest = rest;
            digits
        } else {
            let (digits, rest) = self.rest.split_at_checked(2).unwrap_or_default();
            self.rest = rest;
            digits
        };
        let hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        let code = if hex { u32::from_str_radix(digits, 16).ok() } else { None };
        code.filter(|code| *code <= u32::from(char::MAX))
            .ok_or_else(|| error("`\\x` takes two hexadecimal digits, or a character's number in braces"))
    }

    /// A class behind its bracket.
    fn class(&mut self) -> Result<String, RegexError> {
        const OPEN: &str = "a `[` is not closed; write `]`, or `\\[` for a plain bracket";
        let negated = self.eat("^");
        let mut items = String::new();
        let mut first = true;
        loop {
            let Some(c) = self.rest.chars().next() else { return Err(error(OPEN)) };
            if c == ']' && !first {
                self.bump();
                break;
            }
            first = false;
            if let Some(named) = self.named_class()? {
                items.push_str(&named);
                continue;
            }
            if c == '\\' {
                let before = self.rest;
                self.bump();
                if let Some(class) = self.class_escape()? {
                    items.push_str(&class);
                    continue;
                }
                self.rest = before;
            }
            let low = self.class_char()?;
            let mut high = low;
            if self.rest.starts_with('-') && !self.rest.starts_with("-]") && self.rest.len() > 1 {
                self.bump();
                high = self.class_char()?;
                if high < low {
                    return Err(error("a range in `[...]` runs backwards"));
                }
            }
            write_range(&mut items, low, high);
        }
        Ok(match (items.is_empty(), negated) {
            (true, false) => NOTHING.to_owned(),
            (true, true) => "(?s:.)".to_owned(),
            (false, _) => format!("[{}{items}]", if negated { "^" } else { "" }),
        })
    }

    fn class_char(&mut self) -> Result<u32, RegexError> {
        match self.bump() {
            Some('\\') => self.char_escape(),
            Some(c) => Ok(u32::from(c)),
            None => Err(error("a `[` is not closed; write `]`, or `\\[` for a plain bracket")),
        }
    }

    /// `[:word:]` inside of a class.
    fn named_class(&mut self) -> Result<Option<String>, RegexError> {
        let Some((name, rest)) = self.rest.strip_prefix("[:").and_then(|behind| behind.split_once(":]")) else {
            return Ok(None);
        };
        let (negated, word) = name.strip_prefix('^').map_or(("", name), |word| ("^", word));
        let ranges = match word {
            "alnum" => "0-9A-Za-z",
            "alpha" => "A-Za-z",
            "ascii" => "\\x00-\\x7F",
            "blank" => "\\t ",
            "cntrl" => "\\x00-\\x1F\\x7F",
            "digit" => DIGIT,
            "graph" => "!-~",
            "lower" => "a-z",
            "print" => " -~",
            "punct" => "!-/:-@\\[-`\\{-~",
            "space" => "\\t\\n\\x0B\\f\\r ",
            "upper" => "A-Z",
            "word" => WORD,
            "xdigit" => "0-9A-Fa-f",
            _ => return Err(error(format!("`[:{name}:]` is no class"))),
        };
        self.rest = rest;
        Ok(Some(format!("[{negated}{ranges}]")))
    }
}

const DIGIT: &str = "0-9";
const SPACE: &str = "\\t\\n\\f\\r ";
const WORD: &str = "0-9A-Za-z_";
/// A class without a character.
const NOTHING: &str = "[^\\x00-\\x{10FFFF}]";

/// The text of a counted repetition with its bounds: a number above the limit is `None`, a bound that is not there
/// `Some(None)`.
type Counts<'a> = (&'a str, Option<u32>, Option<Option<u32>>);

/// The counted repetition that a text begins with.
fn counts(text: &str) -> Option<Counts<'_>> {
    let (inside, _) = text.strip_prefix('{')?.split_once('}')?;
    let number = |digits: &str| {
        let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        let padded = digits.len() > 1 && digits.starts_with('0');
        (plain && !padded).then(|| digits.parse().ok().filter(|number| *number <= MAX_REPEAT))
    };
    let (min, max) = match inside.split_once(',') {
        None => (number(inside)?, number(inside)?.map(Some)),
        Some((min, "")) => (number(min)?, Some(None)),
        Some((min, max)) => (number(min)?, number(max)?.map(Some)),
    };
    Some((text.get(..inside.len() + 2)?, min, max))
}

fn write_char(text: &mut String, c: char) {
    if c.is_ascii_alphanumeric() || !c.is_ascii() {
        text.push(c);
    } else {
        // Writing to a string cannot fail.
        let _ = write!(text, "\\x{:02X}", u32::from(c));
    }
}

/// Writes a range of a class, without the halves of characters that no text has.
fn write_range(text: &mut String, low: u32, high: u32) {
    let low = if (0xD800..0xE000).contains(&low) { 0xE000 } else { low };
    let high = if (0xD800..0xE000).contains(&high) { 0xD7FF } else { high };
    if let (Some(low), Some(high), true) = (char::from_u32(low), char::from_u32(high), low <= high) {
        write_char(text, low);
        if low != high {
            text.push('-');
            write_char(text, high);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::labels::anchored_regex;

    fn matches(pattern: &str, text: &str) -> bool {
        anchored_regex(pattern).unwrap_or_else(|error| panic!("{pattern}: {error}")).is_match(text)
    }

    #[test]
    fn classes_are_ascii() {
        assert!(matches(r"\d+", "123") && !matches(r"\d", "٣"));
        assert!(matches(r"\w+", "a_1") && !matches(r"\w", "é") && matches(r"\W", "é"));
        assert!(matches(r"\s", "\t") && !matches(r"\s", "\u{a0}") && !matches(r"\s", "\u{b}"));
        assert!(matches(r"[[:word:]]+", "a_1") && matches(r"[^[:^digit:]]", "7") && matches("[[:space:]]", "\u{b}"));
        assert!(!matches(r"é\b.*", "é") && matches(r"a\b-", "a-") && matches(r"é\B", "é"));
        assert!(matches(r"\pL\p{Greek}\P{Lu}\p{^Lu}", "éαaa") && !matches(r"\pN", "a"));
    }

    #[test]
    fn characters_that_mean_more_to_the_regex_crate_stand_for_themselves() {
        assert!(matches("[a&&b]+", "&ab") && matches("[+--b]+", ",b") && matches("[a~~b]+", "~"));
        assert!(matches("[][a]+", "][a") && matches("[[a]", "[") && matches("[^]a]", "b"));
        assert!(matches("a{,5}", "a{,5}") && matches("a{x}", "a{x}") && matches("{", "{") && matches("a{01}", "a{01}"));
        assert!(matches("#x y", "#x y") && matches("a-b", "a-b"));
        assert!(matches("[0-]{3}", "0-0") && matches("[+--]", ","));
    }

    #[test]
    fn what_only_go_has_is_understood() {
        assert!(matches(r"\Qa.b*\E+", "a.b**") && !matches(r"\Qa.b", "axb"));
        assert!(matches(r"\101\x42\x{43}\0", "ABC\0") && matches(r"\_\-", "_-"));
        assert!(matches("(?)a", "a") && matches("(?U)a+?", "aaa") && matches("(?i-s:A)b", "ab"));
        assert!(matches("a(?i)*", "aaa") && matches("(?P<1>a)(?<n>b)(?P<n>c)", "abc") && matches(r"[\x{D800}]?", ""));
        assert!(matches("(?i)straSSe[k]", "STRASSE\u{212a}"));
    }

    #[test]
    fn the_whole_value_has_to_match_and_a_point_is_any_character() {
        assert!(matches("a|b", "a") && !matches("a|b", "ab") && !matches("a$", "a\n"));
        assert!(matches("a.b", "a\nb") && !matches("(?-s)a.b", "a\nb"));
        assert!(matches("", "") && matches("(?m)a$\n^b", "a\nb") && matches("^*a", "a"));
    }

    #[test]
    fn what_go_refuses_is_refused() {
        for pattern in [
            "*",
            "a**",
            "a*+",
            "a???",
            "(",
            ")",
            "[",
            "[a",
            "[b-a]",
            "(?=a)",
            "(?!a)",
            "(?<=a)",
            "(?<!a)",
            r"\1",
            r"\8",
            r"\C",
            r"\Z",
            r"\E",
            r"\q",
            r"\é",
            "\\",
            "a{1001}",
            "(a{100}){11}",
            "a{2,1}",
            "a{2}{3}",
            "(?x)a",
            "(?i",
            "(?-)",
            "(?P<é>a)",
            "(?P=n)",
            r"\p{Nope}",
            r"\p{Alphabetic}",
            r"\xg",
            r"\x{110000}",
            "[[:nope:]]",
            r"[a-\d]",
            r"[\Qa\E]",
            r"[\b]",
            "(|*)",
            "a{99999999999}",
            "x{2}*",
            r"\pé",
        ] {
            assert!(anchored_regex(pattern).is_err(), "{pattern}");
        }
    }

    #[test]
    fn the_order_of_alternatives_and_groups_is_kept() {
        let regex = anchored_regex("(a+?)(a*)(?:x|(y))").unwrap();
        let captures = regex.captures("aaay").unwrap();
        assert_eq!((&captures[1], &captures[2], &captures[3]), ("a", "aa", "y"));
    }
}
