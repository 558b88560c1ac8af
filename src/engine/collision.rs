//! Columns of equal labels: an error where they meet, one series where they do not.

use std::sync::Arc;

use super::{EvalError, Head, Matrix, Mode, bits};
use crate::text::Span;

/// Prometheus' words for two elements of one identity.
const SAME_LABELSET: &str = "vector cannot contain metrics with the same labelset";

/// When columns of equal labels are an error in a range query. Independent instant queries do not know the
/// difference: there it is one where two have a value at one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Collision {
    /// Where two of them have a value at one step; otherwise they become one series.
    Sample,
    /// Where two of them have any value at all (functions over range vectors).
    Series,
}

/// Checks columns of equal labels and, in a range query, merges them.
///
/// Instant queries keep them apart: what follows treats elements of one step, and of those no two are equal.
pub fn settle(mut matrix: Matrix, mode: Mode, collision: Collision, span: Span) -> Matrix {
    if matrix.head().twins.is_empty() {
        return matrix;
    }
    let head = matrix.head().clone();
    for twins in &head.twins {
        let alive = twins.iter().filter(|column| !bits::none(matrix.present(**column as usize))).count();
        if alive < 2 {
            continue;
        }
        if collision == Collision::Series && matches!(mode, Mode::Range { .. }) {
            matrix.fail(0, EvalError::new(span, SAME_LABELSET));
            return matrix;
        }
        let mut seen = vec![0u64; bits::words(matrix.steps())];
        let mut twice = vec![0u64; seen.len()];
        for column in twins {
            for ((seen, twice), word) in seen.iter_mut().zip(&mut twice).zip(matrix.present(*column as usize)) {
                *twice |= *seen & word;
                *seen |= word;
            }
        }
        for step in bits::steps(&twice) {
            matrix.fail(step, EvalError::new(span, SAME_LABELSET));
        }
    }
    match mode {
        // Of a single step, elements come as they come.
        Mode::Range { .. } if matrix.errors.is_empty() && matrix.steps() == 1 => merge_in_order(matrix),
        Mode::Range { .. } if matrix.errors.is_empty() => merge(matrix),
        _ => matrix,
    }
}

/// Like [`merge`], with the elements of each step in the order in which they were.
pub fn merge_in_order(mut matrix: Matrix) -> Matrix {
    for step in 0..matrix.steps() {
        let order: Vec<u32> = matrix.columns_at(step).map(|column| column as u32).collect();
        matrix.order.insert(step, order);
    }
    let mut merged = merge(matrix);
    merged.order.retain(|_, order| !order.is_sorted());
    merged
}

/// Makes one column of those that have equal labels and never meet. Whether its name is dropped at the end is what
/// the earliest of its values says.
fn merge(mut matrix: Matrix) -> Matrix {
    let head = matrix.head().clone();
    if head.twins.is_empty() {
        return matrix;
    }
    let mut gone = vec![false; head.len()];
    let mut drop_name = head.drop_name.clone();
    let mut place: Vec<u32> = (0..head.len() as u32).collect();
    for twins in &head.twins {
        let Some((first, others)) = twins.split_first() else { continue };
        let first = *first as usize;
        let earliest = twins
            .iter()
            .min_by_key(|column| bits::steps(matrix.present(**column as usize)).next().unwrap_or(usize::MAX));
        if let Some(earliest) = earliest {
            drop_name[first] = head.drop_name[*earliest as usize];
        }
        for other in others {
            let other = *other as usize;
            let (values, present) = (matrix.values(other).to_vec(), matrix.present(other).to_vec());
            let (into_values, into_present) = matrix.column_mut(first);
            for step in bits::steps(&present) {
                into_values[step] = values[step];
            }
            bits::join(into_present, &present);
            gone[other] = true;
            place[other] = first as u32;
        }
    }
    let kept: Vec<usize> = (0..head.len()).filter(|column| !gone[*column]).collect();
    let labels = kept.iter().map(|column| head.labels[*column].clone()).collect();
    let drop_name = kept.iter().map(|column| drop_name[*column]).collect();
    let mut merged = Matrix::new(Arc::new(Head { labels, drop_name, twins: Vec::new() }), matrix.steps());
    let mut renumbered = vec![0u32; head.len()];
    for (to, from) in kept.iter().enumerate() {
        renumbered[*from] = to as u32;
        let (values, present) = merged.column_mut(to);
        values.copy_from_slice(matrix.values(*from));
        present.copy_from_slice(matrix.present(*from));
    }
    merged.adopt(&matrix, 0..kept.len());
    merged.errors = std::mem::take(&mut matrix.errors);
    for (step, order) in std::mem::take(&mut matrix.order) {
        let order = order.into_iter().map(|column| renumbered[place[column as usize] as usize]).collect();
        merged.order.insert(step, order);
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::labels::Labels;
    use crate::time::{Duration, Timestamp};

    const RANGE: Mode = Mode::Range { start: Timestamp(0), end: Timestamp(3), step: Duration(1) };

    /// Two columns `{a="1"}` with values at the given steps of four.
    fn twins(left: &[usize], right: &[usize]) -> Matrix {
        let labels = Labels::from_pairs([("a", "1")]);
        let head = Head::new(vec![labels.clone(), labels], vec![false, true]);
        let mut matrix = Matrix::new(Arc::new(head), 4);
        left.iter().for_each(|step| matrix.set(0, *step, *step as f64));
        right.iter().for_each(|step| matrix.set(1, *step, 10.0 + *step as f64));
        matrix
    }

    #[test]
    fn instant_queries_fail_at_the_steps_at_which_twins_meet() {
        let settled = settle(twins(&[0, 1, 2], &[1, 3]), Mode::Instants, Collision::Series, Span::default());
        assert_eq!(settled.errors.keys().copied().collect::<Vec<_>>(), [1]);
        assert_eq!(settled.at(3).map(|(_, value)| value).collect::<Vec<_>>(), [13.0]);
        assert_eq!(settled.at(1).count(), 0);
    }

    #[test]
    fn a_range_query_merges_twins_that_never_meet() {
        let settled = settle(twins(&[1, 2], &[0, 3]), RANGE, Collision::Sample, Span::default());
        assert_eq!(settled.head().len(), 1);
        assert_eq!(settled.values(0), [10.0, 1.0, 2.0, 13.0]);
        assert_eq!(settled.head().drop_name, [true]);
    }

    #[test]
    fn at_a_single_step_twins_keep_their_places() {
        let labels = |value| Labels::from_pairs([("a", value)]);
        let head = Head::new(vec![labels("1"), labels("2"), labels("1")], vec![false; 3]);
        let mut matrix = Matrix::new(Arc::new(head), 1);
        matrix.set(1, 0, 20.0);
        matrix.set(2, 0, 10.0);
        let settled = settle(matrix, RANGE, Collision::Sample, Span::default());
        assert_eq!(settled.at(0).map(|(_, value)| value).collect::<Vec<_>>(), [20.0, 10.0]);
    }

    #[test]
    fn a_function_over_ranges_fails_on_twins_that_never_meet_in_a_range_query() {
        let fails = |mode| !settle(twins(&[1, 2], &[0, 3]), mode, Collision::Series, Span::default()).errors.is_empty();
        assert!(fails(RANGE));
        assert!(!fails(Mode::Instants));
        assert!(settle(twins(&[1], &[]), RANGE, Collision::Series, Span::default()).errors.is_empty());
    }
}
