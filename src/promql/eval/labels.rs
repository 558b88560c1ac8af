//! `label_replace` and `label_join`: other labels over the same values.

use std::sync::Arc;

use super::run::{Node, Run, State};
use crate::engine::{Collision, EvalError, Head, Matrix, Memo, settle};
use crate::labels::METRIC_NAME;
use crate::promql::functions::{LabelJoin, LabelReplace};
use crate::text::Span;

/// How labels change.
pub enum Rewrite {
    Replace(LabelReplace),
    Join(LabelJoin),
}

/// A call that changes labels.
pub struct Relabel {
    pub input: Node,
    pub rewrite: Rewrite,
    pub head: Memo<Arc<Head>>,
}

impl Relabel {
    pub fn eval(&mut self, span: Span, run: &Run<'_>, state: &mut State) -> Result<Matrix, EvalError> {
        let out = self.input.eval(run, state)?;
        let head = self.head.get(&[out.head()], || Arc::new(self.rewrite.head(out.head()))).clone();
        Ok(settle(out.under(head), run.mode, Collision::Sample, span))
    }
}

impl Rewrite {
    /// A name that is written is not dropped any more.
    fn head(&self, input: &Head) -> Head {
        let mut labels = Vec::with_capacity(input.len());
        let mut drop_name = input.drop_name.clone();
        for (old, drop_name) in input.labels.iter().zip(&mut drop_name) {
            let (new, destination) = match self {
                Rewrite::Replace(replace) => (replace.apply(old), replace.destination()),
                Rewrite::Join(join) => (Some(join.apply(old)), join.destination()),
            };
            *drop_name &= new.is_none() || destination != METRIC_NAME;
            labels.push(new.unwrap_or_else(|| old.clone()));
        }
        Head::new(labels, drop_name)
    }
}
