//! What an expression could speak of: its series with nothing filtered by value.

use crate::promql::ast::{Binary, BinaryOp, Expr, ExprKind, ValueType};

/// The expression with nothing filtered by value: comparisons yield 0 or 1 instead of dropping what does not meet them,
/// `unless` takes nothing away, and what `or` puts in the place of missing series (`or vector(0)`) is gone. What it yields is
/// every series that the alert could be about. `None` where absence speaks (`absent`), since then there need be no series at all.
pub fn unfiltered(expr: &Expr) -> Option<Expr> {
    let mut absence = false;
    expr.walk(&mut |node: &Expr| {
        absence |=
            matches!(&node.kind, ExprKind::Call(call) if matches!(call.function.name, "absent" | "absent_over_time"));
    });
    if absence {
        return None;
    }
    let mut open = expr.clone();
    open.walk_mut(&mut |node: &mut Expr| {
        let scalars = |binary: &Binary| {
            binary.lhs.value_type() == ValueType::Scalar && binary.rhs.value_type() == ValueType::Scalar
        };
        while let ExprKind::Binary(binary) = &node.kind
            && let Some(side) = deciding_side(binary)
        {
            *node = side.clone();
        }
        if let ExprKind::Binary(binary) = &mut node.kind
            && binary.op.is_comparison()
            && !scalars(binary)
        {
            binary.return_bool = true;
        }
    });
    Some(open)
}

/// The side of an operation that decides alone whether there is anything to speak of: the left one of `unless`, and the one of
/// `or` that reads series where the other one reads none, for a constant is no evidence.
pub fn deciding_side(binary: &Binary) -> Option<&Expr> {
    let reads = |side: &Expr| !side.selectors().is_empty();
    match binary.op {
        BinaryOp::Unless => Some(&binary.lhs),
        BinaryOp::Or => match (reads(&binary.lhs), reads(&binary.rhs)) {
            (true, false) => Some(&binary.lhs),
            (false, true) => Some(&binary.rhs),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::promql::parse;

    fn open(text: &str) -> Option<String> {
        unfiltered(&parse(text).unwrap()).map(|expr| expr.to_string())
    }

    #[test]
    fn nothing_is_filtered_by_value_any_more() {
        assert_eq!(open("rate(a[5m]) > 0").unwrap(), "rate(a[5m]) > bool 0");
        assert_eq!(open("(a > 1 and b < 2) unless c > 3").unwrap(), "(a > bool 1 and b < bool 2)");
        assert_eq!(open("a > 1 unless b unless c").unwrap(), "a > bool 1");
        assert_eq!(open("count(a == 0) > 2 or b").unwrap(), "count(a == bool 0) > bool 2 or b");
        assert_eq!(open("absent(a) == 1"), None);
    }

    #[test]
    fn a_constant_in_the_place_of_series_is_gone() {
        assert_eq!(open("sum(a) > 1 or vector(0)").unwrap(), "sum(a) > bool 1");
        assert_eq!(open("(sum(a) or on () vector(0) * 2) > 1").unwrap(), "(sum(a)) > bool 1");
        assert_eq!(open("vector(0) or a or vector(time())").unwrap(), "a");
        assert_eq!(open("a or (vector(1) unless b)").unwrap(), "a or (vector(1))");
        assert_eq!(open("vector(1) or vector(2)").unwrap(), "vector(1) or vector(2)");
    }
}
