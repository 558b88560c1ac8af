//! Runs a template as Go's `text/template/exec.go` does, and says in its words where and why it failed.

use super::call::Param;
use super::print;
use super::syntax::{Block, BlockKind, List, Node, NodeKind, Number, Operand, OperandKind, Pipe, Place, Program};
use super::value::{Value, Whole};
use super::{Environment, eval};
use crate::syntax::strings::quoted;

/// Blocks, pipelines and templates inside of each other when a template is called, before the stack is at risk.
const MAX_DEPTH: usize = 192;

/// How often the bodies of ranges run in one expansion, so that a huge number ends.
const MAX_ITERATIONS: usize = 1_000_000;

/// Why a template failed: the whole message.
#[derive(Debug)]
pub(super) struct Failure(pub String);

pub(super) type Result<T> = std::result::Result<T, Failure>;

/// How a list of nodes was left.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    On,
    Break,
    Continue,
}

/// A template that runs.
pub(super) struct Execution<'t, 'c, 'x> {
    program: &'t Program,
    /// The name of the whole template, which places refer to.
    main_name: &'t str,
    /// The name of the template that runs within it.
    name: &'t str,
    /// The part that messages point at: the one that was looked at last.
    at: Place<'t>,
    variables: Vec<(&'t str, Value)>,
    depth: usize,
    iterations: usize,
    out: Vec<u8>,
    pub(super) environment: Environment<'c, 'x>,
}

/// The output of a template for `data`.
pub(super) fn execute(program: &Program, name: &str, data: Value, environment: Environment<'_, '_>) -> Result<Vec<u8>> {
    let mut execution = Execution {
        program,
        main_name: name,
        name,
        at: Place::List(&program.main),
        variables: vec![("$", data.clone())],
        depth: 0,
        iterations: 0,
        out: Vec::with_capacity(program.source.len()),
        environment,
    };
    execution.list(&data, &program.main)?;
    Ok(execution.out)
}

impl<'t> Execution<'t, '_, '_> {
    /// Points messages at a part.
    pub(super) fn at(&mut self, place: Place<'t>) {
        self.at = place;
    }

    pub(super) fn fail<T>(&self, message: impl AsRef<str>) -> Result<T> {
        let before = &self.program.source[..self.at.start()];
        let line = 1 + before.matches('\n').count();
        let column = before.len() - before.rfind('\n').map_or(0, |newline| newline + 1);
        Err(Failure(format!(
            "template: {}:{line}:{column}: executing {} at <{}>: {}",
            self.main_name,
            quoted(self.name),
            self.at,
            message.as_ref()
        )))
    }

    fn list(&mut self, dot: &Value, list: &'t List) -> Result<Flow> {
        self.at(Place::List(list));
        self.depth += 1;
        let mut flow = Flow::On;
        for node in &list.nodes {
            flow = self.node(dot, node)?;
            if flow != Flow::On {
                break;
            }
        }
        self.depth -= 1;
        Ok(flow)
    }

    fn node(&mut self, dot: &Value, node: &'t Node) -> Result<Flow> {
        self.at(Place::Node(node));
        match &node.kind {
            NodeKind::Text(text) => self.out.extend_from_slice(text.as_bytes()),
            NodeKind::Action(pipe) => {
                let value = self.pipeline(dot, pipe)?;
                if pipe.variables.is_empty() {
                    self.at(Place::Node(node));
                    print::output(&mut self.out, &value);
                }
            }
            NodeKind::Block(block) => {
                let in_sight = self.variables.len();
                let flow = match block.kind {
                    BlockKind::Range => self.range(dot, block)?,
                    BlockKind::If | BlockKind::With => self.branch(dot, block)?,
                };
                self.variables.truncate(in_sight);
                return Ok(flow);
            }
            NodeKind::Template { name, pipe } => self.template(dot, name, pipe.as_ref())?,
            NodeKind::Break => return Ok(Flow::Break),
            NodeKind::Continue => return Ok(Flow::Continue),
        }
        Ok(Flow::On)
    }

    fn branch(&mut self, dot: &Value, block: &'t Block) -> Result<Flow> {
        let value = self.pipeline(dot, &block.pipe)?;
        match (value.truth(), &block.otherwise) {
            (true, _) if block.kind == BlockKind::With => self.list(&value, &block.body),
            (true, _) => self.list(dot, &block.body),
            (false, Some(otherwise)) => self.list(dot, otherwise),
            (false, None) => Ok(Flow::On),
        }
    }

