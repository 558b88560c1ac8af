//! How the elements of two vectors find each other (Prometheus `VectorBinop`, `VectorAnd`, `VectorOr`,
//! `VectorUnless`).

use std::collections::HashMap;
use std::sync::Arc;

use super::operate::{arithmetic, compare};
use super::operate_histograms::{Notes, join_samples};
use super::{EvalError, Head, Matrix, Memo, bits};
use crate::labels::{Labels, METRIC_NAME};
use crate::syntax::{BinaryOp, Cardinality, VectorMatching};
use crate::text::Span;

/// The labels by which an element finds its partner.
fn signature(labels: &Labels, matching: &VectorMatching) -> Labels {
    labels.filter(|name| {
        let listed = matching.labels.iter().any(|label| label == name);
        if matching.on { listed } else { !listed && name != METRIC_NAME }
    })
}

/// Numbers signatures in the order of their appearance.
#[derive(Default)]
struct Signatures {
    numbers: HashMap<Labels, u32>,
}

impl Signatures {
    fn of(&mut self, head: &Head, matching: &VectorMatching) -> Vec<u32> {
        head.labels
            .iter()
            .map(|labels| {
                let next = self.numbers.len() as u32;
                *self.numbers.entry(signature(labels, matching)).or_insert(next)
            })
            .collect()
    }
}

/// A column of the side that may have several elements of one signature, and a partner.
struct Pair {
    many: u32,
    one: u32,
}

/// An operator between two vectors other than a set operator.
#[derive(Default)]
pub struct Matching {
    table: Memo<Option<Table>>,
}

/// Who meets whom, and what the result is called.
struct Table {
    /// Sorted by the many side's column.
    pairs: Vec<Pair>,
    head: Arc<Head>,
    /// Columns of the one side that share a signature.
    rivals: Vec<Vec<u32>>,
    /// The signature of each column of the one side.
    one_signatures: Vec<u32>,
    /// Pairs of one signature of which no two may have a value at one step.
    exclusive: Vec<Vec<u32>>,
}

/// What an operator between two vectors does, apart from its operands.
#[derive(Clone, Copy)]
pub struct Join<'a> {
    pub op: BinaryOp,
    pub return_bool: bool,
    pub matching: &'a VectorMatching,
    /// Whether names are removed only at the end of the evaluation.
    pub late_names: bool,
    /// The most pairs of columns that may meet.
    pub max_pairs: usize,
    pub span: Span,
}

impl Join<'_> {
    /// The labels of a result (Prometheus `resultMetric`).
    fn result_labels(&self, many: &Labels, one: &Labels) -> Labels {
        let renames = self.op.changes_value() || (self.return_bool && !self.late_names);
        let mut labels = if renames { many.without_metadata() } else { many.clone() };
        let listed = |name: &str| self.matching.labels.iter().any(|label| label == name);
        if self.matching.cardinality == Cardinality::OneToOne {
            let on = self.matching.on;
            labels = labels.filter(|name| listed(name) == on);
        }
        if !self.matching.include.is_empty() {
            let mut builder = labels.builder();
            for name in &self.matching.include {
                builder.set(name, one.get(name));
            }
            labels = builder.build();
        }
        labels
    }

    /// `None` where more columns would meet than may.
    fn table(&self, many: &Head, one: &Head) -> Option<Table> {
        let mut signatures = Signatures::default();
        let one_signatures = signatures.of(one, self.matching);
        let many_signatures = signatures.of(many, self.matching);
        let mut partners: Vec<Vec<u32>> = vec![Vec::new(); signatures.numbers.len()];
        for (column, signature) in (0u32..).zip(&one_signatures) {
            partners[*signature as usize].push(column);
        }
        let mut pairs = Vec::new();
        let mut labels = Vec::new();
        let mut sharing: HashMap<(u32, Option<Labels>), Vec<u32>> = HashMap::new();
        for (column, signature) in (0u32..).zip(&many_signatures) {
            if pairs.len() + partners[*signature as usize].len() > self.max_pairs {
                return None;
            }
            for partner in &partners[*signature as usize] {
                let result = self.result_labels(&many.labels[column as usize], &one.labels[*partner as usize]);
                let identity = (self.matching.cardinality != Cardinality::OneToOne).then(|| result.clone());
                sharing.entry((*signature, identity)).or_default().push(pairs.len() as u32);
                pairs.push(Pair { many: column, one: *partner });
                labels.push(result);
            }
        }
        let mut exclusive: Vec<Vec<u32>> = sharing.into_values().filter(|pairs| pairs.len() > 1).collect();
        exclusive.sort_unstable();
        let drop_name = vec![self.return_bool; labels.len()];
        partners.retain(|columns| columns.len() > 1);
        let head = Arc::new(Head::new(labels, drop_name));
        Some(Table { pairs, head, rivals: partners, one_signatures, exclusive })
    }
}

