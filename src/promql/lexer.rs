//! Cuts a PromQL expression into tokens (Prometheus `promql/parser/lex.go`), on demand and in one pass: what a
//! character means depends on whether braces or brackets are open.

use crate::promql::ast::{AggregateOp, BinaryOp};
use crate::syntax::{Cursor, ParseError, number, strings};
use crate::text::Span;

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token {
    pub kind: Kind,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    End,
    /// A name without a colon that is no keyword.
    Identifier,
    /// A name with a colon, which only a metric may have.
    MetricName,
    Keyword(Keyword),
    /// A number, or one of the words `inf` and `nan`.
    Number,
    Duration,
    /// Unquoted.
    String(String),
    /// A binary operator made of signs, or a sign.
    Operator(BinaryOp),
    /// `=`
    Assign,
    /// `=~`
    Matches,
    /// `!~`
    MatchesNot,
    At,
    Comma,
    Colon,
    LeftParen,
    RightParen,
    LeftBrace,
    RightBrace,
    LeftBracket,
    RightBracket,
}

/// Words with a meaning of their own, in any case of letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keyword {
    /// `and`, `or`, `unless`, `atan2`
    Operator(BinaryOp),
    Aggregate(AggregateOp),
    Offset,
    Smoothed,
    Anchored,
    By,
    Without,
    On,
    Ignoring,
    GroupLeft,
    GroupRight,
    Fill,
    FillLeft,
    FillRight,
    Bool,
    Start,
    End,
    Step,
    Range,
    MaxOf,
    MinOf,
}

impl Keyword {
    fn find(word: &str) -> Option<Keyword> {
        // The longest keyword has 12 letters.
        let mut lower = [0; 12];
        let lower = lower.get_mut(..word.len())?;
        lower.copy_from_slice(word.as_bytes());
        lower.make_ascii_lowercase();
        Some(match &*lower {
            b"and" => Keyword::Operator(BinaryOp::And),
            b"or" => Keyword::Operator(BinaryOp::Or),
            b"unless" => Keyword::Operator(BinaryOp::Unless),
            b"atan2" => Keyword::Operator(BinaryOp::Atan2),
            b"offset" => Keyword::Offset,
            b"smoothed" => Keyword::Smoothed,
            b"anchored" => Keyword::Anchored,
            b"by" => Keyword::By,
            b"without" => Keyword::Without,
            b"on" => Keyword::On,
            b"ignoring" => Keyword::Ignoring,
            b"group_left" => Keyword::GroupLeft,
            b"group_right" => Keyword::GroupRight,
            b"fill" => Keyword::Fill,
            b"fill_left" => Keyword::FillLeft,
            b"fill_right" => Keyword::FillRight,
            b"bool" => Keyword::Bool,
            b"start" => Keyword::Start,
            b"end" => Keyword::End,
            b"step" => Keyword::Step,
            b"range" => Keyword::Range,
            b"max_of" => Keyword::MaxOf,
            b"min_of" => Keyword::MinOf,
            word => Keyword::Aggregate(AggregateOp::find(std::str::from_utf8(word).ok()?)?),
        })
    }

    /// Keywords that are also names of metrics.
    pub fn names_metric(self) -> bool {
        !matches!(
            self,
            Keyword::Operator(BinaryOp::Atan2)
                | Keyword::Bool
                | Keyword::On
                | Keyword::Ignoring
                | Keyword::GroupLeft
                | Keyword::GroupRight
        )
    }

    /// Keywords that are also names of labels in `by (...)` and the like.
    pub fn names_label(self) -> bool {
        self != Keyword::Without
    }
}

pub(super) struct Lexer<'a> {
    text: &'a str,
    cursor: Cursor<'a>,
    /// Where the open parentheses stand.
    parens: Vec<usize>,
    /// Where the open brace stands; they do not nest.
    brace: Option<usize>,
    /// Where the open bracket stands; they do not nest.
    bracket: Option<usize>,
    /// Right behind a bracket, before its first number: only what a duration begins with may come.
    bracket_start: bool,
    colon_seen: bool,
    duration_seen: bool,
}

