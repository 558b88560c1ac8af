//! Binary operators with their modifiers: `bool`, `on`, `ignoring`, `group_left`, `group_right`, `fill`.

use super::{Parsed, Parser};
use crate::promql::ast::{Binary, Cardinality, ExprKind, VectorMatching};
use crate::promql::lexer::{Keyword, Kind};
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
        match self.peek_sign()? {
            Some(op) => self.sign(op),
            None => self.with_modifiers(),
        }
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
        self.fill(&mut matching)?;
        Ok(Operator { op_span, return_bool, matching })
    }

    fn nested(&mut self, min_power: u8) -> Result<Parsed, ParseError> {
        self.deeper(|parser| pratt::expression(parser, min_power))
    }

    fn combine(&mut self, lhs: Parsed, op: BinaryOp, modifiers: Operator, rhs: Parsed) -> Result<Parsed, ParseError> {
        let Operator { op_span, return_bool, mut matching } = modifiers;
        let span = lhs.expr.span.to(rhs.expr.span);
        if !self.features.fill_modifiers && (matching.fill_lhs.is_some() || matching.fill_rhs.is_some()) {
            return Err(ParseError::new(span, "`fill` is experimental and not enabled")
                .hint("`firedrill test --enable-feature=promql-binop-fill-modifiers`, or `features: [promql-binop-fill-modifiers]` in firedrill.yaml; Prometheus needs the flag too"));
        }
        if op.is_set() && matching.cardinality == Cardinality::OneToOne {
            matching.cardinality = Cardinality::ManyToMany;
        }
        let height = lhs.height.max(rhs.height);
        // The type check drops the matching where not both are vectors.
        let matching = Some(matching);
        let (lhs, rhs) = (*lhs.expr, *rhs.expr);
        self.above(ExprKind::Binary(Box::new(Binary { op, op_span, lhs, rhs, return_bool, matching })), span, height)
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
        matching.labels = self.label_list()?;
        matching.cardinality = match self.peek()?.kind {
            Kind::Keyword(Keyword::GroupLeft) => Cardinality::ManyToOne,
            Kind::Keyword(Keyword::GroupRight) => Cardinality::OneToMany,
            _ => return Ok(()),
        };
        self.next()?;
        if self.peek()?.kind == Kind::LeftParen {
            matching.include = self.label_list()?;
        }
        Ok(())
    }

    /// `fill(0)`, or `fill_left(0)` and `fill_right(0)` in any order.
    fn fill(&mut self, matching: &mut VectorMatching) -> Result<(), ParseError> {
        loop {
            let open = match self.peek()?.kind {
                Kind::Keyword(Keyword::Fill) => matching.fill_lhs.is_none() && matching.fill_rhs.is_none(),
                Kind::Keyword(Keyword::FillLeft) => matching.fill_lhs.is_none(),
                Kind::Keyword(Keyword::FillRight) => matching.fill_rhs.is_none(),
                _ => false,
            };
            if !open {
                return Ok(());
            }
            let word = self.next()?.kind;
            let value = self.fill_value()?;
            if word != Kind::Keyword(Keyword::FillRight) {
                matching.fill_lhs = Some(value);
            }
            if word != Kind::Keyword(Keyword::FillLeft) {
                matching.fill_rhs = Some(value);
            }
        }
    }

    fn fill_value(&mut self) -> Result<f64, ParseError> {
        self.expect(&Kind::LeftParen, "behind `fill`")?;
        let sign = self.peek_sign()?;
        if sign.is_some() {
            self.next()?;
        }
        let token = self.peek()?.clone();
        if !matches!(token.kind, Kind::Number | Kind::Duration) {
            return Err(self.unexpected(&token, "in `fill`").hint("fill takes a number: fill(0)"));
        }
        let (literal, _) = self.literal()?;
        self.expect(&Kind::RightParen, "in `fill`")?;
        Ok(sign.map_or(literal, |op| literal.signed(op)).value)
    }
}
