//! The operators of PromQL and LogQL, how tightly they bind, and how the elements of two vectors are matched.

use std::fmt;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UnaryOp {
    Plus,
    Minus,
}

impl UnaryOp {
    /// A sign binds as `*` does: `-a ^ b` is `-(a ^ b)`, `-a * b` is `(-a) * b`.
    pub const POWER: u8 = BinaryOp::Mul.power();

    pub fn as_str(self) -> &'static str {
        match self {
            UnaryOp::Plus => "+",
            UnaryOp::Minus => "-",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BinaryOp {
    Add,
    Sub,
    Mul,
    Div,
    Mod,
    Pow,
    Atan2,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    And,
    Or,
    Unless,
    /// `</`: keeps the part of a native histogram below a value (experimental data only).
    TrimUpper,
    /// `>/`: keeps the part of a native histogram above a value.
    TrimLower,
}

impl BinaryOp {
    /// How tightly the operator binds; the larger, the tighter.
    pub const fn power(self) -> u8 {
        match self {
            BinaryOp::Or => 1,
            BinaryOp::And | BinaryOp::Unless => 2,
            BinaryOp::Equal
            | BinaryOp::NotEqual
            | BinaryOp::Less
            | BinaryOp::LessOrEqual
            | BinaryOp::Greater
            | BinaryOp::GreaterOrEqual
            | BinaryOp::TrimUpper
            | BinaryOp::TrimLower => 3,
            BinaryOp::Add | BinaryOp::Sub => 4,
            BinaryOp::Mul | BinaryOp::Div | BinaryOp::Mod | BinaryOp::Atan2 => 5,
            BinaryOp::Pow => 6,
        }
    }

    /// `a ^ b ^ c` is `a ^ (b ^ c)`; all others group from the left.
    pub const fn groups_right(self) -> bool {
        matches!(self, BinaryOp::Pow)
    }

    /// Whether it cuts off a part of histograms.
    pub const fn is_trim(self) -> bool {
        matches!(self, BinaryOp::TrimUpper | BinaryOp::TrimLower)
    }

    /// Whether what comes out is another metric than what goes in (Prometheus `changesMetricSchema`).
    pub const fn changes_value(self) -> bool {
        !self.is_comparison() && !self.is_trim() && !self.is_set()
    }

    pub const fn is_comparison(self) -> bool {
        matches!(
            self,
            BinaryOp::Equal
                | BinaryOp::NotEqual
                | BinaryOp::Less
                | BinaryOp::LessOrEqual
                | BinaryOp::Greater
                | BinaryOp::GreaterOrEqual
        )
    }

    /// `and`, `or`, `unless`.
    pub const fn is_set(self) -> bool {
        matches!(self, BinaryOp::And | BinaryOp::Or | BinaryOp::Unless)
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            BinaryOp::Add => "+",
            BinaryOp::Sub => "-",
            BinaryOp::Mul => "*",
            BinaryOp::Div => "/",
            BinaryOp::Mod => "%",
            BinaryOp::Pow => "^",
            BinaryOp::Atan2 => "atan2",
            BinaryOp::Equal => "==",
            BinaryOp::NotEqual => "!=",
            BinaryOp::Less => "<",
            BinaryOp::LessOrEqual => "<=",
            BinaryOp::Greater => ">",
            BinaryOp::GreaterOrEqual => ">=",
            BinaryOp::And => "and",
            BinaryOp::Or => "or",
            BinaryOp::Unless => "unless",
            BinaryOp::TrimUpper => "</",
            BinaryOp::TrimLower => ">/",
        }
    }
}

impl fmt::Display for UnaryOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for BinaryOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cardinality {
    OneToOne,
    ManyToOne,
    OneToMany,
    ManyToMany,
}

/// How elements of two vectors find each other.
#[derive(Clone, Debug, PartialEq)]
pub struct VectorMatching {
    pub cardinality: Cardinality,
    /// `on` where true, else `ignoring` (also where neither is written).
    pub on: bool,
    pub labels: Vec<String>,
    /// Labels in `group_left(...)` or `group_right(...)`.
    pub include: Vec<String>,
    /// `fill`, `fill_left`, `fill_right` (experimental): values for the side that found no partner.
    pub fill_lhs: Option<f64>,
    pub fill_rhs: Option<f64>,
}

impl Default for VectorMatching {
    /// What holds where nothing is written: one to one, on all labels.
    fn default() -> VectorMatching {
        VectorMatching {
            cardinality: Cardinality::OneToOne,
            on: false,
            labels: Vec::new(),
            include: Vec::new(),
            fill_lhs: None,
            fill_rhs: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn power_grows_from_or_to_pow() {
        let order = [BinaryOp::Or, BinaryOp::Unless, BinaryOp::Less, BinaryOp::Sub, BinaryOp::Atan2, BinaryOp::Pow];
        assert!(order.windows(2).all(|pair| pair[0].power() < pair[1].power()));
        assert_eq!(UnaryOp::POWER, BinaryOp::Div.power());
    }
}
