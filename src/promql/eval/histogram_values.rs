//! Functions that tell one number of each native histogram.

use std::sync::Arc;

use super::call::rename;
use super::run::{Node, Run, State};
use crate::engine::{EvalError, Head, Matrix, Memo};
use crate::histogram::FloatHistogram;
use crate::text::Span;

/// `histogram_count` and the like: they look at histograms only.
pub struct OfHistogram {
    pub function: fn(&FloatHistogram) -> f64,
    /// It looks at count and sum only.
    pub of_totals: bool,
    pub input: Node,
    pub head: Memo<Arc<Head>>,
}

impl OfHistogram {
    pub fn eval(&mut self, span: Span, run: &Run<'_>, state: &mut State) -> Result<Matrix, EvalError> {
        let input = self.input.eval(run, state)?;
        let mut out = Matrix::new(input.head().clone(), input.steps());
        for column in 0..input.head().len() {
            for (step, value) in input.handles(column) {
                if let Some(histogram) = input.histogram(value) {
                    out.set(column, step, (self.function)(histogram));
                }
            }
        }
        for (step, order) in &input.order {
            let numbered = |column: &&u32| out.column(**column as usize).at(*step).is_some();
            let order = order.iter().filter(numbered).copied().collect();
            out.order.insert(*step, order);
        }
        out.errors = input.errors;
        Ok(rename(&mut self.head, out, span, run))
    }
}
