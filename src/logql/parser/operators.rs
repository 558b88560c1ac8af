//! Binary operators with their modifiers: `bool`, `on`, `ignoring`, `group_left`, `group_right`.

use super::{Node, Parsed, Parser, no_samples};
use crate::logql::arithmetic;
use crate::logql::ast::{Binary, Cardinality, Expr, ExprKind, VectorMatching};
use crate::logql::lexer::{Keyword, Kind};
use crate::syntax::pratt::{self, Grammar};
use crate::syntax::{BinaryOp, ParseError};
use crate::text::Span;

/// What stands between two operands.
pub(super) struct Operator {
    op_span: Span,
    return_bool: bool,
    matching: VectorMatching,
}

impl Grammar for Parser<'_> {
    type Node = Parsed;
    type Modifiers = Operator;

    fn operand(&mut self) -> Result<Parsed, ParseError> {
        self.primary()
    }

    fn peek_operator(&mut self) -> Result<Option<BinaryOp>, ParseError> {
        Ok(match self.peek()?.kind {
            Kind::Operator(op) | Kind::Keyword(Keyword::Operator(op)) => Some(op),
            _ => None,
        })
    }

    fn operator(&mut self) -> Result<Operator, ParseError> {
        let op_span = self.next()?.span;
        let return_bool = self.eat(&Kind::Keyword(Keyword::Bool))?.is_some();
        let mut matching = VectorMatching::default();
        self.matched_labels(&mut matching)?;
        Ok(Operator { op_span, return_bool, matching })
    }

    fn nested(&mut self, min_power: u8) -> Result<Parsed, ParseError> {
        self.deeper(|parser| pratt::expression(parser, min_power))
    }

    fn combine(&mut self, lhs: Parsed, op: BinaryOp, modifiers: Operator, rhs: Parsed) -> Result<Parsed, ParseError> {
        let Operator { op_span, return_bool, matching } = modifiers;
        let span = lhs.node.span().to(rhs.node.span());
        let height = lhs.height.max(rhs.height);
        let (lhs, rhs) = (samples(lhs.node)?, samples(rhs.node)?);
        let literal = |expr: &Expr| match expr.kind {
            ExprKind::Literal(value) => Some(value),
            _ => None,
        };
        let (left, right) = (literal(&lhs), literal(&rhs));
        if op.is_set() && (left.is_some() || right.is_some()) {
            let operand = if left.is_some() { &lhs } else { &rhs };
            return Err(ParseError::new(operand.span, format!("`{op}` takes series on both sides, not a number"))
                .hint(format!("write it as a series: vector({})", self.source(operand.span))));
        }
        if let (Some(left), Some(right)) = (left, right) {
            // Loki reduces them while it reads, comparisons to 0 and 1.
            let value = arithmetic::reduce(op, left, right);
            return self.above(ExprKind::Literal(value), span, 0);
        }
        let binary = Binary { op, op_span, lhs, rhs, return_bool, matching };
        self.above(ExprKind::Binary(Box::new(binary)), span, height)
    }
}

/// The operand of an operator.
fn samples(node: Node) -> Result<Expr, ParseError> {
    match node {
        Node::Metric(expr) => Ok(*expr),
        Node::Log(query) => Err(no_samples(query.span)),
    }
}

impl Parser<'_> {
    fn matched_labels(&mut self, matching: &mut VectorMatching) -> Result<(), ParseError> {
        match self.peek()?.kind {
            Kind::Keyword(Keyword::On) => matching.on = true,
            Kind::Keyword(Keyword::Ignoring) => {}
            _ => return Ok(()),
        }
        self.next()?;
        matching.labels = self.label_list()?.0;
        matching.cardinality = match self.peek()?.kind {
            Kind::Keyword(Keyword::GroupLeft) => Cardinality::ManyToOne,
            Kind::Keyword(Keyword::GroupRight) => Cardinality::OneToMany,
            _ => return Ok(()),
        };
        self.next()?;
        if self.peek()?.kind == Kind::LeftParen {
            matching.include = self.label_list()?.0;
        }
        Ok(())
    }

    /// `(a, b)`, as behind `by` and `on`.
    pub(super) fn label_list(&mut self) -> Result<(Vec<String>, Span), ParseError> {
        let token = self.next()?;
        if token.kind != Kind::LeftParen {
            return Err(self
                .unexpected(&token, "where a list of labels should begin")
                .hint("labels are listed in parentheses: (job, instance)"));
        }
        let mut labels = Vec::new();
        if let Some(close) = self.eat(&Kind::RightParen)? {
            return Ok((labels, close));
        }
        loop {
            labels.push(self.name("where a label's name should stand")?.0);
            let token = self.next()?;
            match token.kind {
                Kind::Comma => {}
                Kind::RightParen => return Ok((labels, token.span)),
                _ => {
                    return Err(self
                        .unexpected(&token, "in a list of labels")
                        .hint("write a comma, or `)` at the end"));
                }
            }
        }
    }
}
