//! Templates of Loki's `line_format` and `label_format`: over the labels of an entry, with functions of their own (`log/fmt.go`).

use std::sync::Arc;

use super::call::Dialect;
use super::syntax::{List, NodeKind, Operand, OperandKind, Pipe, Program};
use super::value::Value;
use super::{Environment, exec, syntax};
use crate::labels::Labels;
use crate::time::Nanoseconds;

/// What the functions of a template see beside the labels.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// `__line__`
    pub line: &'a [u8],
    /// `__timestamp__`
    pub time: Nanoseconds,
    /// `now`
    pub now: Nanoseconds,
}

/// A template that has been read.
#[derive(Clone)]
pub struct EntryTemplate {
    name: &'static str,
    program: Arc<Program>,
}

/// A part of a template that needs no execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlainPart {
    Text(String),
    /// The value of a label.
    Label(String),
}

impl EntryTemplate {
    /// Reads a template; `name` is for messages.
    ///
    /// # Errors
    /// The first thing that Go refuses, in its words.
    pub fn parse(name: &'static str, text: &str) -> Result<EntryTemplate, String> {
        match syntax::parse(name, text.to_owned(), Dialect::Entry) {
            Ok(program) => Ok(EntryTemplate { name, program: Arc::new(program) }),
            Err((message, span)) => {
                let line = 1 + text[..span.start.min(text.len())].matches('\n').count();
                Err(format!("template: {name}:{line}: {message}"))
            }
        }
    }

    /// The output for the labels of an entry.
    ///
    /// # Errors
    /// Why it failed, in Go's words.
    pub fn expand(&self, labels: Labels, entry: Entry<'_>) -> Result<Vec<u8>, String> {
        exec::execute(&self.program, self.name, Value::Labels(labels), Environment::Entry(entry))
            .map_err(|exec::Failure(message)| message)
    }

    /// The one label that is the whole template, where it is one.
    pub fn only_label(&self) -> Option<&str> {
        match &self.program.main.nodes[..] {
            [node] => match &node.kind {
                NodeKind::Action(pipe) => label_of(pipe),
                _ => None,
            },
            _ => None,
        }
    }

    /// Texts and labels, where there is nothing else.
    pub fn plain_parts(&self) -> Option<Vec<PlainPart>> {
        let parts = self.program.main.nodes.iter().map(|node| match &node.kind {
            NodeKind::Text(text) => Some(PlainPart::Text(text.clone())),
            NodeKind::Action(pipe) if pipe.variables.is_empty() => Some(PlainPart::Label(label_of(pipe)?.to_owned())),
            _ => None,
        });
        parts.collect()
    }

    /// The labels that are read as fields, as far as Loki looks for them.
    pub fn fields(&self) -> Vec<String> {
        let mut found = Vec::new();
        fields_of_list(&self.program.main, &mut found);
        found
    }
}

fn label_of(pipe: &Pipe) -> Option<&str> {
    match &pipe.commands[..] {
        [command] => match &command.operands[..] {
            [Operand { kind: OperandKind::Field(names), .. }] if names.len() == 1 => Some(&names[0]),
            _ => None,
        },
        _ => None,
    }
}

fn fields_of_list(list: &List, found: &mut Vec<String>) {
    for node in &list.nodes {
        match &node.kind {
            NodeKind::Action(pipe) => fields_of_pipe(pipe, found),
            NodeKind::Block(block) => {
                fields_of_pipe(&block.pipe, found);
                fields_of_list(&block.body, found);
                block.otherwise.iter().for_each(|otherwise| fields_of_list(otherwise, found));
            }
            _ => {}
        }
    }
}

fn fields_of_pipe(pipe: &Pipe, found: &mut Vec<String>) {
    for operand in pipe.commands.iter().flat_map(|command| &command.operands) {
        match &operand.kind {
            OperandKind::Field(names) => found.extend(names.iter().cloned()),
            OperandKind::Pipe(pipe) => fields_of_pipe(pipe, found),
            _ => {}
        }
    }
}
