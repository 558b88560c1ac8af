//! `label_replace`.

use std::sync::Arc;

use regex::Regex;

use super::{Env, Node};
use crate::engine::{EvalError, Head, Matrix, Memo};
use crate::labels::{Labels, expand, search_regex};
use crate::logql::ast::LabelReplace;
use crate::text::Span;
use crate::time::Nanoseconds;

/// A `label_replace`: the same values under other labels. Nobody minds where several are then the same.
pub struct Relabel {
    destination: String,
    replacement: String,
    source: String,
    regex: Regex,
    pub(super) input: Node,
    head: Memo<Arc<Head>>,
}

impl Relabel {
    pub(super) fn new(replace: &LabelReplace, span: Span, env: &Env<'_>) -> Result<Relabel, EvalError> {
        let regex = search_regex(&format!("^(?:{})$", replace.regex));
        Ok(Relabel {
            destination: replace.destination.clone(),
            replacement: replace.replacement.clone(),
            source: replace.source.clone(),
            regex: regex.map_err(|error| EvalError::new(span, error.message))?,
            input: Node::new(&replace.expr, env)?,
            head: Memo::default(),
        })
    }

    pub fn eval(&mut self, times: &[Nanoseconds]) -> Matrix {
        let input = self.input.eval(times);
        let apply = |labels: &Labels| {
            let Some(captures) = self.regex.captures(labels.get(&self.source)) else { return labels.clone() };
            let value = expand(&self.replacement, &self.regex, &captures);
            let mut builder = labels.without_empty().builder();
            builder.set(&self.destination, &value);
            builder.build()
        };
        let old = input.head().clone();
        let make = || Arc::new(Head::new(old.labels.iter().map(apply).collect(), old.drop_name.clone()));
        let head = self.head.get(&[&old], make).clone();
        input.under(head)
    }
}
