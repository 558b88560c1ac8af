//! How the elements of two vectors find each other, and what stands in for a partner that is missing (Prometheus
//! `VectorBinop`).

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use super::operate::{Dialect, compare};
use super::operate_histograms::{Notes, Operands, join_samples};
use super::{EvalError, Filling, Head, Matrix, Memo, bits};
use crate::labels::{Labels, METRIC_NAME};
use crate::syntax::{BinaryOp, Cardinality, VectorMatching};
use crate::text::Span;

/// The labels by which an element finds its partner.
fn signature(labels: &Labels, matching: &VectorMatching) -> Labels {
    // Whether a label is empty or absent makes no difference here, in LogQL either.
    labels.without_empty().filter(|name| {
        let listed = matching.labels.iter().any(|label| label == name);
        if matching.on { listed } else { !listed && name != METRIC_NAME }
    })
}

/// Numbers signatures in the order of their appearance.
#[derive(Default)]
pub(super) struct Signatures {
    pub numbers: HashMap<Labels, u32>,
}

impl Signatures {
    pub fn of(&mut self, head: &Head, matching: &VectorMatching) -> Vec<u32> {
        head.labels
            .iter()
            .map(|labels| {
                let next = self.numbers.len() as u32;
                *self.numbers.entry(signature(labels, matching)).or_insert(next)
            })
            .collect()
    }
}

/// A column of the side that may have several elements of one signature, and its partner; `None` for a side that is filled
/// in where no element is.
#[derive(Clone, Copy)]
struct Pair {
    many: Option<u32>,
    one: Option<u32>,
    signature: u32,
}

/// An operator between two vectors other than a set operator.
#[derive(Default)]
pub struct Matching {
    table: Memo<Option<Table>>,
}

/// Who meets whom, and what the result is called.
struct Table {
    /// Those with a column of the many side, sorted by it, then those without, one for each column of the one side.
    pairs: Vec<Pair>,
    /// How many have a column of the many side.
    led: usize,
    signatures: usize,
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
    pub dialect: Dialect,
    /// Whether names are removed only at the end of the evaluation.
    pub late_names: bool,
    /// The most pairs of columns that may meet.
    pub max_pairs: usize,
    pub span: Span,
}

impl Join<'_> {
    /// The labels of a result (Prometheus `resultMetric`).
    fn result_labels(&self, many: &Labels, one: &Labels) -> Labels {
        let mut labels = match self.dialect {
            Dialect::Logql => many.without_empty(),
            Dialect::Promql if self.op.changes_value() || (self.return_bool && !self.late_names) => {
                many.without_metadata()
            }
            Dialect::Promql => many.clone(),
        };
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
        let mut meet = |pair: Pair, many: &Labels, one: &Labels| {
            let result = self.result_labels(many, one);
            let identity = (self.matching.cardinality != Cardinality::OneToOne).then(|| result.clone());
            sharing.entry((pair.signature, identity)).or_default().push(labels.len() as u32);
            pairs.push(pair);
            labels.push(result);
            pairs.len() <= self.max_pairs
        };
        for (column, signature) in (0u32..).zip(many_signatures) {
            let own = &many.labels[column as usize];
            for partner in &partners[signature as usize] {
                let pair = Pair { many: Some(column), one: Some(*partner), signature };
                if !meet(pair, own, &one.labels[*partner as usize]) {
                    return None;
                }
            }
            if self.matching.fill_rhs.is_some()
                && !meet(Pair { many: Some(column), one: None, signature }, own, &self.signature(own))
            {
                return None;
            }
        }
        let unled = if self.matching.fill_lhs.is_some() { one_signatures.as_slice() } else { &[] };
        for (column, signature) in (0u32..).zip(unled) {
            let own = &one.labels[column as usize];
            if !meet(Pair { many: None, one: Some(column), signature: *signature }, &self.signature(own), own) {
                return None;
            }
        }
        let led = pairs.len() - unled.len();
        let signatures = signatures.numbers.len();
        let mut exclusive: Vec<Vec<u32>> = sharing.into_values().filter(|pairs| pairs.len() > 1).collect();
        exclusive.sort_unstable();
        let drop_name = vec![self.return_bool; labels.len()];
        partners.retain(|columns| columns.len() > 1);
        let head = Arc::new(Head::new(labels, drop_name));
        Some(Table { pairs, led, signatures, head, rivals: partners, one_signatures, exclusive })
    }

    fn signature(&self, labels: &Labels) -> Labels {
        signature(labels, self.matching)
    }

    fn swapped(&self) -> bool {
        self.matching.cardinality == Cardinality::OneToMany
    }
}