impl Matching {
    /// How many columns the result of joining these will have; `None` for more than may be.
    pub fn width(&mut self, join: &Join<'_>, lhs: &Matrix, rhs: &Matrix) -> Option<usize> {
        let swapped = join.matching.cardinality == Cardinality::OneToMany;
        let (many, one) = if swapped { (rhs.head(), lhs.head()) } else { (lhs.head(), rhs.head()) };
        self.table.get(&[many, one], || join.table(many, one)).as_ref().map(|table| table.pairs.len())
    }

    /// Joins two vectors that have a [`Matching::width`]; the result still has to be settled. What is to be said of
    /// histograms is added to `notes`.
    pub fn join(&mut self, join: &Join<'_>, lhs: Matrix, rhs: Matrix, notes: &mut Notes) -> Matrix {
        let swapped = join.matching.cardinality == Cardinality::OneToMany;
        let (many, one) = if swapped { (&rhs, &lhs) } else { (&lhs, &rhs) };
        let table = self.table.get(&[many.head(), one.head()], || join.table(many.head(), one.head()));
        let Some(table) = table else { return Matrix::new(Arc::default(), lhs.steps()) };
        let mut out = Matrix::new(table.head.clone(), lhs.steps());
        refuse_rivals(join, table, many, one, &mut out);
        let mut holds = vec![0u64; bits::words(out.steps())];
        for (column, pair) in table.pairs.iter().enumerate() {
            let (many_column, one_column) = (pair.many as usize, pair.one as usize);
            let (left, right) = if swapped { (one_column, many_column) } else { (many_column, one_column) };
            let (values, present) = out.column_mut(column);
            for ((word, many), one) in present.iter_mut().zip(many.present(many_column)).zip(one.present(one_column)) {
                *word = many & one;
            }
            if join.op.is_comparison() && join.return_bool {
                compare(join.op, lhs.values(left), rhs.values(right), &mut holds);
                for (step, value) in values.iter_mut().enumerate() {
                    *value = f64::from(u8::from(bits::has(&holds, step)));
                }
            } else {
                arithmetic(join.op, lhs.values(left), rhs.values(right), values);
            }
        }
        let sides = |pair: &Pair| if swapped { (pair.one, pair.many) } else { (pair.many, pair.one) };
        let mixed = join_samples(join, table.pairs.iter().map(sides), (&lhs, &rhs), &mut out, notes);
        refuse_several(join, table, &mut out);
        if join.op.is_comparison() && !join.return_bool {
            for (column, pair) in table.pairs.iter().enumerate() {
                let (left, right) = if swapped { (pair.one, pair.many) } else { (pair.many, pair.one) };
                compare(join.op, lhs.values(left as usize), rhs.values(right as usize), &mut holds);
                let (_, present) = out.column_mut(column);
                present.iter_mut().zip(&holds).for_each(|(word, holds)| *word &= holds);
            }
        }
        for (column, step, value) in mixed {
            out.put(column, step, value);
        }
        for (step, order) in &many.order {
            let mut sorted = Vec::with_capacity(order.len());
            for column in order {
                let from = table.pairs.partition_point(|pair| pair.many < *column);
                let pairs = (from..table.pairs.len()).take_while(|pair| table.pairs[*pair].many == *column);
                sorted.extend(pairs.filter(|pair| bits::has(out.present(*pair), *step)).map(|pair| pair as u32));
            }
            out.order.insert(*step, sorted);
        }
        let own = std::mem::take(&mut out.errors);
        out.fail_all(lhs.errors);
        out.fail_all(rhs.errors);
        out.fail_all(own);
        out
    }
}

/// Two elements of one signature on the side that must have one.
fn refuse_rivals(join: &Join<'_>, table: &Table, many: &Matrix, one: &Matrix, out: &mut Matrix) {
    let mut twice = vec![0u64; bits::words(out.steps())];
    for rivals in &table.rivals {
        let mut seen = vec![0u64; twice.len()];
        for column in rivals {
            for ((seen, twice), word) in seen.iter_mut().zip(&mut twice).zip(one.present(*column as usize)) {
                *twice |= *seen & word;
                *seen |= word;
            }
        }
    }
    if bits::none(&twice) {
        return;
    }
    let side = if join.matching.cardinality == Cardinality::OneToMany { "left" } else { "right" };
    for step in bits::steps(&twice) {
        // Nothing on the other side: nothing is matched, and nobody looks.
        if many.columns_at(step).next().is_none() {
            continue;
        }
        let mut first: HashMap<u32, usize> = HashMap::new();
        for column in one.columns_at(step) {
            let Some(rival) = first.insert(table.one_signatures[column], column) else { continue };
            let labels = &one.head().labels;
            let group = signature(&labels[column], join.matching);
            let mut rivals = [labels[column].to_string(), labels[rival].to_string()];
            rivals.sort();
            let [first, second] = rivals;
            let message = format!(
                "found duplicate series for the match group {group} on the {side} hand-side of the operation: \
                 [{first}, {second}];many-to-many matching not allowed: matching labels must be unique on one side"
            );
            out.fail(step, EvalError::new(join.span, message));
            break;
        }
    }
}

