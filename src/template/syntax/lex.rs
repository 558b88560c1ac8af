//! Tokens of a template, as Go's `text/template/parse` cuts them.

use std::sync::LazyLock;

use regex::Regex;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The text cannot be read further; the message stands beside the tokens.
    Error,
    /// The end of the text.
    Eof,
    Text,
    LeftDelim,
    RightDelim,
    Space,
    Bool,
    /// Any other printable character.
    Char,
    CharConstant,
    Complex,
    Number,
    String,
    RawString,
    Assign,
    Declare,
    Pipe,
    LeftParen,
    RightParen,
    /// `.name`
    Field,
    Identifier,
    /// `$` or `$name`
    Variable,
    Dot,
    Nil,
    Block,
    Break,
    Continue,
    Define,
    Else,
    End,
    If,
    Range,
    Template,
    With,
}

const KEYWORDS: &[(&str, Kind)] = &[
    ("block", Kind::Block),
    ("break", Kind::Break),
    ("continue", Kind::Continue),
    ("define", Kind::Define),
    ("else", Kind::Else),
    ("end", Kind::End),
    ("if", Kind::If),
    ("nil", Kind::Nil),
    ("range", Kind::Range),
    ("template", Kind::Template),
    ("with", Kind::With),
    ("true", Kind::Bool),
    ("false", Kind::Bool),
];

impl Kind {
    /// Whether messages show the token as `<if>`, not in quotes.
    pub fn is_keyword(self) -> bool {
        self == Kind::Dot || (self != Kind::Bool && KEYWORDS.iter().any(|(_, kind)| *kind == self))
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Token<'t> {
    pub kind: Kind,
    /// Its first byte in the text.
    pub start: usize,
    pub text: &'t str,
}

/// The characters that trim markers remove, and that separate operands.
const SPACE: [char; 4] = [' ', '\t', '\r', '\n'];

/// All tokens of a text; the last one is `Eof`, or `Error` with its message.
pub(super) fn tokens(text: &str) -> (Vec<Token<'_>>, String) {
    let mut lexer = Lexer { text, at: 0, start: 0, parens: 0, tokens: Vec::new() };
    let message = lexer.run().err().unwrap_or_default();
    let kind = if message.is_empty() { Kind::Eof } else { Kind::Error };
    lexer.emit(kind);
    (lexer.tokens, message)
}

struct Lexer<'t> {
    text: &'t str,
    at: usize,
    /// Where the token begins that is being read.
    start: usize,
    /// Parentheses that are open in the action.
    parens: usize,
    tokens: Vec<Token<'t>>,
}

