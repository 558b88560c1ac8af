//! The functions of PromQL: names, argument types and result types (Prometheus `promql/parser/functions.go`).

mod window;

pub use window::{RangeFn, Window};

use super::ast::ValueType;

/// What the parser knows of a function.
#[derive(Debug, PartialEq)]
pub struct Signature {
    pub name: &'static str,
    pub args: &'static [ValueType],
    /// 0: exactly `args`; n > 0: the last argument may be left out or repeated up to n times in all (`label_join`: -1, any
    /// number of times), as `Variadic` in Prometheus.
    pub variadic: i32,
    pub returns: ValueType,
    pub experimental: bool,
}