/// Two results where there must be one.
fn refuse_several(join: &Join<'_>, table: &Table, out: &mut Matrix) {
    let message = match join.matching.cardinality {
        Cardinality::OneToOne => {
            "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)"
        }
        _ => "multiple matches for labels: grouping labels must ensure unique matches",
    };
    for pairs in &table.exclusive {
        let mut seen = vec![0u64; bits::words(out.steps())];
        let mut twice = seen.clone();
        for pair in pairs {
            for ((seen, twice), word) in seen.iter_mut().zip(&mut twice).zip(out.present(*pair as usize)) {
                *twice |= *seen & word;
                *seen |= word;
            }
        }
        for step in bits::steps(&twice) {
            out.fail(step, EvalError::new(join.span, message));
        }
    }
}

/// The signatures of both sides of a set operator.
pub struct SetTable {
    left: Vec<u32>,
    right: Vec<u32>,
    signatures: usize,
    /// Of the union: the left columns, then the right ones.
    head: Arc<Head>,
}

fn set_table(op: BinaryOp, matching: &VectorMatching, lhs: &Arc<Head>, rhs: &Head) -> SetTable {
    let mut signatures = Signatures::default();
    let left = signatures.of(lhs, matching);
    let right = signatures.of(rhs, matching);
    let head = if op == BinaryOp::Or {
        let labels = lhs.labels.iter().chain(&rhs.labels).cloned().collect();
        let drop_name = lhs.drop_name.iter().chain(&rhs.drop_name).copied().collect();
        Arc::new(Head::new(labels, drop_name))
    } else {
        lhs.clone()
    };
    SetTable { left, right, signatures: signatures.numbers.len(), head }
}

/// For each signature, the steps at which some element has it.
fn steps_by_signature(matrix: &Matrix, signatures: &[u32], count: usize) -> Vec<u64> {
    let words = bits::words(matrix.steps());
    let mut steps = vec![0u64; words * count];
    for (column, signature) in signatures.iter().enumerate() {
        let at = *signature as usize * words;
        bits::join(&mut steps[at..at + words], matrix.present(column));
    }
    steps
}

/// `and`, `or`, `unless`; the result of `or` still has to be settled.
pub fn set_operation(
    table: &mut Memo<SetTable>,
    op: BinaryOp,
    matching: &VectorMatching,
    mut lhs: Matrix,
    rhs: Matrix,
) -> Matrix {
    let table = table.get(&[lhs.head(), rhs.head()], || set_table(op, matching, lhs.head(), rhs.head()));
    let words = bits::words(lhs.steps());
    if op == BinaryOp::Or {
        return union(table, lhs, rhs);
    }
    let found = steps_by_signature(&rhs, &table.right, table.signatures);
    let flip = if op == BinaryOp::Unless { !0 } else { 0 };
    for (column, signature) in table.left.iter().enumerate() {
        let at = *signature as usize * words;
        let (_, present) = lhs.column_mut(column);
        present.iter_mut().zip(&found[at..at + words]).for_each(|(word, found)| *word &= found ^ flip);
    }
    let order = std::mem::take(&mut lhs.order);
    for (step, mut order) in order {
        order.retain(|column| bits::has(lhs.present(*column as usize), step));
        lhs.order.insert(step, order);
    }
    lhs.fail_all(rhs.errors);
    lhs
}

fn union(table: &SetTable, lhs: Matrix, rhs: Matrix) -> Matrix {
    let words = bits::words(lhs.steps());
    let taken = steps_by_signature(&lhs, &table.left, table.signatures);
    let mut out = Matrix::new(table.head.clone(), lhs.steps());
    let width = lhs.head().len();
    for column in 0..width {
        let (values, present) = out.column_mut(column);
        values.copy_from_slice(lhs.values(column));
        present.copy_from_slice(lhs.present(column));
    }
    for (column, signature) in table.right.iter().enumerate() {
        let at = *signature as usize * words;
        let (values, present) = out.column_mut(width + column);
        values.copy_from_slice(rhs.values(column));
        for ((word, found), taken) in present.iter_mut().zip(rhs.present(column)).zip(&taken[at..at + words]) {
            *word = found & !taken;
        }
    }
    out.adopt(&lhs, 0..width);
    out.adopt(&rhs, width..width + rhs.head().len());
    for step in lhs.order.keys().chain(rhs.order.keys()) {
        let left = lhs.columns_at(*step);
        let right = rhs.columns_at(*step).map(|column| column + width);
        let order = left.chain(right).filter(|column| bits::has(out.present(*column), *step));
        let order = order.map(|column| column as u32).collect();
        out.order.insert(*step, order);
    }
    out.fail_all(lhs.errors);
    out.fail_all(rhs.errors);
    out
}
