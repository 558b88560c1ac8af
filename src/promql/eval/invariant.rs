//! Parts of a range query whose value is the same at all steps, since all their selectors have an `@`.

use super::run::{Node, Run, State};
use crate::engine::{EvalError, Matrix, bits};

/// A part that a range query evaluates at its first step only (Prometheus `StepInvariantExpr`).
pub struct Invariant {
    pub inner: Node,
    /// An aggregation counts as invariant by its operand alone, so a parameter that changes counts with its first value.
    pub depends_on_first_step: bool,
}

impl Invariant {
    pub fn eval(&mut self, run: &Run<'_>, state: &mut State) -> Result<Matrix, EvalError> {
        let uniform = run.steps.windows(2).all(|pair| pair[0].frontier == pair[1].frontier);
        if !run.is_range() || !uniform {
            return self.inner.eval(run, state);
        }
        let first = self.inner.eval(&Run { steps: &run.steps[..1], ..*run }, state)?;
        state.reserve(first.head().len(), run.steps.len(), self.inner.span)?;
        let mut out = Matrix::new(first.head().clone(), run.steps.len());
        let all = bits::all(run.steps.len());
        for column in 0..first.head().len() {
            if let Some(value) = first.column(column).at(0) {
                let (values, present) = out.column_mut(column);
                values.fill(value);
                present.copy_from_slice(&all);
            }
        }
        out.adopt(&first, 0..first.head().len());
        if let Some(order) = first.order.get(&0) {
            out.order = (0..run.steps.len()).map(|step| (step, order.clone())).collect();
        }
        Ok(out)
    }
}
