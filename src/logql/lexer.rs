//! Cuts a LogQL query into tokens as Loki does (`pkg/logql/syntax/lex.go` over Go's `text/scanner`), on demand and in one
//! pass. What a word means depends on what follows: names of functions are labels where no parenthesis follows, and any
//! character that begins nothing else is a name by itself.

mod number;

use std::sync::LazyLock;

use regex::Regex;

use super::ast::{Conversion, RangeOp, VectorOp};
use crate::number::parse_size;
use crate::syntax::{BinaryOp, Cursor, ParseError, strings};
use crate::text::Span;
use crate::time::{Duration, Nanoseconds};

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token {
    pub kind: Kind,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    End,
    /// A name that is no keyword, or a character without a meaning.
    Identifier,
    /// Unquoted.
    String(String),
    /// Its value is that of its text.
    Number,
    Duration(Nanoseconds),
    /// A size in bytes.
    Bytes(u64),
    /// `[5m]`
    Range(Duration),
    /// `--strict`
    Strict,
    /// `--keep-empty`
    KeepEmpty,
    Keyword(Keyword),
    Function(Function),
    /// A binary operator made of signs, or a sign.
    Operator(BinaryOp),
    /// `=`
    Assign,
    /// `=~`
    Matches,
    /// `!~`
    MatchesNot,
    /// `|`
    Pipe,
    /// `|=`
    PipeExact,
    /// `|~`
    PipeMatch,
    /// `|>`
    PipePattern,
    /// `!>`
    PatternNot,
    Comma,
    Dot,
    LeftParen,
    RightParen,
    LeftBrace,
    RightBrace,
    RightBracket,
}

/// Words with a meaning of their own everywhere, in any case of letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keyword {
    /// `and`, `or`, `unless`
    Operator(BinaryOp),
    By,
    Without,
    Bool,
    On,
    Ignoring,
    GroupLeft,
    GroupRight,
    Offset,
    Unwrap,
    Json,
    Regexp,
    Logfmt,
    Unpack,
    Pattern,
    LabelFormat,
    LineFormat,
    Decolorize,
    Drop,
    Keep,
    Variants,
    Of,
}

/// Words with a meaning of their own where `(`, `by (` or `without (` follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
    Range(RangeOp),
    Vector(VectorOp),
    Convert(Conversion),
    LabelReplace,
    /// `vector`
    VectorLiteral,
    Ip,
}

impl Keyword {
    fn find(word: &str) -> Option<Keyword> {
        Some(match word {
            "and" => Keyword::Operator(BinaryOp::And),
            "or" => Keyword::Operator(BinaryOp::Or),
            "unless" => Keyword::Operator(BinaryOp::Unless),
            "by" => Keyword::By,
            "without" => Keyword::Without,
            "bool" => Keyword::Bool,
            "on" => Keyword::On,
            "ignoring" => Keyword::Ignoring,
            "group_left" => Keyword::GroupLeft,
            "group_right" => Keyword::GroupRight,
            "offset" => Keyword::Offset,
            "unwrap" => Keyword::Unwrap,
            "json" => Keyword::Json,
            "regexp" => Keyword::Regexp,
            "logfmt" => Keyword::Logfmt,
            "unpack" => Keyword::Unpack,
            "pattern" => Keyword::Pattern,
            "label_format" => Keyword::LabelFormat,
            "line_format" => Keyword::LineFormat,
            "decolorize" => Keyword::Decolorize,
            "drop" => Keyword::Drop,
            "keep" => Keyword::Keep,
            "variants" => Keyword::Variants,
            "of" => Keyword::Of,
            _ => return None,
        })
    }
}

