//! The Pratt core: operands and binary operators become a tree by the operators' powers.

use super::{BinaryOp, ParseError};

/// A language whose expressions are operands with binary operators between them.
pub trait Grammar {
    type Node;
    /// What may stand behind an operator (`bool`, `on(...)`), and where the operator stood.
    type Modifiers;

    /// Reads one operand with its signs and everything that follows it more tightly than any operator.
    fn operand(&mut self) -> Result<Self::Node, ParseError>;

    /// The binary operator that comes next, if one does.
    fn peek_operator(&mut self) -> Result<Option<BinaryOp>, ParseError>;

    /// Reads the operator and its modifiers.
    fn operator(&mut self) -> Result<Self::Modifiers, ParseError>;

    /// As `expression`, one level deeper, with a limit on the levels.
    fn nested(&mut self, min_power: u8) -> Result<Self::Node, ParseError>;

    /// Joins two operands.
    fn combine(
        &mut self,
        lhs: Self::Node,
        op: BinaryOp,
        modifiers: Self::Modifiers,
        rhs: Self::Node,
    ) -> Result<Self::Node, ParseError>;
}

/// Reads an expression whose operators bind at least as tightly as `min_power`.
pub fn expression<G: Grammar>(grammar: &mut G, min_power: u8) -> Result<G::Node, ParseError> {
    let first = grammar.operand()?;
    continued(grammar, first, min_power)
}

/// Reads on behind a first operand that was read already.
pub fn continued<G: Grammar>(grammar: &mut G, first: G::Node, min_power: u8) -> Result<G::Node, ParseError> {
    let mut lhs = first;
    while let Some(op) = grammar.peek_operator()?.filter(|op| op.power() >= min_power) {
        let modifiers = grammar.operator()?;
        // Powers end the recursion of operators that group from the left.
        let rhs = if op.groups_right() { grammar.nested(op.power())? } else { expression(grammar, op.power() + 1)? };
        lhs = grammar.combine(lhs, op, modifiers, rhs)?;
    }
    Ok(lhs)
}