impl<'a> Lexer<'a> {
    pub fn new(text: &'a str) -> Lexer<'a> {
        Lexer {
            text,
            cursor: Cursor::new(text),
            parens: Vec::new(),
            brace: None,
            bracket: None,
            bracket_start: false,
            colon_seen: false,
            duration_seen: false,
        }
    }

    /// The next token; after the last one `End`, again and again.
    pub fn next(&mut self) -> Result<Token, ParseError> {
        self.skip_blanks();
        let start = self.cursor.at();
        let kind = if self.brace.is_some() {
            self.inside_braces()?
        } else if self.bracket_start {
            self.inside_bracket_start()?
        } else {
            self.statement()?
        };
        Ok(Token { kind, span: self.cursor.span(start) })
    }

    fn skip_blanks(&mut self) {
        loop {
            self.cursor.eat_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
            if self.cursor.peek_byte() != b'#' || self.bracket_start {
                return;
            }
            while self.cursor.peek().is_some_and(|c| !matches!(c, '\n' | '\r')) {
                self.cursor.bump();
            }
        }
    }

    fn error(&self, start: usize, message: impl Into<String>) -> ParseError {
        ParseError::new(self.cursor.span(start), message)
    }

    fn statement(&mut self) -> Result<Kind, ParseError> {
        let start = self.cursor.at();
        let byte = self.cursor.peek_byte();
        match byte {
            b'0'..=b'9' => return self.literal(),
            b'.' if self.cursor.rest().as_bytes().get(1).is_some_and(u8::is_ascii_digit) => return self.literal(),
            b'"' | b'\'' | b'`' => return strings::scan(&mut self.cursor).map(Kind::String),
            _ if byte.is_ascii_alphabetic() || byte == b'_' || byte == b':' => {
                return if self.bracket.is_some() { self.word_in_bracket() } else { Ok(self.word()) };
            }
            _ => {}
        }
        let Some(c) = self.cursor.bump() else { return self.end() };
        Ok(match c {
            ',' => Kind::Comma,
            '*' => Kind::Operator(BinaryOp::Mul),
            '/' => Kind::Operator(BinaryOp::Div),
            '%' => Kind::Operator(BinaryOp::Mod),
            '+' => Kind::Operator(BinaryOp::Add),
            '-' => Kind::Operator(BinaryOp::Sub),
            '^' => Kind::Operator(BinaryOp::Pow),
            '@' => Kind::At,
            '=' if self.cursor.eat('=') => Kind::Operator(BinaryOp::Equal),
            '=' if self.cursor.peek_byte() == b'~' => {
                return Err(self.error(start, "`=~` compares a label with a regular expression, not two values").hint(
                    "write it inside of braces, as in up{job=~\"node.*\"}; values are compared with ==, !=, <, >",
                ));
            }
            '=' => Kind::Assign,
            '!' if self.cursor.eat('=') => Kind::Operator(BinaryOp::NotEqual),
            '!' => {
                let error = self.error(start, "`!` stands alone");
                return Err(if self.cursor.peek_byte() == b'~' {
                    self.error(start, "`!~` compares a label with a regular expression, not two values")
                        .hint("write it inside of braces, as in up{job!~\"node.*\"}")
                } else {
                    error.hint("write != for \"not equal\", or `unless` to leave out what another vector has")
                });
            }
            '<' if self.cursor.eat('=') => Kind::Operator(BinaryOp::LessOrEqual),
            '<' if self.cursor.eat('/') => Kind::Operator(BinaryOp::TrimUpper),
            '<' => Kind::Operator(BinaryOp::Less),
            '>' if self.cursor.eat('=') => Kind::Operator(BinaryOp::GreaterOrEqual),
            '>' if self.cursor.eat('/') => Kind::Operator(BinaryOp::TrimLower),
            '>' => Kind::Operator(BinaryOp::Greater),
            '(' => self.left_paren(start),
            ')' => self.right_paren()?,
            '{' => {
                self.brace = Some(start);
                Kind::LeftBrace
            }
            '[' if self.bracket.is_some() => {
                return Err(self.error(start, "a bracket inside of brackets").hint("close the first one with ]"));
            }
            '[' => {
                self.bracket = Some(start);
                self.bracket_start = true;
                self.colon_seen = false;
                Kind::LeftBracket
            }
            ']' if self.bracket.is_none() => {
                return Err(self.error(start, "`]` without a `[`").hint("remove it, or open the range before it"));
            }
            ']' => self.right_bracket(),
            '}' => return Err(self.error(start, "`}` without a `{`").hint("remove it, or open the braces before it")),
            _ => return Err(self.stray(start, c)),
        })
    }

    /// An error for a character that begins no token.
    fn stray(&self, start: usize, c: char) -> ParseError {
        let error = self.error(start, format!("{c:?} means nothing here"));
        match c {
            '&' => error.hint("write `and` for both"),
            '|' => error.hint("write `or` for either"),
            ';' => error.hint("an expression is one; remove everything from `;` on"),
            '\u{201C}' | '\u{201D}' | '\u{2018}' | '\u{2019}' => error.hint("write plain quotes: \""),
            '\u{2013}' | '\u{2014}' | '\u{2212}' => error.hint("write a plain minus: -"),
            '\u{A0}' => error.hint("write a plain space"),
            _ => error,
        }
    }

    fn left_paren(&mut self, start: usize) -> Kind {
        self.parens.push(start);
        Kind::LeftParen
    }

    fn right_paren(&mut self) -> Result<Kind, ParseError> {
        match self.parens.pop() {
            Some(_) => Ok(Kind::RightParen),
            // Prometheus places this error behind the parenthesis.
            None => Err(self.error(self.cursor.at(), "`)` without a `(`").hint("remove it, or open one before it")),
        }
    }

    fn right_bracket(&mut self) -> Kind {
        self.bracket = None;
        self.bracket_start = false;
        Kind::RightBracket
    }

    fn end(&mut self) -> Result<Kind, ParseError> {
        let at = self.cursor.at();
        let place = |open: usize| match self.text.get(..open).map(|before| before.matches('\n').count()) {
            Some(lines) if lines > 0 => format!("the one in line {}", lines + 1),
            _ => format!("the one before `{}`", excerpt(self.text.get(open + 1..).unwrap_or_default())),
        };
        if let Some(open) = self.parens.last() {
            return Err(self.error(at, "a `(` is not closed").hint(format!("close {} with `)`", place(*open))));
        }
        if let Some(open) = self.bracket {
            return Err(self.error(at, "a `[` is not closed").hint(format!("close {} with `]`", place(open))));
        }
        Ok(Kind::End)
    }

    fn literal(&mut self) -> Result<Kind, ParseError> {
        let start = self.cursor.at();
        match number::scan(&mut self.cursor) {
            Some(number::Literal::Number) => Ok(Kind::Number),
            Some(number::Literal::Duration) => Ok(Kind::Duration),
            None => {
                self.cursor.eat_while(|byte| number::is_word(byte) || byte == b'.');
                let text = self.cursor.since(start);
                let error = self.error(start, format!("`{text}` is neither a number nor a duration"));
                Err(if text.ends_with(|c: char| c.is_ascii_digit()) && text.contains(['s', 'm', 'h', 'd', 'w', 'y']) {
                    error.hint(format!("the last number has no unit; write one, as in {text}s"))
                } else {
                    error.hint("numbers look like 5, 0.5, 1e3; durations like 30s, 5m, 1h30m")
                })
            }
        }
    }

    fn word(&mut self) -> Kind {
        let start = self.cursor.at();
        self.cursor.eat_while(|byte| number::is_word(byte) || byte == b':');
        let word = self.cursor.since(start);
        if word.eq_ignore_ascii_case("inf") || word.eq_ignore_ascii_case("nan") {
            return Kind::Number;
        }
        match Keyword::find(word) {
            // Metrics called `fill` are older than the modifiers.
            Some(Keyword::Fill | Keyword::FillLeft | Keyword::FillRight)
                if !self.cursor.rest().trim_start_matches([' ', '\t', '\n', '\r']).starts_with('(') =>
            {
                Kind::Identifier
            }
            Some(keyword) => Kind::Keyword(keyword),
            None if word.contains(':') => Kind::MetricName,
            None => Kind::Identifier,
        }
    }

    fn word_in_bracket(&mut self) -> Result<Kind, ParseError> {
        let start = self.cursor.at();
        if self.cursor.eat(':') {
            return self.colon(start);
        }
        self.duration_keyword(start)
    }

    fn colon(&mut self, start: usize) -> Result<Kind, ParseError> {
        if self.colon_seen {
            return Err(self.error(start, "a second `:` inside of the brackets").hint("a subquery is [range:step]"));
        }
        self.colon_seen = true;
        Ok(Kind::Colon)
    }

    /// `step`, `range`, `min_of` or `max_of`: the only words inside of brackets.
    fn duration_keyword(&mut self, start: usize) -> Result<Kind, ParseError> {
        self.cursor.eat_while(|byte| byte.is_ascii_alphabetic() || byte == b'_');
        let word = self.cursor.since(start);
        match Keyword::find(word) {
            Some(keyword @ (Keyword::Step | Keyword::Range | Keyword::MaxOf | Keyword::MinOf)) => {
                Ok(Kind::Keyword(keyword))
            }
            _ => Err(self
                .error(start, format!("`{word}` inside of the brackets of a range"))
                .hint("brackets hold a duration such as [5m]; offset, @, by and the like come behind them")),
        }
    }

    fn inside_bracket_start(&mut self) -> Result<Kind, ParseError> {
        let start = self.cursor.at();
        let byte = self.cursor.peek_byte();
        if byte.is_ascii_alphabetic() || byte == b'_' {
            return self.duration_keyword(start);
        }
        let next_is_digit = self.cursor.rest().as_bytes().get(1).is_some_and(u8::is_ascii_digit);
        if byte.is_ascii_digit() || (byte == b'.' && next_is_digit) {
            self.duration_seen = true;
            self.bracket_start = false;
            return self.literal();
        }
        let Some(c) = self.cursor.bump() else {
            return Err(self.error(start, "the brackets hold no duration and are not closed").hint("write one: [5m]"));
        };
        Ok(match c {
            ']' => self.right_bracket(),
            ':' => {
                // Prometheus places these errors behind the colon.
                let behind = self.cursor.at();
                if !self.duration_seen {
                    return Err(self.error(behind, "`:` without a range before it").hint("a subquery is [range:step]"));
                }
                return self.colon(behind);
            }
            '(' => self.left_paren(start),
            ')' => self.right_paren()?,
            ',' => Kind::Comma,
            '+' => Kind::Operator(BinaryOp::Add),
            '-' => Kind::Operator(BinaryOp::Sub),
            '*' => Kind::Operator(BinaryOp::Mul),
            '/' => Kind::Operator(BinaryOp::Div),
            '%' => Kind::Operator(BinaryOp::Mod),
            '^' => Kind::Operator(BinaryOp::Pow),
            _ => {
                return Err(self
                    .error(start, format!("{c:?} inside of the brackets of a range"))
                    .hint("brackets hold a duration such as [5m], or [1h:5m] for a subquery"));
            }
        })
    }

    fn inside_braces(&mut self) -> Result<Kind, ParseError> {
        let start = self.cursor.at();
        let byte = self.cursor.peek_byte();
        if byte.is_ascii_alphabetic() || byte == b'_' {
            self.cursor.eat_while(number::is_word);
            return Ok(Kind::Identifier);
        }
        if matches!(byte, b'"' | b'\'' | b'`') {
            return strings::scan(&mut self.cursor).map(Kind::String);
        }
        let Some(c) = self.cursor.bump() else {
            return Err(self.error(start, "a `{` is not closed").hint("close it with `}`"));
        };
        Ok(match c {
            ',' => Kind::Comma,
            '=' if self.cursor.eat('~') => Kind::Matches,
            '=' => Kind::Assign,
            '!' if self.cursor.eat('~') => Kind::MatchesNot,
            '!' if self.cursor.eat('=') => Kind::Operator(BinaryOp::NotEqual),
            '!' => {
                return Err(self.error(start, "`!` stands alone").hint("write != or !~"));
            }
            '}' => {
                self.brace = None;
                Kind::RightBrace
            }
            '{' => return Err(self.error(start, "a `{` inside of braces").hint("close the first one with `}`")),
            '[' | ')' | '(' => {
                return Err(self
                    .error(start, format!("{c:?} inside of braces"))
                    .hint("is the `}` missing, or a closing quote?"));
            }
            '0'..='9' => {
                return Err(self
                    .error(start, "a number inside of braces")
                    .hint("label values are written in quotes: {code=\"500\"}; label names begin with a letter"));
            }
            ':' | '.' | '-' | '/' => {
                return Err(self
                    .error(start, format!("{c:?} inside of braces"))
                    .hint("a label name with other characters than letters, digits and _ is written in quotes"));
            }
            '<' | '>' => {
                return Err(self
                    .error(start, format!("{c:?} inside of braces"))
                    .hint("labels are compared with =, !=, =~ and !~; values are compared behind the braces"));
            }
            _ => return Err(self.error(start, format!("{c:?} inside of braces"))),
        })
    }
}

/// The first characters of a text, for a message.
fn excerpt(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default().trim();
    match line.char_indices().nth(20) {
        Some((at, _)) => format!("{}...", line.get(..at).unwrap_or_default()),
        None => line.to_owned(),
    }
}