impl Function {
    fn find(word: &str) -> Option<Function> {
        match word {
            "label_replace" => return Some(Function::LabelReplace),
            "vector" => return Some(Function::VectorLiteral),
            "ip" => return Some(Function::Ip),
            _ => {}
        }
        let range = RangeOp::ALL.into_iter().find(|op| op.as_str() == word).map(Function::Range);
        let vector = || VectorOp::ALL.into_iter().find(|op| op.as_str() == word).map(Function::Vector);
        let convert = || Conversion::ALL.into_iter().find(|op| op.as_str() == word).map(Function::Convert);
        range.or_else(vector).or_else(convert)
    }
}

/// The functions that an expression may begin with.
pub(super) fn function_names() -> impl Iterator<Item = &'static str> {
    let range = RangeOp::ALL.into_iter().map(RangeOp::as_str);
    range.chain(VectorOp::ALL.into_iter().map(VectorOp::as_str)).chain(["label_replace", "vector"])
}

/// Go's `unicode.IsLetter`.
fn is_letter(c: char) -> bool {
    static LETTER: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"\A\p{L}\z").expect("the pattern is fixed and compiles"));
    c.is_ascii_alphabetic() || (!c.is_ascii() && LETTER.is_match(c.encode_utf8(&mut [0; 4])))
}

/// Go's `unicode.IsDigit`.
fn is_digit(c: char) -> bool {
    static DIGIT: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"\A\p{Nd}\z").expect("the pattern is fixed and compiles"));
    c.is_ascii_digit() || (!c.is_ascii() && DIGIT.is_match(c.encode_utf8(&mut [0; 4])))
}

pub(super) struct Lexer<'a> {
    cursor: Cursor<'a>,
}

