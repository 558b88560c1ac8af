//! The syntax of Go's `text/template`: tokens, the tree, and the parser. What Go's parser refuses is refused here.

mod lex;
mod literal;
mod number;
mod parse;
mod pipeline;
mod tree;

pub(super) use number::Number;
pub(super) use parse::{Program, parse};
pub(super) use tree::{Block, BlockKind, Command, List, Node, NodeKind, Operand, OperandKind, Pipe, Place};
