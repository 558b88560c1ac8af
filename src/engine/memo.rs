//! What a plan keeps between runs: tables that hold as long as the columns below them are the same.

use std::sync::Arc;

use super::Head;

/// A value derived from the heads of the operands.
#[derive(Debug)]
pub struct Memo<T> {
    made: Option<(Vec<Arc<Head>>, T)>,
}

impl<T> Default for Memo<T> {
    fn default() -> Memo<T> {
        Memo { made: None }
    }
}

impl<T> Memo<T> {
    /// The value for these heads, made anew where they are not those of the last time.
    pub fn get(&mut self, heads: &[&Arc<Head>], make: impl FnOnce() -> T) -> &mut T {
        let same = |known: &[Arc<Head>]| {
            known.len() == heads.len() && known.iter().zip(heads).all(|(known, head)| Arc::ptr_eq(known, head))
        };
        let kept = self.made.take().filter(|(known, _)| same(known));
        let made = kept.unwrap_or_else(|| (heads.iter().map(|head| Arc::clone(head)).collect(), make()));
        &mut self.made.insert(made).1
    }
}
