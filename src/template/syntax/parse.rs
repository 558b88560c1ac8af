//! Reads a template: text and blocks, with the checks that Go makes before a template runs.

use std::collections::HashMap;

use super::lex::{self, Kind, Token};
use super::literal;
use super::tree::{Block, BlockKind, List, Node, NodeKind};
use crate::syntax::MAX_NESTING;
use crate::syntax::strings::quoted;
use crate::template::call::Dialect;
use crate::text::Span;

/// A template that has been read.
#[derive(Debug)]
pub(in crate::template) struct Program {
    /// What was read; places count in it.
    pub source: String,
    pub main: List,
    /// What `{{define}}` and `{{block}}` name.
    pub templates: HashMap<String, List>,
    /// Whether it calls `query`.
    pub queries: bool,
}

/// What is wrong, and where in the text.
type Problem = (String, Span);
pub(super) type Result<T> = std::result::Result<T, Problem>;

/// Reads a template that is called `name` and may call the functions of a dialect.
///
/// # Errors
/// The first thing that Go refuses, in its words.
pub(in crate::template) fn parse(name: &str, source: String, dialect: Dialect) -> Result<Program> {
    let (tokens, message) = lex::tokens(&source);
    let mut parser = Parser {
        tokens,
        message,
        at: 0,
        variables: vec!["$".to_owned()],
        ranges: 0,
        nesting: 0,
        templates: HashMap::new(),
        queries: false,
        dialect,
    };
    let main = parser.main()?;
    // The template itself is one of those that names mean.
    parser.add(name.to_owned(), main)?;
    let Parser { mut templates, queries, .. } = parser;
    let main = templates.remove(name).unwrap_or_default();
    Ok(Program { source, main, templates, queries })
}

/// How a list of nodes ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ending {
    Else,
    End,
}

impl Ending {
    fn text(self) -> &'static str {
        match self {
            Ending::Else => "{{else}}",
            Ending::End => "{{end}}",
        }
    }
}

enum Part {
    Node(Node),
    Ending(Ending),
}

pub(super) struct Parser<'t> {
    tokens: Vec<Token<'t>>,
    /// Why the tokens end in an error.
    message: String,
    pub(super) at: usize,
    /// Variables in sight.
    pub(super) variables: Vec<String>,
    /// Ranges around.
    ranges: usize,
    /// Blocks and parentheses around.
    pub(super) nesting: usize,
    templates: HashMap<String, List>,
    pub(super) queries: bool,
    pub(super) dialect: Dialect,
}

