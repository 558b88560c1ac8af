//! How large an expression may be, so that a hostile one costs an error and not the stack.

/// Levels of the syntax tree. The deepest of several thousand real and upstream expressions has 20; every walk over a
/// tree recurses at most so deep.
pub const MAX_DEPTH: usize = 500;

/// Bytes of an expression; generated rules stay far below.
pub const MAX_LENGTH: usize = 1 << 20;