    fn range(&mut self, dot: &Value, block: &'t Block) -> Result<Flow> {
        let over = self.pipeline(dot, &block.pipe)?;
        let mut iteration = Iteration { block, in_sight: self.variables.len(), ran: false };
        match over.inner() {
            Value::Samples(samples) => {
                for at in 0..samples.len() {
                    let sample = samples.get(at).map_or(Value::Nil, Value::Sample);
                    if self.iterate(&mut iteration, Value::int(at), sample)? == Flow::Break {
                        break;
                    }
                }
            }
            Value::Labels(labels) => {
                for (name, value) in labels.iter() {
                    if self.iterate(&mut iteration, Value::text(name), Value::text(value))? == Flow::Break {
                        break;
                    }
                }
            }
            Value::Args(args) => {
                for (name, value) in args.iter() {
                    let value = Value::interface(value.clone());
                    if self.iterate(&mut iteration, Value::text(name), value)? == Flow::Break {
                        break;
                    }
                }
            }
            Value::List(list) => {
                for (at, element) in list.iter().enumerate() {
                    let element = Value::interface(element.clone());
                    if self.iterate(&mut iteration, Value::int(at), element)? == Flow::Break {
                        break;
                    }
                }
            }
            Value::Int(end, kind) => {
                if block.pipe.variables.len() > 1 {
                    let shown = print::plain(over.inner());
                    return self.fail(format!("can't use {shown} to iterate over more than one variable"));
                }
                for int in 0..*end {
                    let int = Value::Int(int, *kind);
                    if self.iterate(&mut iteration, Value::Nil, int)? == Flow::Break {
                        break;
                    }
                }
            }
            Value::Nil => {}
            other => return self.fail(format!("range can't iterate over {}", print::indirect(other))),
        }
        match &block.otherwise {
            Some(otherwise) if !iteration.ran => self.list(dot, otherwise),
            _ => Ok(Flow::On),
        }
    }

    /// Runs the body of a range once.
    fn iterate(&mut self, iteration: &mut Iteration<'t>, key: Value, element: Value) -> Result<Flow> {
        iteration.ran = true;
        self.iterations += 1;
        if self.iterations > MAX_ITERATIONS {
            return self.fail(format!("more than {MAX_ITERATIONS} iterations"));
        }
        let pipe = &iteration.block.pipe;
        match (pipe.variables.as_slice(), pipe.assigns) {
            ([], _) => {}
            ([value], true) => self.assign(value, element.clone())?,
            ([index, value, ..], true) => {
                self.assign(index, key)?;
                self.assign(value, element.clone())?;
            }
            (declared, false) => {
                let top = self.variables.len();
                self.variables[top - 1].1 = element.clone();
                if declared.len() > 1 {
                    self.variables[top - 2].1 = key;
                }
            }
        }
        let flow = self.list(&element, &iteration.block.body)?;
        self.variables.truncate(iteration.in_sight);
        Ok(flow)
    }

    fn template(&mut self, dot: &Value, name: &'t str, pipe: Option<&'t Pipe>) -> Result<()> {
        let found = if name == self.main_name { Some(&self.program.main) } else { self.program.templates.get(name) };
        let Some(list) = found else { return self.fail(format!("template {} not defined", quoted(name))) };
        if self.depth >= MAX_DEPTH {
            // Go stops at 100,000 levels, which only templates that call themselves for ever come to: its message.
            return self.fail("exceeded maximum template depth (100000)");
        }
        let dot = match pipe {
            Some(pipe) => self.pipeline(dot, pipe)?,
            None => Value::Nil,
        };
        let outside = (self.name, self.at, std::mem::replace(&mut self.variables, vec![("$", dot.clone())]));
        self.name = name;
        self.list(&dot, list)?;
        (self.name, self.at, self.variables) = outside;
        Ok(())
    }

    /// The value of a pipeline, which is also set to its variables.
    pub(super) fn pipeline(&mut self, dot: &Value, pipe: &'t Pipe) -> Result<Value> {
        self.at(Place::Pipe(pipe));
        self.depth += 1;
        let mut value = None;
        for command in &pipe.commands {
            value = Some(eval::command(self, dot, command, value)?.concrete());
        }
        self.depth -= 1;
        let value = value.unwrap_or(Value::Nil);
        for name in &pipe.variables {
            if pipe.assigns {
                self.assign(name, value.clone())?;
            } else {
                self.variables.push((name, value.clone()));
            }
        }
        Ok(value)
    }