/// The operands, the many side first, and what stands in for an element that is missing. After the sides of a
/// `group_right` are swapped, what is to fill in the left one fills in the many side, and so does Prometheus.
struct Sides<'a> {
    many: &'a Matrix,
    one: &'a Matrix,
    many_filled: Vec<f64>,
    one_filled: Vec<f64>,
}

impl<'a> Sides<'a> {
    fn of(join: &Join<'_>, lhs: &'a Matrix, rhs: &'a Matrix) -> Sides<'a> {
        let (many, one) = if join.swapped() { (rhs, lhs) } else { (lhs, rhs) };
        let filled = |value: Option<f64>| value.map_or_else(Vec::new, |value| vec![value; lhs.steps()]);
        let (many_filled, one_filled) = (filled(join.matching.fill_lhs), filled(join.matching.fill_rhs));
        Sides { many, one, many_filled, one_filled }
    }

    fn values(&self, pair: Pair) -> (&[f64], &[f64]) {
        let many = pair.many.map_or(self.many_filled.as_slice(), |column| self.many.values(column as usize));
        let one = pair.one.map_or(self.one_filled.as_slice(), |column| self.one.values(column as usize));
        (many, one)
    }
}

impl Matching {
    /// How many columns the result of joining these will have; `None` for more than may be.
    pub fn width(&mut self, join: &Join<'_>, lhs: &Matrix, rhs: &Matrix) -> Option<usize> {
        let (many, one) = if join.swapped() { (rhs.head(), lhs.head()) } else { (lhs.head(), rhs.head()) };
        self.table.get(&[many, one], || join.table(many, one)).as_ref().map(|table| table.pairs.len())
    }

    /// Joins two vectors that have a [`Matching::width`]; the result still has to be settled. What is to be said of
    /// histograms is added to `notes`.
    pub fn join(&mut self, join: &Join<'_>, lhs: Matrix, rhs: Matrix, notes: &mut Notes) -> Matrix {
        let sides = Sides::of(join, &lhs, &rhs);
        let (many, one) = (sides.many, sides.one);
        let table = self.table.get(&[many.head(), one.head()], || join.table(many.head(), one.head()));
        let Some(table) = table else { return Matrix::new(Arc::default(), lhs.steps()) };
        let mut out = Matrix::new(table.head.clone(), lhs.steps());
        refuse_rivals(join, table, many, one, &mut out);
        let mut arena = Filling::default();
        table.find_led(&sides, &mut out);
        let led = 0..table.led;
        operate(join, table, &sides, led.clone(), &mut out);
        let mut mixed = join_samples(join, &sides.operands(join, table, led), &mut arena, &mut out, notes);
        let unled = table.led..table.pairs.len();
        if !unled.is_empty() {
            table.find_unled(&sides, &mut out);
            operate(join, table, &sides, unled.clone(), &mut out);
            mixed.extend(join_samples(join, &sides.operands(join, table, unled), &mut arena, &mut out, notes));
        }
        out.set_arena(arena.finish());
        refuse_several(join, table, &mut out);
        if join.op.is_comparison() && !join.return_bool {
            let mut holds = vec![0u64; bits::words(out.steps())];
            for (column, pair) in table.pairs.iter().enumerate() {
                let (left, right) = sides.in_order(join, *pair);
                compare(join.op, left, right, &mut holds);
                let (_, present) = out.column_mut(column);
                present.iter_mut().zip(&holds).for_each(|(word, holds)| *word &= holds);
            }
        }
        for (column, step, value) in mixed {
            out.put(column, step, value);
        }
        let reordered = many.order.keys().chain(one.order.keys().filter(|_| table.led < table.pairs.len()));
        for step in reordered {
            let order = table.order(&sides, *step, &out);
            out.order.insert(*step, order);
        }
        let own = std::mem::take(&mut out.errors);
        out.fail_all(lhs.errors);
        out.fail_all(rhs.errors);
        out.fail_all(own);
        out
    }
}

impl Table {
    /// The steps at which a column of the many side meets its partner, or has none and it is filled in.
    fn find_led(&self, sides: &Sides<'_>, out: &mut Matrix) {
        let words = bits::words(out.steps());
        let fills = !sides.one_filled.is_empty();
        let taken =
            if fills { steps_by_signature(sides.one, &self.one_signatures, self.signatures) } else { Vec::new() };
        for (column, pair) in self.pairs[..self.led].iter().enumerate() {
            let Some(many) = pair.many else { continue };
            let many = sides.many.present(many as usize);
            let (_, present) = out.column_mut(column);
            match pair.one {
                Some(one) => {
                    for ((word, many), one) in present.iter_mut().zip(many).zip(sides.one.present(one as usize)) {
                        *word = many & one;
                    }
                }
                None => {
                    let taken = &taken[pair.signature as usize * words..];
                    for ((word, many), taken) in present.iter_mut().zip(many).zip(taken) {
                        *word = many & !taken;
                    }
                }
            }
        }
    }

