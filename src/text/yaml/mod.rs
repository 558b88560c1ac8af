//! YAML as Go reads it (`yaml.v3`, strict), as a tree of nodes that know their place.
//!
//! Every reader of this project works on the tree and not on types that serde fills: serde stops at the first thing
//! that is wrong, knows no place inside of a scalar, and loses places where a value may be one of several kinds. Over
//! the tree a reader reports all that is wrong with a file at once, each at its place (`Mapping`), and a string can say
//! where each of its bytes stands (`Node::located`). `granit-parser` says what stands where; aliases and merge keys are
//! resolved here, duplicate keys refused, and documents that would explode stopped.
//!
//! Scalars keep their spelling: `severity: 1` into a string is `1`, `yes` is `yes`, and null is the empty string.

mod document;
mod error;
mod file;
mod mapping;
mod node;
mod scalar;

pub use document::{read_documents, read_first};
pub use file::{MAX_FILE_BYTES, decode, io_reason, read_bytes_within, read_file, read_file_within};
pub use mapping::{Mapping, Problems};
pub use node::{Kind, Node, ScalarText};
