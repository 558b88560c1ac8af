//! LogQL as Loki 3.7 evaluates it.

pub mod ast;
