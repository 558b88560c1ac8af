//! What a function over windows holds at a time: the samples of one window, and the results so far.

use super::run::State;
use crate::engine::{EvalError, bits};
use crate::text::Span;

/// Counts samples as Prometheus does: windows are cut series by series, and each is gone when the next one comes.
pub struct Holding {
    /// Results of the series before; all columns where many queries are evaluated at once.
    results: usize,
    exact: bool,
    /// The samples of the longest window of a series, and of its last one.
    longest: usize,
    last: usize,
}

impl Holding {
    pub fn new(columns: usize, state: &State) -> Holding {
        let exact = state.is_one_query();
        Holding { results: if exact { 0 } else { columns }, exact, longest: 0, last: 0 }
    }

    /// A window with so many samples.
    pub fn window(&mut self, samples: usize) {
        self.longest = self.longest.max(samples);
        self.last = samples;
    }

    /// The end of a series, whose results are there.
    ///
    /// # Errors
    /// Too many samples.
    pub fn close(&mut self, present: &[u64], span: Span, state: &mut State) -> Result<(), EvalError> {
        let longest = std::mem::take(&mut self.longest);
        if longest == 0 {
            return Ok(());
        }
        state.reserve_each(self.results + longest, span)?;
        if self.exact {
            self.results += bits::count(present);
            if !bits::none(present) {
                state.reserve_each(self.results + self.last, span)?;
            }
        }
        Ok(())
    }
}