impl<'t> Lexer<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn bump(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn accept(&mut self, set: &str) -> bool {
        let found = self.peek().is_some_and(|c| set.contains(c));
        if found {
            self.at += 1;
        }
        found
    }

    fn accept_run(&mut self, set: &str) {
        while self.accept(set) {}
    }

    fn emit(&mut self, kind: Kind) {
        self.tokens.push(Token { kind, start: self.start, text: &self.text[self.start..self.at] });
        self.start = self.at;
    }

    /// Text and actions in turn.
    fn run(&mut self) -> Result<(), String> {
        while let Some(length) = self.rest().find("{{") {
            let before = self.at + length;
            let inside = &self.text[before + 2..];
            let trims = left_trim_marker(inside);
            let text = &self.text[self.at..before];
            self.at += if trims { text.trim_end_matches(SPACE).len() } else { length };
            if self.at > self.start {
                self.emit(Kind::Text);
            }
            self.start = before;
            self.at = before + 2;
            let marker = if trims { 2 } else { 0 };
            if inside[marker..].starts_with("/*") {
                self.at += marker;
                self.comment()?;
            } else {
                self.emit(Kind::LeftDelim);
                self.at += marker;
                self.start = self.at;
                self.parens = 0;
                self.action()?;
            }
        }
        self.at = self.text.len();
        if self.at > self.start {
            self.emit(Kind::Text);
        }
        Ok(())
    }

    /// A comment, from its `/*` on; only its end counts, and that the action ends right behind it.
    fn comment(&mut self) -> Result<(), String> {
        let length = self.rest()[2..].find("*/").ok_or("unclosed comment")?;
        self.at += 2 + length + 2;
        let trims = self.right_delim().ok_or("comment ends before closing delimiter")?;
        self.at += if trims { 4 } else { 2 };
        self.skip_space(trims);
        Ok(())
    }

    /// Whether a right delimiter is next, and whether it trims.
    fn right_delim(&self) -> Option<bool> {
        let rest = self.rest();
        if right_trim_marker(rest) && rest[2..].starts_with("}}") {
            return Some(true);
        }
        rest.starts_with("}}").then_some(false)
    }

    /// Begins anew here, behind the space where it is trimmed.
    fn skip_space(&mut self, trims: bool) {
        if trims {
            self.at += self.rest().len() - self.rest().trim_start_matches(SPACE).len();
        }
        self.start = self.at;
    }

    /// The tokens of an action up to and with its right delimiter.
    fn action(&mut self) -> Result<(), String> {
        loop {
            if let Some(trims) = self.right_delim() {
                if self.parens > 0 {
                    return Err("unclosed left paren".to_owned());
                }
                self.start += if trims { 2 } else { 0 };
                self.at = self.start + 2;
                self.emit(Kind::RightDelim);
                self.skip_space(trims);
                return Ok(());
            }
            let c = self.bump().ok_or("unclosed action")?;
            match c {
                ' ' | '\t' | '\r' | '\n' => self.spaces(),
                '=' => self.emit(Kind::Assign),
                ':' if self.accept("=") => self.emit(Kind::Declare),
                ':' => return Err("expected :=".to_owned()),
                '|' => self.emit(Kind::Pipe),
                '"' => self.quoted('"', Kind::String, "unterminated quoted string")?,
                '\'' => self.quoted('\'', Kind::CharConstant, "unterminated character constant")?,
                '`' => {
                    let length = self.rest().find('`').ok_or("unterminated raw quoted string")?;
                    self.at += length + 1;
                    self.emit(Kind::RawString);
                }
                '$' => self.name(Kind::Variable, Kind::Variable)?,
                '.' if self.peek().is_some_and(|next| !next.is_ascii_digit()) => self.name(Kind::Field, Kind::Dot)?,
                '.' | '+' | '-' | '0'..='9' => {
                    self.at = self.start;
                    self.number()?;
                }
                '(' => {
                    self.parens += 1;
                    self.emit(Kind::LeftParen);
                }
                ')' => {
                    self.parens = self.parens.checked_sub(1).ok_or("unexpected right paren")?;
                    self.emit(Kind::RightParen);
                }
                _ if is_alphanumeric(c) => {
                    self.name(Kind::Identifier, Kind::Identifier)?;
                    if let Some(word) = self.tokens.last_mut() {
                        let keyword = KEYWORDS.iter().find(|(name, _)| *name == word.text);
                        word.kind = keyword.map_or(Kind::Identifier, |(_, kind)| *kind);
                    }
                }
                ' '..='~' => self.emit(Kind::Char),
                other => return Err(format!("unrecognized character in action: {}", unicode(Some(other)))),
            }
        }
    }

    /// A run of spaces, but for the one of a trim marker.
    fn spaces(&mut self) {
        self.at = self.start + self.text[self.start..].len() - self.text[self.start..].trim_start_matches(SPACE).len();
        let last = self.at - 1;
        if right_trim_marker(&self.text[last..]) && self.text[last + 2..].starts_with("}}") {
            self.at = last;
            if self.at == self.start {
                return;
            }
        }
        self.emit(Kind::Space);
    }

    fn quoted(&mut self, quote: char, kind: Kind, unterminated: &str) -> Result<(), String> {
        loop {
            match self.bump() {
                Some('\\') if self.bump().is_some_and(|c| c != '\n') => {}
                None | Some('\n' | '\\') => return Err(unterminated.to_owned()),
                Some(c) if c == quote => break,
                Some(_) => {}
            }
        }
        self.emit(kind);
        Ok(())
    }

    /// Letters and digits behind what was read, which is `bare` without any.
    fn name(&mut self, kind: Kind, bare: Kind) -> Result<(), String> {
        let first = self.at;
        while self.peek().is_some_and(is_alphanumeric) {
            self.bump();
        }
        if !self.at_terminator() {
            return Err(format!("bad character {}", unicode(self.peek())));
        }
        self.emit(if self.at == first { bare } else { kind });
        Ok(())
    }

    /// Whether a name may end here.
    fn at_terminator(&self) -> bool {
        match self.peek() {
            None => true,
            Some(c) => SPACE.contains(&c) || matches!(c, '.' | ',' | '|' | ':' | ')' | '(') || self.at_right_braces(),
        }
    }

    fn at_right_braces(&self) -> bool {
        self.rest().starts_with("}}")
    }

    fn number(&mut self) -> Result<(), String> {
        let bad = |lexer: &Self| format!("bad number syntax: {:?}", &lexer.text[lexer.start..lexer.at]);
        if !self.scan_number() {
            return Err(bad(self));
        }
        if self.peek().is_some_and(|c| c == '+' || c == '-') {
            if !self.scan_number() || !self.text[..self.at].ends_with('i') {
                return Err(bad(self));
            }
            self.emit(Kind::Complex);
        } else {
            self.emit(Kind::Number);
        }
        Ok(())
    }

    /// Reads what looks like a number; `Number` says whether it is one.
    fn scan_number(&mut self) -> bool {
        const DECIMAL: &str = "0123456789_";
        const HEXADECIMAL: &str = "0123456789abcdefABCDEF_";
        self.accept("+-");
        let mut digits = DECIMAL;
        if self.accept("0") {
            if self.accept("xX") {
                digits = HEXADECIMAL;
            } else if self.accept("oO") {
                digits = "01234567_";
            } else if self.accept("bB") {
                digits = "01_";
            }
        }
        self.accept_run(digits);
        if self.accept(".") {
            self.accept_run(digits);
        }
        if (digits == DECIMAL && self.accept("eE")) || (digits == HEXADECIMAL && self.accept("pP")) {
            self.accept("+-");
            self.accept_run(DECIMAL);
        }
        self.accept("i");
        match self.peek() {
            Some(c) if is_alphanumeric(c) => {
                self.bump();
                false
            }
            _ => true,
        }
    }
}

fn left_trim_marker(text: &str) -> bool {
    text.starts_with('-') && text[1..].starts_with(SPACE)
}

fn right_trim_marker(text: &str) -> bool {
    text.starts_with(SPACE) && text[1..].starts_with('-')
}

/// Letters, decimal digits and the underscore.
fn is_alphanumeric(c: char) -> bool {
    static BEYOND_ASCII: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"[\p{L}\p{Nd}]").expect("the pattern is valid"));
    match c.is_ascii() {
        true => c == '_' || c.is_ascii_alphanumeric(),
        // The standard library's classes hold more, such as a raised two.
        false => BEYOND_ASCII.is_match(c.encode_utf8(&mut [0; 4])),
    }
}

/// Go's `%#U`.
fn unicode(c: Option<char>) -> String {
    match c {
        None => "at the end".to_owned(),
        Some(c) if crate::syntax::strings::is_printable(c) => format!("U+{:04X} '{c}'", u32::from(c)),
        Some(c) => format!("U+{:04X}", u32::from(c)),
    }
}