impl<'a> Lexer<'a> {
    pub fn new(text: &'a str) -> Lexer<'a> {
        let mut cursor = Cursor::new(text);
        // A byte order mark in front is no part of the query.
        cursor.eat('\u{FEFF}');
        Lexer { cursor }
    }

    /// The next token; after the last one `End`, again and again.
    pub fn next(&mut self) -> Result<Token, ParseError> {
        let before = self.cursor.at();
        self.skip_blanks()?;
        let start = self.cursor.at();
        let kind = self.kind(start == before)?;
        Ok(Token { kind, span: self.cursor.span(start) })
    }

    fn error(&self, start: usize, message: impl Into<String>) -> ParseError {
        ParseError::new(self.cursor.span(start), message)
    }

    /// Skips blanks and comments: `# ...`, and as Go writes them, `// ...` and `/* ... */`.
    fn skip_blanks(&mut self) -> Result<(), ParseError> {
        loop {
            self.cursor.eat_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
            let rest = self.cursor.rest();
            if rest.starts_with('#') || rest.starts_with("//") {
                while self.cursor.peek().is_some_and(|c| c != '\n') {
                    self.cursor.bump();
                }
            } else if let Some(comment) = rest.strip_prefix("/*") {
                let start = self.cursor.at();
                let Some(end) = comment.find("*/") else {
                    self.cursor = advanced(&self.cursor, rest.len());
                    return Err(self.error(start, "the comment is not closed").hint("close it with */"));
                };
                self.cursor = advanced(&self.cursor, "/*".len() + end + "*/".len());
            } else {
                return Ok(());
            }
        }
    }

    /// Reads a token; `adjacent` says that nothing stands between it and the one before.
    fn kind(&mut self, adjacent: bool) -> Result<Kind, ParseError> {
        let start = self.cursor.at();
        let Some(first) = self.cursor.peek() else { return Ok(Kind::End) };
        let second_is_digit = self.cursor.rest().as_bytes().get(1).is_some_and(u8::is_ascii_digit);
        if first.is_ascii_digit() || (first == '.' && second_is_digit) {
            return self.number(adjacent);
        }
        if first == '_' || is_letter(first) {
            return Ok(self.word());
        }
        match first {
            '"' | '`' => return strings::scan_any(&mut self.cursor).map(Kind::String),
            '\'' => return self.quoted_character(),
            _ => {}
        }
        self.cursor.bump();
        Ok(match first {
            '-' => return Ok(self.dash(start)),
            '[' => return self.range(start),
            '!' if self.cursor.eat('=') => Kind::Operator(BinaryOp::NotEqual),
            '!' if self.cursor.eat('~') => Kind::MatchesNot,
            '!' if self.cursor.eat('>') => Kind::PatternNot,
            '=' if self.cursor.eat('=') => Kind::Operator(BinaryOp::Equal),
            '=' if self.cursor.eat('~') => Kind::Matches,
            '=' => Kind::Assign,
            '|' if self.cursor.eat('=') => Kind::PipeExact,
            '|' if self.cursor.eat('~') => Kind::PipeMatch,
            '|' if self.cursor.eat('>') => Kind::PipePattern,
            '|' => Kind::Pipe,
            '>' if self.cursor.eat('=') => Kind::Operator(BinaryOp::GreaterOrEqual),
            '>' => Kind::Operator(BinaryOp::Greater),
            '<' if self.cursor.eat('=') => Kind::Operator(BinaryOp::LessOrEqual),
            '<' => Kind::Operator(BinaryOp::Less),
            '+' => Kind::Operator(BinaryOp::Add),
            '*' => Kind::Operator(BinaryOp::Mul),
            '/' => Kind::Operator(BinaryOp::Div),
            '%' => Kind::Operator(BinaryOp::Mod),
            '^' => Kind::Operator(BinaryOp::Pow),
            ',' => Kind::Comma,
            '.' => Kind::Dot,
            '(' => Kind::LeftParen,
            ')' => Kind::RightParen,
            '{' => Kind::LeftBrace,
            '}' => Kind::RightBrace,
            ']' => Kind::RightBracket,
            _ => Kind::Identifier,
        })
    }

    fn word(&mut self) -> Kind {
        let start = self.cursor.at();
        while self.cursor.peek().is_some_and(|c| c == '_' || is_letter(c) || is_digit(c)) {
            self.cursor.bump();
        }
        let word = self.cursor.since(start).to_lowercase();
        if let Some(function) = Function::find(&word) {
            return if is_call(self.cursor.rest()) { Kind::Function(function) } else { Kind::Identifier };
        }
        Keyword::find(&word).map_or(Kind::Identifier, Kind::Keyword)
    }

    /// Go's character literal, which is a name with its quotes. People who write single quotes mean a string, which is said
    /// where a string is missing.
    fn quoted_character(&mut self) -> Result<Kind, ParseError> {
        let start = self.cursor.at();
        let mut probe = self.cursor.clone();
        if !strings::scan_any(&mut probe).is_ok_and(|value| value.chars().count() == 1) {
            let end = self.cursor.rest()[1..].find(['\'', '\n']).map_or(self.cursor.rest().len(), |at| at + 2);
            self.cursor = advanced(&self.cursor, end);
            return Err(self.error(start, "single quotes hold no string").hint("write \"...\" or `...`"));
        }
        self.cursor = probe;
        Ok(Kind::Identifier)
    }

    /// A flag, a negative duration, or a minus.
    fn dash(&mut self, start: usize) -> Kind {
        let rest = self.cursor.rest();
        if rest.starts_with('-') {
            let length: usize = rest.chars().take_while(|c| *c == '-' || is_letter(*c)).map(char::len_utf8).sum();
            let flag = match &rest[..length] {
                "-strict" => Some(Kind::Strict),
                "-keep-empty" => Some(Kind::KeepEmpty),
                _ => None,
            };
            if let Some(flag) = flag {
                self.cursor = advanced(&self.cursor, length);
                return flag;
            }
        }
        self.duration(start).map_or(Kind::Operator(BinaryOp::Sub), Kind::Duration)
    }

    /// A number, or one with a unit. Loki reads the unit as far as it can be one and takes all of it or nothing.
    fn number(&mut self, adjacent: bool) -> Result<Kind, ParseError> {
        let start = self.cursor.at();
        if let Err(problem) = number::scan(&mut self.cursor, adjacent) {
            while self.cursor.peek().is_some_and(|c| c == '_' || c == '.' || is_letter(c) || is_digit(c)) {
                self.cursor.bump();
            }
            let text = self.cursor.since(start);
            return Err(self.error(start, format!("`{text}` is no number: {problem}")).hint(
                "numbers look like 5, 0.5, 1e3; durations like 30s, 1h30m, 0.5h; sizes like 10B, 5KB, 1.5MiB, up to TiB",
            ));
        }
        if let Some(duration) = self.duration(start) {
            return Ok(Kind::Duration(duration));
        }
        Ok(self.size(start).map_or(Kind::Number, Kind::Bytes))
    }

    /// Reads on from a number or a sign if it becomes a duration, in Prometheus' notation or in Go's.
    fn duration(&mut self, start: usize) -> Option<Nanoseconds> {
        let is_part =
            |c: char| c.is_numeric() || matches!(c, 'n' | 'u' | 'µ' | 'm' | 's' | 'h' | 'd' | 'w' | 'y' | '.');
        self.with_unit(start, is_part, |text| match text.parse::<Duration>() {
            Ok(duration) => Some(Nanoseconds(duration.0 * 1_000_000)),
            Err(_) => text.parse().ok(),
        })
    }

    /// Reads on from a number if it becomes a size in bytes.
    fn size(&mut self, start: usize) -> Option<u64> {
        let is_part = |c: char| c.is_numeric() || matches!(c, 'B' | 'i' | 'k' | 'K' | 'M' | 'G' | 'T' | 'P' | '.');
        self.with_unit(start, is_part, |text| parse_size(text).ok())
    }

    fn with_unit<T>(
        &mut self,
        start: usize,
        is_part: impl Fn(char) -> bool,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let mut probe = self.cursor.clone();
        while probe.peek().is_some_and(&is_part) {
            probe.bump();
        }
        if probe.at() == self.cursor.at() {
            return None;
        }
        let value = read(probe.since(start))?;
        self.cursor = probe;
        Some(value)
    }

    /// `[5m]`, whose opening bracket was read.
    fn range(&mut self, start: usize) -> Result<Kind, ParseError> {
        let rest = self.cursor.rest();
        let Some(end) = rest.find(']') else {
            self.cursor = advanced(&self.cursor, rest.len());
            return Err(ParseError::new(Span::new(start, start + 1), "a `[` is not closed").hint("close it with `]`"));
        };
        let text = &rest[..end];
        self.cursor = advanced(&self.cursor, end + 1);
        match text.parse::<Duration>() {
            Ok(duration) => Ok(Kind::Range(duration)),
            Err(error) => {
                let error = self.error(start, error.to_string());
                Err(match text.split_once(':') {
                    Some((range, _)) => {
                        error.hint(format!("LogQL has no subqueries; a range is one duration: [{range}]"))
                    }
                    None if text.contains('$') => {
                        error.hint("variables of a dashboard are not known here; write a duration: [5m]")
                    }
                    None => error.hint("a range is a duration without blanks, such as [5m] or [1h30m]"),
                })
            }
        }
    }
}

fn advanced<'a>(cursor: &Cursor<'a>, bytes: usize) -> Cursor<'a> {
    let mut cursor = cursor.clone();
    let end = cursor.at() + bytes;
    while cursor.at() < end && cursor.bump().is_some() {}
    cursor
}

/// Whether what follows a word makes it a function (`isFunction`).
fn is_call(rest: &str) -> bool {
    let rest = rest.trim_start();
    if rest.starts_with('(') {
        return true;
    }
    let mut grouped = ["by", "without"].into_iter().filter_map(|word| {
        rest.get(..word.len()).filter(|start| start.eq_ignore_ascii_case(word)).and_then(|_| rest.get(word.len()..))
    });
    grouped.next().is_some_and(|rest| rest.trim_start().starts_with('('))
}
