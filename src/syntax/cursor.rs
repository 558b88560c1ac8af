//! A position in a text that only moves forward: the core of a linear lexer.

use crate::text::Span;

/// Reads a text character by character.
#[derive(Clone, Debug)]
pub struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    pub fn new(text: &'a str) -> Cursor<'a> {
        Cursor { text, at: 0 }
    }

    /// Byte offset of the next character.
    pub fn at(&self) -> usize {
        self.at
    }

    /// What was not read yet.
    pub fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// The next byte; 0 at the end, which no token begins with.
    pub fn peek_byte(&self) -> u8 {
        self.text.as_bytes().get(self.at).copied().unwrap_or(0)
    }

    /// Reads one character.
    pub fn bump(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        Some(next)
    }

    /// Reads the next character if it is this one.
    pub fn eat(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        if found {
            self.at += wanted.len_utf8();
        }
        found
    }

    /// Reads the next byte if it meets a condition that only ASCII meets.
    pub fn eat_if(&mut self, wanted: impl Fn(u8) -> bool) -> bool {
        let byte = self.peek_byte();
        let found = byte != 0 && byte.is_ascii() && wanted(byte);
        if found {
            self.at += 1;
        }
        found
    }

    /// Reads bytes as long as they meet a condition that only ASCII meets.
    pub fn eat_while(&mut self, wanted: impl Fn(u8) -> bool) {
        while self.eat_if(&wanted) {}
    }

    /// The text since `start`.
    pub fn since(&self, start: usize) -> &'a str {
        self.text.get(start..self.at).unwrap_or_default()
    }

    /// The span since `start`.
    pub fn span(&self, start: usize) -> Span {
        Span::new(start, self.at)
    }
}
