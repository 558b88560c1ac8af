//! A day that is played back answers what runbooks ask: as somebody would have seen it at each time.

use std::collections::HashMap;

use super::playback::Playback;
use super::undecided;
use crate::engine::{EvalError, Matrix, Mode, Steps};
use crate::evidence;
use crate::labels::Labels;
use crate::promql::eval::Query;
use crate::rules;
use crate::time::Timestamp;
use crate::triage::{Answer, Answers};
use crate::{logql, promql};

/// A day, its log lines among it.
pub struct DayAnswers<'a>(pub &'a Playback);

impl Answers for DayAnswers<'_> {
    fn promql(&self, expr: &promql::ast::Expr, times: &[Timestamp]) -> Result<Answer, EvalError> {
        let query = Query::compile(expr, self.0.profile());
        let mut query = query.map_err(|error| EvalError::new(error.span, error.message))?;
        query.run(&self.0.generated.store, &steps(times), Mode::Instants).map(answer)
    }

    fn logql(&self, expr: &logql::ast::Expr, times: &[Timestamp]) -> Result<Answer, EvalError> {
        let logs = self.0.logs().map_err(|problem| EvalError::new(expr.span, problem.message))?;
        rules::evaluate_logs(expr, logs, &steps(times)).map(answer)
    }

    fn lacks_series(&self, expr: &promql::ast::Expr, times: &[Timestamp]) -> bool {
        evidence::missing(expr, &|selector| self.0.matches(selector)).is_some()
            && !undecided::waits_for_a_rule(self.0, expr, times)
    }
}

fn steps(times: &[Timestamp]) -> Steps {
    Steps(times.iter().map(|time| Playback::seen_at(*time)).collect())
}

/// The same answer, series by series. Columns may have equal labels; a histogram is no number, and NaN here.
fn answer(matrix: Matrix) -> Answer {
    let mut answer = Answer::default();
    let mut places: HashMap<&Labels, usize> = HashMap::new();
    for column in matrix.valued() {
        let place = *places.entry(column.labels).or_insert_with(|| {
            answer.series.push((column.labels.clone(), vec![None; matrix.steps()]));
            answer.series.len() - 1
        });
        for (step, value) in column.iter().filter(|(step, _)| !matrix.errors.contains_key(step)) {
            answer.series[place].1[step] = Some(value);
        }
    }
    answer.failed = matrix.errors.iter().map(|(step, error)| (*step, error.to_string())).collect();
    answer
}