impl<'t> Parser<'t> {
    pub(super) fn peek(&self) -> Token<'t> {
        // There is at least the token of the end, which is never passed.
        self.tokens[self.at.min(self.tokens.len() - 1)]
    }

    pub(super) fn next(&mut self) -> Token<'t> {
        let token = self.peek();
        self.at += 1;
        token
    }

    pub(super) fn peek_non_space(&mut self) -> Token<'t> {
        while self.peek().kind == Kind::Space {
            self.at += 1;
        }
        self.peek()
    }

    pub(super) fn next_non_space(&mut self) -> Token<'t> {
        self.peek_non_space();
        self.next()
    }

    pub(super) fn fail<T>(&self, token: Token<'t>, message: String) -> Result<T> {
        Err((message, Span::new(token.start, token.start + token.text.len())))
    }

    pub(super) fn unexpected<T>(&self, token: Token<'t>, context: &str) -> Result<T> {
        let shown = match token.kind {
            Kind::Error => return self.fail(token, self.message.clone()),
            Kind::Eof => "EOF".to_owned(),
            kind if kind.is_keyword() => format!("<{}>", token.text),
            _ if token.text.len() > 10 => format!("{:?}...", token.text.chars().take(10).collect::<String>()),
            _ => format!("{:?}", token.text),
        };
        self.fail(token, format!("unexpected {shown} in {context}"))
    }

    fn expect(&mut self, kind: Kind, context: &str) -> Result<Token<'t>> {
        let token = self.next_non_space();
        if token.kind == kind { Ok(token) } else { self.unexpected(token, context) }
    }

    /// One level deeper; every caller goes back up after it.
    pub(super) fn enter(&mut self, token: Token<'t>) -> Result<()> {
        self.nesting += 1;
        if self.nesting > MAX_NESTING {
            return self.fail(token, format!("blocks and parentheses are nested more than {MAX_NESTING} deep"));
        }
        Ok(())
    }

    /// The whole text, where alone templates may be defined.
    fn main(&mut self) -> Result<List> {
        let mut list = List { start: self.peek().start, nodes: Vec::new() };
        while self.peek().kind != Kind::Eof {
            let before = self.at;
            if self.next().kind == Kind::LeftDelim && self.next_non_space().kind == Kind::Define {
                self.definition()?;
                continue;
            }
            self.at = before;
            let token = self.peek();
            match self.text_or_action()? {
                Part::Node(node) => list.nodes.push(node),
                Part::Ending(ending) => return self.fail(token, format!("unexpected {}", ending.text())),
            }
        }
        Ok(list)
    }

    fn definition(&mut self) -> Result<()> {
        const CONTEXT: &str = "define clause";
        let token = self.next_non_space();
        let name = self.template_name(token, CONTEXT)?;
        self.expect(Kind::RightDelim, CONTEXT)?;
        self.separate_template(token, name, CONTEXT)
    }

    /// The body of a template of its own, which sees no variables from outside.
    fn separate_template(&mut self, token: Token<'t>, name: String, context: &str) -> Result<()> {
        self.enter(token)?;
        let outside = (std::mem::replace(&mut self.variables, vec!["$".to_owned()]), std::mem::take(&mut self.ranges));
        let (list, ending) = self.list(token)?;
        (self.variables, self.ranges) = outside;
        self.nesting -= 1;
        if ending != Ending::End {
            return self.fail(token, format!("unexpected {} in {context}", ending.text()));
        }
        self.add(name, list)
    }

    fn add(&mut self, name: String, list: List) -> Result<()> {
        match self.templates.get(&name) {
            Some(defined) if !defined.is_blank() => {
                if !list.is_blank() {
                    let message = format!("multiple definition of template {}", quoted(&name));
                    return Err((message, Span::new(list.start, list.start)));
                }
            }
            _ => {
                self.templates.insert(name, list);
            }
        }
        Ok(())
    }

    /// Nodes up to an `{{end}}` or `{{else}}` of what `opened` began.
    fn list(&mut self, opened: Token<'t>) -> Result<(List, Ending)> {
        let mut list = List { start: self.peek_non_space().start, nodes: Vec::new() };
        while self.peek_non_space().kind != Kind::Eof {
            match self.text_or_action()? {
                Part::Node(node) => list.nodes.push(node),
                Part::Ending(ending) => return Ok((list, ending)),
            }
        }
        match self.peek_non_space() {
            Token { kind: Kind::Eof, .. } => {
                self.fail(opened, format!("unexpected EOF: `{}` without {{{{end}}}}", opened.text))
            }
            token => self.unexpected(token, "input"),
        }
    }

    fn text_or_action(&mut self) -> Result<Part> {
        let token = self.next_non_space();
        match token.kind {
            Kind::Text => Ok(Part::Node(Node { start: token.start, kind: NodeKind::Text(token.text.to_owned()) })),
            Kind::LeftDelim => self.action(),
            _ => self.unexpected(token, "input"),
        }
    }

    fn action(&mut self) -> Result<Part> {
        let token = self.next_non_space();
        let node = |start, kind| Ok(Part::Node(Node { start, kind }));
        match token.kind {
            Kind::If => Ok(Part::Node(self.block(token, BlockKind::If)?)),
            Kind::Range => Ok(Part::Node(self.block(token, BlockKind::Range)?)),
            Kind::With => Ok(Part::Node(self.block(token, BlockKind::With)?)),
            Kind::Block => self.block_template(),
            Kind::Template => self.template(),
            Kind::End => {
                self.expect(Kind::RightDelim, "end")?;
                Ok(Part::Ending(Ending::End))
            }
            Kind::Else => {
                // An `if` or `with` behind it stays for whoever reads the block.
                if !matches!(self.peek_non_space().kind, Kind::If | Kind::With) {
                    self.expect(Kind::RightDelim, "else")?;
                }
                Ok(Part::Ending(Ending::Else))
            }
            Kind::Break => {
                self.leave_range(token, "{{break}}")?;
                node(token.start, NodeKind::Break)
            }
            Kind::Continue => {
                self.leave_range(token, "{{continue}}")?;
                node(token.start, NodeKind::Continue)
            }
            _ => {
                self.at -= 1;
                let pipe = self.pipeline("command", Kind::RightDelim)?;
                node(token.start, NodeKind::Action(pipe))
            }
        }
    }

    fn leave_range(&mut self, token: Token<'t>, name: &str) -> Result<()> {
        self.expect(Kind::RightDelim, name)?;
        if self.ranges == 0 {
            return self.fail(token, format!("{name} outside {{{{range}}}}"));
        }
        Ok(())
    }

    /// `if`, `range` or `with`, whose keyword is `token`.
    fn block(&mut self, token: Token<'t>, kind: BlockKind) -> Result<Node> {
        self.enter(token)?;
        let in_sight = self.variables.len();
        let pipe = self.pipeline(&kind.to_string(), Kind::RightDelim)?;
        let inner = usize::from(kind == BlockKind::Range);
        self.ranges += inner;
        let (body, ending) = self.list(token)?;
        self.ranges -= inner;
        let otherwise = match (ending, kind, self.peek()) {
            (Ending::End, ..) => None,
            // `{{else if}}` is `{{else}}{{if}}` whose `{{end}}` ends both.
            (Ending::Else, BlockKind::If, next @ Token { kind: Kind::If, .. })
            | (Ending::Else, BlockKind::With, next @ Token { kind: Kind::With, .. }) => {
                self.next();
                let node = self.block(next, kind)?;
                Some(List { start: next.start, nodes: vec![node] })
            }
            (Ending::Else, ..) => {
                let (list, ending) = self.list(token)?;
                if ending != Ending::End {
                    return self.fail(token, format!("expected end; found {}", ending.text()));
                }
                Some(list)
            }
        };
        self.variables.truncate(in_sight);
        self.nesting -= 1;
        Ok(Node { start: pipe.start, kind: NodeKind::Block(Box::new(Block { kind, pipe, body, otherwise })) })
    }

    /// `{{block "name" pipeline}}`: a definition, and its use in the same place.
    fn block_template(&mut self) -> Result<Part> {
        const CONTEXT: &str = "block clause";
        let token = self.next_non_space();
        let name = self.template_name(token, CONTEXT)?;
        let pipe = self.pipeline(CONTEXT, Kind::RightDelim)?;
        self.separate_template(token, name.clone(), CONTEXT)?;
        Ok(Part::Node(Node { start: token.start, kind: NodeKind::Template { name, pipe: Some(pipe) } }))
    }

    fn template(&mut self) -> Result<Part> {
        const CONTEXT: &str = "template clause";
        let token = self.next_non_space();
        let name = self.template_name(token, CONTEXT)?;
        let pipe = match self.peek_non_space().kind {
            Kind::RightDelim => {
                self.next();
                None
            }
            _ => Some(self.pipeline(CONTEXT, Kind::RightDelim)?),
        };
        Ok(Part::Node(Node { start: token.start, kind: NodeKind::Template { name, pipe } }))
    }

    fn template_name(&self, token: Token<'t>, context: &str) -> Result<String> {
        match token.kind {
            Kind::String | Kind::RawString => Ok(String::from_utf8_lossy(&self.unquoted(token)?).into_owned()),
            _ => self.unexpected(token, context),
        }
    }

    pub(super) fn unquoted(&self, token: Token<'t>) -> Result<Vec<u8>> {
        match literal::unquote(token.text) {
            Some(bytes) => Ok(bytes),
            None => self.fail(token, format!("the string {} has an escape sequence that is none", token.text)),
        }
    }
}
