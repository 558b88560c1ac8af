//! firedrill replays incidents against alert rules and says whether the rules caught them.
//!
//! Arrows between the modules point one way, from the command line down to text and numbers;
//! `ARCHITECTURE.md` draws them.
#![forbid(unsafe_code)]

pub mod cli;
pub mod config;
pub mod drill;
pub mod engine;
pub mod evidence;
pub mod export;
pub mod histogram;
pub mod incident;
pub mod labels;
pub mod logql;
pub mod number;
pub mod promql;
pub mod recording;
pub mod render;
pub mod replay;
pub mod report;
pub mod rules;
pub mod runbook;
pub mod skeleton;
pub mod store;
pub mod suite;
pub mod syntax;
pub mod template;
pub mod text;
pub mod time;
pub mod triage;
pub mod unit_test;
