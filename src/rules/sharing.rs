//! Which parts of expressions several rules have in common, so that each is evaluated once.

use std::collections::HashMap;
use std::sync::Arc;

use crate::promql::ast::{Expr, ExprKind, VectorSelector};
use crate::promql::eval::{Room, Shared, SharedParts};
use crate::text::Span;

use super::Rule;
use super::dependency::{Component, Writers};
use super::schedule::Schedule;

/// The most values that shared parts keep at a time.
const ROOM: usize = 8_000_000;

/// A rule that reads, as far as it matters here.
pub struct Reader<'a> {
    pub rule: &'a Rule,
    pub position: u32,
    pub schedule: &'a Schedule,
}

/// What has to be the same for a part of two rules to have the same value at each tick: what it says in its normal form,
/// the ticks, and the samples that it may read. Those can differ only by what a rule between the two writes, so as many
/// possible writers are in front of both of them.
#[derive(PartialEq, Eq, Hash)]
struct Key {
    text: String,
    schedule: Schedule,
    writers_before: usize,
}

/// A part of a rule and its place there.
struct Site {
    rule: usize,
    span: Span,
    part: usize,
}

struct Part {
    /// Different parts or whole rules that hold it.
    readers: usize,
    /// Belongs to a rule that is evaluated tick by tick though this part need not be.
    stepping: bool,
}

struct Search<'a> {
    readers: &'a [Reader<'a>],
    writers: &'a Writers<'a>,
    /// The component of each rule.
    component: Vec<usize>,
    stepwise: Vec<bool>,
    numbers: HashMap<Key, usize>,
    parts: Vec<Part>,
    sites: Vec<Site>,
}

/// For each rule the parts that it shares with others. Of a rule that is evaluated tick by tick, those are among them that
/// do not take part in the circle: they are evaluated for many ticks at once.
pub fn shared_parts(readers: &[Reader<'_>], writers: &Writers<'_>, order: &[Component]) -> Vec<SharedParts> {
    let mut component = vec![0; readers.len()];
    let mut stepwise = vec![false; readers.len()];
    for (number, members) in order.iter().enumerate() {
        for rule in &members.rules {
            (component[*rule], stepwise[*rule]) = (number, members.stepwise);
        }
    }
    let (numbers, parts, sites) = (HashMap::new(), Vec::new(), Vec::new());
    let mut search = Search { readers, writers, component, stepwise, numbers, parts, sites };
    for (rule, reader) in readers.iter().enumerate() {
        if let Some(expr) = reader.rule.promql() {
            search.visit(rule, expr, search.stepwise[rule]);
        }
    }
    let room = Room::new(ROOM);
    let wanted = |part: &Part| (part.readers > 1 || part.stepping).then(|| Arc::new(Shared::new(&room)));
    let shared: Vec<Option<Arc<Shared>>> = search.parts.iter().map(wanted).collect();
    let mut found = vec![SharedParts::new(); readers.len()];
    for site in search.sites {
        if let Some(shared) = &shared[site.part] {
            found[site.rule].insert(site.span, shared.clone());
        }
    }
    found
}

impl Search<'_> {
    /// Notes a part and, the first time, what is below it. `stepping`: nothing above it is evaluated for many ticks.
    fn visit(&mut self, rule: usize, expr: &Expr, mut stepping: bool) {
        if let ExprKind::Paren(inner) = &expr.kind {
            return self.visit(rule, inner, stepping);
        }
        if let Some(key) = self.key(rule, expr) {
            let next = self.parts.len();
            let part = *self.numbers.entry(key).or_insert(next);
            if part == next {
                self.parts.push(Part { readers: 0, stepping: false });
            }
            self.sites.push(Site { rule, span: expr.span, part });
            let known = &mut self.parts[part];
            known.readers += 1;
            known.stepping |= std::mem::take(&mut stepping);
            if known.readers > 1 {
                return;
            }
        }
        // Inner queries run over other steps; `timestamp` looks at the samples of a selector, not at its value.
        let is_timestamp = matches!(&expr.kind, ExprKind::Call(call) if call.function.name.ends_with("timestamp"));
        if matches!(expr.kind, ExprKind::Subquery(_)) || is_timestamp {
            return;
        }
        for child in expr.children() {
            self.visit(rule, child, stepping);
        }
    }

    /// `None` where a part cannot be shared, or costs nothing.
    fn key(&self, rule: usize, expr: &Expr) -> Option<Key> {
        use crate::promql::ast::ValueType::{Scalar, Vector};
        let selectors: Vec<(&VectorSelector, Span)> = expr.selectors();
        if selectors.is_empty() || !matches!(expr.value_type(), Scalar | Vector) {
            return None;
        }
        let mut writers: Vec<usize> =
            selectors.iter().flat_map(|(selector, _)| self.writers.of(&selector.matchers)).collect();
        if self.stepwise[rule] && writers.iter().any(|writer| self.component[*writer] == self.component[rule]) {
            return None;
        }
        writers.sort_unstable();
        writers.dedup();
        let reader = &self.readers[rule];
        let before = |writer: &&usize| self.readers[**writer].position < reader.position;
        Some(Key {
            text: expr.clone().normalised().to_string(),
            schedule: *reader.schedule,
            writers_before: writers.iter().filter(before).count(),
        })
    }
}