    fn assign(&mut self, name: &str, value: Value) -> Result<()> {
        match self.variables.iter_mut().rev().find(|(known, _)| *known == name) {
            Some((_, old)) => *old = value,
            None => return self.fail(format!("undefined variable: {name}")),
        }
        Ok(())
    }

    pub(super) fn variable(&self, name: &str) -> Result<Value> {
        match self.variables.iter().rev().find(|(known, _)| *known == name) {
            Some((_, value)) => Ok(value.clone()),
            None => self.fail(format!("undefined variable: {name}")),
        }
    }

    /// The value of a constant whose type is not asked for.
    pub(super) fn constant(&mut self, operand: &'t Operand, number: &Number) -> Result<Value> {
        self.at(Place::Operand(operand));
        match number {
            Number { complex: Some((real, imaginary)), .. } => Ok(Value::Complex(*real, *imaginary)),
            Number { float: Some(float), .. } if number.is_written_as_float() => Ok(Value::Float(*float)),
            Number { int: Some(int), .. } => Ok(Value::Int(*int, Whole::Int)),
            _ => self.fail(format!("{} overflows int", number.text)),
        }
    }

    /// The value of an operand as an argument; a receiver of fields has no parameter.
    pub(super) fn argument(&mut self, dot: &Value, param: Option<Param>, operand: &'t Operand) -> Result<Value> {
        self.at(Place::Operand(operand));
        let value = match &operand.kind {
            OperandKind::Dot => dot.clone(),
            OperandKind::Field(fields) => eval::fields(self, dot, dot.clone(), operand, fields, &[], None)?,
            OperandKind::Variable(name, fields) => eval::variable(self, dot, operand, name, fields, &[], None)?,
            OperandKind::Chain(from, fields) => eval::chain(self, dot, operand, from, fields, &[], None)?,
            OperandKind::Pipe(pipe) => self.pipeline(dot, pipe)?,
            OperandKind::Function(function) => eval::function(self, dot, function, Place::Operand(operand), &[], None)?,
            OperandKind::Nil => match param {
                Some(param) if !param.can_be_nil() => {
                    return self.fail(format!("cannot assign nil to {}", param.type_name()));
                }
                _ => Value::Nil,
            },
            OperandKind::Bool(_) | OperandKind::Number(_) | OperandKind::String(..) => {
                return self.literal(param, operand);
            }
        };
        match param {
            Some(param) => param.accept(value).or_else(|message| self.fail(message)),
            None => Ok(value),
        }
    }

    fn literal(&mut self, param: Option<Param>, operand: &'t Operand) -> Result<Value> {
        match (param, &operand.kind) {
            (None | Some(Param::Any | Param::Reflect), OperandKind::Bool(truth)) => Ok(Value::Bool(*truth)),
            (None | Some(Param::Any | Param::Reflect), OperandKind::Number(number)) => self.constant(operand, number),
            (None | Some(Param::Any | Param::Reflect | Param::Text), OperandKind::String(_, bytes)) => {
                Ok(Value::text(bytes))
            }
            (Some(Param::Text), _) => self.fail(format!("expected string; found {operand}")),
            (Some(Param::Int), OperandKind::Number(Number { int: Some(int), .. })) => Ok(Value::Int(*int, Whole::Int)),
            (Some(Param::Float), OperandKind::Number(Number { float: Some(float), .. })) => Ok(Value::Float(*float)),
            (Some(Param::Float), _) => self.fail(format!("expected float; found {operand}")),
            (Some(Param::Duration), OperandKind::Number(Number { int: Some(int), .. })) => {
                Ok(Value::Int(*int, Whole::Duration))
            }
            (Some(Param::Int | Param::Duration), _) => self.fail(format!("expected integer; found {operand}")),
            (param, _) => {
                let type_name = param.map_or("interface {}", Param::type_name);
                self.fail(format!("can't handle {operand} for arg of type {type_name}"))
            }
        }
    }
}

/// What stays the same while a range runs.
struct Iteration<'t> {
    block: &'t Block,
    /// Variables when the body begins.
    in_sight: usize,
    /// Whether the body ran at all.
    ran: bool,
}
