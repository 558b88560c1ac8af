//! Reads pipelines: variables that are set, commands, operands.

use super::lex::{Kind, Token};
use super::parse::{Parser, Result};
use super::tree::{Command, Operand, OperandKind, Pipe};
use super::{Number, literal};
use crate::template::call::{self, Function};

impl<'t> Parser<'t> {
    /// Variables that are set, and commands, up to and with a token that ends it.
    pub(super) fn pipeline(&mut self, context: &str, end: Kind) -> Result<Pipe> {
        let mut pipe = Pipe { start: self.peek_non_space().start, ..Pipe::default() };
        self.declarations(&mut pipe, context)?;
        loop {
            let token = self.next_non_space();
            match token.kind {
                kind if kind == end => break,
                kind if starts_operand(kind) => {
                    self.at -= 1;
                    let command = self.command()?;
                    let stage = pipe.commands.len() + 1;
                    // Only the first can be a value that is no function.
                    if stage > 1 && command.operands.first().is_some_and(is_value) {
                        return self.fail(token, format!("non executable command in pipeline stage {stage}"));
                    }
                    pipe.commands.push(command);
                }
                _ => return self.unexpected(token, context),
            }
        }
        if pipe.commands.is_empty() {
            let start = Token { kind: end, start: pipe.start, text: "" };
            return self.fail(start, format!("missing value for {context}"));
        }
        Ok(pipe)
    }

    /// `$x :=`, `$x =`, and `$i, $x :=` of a range.
    fn declarations(&mut self, pipe: &mut Pipe, context: &str) -> Result<()> {
        loop {
            let before = self.at;
            let variable = self.peek_non_space();
            if variable.kind != Kind::Variable {
                return Ok(());
            }
            self.next();
            let next = self.next_non_space();
            let comma = next.kind == Kind::Char && next.text == ",";
            if !comma && !matches!(next.kind, Kind::Assign | Kind::Declare) {
                self.at = before;
                return Ok(());
            }
            // In sight at once, also where it is assigned to without having been declared: that fails when it runs.
            pipe.variables.push(variable.text.to_owned());
            self.variables.push(variable.text.to_owned());
            if !comma {
                pipe.assigns = next.kind == Kind::Assign;
                return Ok(());
            }
            if context != "range" || pipe.variables.len() > 1 {
                return self.fail(variable, format!("too many declarations in {context}"));
            }
            let follows = self.peek_non_space();
            if !matches!(follows.kind, Kind::Variable | Kind::RightDelim | Kind::RightParen) {
                return self.fail(follows, "range can only initialize variables".to_owned());
            }
        }
    }

    /// Operands with space between them, up to a `|` or what ends the pipeline.
    fn command(&mut self) -> Result<Command> {
        let mut command = Command { start: self.peek_non_space().start, operands: Vec::new() };
        loop {
            self.peek_non_space();
            command.operands.extend(self.operand()?);
            let token = self.next();
            match token.kind {
                Kind::Space => {}
                Kind::Pipe => break,
                Kind::RightDelim | Kind::RightParen => {
                    self.at -= 1;
                    break;
                }
                _ => return self.unexpected(token, "operand"),
            }
        }
        Ok(command)
    }

    /// A term and fields of it; `None` where no term follows.
    fn operand(&mut self) -> Result<Option<Operand>> {
        let token = self.peek();
        let Some(mut operand) = self.term()? else { return Ok(None) };
        let first = self.peek();
        if first.kind != Kind::Field {
            return Ok(Some(operand));
        }
        let mut fields = Vec::new();
        while self.peek().kind == Kind::Field {
            fields.push(self.next().text[1..].to_owned());
        }
        match &mut operand.kind {
            OperandKind::Field(names) | OperandKind::Variable(_, names) => {
                names.append(&mut fields);
                // Go's place of such an operand is its second field.
                operand.start = first.start;
                Ok(Some(operand))
            }
            OperandKind::Function(_) | OperandKind::Pipe(_) => {
                let kind = OperandKind::Chain(Box::new(operand), fields);
                Ok(Some(Operand { start: first.start, kind }))
            }
            _ => self.fail(token, format!("unexpected . after term {:?}", operand.to_string())),
        }
    }

    fn term(&mut self) -> Result<Option<Operand>> {
        let token = self.next_non_space();
        let kind = match token.kind {
            Kind::Identifier => OperandKind::Function(self.function(token)?),
            Kind::Dot => OperandKind::Dot,
            Kind::Nil => OperandKind::Nil,
            Kind::Bool => OperandKind::Bool(token.text == "true"),
            Kind::Field => OperandKind::Field(vec![token.text[1..].to_owned()]),
            Kind::Variable => {
                if !self.variables.iter().any(|name| name == token.text) {
                    return self.fail(token, format!("undefined variable \"{}\"", token.text));
                }
                OperandKind::Variable(token.text.to_owned(), Vec::new())
            }
            Kind::CharConstant | Kind::Complex | Kind::Number => OperandKind::Number(self.number(token)?),
            Kind::String | Kind::RawString => OperandKind::String(token.text.to_owned(), self.unquoted(token)?),
            Kind::LeftParen => {
                self.enter(token)?;
                let pipe = self.pipeline("parenthesized pipeline", Kind::RightParen)?;
                self.nesting -= 1;
                return Ok(Some(Operand { start: pipe.start, kind: OperandKind::Pipe(Box::new(pipe)) }));
            }
            _ => {
                self.at -= 1;
                return Ok(None);
            }
        };
        Ok(Some(Operand { start: token.start, kind }))
    }

    fn function(&mut self, token: Token<'t>) -> Result<&'static Function> {
        match call::find(self.dialect, token.text) {
            Some(function) => {
                self.queries |= function.name == "query";
                Ok(function)
            }
            None => self.fail(token, format!("function \"{}\" not defined", token.text)),
        }
    }

    fn number(&self, token: Token<'t>) -> Result<Number> {
        let number = match token.kind {
            Kind::CharConstant => literal::character(token.text)
                .map(|c| Number::character(token.text, c))
                .ok_or_else(|| format!("malformed character constant: {}", token.text)),
            Kind::Complex => Number::complex(token.text),
            _ => Number::simple(token.text),
        };
        number.or_else(|message| self.fail(token, message))
    }
}

fn starts_operand(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Bool
            | Kind::CharConstant
            | Kind::Complex
            | Kind::Dot
            | Kind::Field
            | Kind::Identifier
            | Kind::Number
            | Kind::Nil
            | Kind::RawString
            | Kind::String
            | Kind::Variable
            | Kind::LeftParen
    )
}

/// Whether it is a value whatever the data.
fn is_value(operand: &Operand) -> bool {
    matches!(
        operand.kind,
        OperandKind::Bool(_) | OperandKind::Dot | OperandKind::Nil | OperandKind::Number(_) | OperandKind::String(..)
    )
}
