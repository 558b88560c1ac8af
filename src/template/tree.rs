//! The parsed tree of a template, checked as Go checks it and changed so that it runs as Prometheus runs it.
//!
//! Fields are read by a function of ours, because a label that is missing is the empty string and not nil; every action
//! ends in a function that prints as Go does. Variables and functions have to be known, which `gotmpl` leaves to the run.

use gotmpl::parse::{CommandNode, DefineNode, Expr, ListNode, Node, Number, Parser, PipeNode, Pos, SmolStr};
use gotmpl::{MissingKey, TemplateError as GoError};

use super::{TemplateError, functions, scan};
use crate::text::Span;

/// Functions that print their arguments.
const PRINTING: &[&str] = &["html", "js", "urlquery"];

/// A program from `prelude` and `text`, and whether it asks for queries.
pub(super) fn program(name: &str, prelude: &str, text: &str) -> Result<(gotmpl::Template, bool), TemplateError> {
    let whole = format!("{prelude}{text}");
    let shift = prelude.len();
    let fail = |message: String, span: Span| {
        let span =
            Span::new(span.start.saturating_sub(shift).min(text.len()), span.end.saturating_sub(shift).min(text.len()));
        TemplateError::Parse { message, span }
    };
    let refused = |error: GoError| {
        let (message, at) = match &error {
            GoError::Parse { line, col, message, .. } | GoError::Lex { line, col, message, .. } => {
                (message.clone(), offset(&whole, *line, *col))
            }
            other => (other.to_string(), shift),
        };
        fail(message, Span::new(at, at + 1))
    };
    let (mut tree, mut defines) =
        Parser::with_name(Some(name), &whole, "{{", "}}").and_then(Parser::parse).map_err(refused)?;
    if let Some((message, span)) = scan::misplaced(text) {
        return Err(TemplateError::Parse { message, span });
    }
    let mut check = Check { variables: vec!["$".into()], problem: None, queries: false };
    check.list(&mut tree);
    for DefineNode { body, .. } in &mut defines {
        check.variables = vec!["$".into()];
        check.list(body);
    }
    if let Some((message, pos)) = check.problem {
        return Err(fail(message, Span::new(pos.offset, pos.offset + 1)));
    }
    let mut program = gotmpl::Template::new(name).funcs(functions::all().clone()).missing_key(MissingKey::ZeroValue);
    // Checks that Go makes of the whole, such as names that are defined twice.
    program = program.parse(&whole).map_err(refused)?;
    for define in defines {
        program = program.add_parse_tree(&define.name, define.body);
    }
    Ok((program.add_parse_tree(MAIN, tree), check.queries))
}

/// The name of the changed tree; Go's names are what people write, so that this is none.
pub(super) const MAIN: &str = "\0main";

/// The byte of a line and a column, both from 1.
fn offset(text: &str, line: usize, column: usize) -> usize {
    let start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    (start + column.saturating_sub(1)).min(text.len())
}

/// Checks and changes a tree.
struct Check {
    /// Variables in sight.
    variables: Vec<SmolStr>,
    /// The first thing that is wrong.
    problem: Option<(String, Pos)>,
    queries: bool,
}

impl Check {
    fn fail(&mut self, pos: Pos, message: String) {
        self.problem.get_or_insert((message, pos));
    }

    fn list(&mut self, list: &mut ListNode) {
        for node in &mut list.nodes {
            self.node(node);
        }
    }

    fn node(&mut self, node: &mut Node) {
        match node {
            Node::List(list) => self.list(list),
            Node::Action(action) => {
                self.pipe(&mut action.pipe);
                if action.pipe.decl.is_empty() {
                    append(&mut action.pipe, functions::PRINT);
                }
            }
            Node::If(branch) | Node::With(branch) => self.branch(branch, false),
            Node::Range(branch) => self.branch(branch, true),
            Node::Template(call) => {
                if let Some(pipe) = &mut call.pipe {
                    self.pipe(pipe);
                }
            }
            _ => {}
        }
    }

    fn branch(&mut self, branch: &mut gotmpl::parse::BranchNode, range: bool) {
        let outside = self.variables.len();
        self.pipe(&mut branch.pipe);
        if range {
            append(&mut branch.pipe, functions::RANGE);
        }
        let inside = self.variables.len();
        self.list(&mut branch.body);
        if let Some(other) = &mut branch.else_body {
            self.variables.truncate(inside);
            self.list(other);
        }
        self.variables.truncate(outside);
    }

