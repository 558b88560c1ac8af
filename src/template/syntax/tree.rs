//! The tree of a template. Every part knows its place in the text and prints as Go prints it in its messages.

use std::fmt::{self, Display, Formatter};

use super::Number;
use crate::syntax::strings::quoted;
use crate::template::call::Function;

/// Parts of a template in sequence.
#[derive(Debug, Default)]
pub(in crate::template) struct List {
    pub start: usize,
    pub nodes: Vec<Node>,
}

#[derive(Debug)]
pub(in crate::template) struct Node {
    /// The first byte that messages point at.
    pub start: usize,
    pub kind: NodeKind,
}

#[derive(Debug)]
pub(in crate::template) enum NodeKind {
    Text(String),
    /// `{{ pipeline }}`
    Action(Pipe),
    Block(Box<Block>),
    Template {
        name: String,
        pipe: Option<Pipe>,
    },
    Break,
    Continue,
}

/// `{{if}}`, `{{range}}` or `{{with}}` up to its `{{end}}`.
#[derive(Debug)]
pub(in crate::template) struct Block {
    pub kind: BlockKind,
    pub pipe: Pipe,
    pub body: List,
    pub otherwise: Option<List>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::template) enum BlockKind {
    If,
    Range,
    With,
}

/// Commands, each of which gets the result of the one before as its last argument.
#[derive(Debug, Default)]
pub(in crate::template) struct Pipe {
    pub start: usize,
    /// The variables that it sets, with their `$`.
    pub variables: Vec<String>,
    /// They exist already: `=`, not `:=`.
    pub assigns: bool,
    pub commands: Vec<Command>,
}

/// What is called or read, and arguments; never empty.
#[derive(Debug)]
pub(in crate::template) struct Command {
    pub start: usize,
    pub operands: Vec<Operand>,
}

#[derive(Debug)]
pub(in crate::template) struct Operand {
    pub start: usize,
    pub kind: OperandKind,
}

#[derive(Debug)]
pub(in crate::template) enum OperandKind {
    Bool(bool),
    Dot,
    Nil,
    Number(Number),
    /// As it is written, and what it means, which may be no UTF-8.
    String(String, Vec<u8>),
    Function(&'static Function),
    /// `$x.a.b`: the variable with its `$`, and fields.
    Variable(String, Vec<String>),
    /// `.a.b`
    Field(Vec<String>),
    /// `(...).a.b`
    Chain(Box<Operand>, Vec<String>),
    /// In parentheses.
    Pipe(Box<Pipe>),
}

impl List {
    /// Whether it holds nothing but space, so that another definition may replace it.
    pub fn is_blank(&self) -> bool {
        self.nodes.iter().all(|node| matches!(&node.kind, NodeKind::Text(text) if text.trim().is_empty()))
    }
}

/// A part of the tree that a message can point at.
#[derive(Clone, Copy)]
pub(in crate::template) enum Place<'t> {
    List(&'t List),
    Node(&'t Node),
    Pipe(&'t Pipe),
    Command(&'t Command),
    Operand(&'t Operand),
}

impl Place<'_> {
    pub fn start(&self) -> usize {
        match self {
            Place::List(list) => list.start,
            Place::Node(node) => node.start,
            Place::Pipe(pipe) => pipe.start,
            Place::Command(command) => command.start,
            Place::Operand(operand) => operand.start,
        }
    }
}

impl Display for Place<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Place::List(list) => list.fmt(f),
            Place::Node(node) => node.fmt(f),
            Place::Pipe(pipe) => pipe.fmt(f),
            Place::Command(command) => command.fmt(f),
            Place::Operand(operand) => operand.fmt(f),
        }
    }
}

impl Display for List {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.nodes.iter().try_for_each(|node| node.fmt(f))
    }
}

impl Display for Node {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.kind {
            NodeKind::Text(text) => f.write_str(text),
            NodeKind::Action(pipe) => write!(f, "{{{{{pipe}}}}}"),
            NodeKind::Block(block) => {
                let Block { kind, pipe, body, otherwise } = &**block;
                write!(f, "{{{{{kind} {pipe}}}}}{body}")?;
                if let Some(otherwise) = otherwise {
                    write!(f, "{{{{else}}}}{otherwise}")?;
                }
                f.write_str("{{end}}")
            }
            NodeKind::Template { name, pipe: None } => write!(f, "{{{{template {}}}}}", quoted(name)),
            NodeKind::Template { name, pipe: Some(pipe) } => write!(f, "{{{{template {} {pipe}}}}}", quoted(name)),
            NodeKind::Break => f.write_str("{{break}}"),
            NodeKind::Continue => f.write_str("{{continue}}"),
        }
    }
}

impl Display for BlockKind {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            BlockKind::If => "if",
            BlockKind::Range => "range",
            BlockKind::With => "with",
        })
    }
}

impl Display for Pipe {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if !self.variables.is_empty() {
            write!(f, "{} {} ", self.variables.join(", "), if self.assigns { "=" } else { ":=" })?;
        }
        for (at, command) in self.commands.iter().enumerate() {
            write!(f, "{}{command}", if at > 0 { " | " } else { "" })?;
        }
        Ok(())
    }
}

impl Display for Command {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (at, operand) in self.operands.iter().enumerate() {
            f.write_str(if at > 0 { " " } else { "" })?;
            match &operand.kind {
                OperandKind::Pipe(pipe) => write!(f, "({pipe})")?,
                _ => operand.fmt(f)?,
            }
        }
        Ok(())
    }
}

impl Display for Operand {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let write_fields =
            |f: &mut Formatter<'_>, fields: &[String]| fields.iter().try_for_each(|field| write!(f, ".{field}"));
        match &self.kind {
            OperandKind::Bool(truth) => truth.fmt(f),
            OperandKind::Dot => f.write_str("."),
            OperandKind::Nil => f.write_str("nil"),
            OperandKind::Number(number) => f.write_str(&number.text),
            OperandKind::String(written, _) => f.write_str(written),
            OperandKind::Function(function) => f.write_str(function.name),
            OperandKind::Variable(name, fields) => {
                f.write_str(name)?;
                write_fields(f, fields)
            }
            OperandKind::Field(fields) => write_fields(f, fields),
            OperandKind::Chain(from, fields) => {
                match &from.kind {
                    OperandKind::Pipe(pipe) => write!(f, "({pipe})")?,
                    _ => from.fmt(f)?,
                }
                write_fields(f, fields)
            }
            OperandKind::Pipe(pipe) => pipe.fmt(f),
        }
    }
}
