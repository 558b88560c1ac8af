//! `label_replace`.

use std::sync::Arc;

use super::{Env, eval};
use crate::engine::{EvalError, Head, Matrix};
use crate::labels::{Labels, expand, search_regex};
use crate::logql::ast::LabelReplace;
use crate::text::Span;

/// The same values under other labels; nobody minds where several are then the same.
pub fn label_replace(replace: &LabelReplace, span: Span, env: &Env<'_>) -> Result<Matrix, EvalError> {
    let input = eval(&replace.expr, env)?;
    let regex =
        search_regex(&format!("^(?:{})$", replace.regex)).map_err(|error| EvalError::new(span, error.message))?;
    let apply = |labels: &Labels| {
        let Some(captures) = regex.captures(labels.get(&replace.source)) else { return labels.clone() };
        let value = expand(&replace.replacement, &regex, &captures);
        let mut builder = labels.without_empty().builder();
        builder.set(&replace.destination, &value);
        builder.build()
    };
    let head = input.head();
    let head = Head::new(head.labels.iter().map(apply).collect(), head.drop_name.clone());
    Ok(input.under(Arc::new(head)))
}
