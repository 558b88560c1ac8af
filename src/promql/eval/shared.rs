//! Parts that several queries have in common: what one of them has evaluated, the others take over.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::annotation::Annotation;
use super::run::{Node, Run, State};
use crate::engine::{EvalError, Matrix, Mode, Step};
use crate::promql::ast::{Expr, ExprKind};
use crate::text::Span;

/// The parts of an expression that are shared, by their places in it.
pub type SharedParts = HashMap<Span, Arc<Shared>>;

/// A part of several queries. Whoever makes it vouches for what cannot be seen here: that all of them ask for the same
/// ticks of one store, and that at each of them the samples that the part may read are the same for all, whatever the
/// positions of the readers.
pub struct Shared {
    plan: Mutex<Plan>,
    room: Room,
}

/// How many values all shared parts of an evaluation may keep together.
#[derive(Clone)]
pub struct Room(Arc<AtomicUsize>);

/// A part of the room, given back when it is dropped.
struct Claim {
    room: Room,
    values: usize,
}

impl Room {
    pub fn new(values: usize) -> Room {
        Room(Arc::new(AtomicUsize::new(values)))
    }

    fn claim(&self, values: usize) -> Option<Claim> {
        let less = |left: usize| left.checked_sub(values);
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).ok()?;
        Some(Claim { room: self.clone(), values })
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.room.0.fetch_add(self.values, Ordering::Relaxed);
    }
}

#[derive(Default)]
struct Plan {
    /// `None` until the first reader has compiled it.
    node: Option<Node>,
    /// Where the parts of that reader's expression stand, as [`places`] lists them.
    places: Arc<[Span]>,
    readers: usize,
    kept: Option<Kept>,
    /// The first step of a block that could not be evaluated as a whole.
    narrow: Option<Step>,
}

/// What was found for some steps.
struct Kept {
    steps: Vec<Step>,
    matrix: Matrix,
    annotations: Vec<Annotation>,
    /// The most values that were held on the way.
    peak: usize,
    /// Steps that are still to be handed out, those of all readers together.
    left: usize,
    /// `None` where there was no room: it is gone as soon as its steps have been asked for once.
    claim: Option<Claim>,
}

/// A reader's place in a shared part.
pub struct Reader {
    shared: Arc<Shared>,
    places: Arc<[Span]>,
}

impl Shared {
    pub fn new(room: &Room) -> Shared {
        Shared { plan: Mutex::default(), room: room.clone() }
    }

    fn plan(&self) -> MutexGuard<'_, Plan> {
        // A plan is as good after a panic as before: what it keeps is put there last.
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One more reader, whose own notation of the part is `expr`; the first one compiles it.
    pub fn join<E>(self: &Arc<Shared>, expr: &Expr, compile: impl FnOnce() -> Result<Node, E>) -> Result<Reader, E> {
        let places: Arc<[Span]> = places(expr).into();
        let mut plan = self.plan();
        if plan.node.is_none() {
            plan.node = Some(compile()?);
            plan.places = places.clone();
        }
        plan.readers += 1;
        Ok(Reader { shared: self.clone(), places })
    }
}

/// The places of all parts of an expression: the same number for expressions of one normal form, in the same order.
fn places(expr: &Expr) -> Vec<Span> {
    let mut places = Vec::new();
    expr.walk(&mut |expr| {
        places.push(expr.span);
        places.push(match &expr.kind {
            ExprKind::Binary(binary) => binary.op_span,
            ExprKind::Call(call) => call.name_span,
            ExprKind::Range(range) => range.selector_span,
            _ => expr.span,
        });
    });
    places
}

impl Kept {
    /// Where the steps asked for begin among these, if all of them are there.
    fn find(&self, steps: &[Step]) -> Option<usize> {
        let first = steps.first()?;
        let from = self.steps.partition_point(|step| step.frontier.at < first.frontier.at);
        let known = self.steps.get(from..from + steps.len())?;
        let same = |(a, b): (&Step, &Step)| a.time == b.time && a.frontier.at == b.frontier.at;
        known.iter().zip(steps).all(same).then_some(from)
    }
}

impl Reader {
    /// The part at the steps of the run. If nobody has evaluated it yet, it is evaluated for the whole block of them.
    pub fn eval(&mut self, run: &Run<'_>, state: &mut State) -> Result<Matrix, EvalError> {
        debug_assert_eq!(run.mode, Mode::Instants, "subqueries share nothing");
        let mut plan = self.shared.plan();
        let found = plan.find(&self.shared.room, run, state);
        let (mut kept, from) = found.map_err(|error| self.translated(&plan, error))?;
        if let Err(error) = state.reserve_each(kept.peak, self.place()) {
            plan.kept = Some(kept);
            return Err(error);
        }
        for annotation in &kept.annotations {
            let span = self.translate(&plan, annotation.span);
            state.annotate(annotation.level, span, annotation.message.clone());
        }
        kept.left = kept.left.saturating_sub(run.steps.len());
        let stepping = run.block.len() > run.steps.len();
        let goes_on = kept.left > 0 && (stepping || kept.claim.is_some());
        let mut matrix = if kept.steps.len() > run.steps.len() {
            kept.matrix.rows(from, run.steps.len())
        } else if goes_on {
            kept.matrix.clone()
        } else {
            std::mem::take(&mut kept.matrix)
        };
        if goes_on {
            plan.kept = Some(kept);
        }
        for error in matrix.errors.values_mut() {
            error.span = self.translate(&plan, error.span);
        }
        Ok(matrix)
    }

    /// The place of the whole part.
    fn place(&self) -> Span {
        self.places.first().copied().unwrap_or_default()
    }

    /// The place in this reader's expression of what stands at a place in that of the first.
    fn translate(&self, plan: &Plan, span: Span) -> Span {
        let at = plan.places.iter().position(|place| *place == span);
        at.and_then(|at| self.places.get(at)).copied().unwrap_or(span)
    }

    fn translated(&self, plan: &Plan, error: EvalError) -> EvalError {
        EvalError { span: self.translate(plan, error.span), ..error }
    }
}

impl Plan {
    /// What is known of the steps of a run, and where they begin in it.
    fn find(&mut self, room: &Room, run: &Run<'_>, state: &State) -> Result<(Kept, usize), EvalError> {
        if let Some(kept) = self.kept.take()
            && let Some(from) = kept.find(run.steps)
        {
            return Ok((kept, from));
        }
        let (first, stepping) = (run.block.first().copied(), run.block.len() > run.steps.len());
        if stepping && self.narrow != first {
            // All together may exceed limits that each step respects.
            match self.fill(run.block, room, run, state) {
                Ok(kept) => {
                    if let Some(from) = kept.find(run.steps) {
                        return Ok((kept, from));
                    }
                }
                Err(_) => self.narrow = first,
            }
        }
        Ok((self.fill(run.steps, room, run, state)?, 0))
    }

    /// Evaluates the part for some steps, as if nothing else were held.
    fn fill(&mut self, steps: &[Step], room: &Room, run: &Run<'_>, state: &State) -> Result<Kept, EvalError> {
        let mut own = state.apart(steps.len());
        let matrix = match &mut self.node {
            Some(node) => node.eval(&Run { steps, block: steps, ..*run }, &mut own)?,
            None => Matrix::default(),
        };
        let (peak, annotations) = (own.peak(), own.annotations);
        let left = self.readers.saturating_mul(steps.len());
        let claim = room.claim(matrix.cells());
        Ok(Kept { steps: steps.to_vec(), matrix, annotations, peak, left, claim })
    }
}
