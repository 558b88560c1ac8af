//! Runbooks: people's pages with blocks that this program writes, whole pages from templates, and what is wrong with pages.
//!
//! `page` takes a page apart, `blocks` finds what is ours in it and puts new text there, byte for byte sparing the rest. `variables` is
//! what templates know, `template` renders them, `build` brings both together.

pub mod address;
pub mod adopt;
pub mod blocks;
pub mod build;
pub mod check;
pub mod page;
pub mod pages;
pub mod replays;
pub mod template;
pub mod variables;

pub use blocks::{Block, State};
pub use page::Page;
pub use replays::Replays;