    fn pipe(&mut self, pipe: &mut PipeNode) {
        for name in &pipe.decl {
            let name = name.clone();
            if pipe.is_assign {
                self.variable(pipe.pos, &name);
            } else {
                self.variables.push(name);
            }
        }
        for (stage, command) in pipe.commands.iter_mut().enumerate() {
            self.command(command, stage);
        }
    }

    fn variable(&mut self, pos: Pos, name: &SmolStr) {
        if !self.variables.contains(name) {
            self.fail(pos, format!("undefined variable \"{name}\""));
        }
    }

    fn command(&mut self, command: &mut CommandNode, stage: usize) {
        let Some(first) = command.args.first().cloned() else { return };
        let literal =
            matches!(first, Expr::Bool(..) | Expr::Dot(_) | Expr::Nil(_) | Expr::Number(..) | Expr::String(..));
        if stage > 0 && literal {
            self.fail(command.pos, format!("non executable command in pipeline stage {}", stage + 1));
        }
        for arg in &mut command.args {
            self.expr(arg);
        }
        let pos = command.pos;
        match &first {
            Expr::Identifier(_, name) if PRINTING.contains(&name.as_str()) => {
                for arg in command.args.iter_mut().skip(1) {
                    *arg = called(pos, functions::PLAIN, vec![arg.clone()]);
                }
            }
            Expr::Identifier(..) => {}
            // What is no function takes no arguments, but for methods of times.
            _ if command.args.len() > 1 || (stage > 0 && !literal) => {
                let (receiver, names) = parts(first, self);
                let mut args = vec![Expr::Identifier(pos, functions::CALL.into()), receiver];
                args.push(Expr::Number(pos, Number::Int(names.len() as i64)));
                args.extend(names.iter().map(|name| Expr::String(pos, name.as_str().into())));
                args.extend(command.args.drain(1..));
                command.args = args;
            }
            _ => {}
        }
    }

    fn expr(&mut self, expr: &mut Expr) {
        match expr {
            Expr::Identifier(pos, name) => {
                self.queries |= name == "query";
                if !functions::is_known(name) {
                    let (pos, message) = (*pos, format!("function \"{name}\" not defined"));
                    self.fail(pos, message);
                }
            }
            Expr::Variable(pos, name, names) => {
                let (pos, name, names) = (*pos, name.clone(), std::mem::take(names));
                self.variable(pos, &name);
                *expr = fields(pos, Expr::Variable(pos, name, Vec::new()), &names);
            }
            Expr::Field(pos, names) => *expr = fields(*pos, Expr::Dot(*pos), &names.clone()),
            Expr::Chain(pos, inner, names) => {
                self.expr(inner);
                *expr = fields(*pos, (**inner).clone(), &names.clone());
            }
            Expr::Pipe(_, pipe) => self.pipe(pipe),
            _ => {}
        }
    }
}

/// What fields are read from, and the fields.
fn parts(expr: Expr, check: &mut Check) -> (Expr, Vec<SmolStr>) {
    match expr {
        Expr::Variable(pos, name, names) => (Expr::Variable(pos, name, Vec::new()), names),
        Expr::Field(pos, names) => (Expr::Dot(pos), names),
        Expr::Chain(_, mut inner, names) => {
            check.expr(&mut inner);
            (*inner, names)
        }
        mut other => {
            check.expr(&mut other);
            (other, Vec::new())
        }
    }
}

/// An expression that reads fields.
fn fields(pos: Pos, from: Expr, names: &[SmolStr]) -> Expr {
    if names.is_empty() {
        return from;
    }
    let mut args = vec![from];
    args.extend(names.iter().map(|name| Expr::String(pos, name.as_str().into())));
    called(pos, functions::FIELD, args)
}

/// A call of a function, in parentheses.
fn called(pos: Pos, function: &str, args: Vec<Expr>) -> Expr {
    let mut command = CommandNode { pos, args: vec![Expr::Identifier(pos, function.into())] };
    command.args.extend(args);
    Expr::Pipe(pos, PipeNode { pos, decl: Vec::new(), commands: vec![command], is_assign: false })
}

/// One more stage of a pipeline.
fn append(pipe: &mut PipeNode, function: &str) {
    let pos = pipe.pos;
    pipe.commands.push(CommandNode { pos, args: vec![Expr::Identifier(pos, function.into())] });
}