    /// The steps at which a column of the one side has been matched with nothing.
    fn find_unled(&self, sides: &Sides<'_>, out: &mut Matrix) {
        let words = bits::words(out.steps());
        let mut matched = vec![0u64; words * self.signatures];
        for (column, pair) in self.pairs[..self.led].iter().enumerate() {
            let at = pair.signature as usize * words;
            bits::join(&mut matched[at..at + words], out.present(column));
        }
        for (column, pair) in self.pairs.iter().enumerate().skip(self.led) {
            let Some(one) = pair.one else { continue };
            let matched = &matched[pair.signature as usize * words..];
            let (_, present) = out.column_mut(column);
            for ((word, one), matched) in present.iter_mut().zip(sides.one.present(one as usize)).zip(matched) {
                *word = one & !matched;
            }
        }
    }

    /// The order in which the results of a step come: that of the many side, then what is left of the one side.
    fn order(&self, sides: &Sides<'_>, step: usize, out: &Matrix) -> Vec<u32> {
        let led = &self.pairs[..self.led];
        let mut order = Vec::new();
        for column in sides.many.columns_at(step) {
            let own = Some(column as u32);
            let from = led.partition_point(|pair| pair.many < own);
            order.extend((from..led.len()).take_while(|pair| led[*pair].many == own));
        }
        if self.led < self.pairs.len() {
            order.extend(sides.one.columns_at(step).map(|column| self.led + column));
        }
        order.into_iter().filter(|column| bits::has(out.present(*column), step)).map(|column| column as u32).collect()
    }
}

impl Sides<'_> {
    /// The values of a pair, the left ones first.
    fn in_order(&self, join: &Join<'_>, pair: Pair) -> (&[f64], &[f64]) {
        let (many, one) = self.values(pair);
        if join.swapped() { (one, many) } else { (many, one) }
    }

    fn operands<'s>(&'s self, join: &Join<'_>, table: &Table, columns: Range<usize>) -> Operands<'s> {
        let (lhs, rhs) = if join.swapped() { (self.one, self.many) } else { (self.many, self.one) };
        let any = lhs.arena().is_some() || rhs.arena().is_some() || join.op.is_trim();
        let pairs = if any { &table.pairs[columns.clone()] } else { &[] };
        let pairs = pairs.iter().map(|pair| self.in_order(join, *pair)).collect();
        Operands { lhs, rhs, first_column: columns.start, pairs }
    }
}

/// Computes columns of numbers.
fn operate(join: &Join<'_>, table: &Table, sides: &Sides<'_>, columns: Range<usize>, out: &mut Matrix) {
    let mut holds = vec![0u64; bits::words(out.steps())];
    for column in columns {
        let (left, right) = sides.in_order(join, table.pairs[column]);
        let (values, _) = out.column_mut(column);
        if join.op.is_comparison() && join.return_bool {
            compare(join.op, left, right, &mut holds);
            for (step, value) in values.iter_mut().enumerate() {
                *value = f64::from(u8::from(bits::has(&holds, step)));
            }
        } else {
            join.dialect.arithmetic(join.op, left, right, values);
        }
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
    let side = if join.swapped() { "left" } else { "right" };
    let fills = join.matching.fill_lhs.is_some() || join.matching.fill_rhs.is_some();
    for step in bits::steps(&twice) {
        // Nothing on the other side: nothing is matched, and nobody looks.
        if !fills && many.columns_at(step).next().is_none() {
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

/// For each signature, the steps at which some element has it.
pub(super) fn steps_by_signature(matrix: &Matrix, signatures: &[u32], count: usize) -> Vec<u64> {
    let words = bits::words(matrix.steps());
    let mut steps = vec![0u64; words * count];
    for (column, signature) in signatures.iter().enumerate() {
        let at = *signature as usize * words;
        bits::join(&mut steps[at..at + words], matrix.present(column));
    }
    steps
}
