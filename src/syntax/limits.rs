//! How large an expression may be, so that a hostile one costs an error and not the stack.

/// Parentheses, calls and signs inside of each other. The deepest of six thousand real, upstream and mutated expressions
/// has 20; reading one level takes up to 10 KiB of stack in a debug build, and a thread has 2 MiB.
pub const MAX_NESTING: usize = 128;

/// Levels of a syntax tree, which a chain such as `a or b or c` also adds to: generated rules join a thousand selectors.
/// Every walk over a tree recurses at most so deep; see `STACK_BYTES`.
pub const MAX_HEIGHT: usize = 2048;

/// The stack of a thread that evaluates, prints or rewrites any expression that the parser accepts: 64 KiB a level, several
/// times what a debug build takes. The command line's threads have it; a stack that is not used costs no memory.
pub const STACK_BYTES: usize = MAX_HEIGHT * 64 * 1024;

/// Bytes of an expression; generated rules stay far below.
pub const MAX_LENGTH: usize = 1 << 20;
