//! The samples that a plan has extracted, for those who look at what a query reads.

use super::{Node, Plan};
use crate::labels::Labels;
use crate::text::Span;

/// The samples of one series of a range aggregation, in order of time.
#[derive(Clone, Copy, Debug)]
pub struct RangeSamples<'a> {
    /// With the error of its entries, if they have one.
    pub labels: &'a Labels,
    pub values: &'a [f64],
    /// The range aggregation.
    pub span: Span,
}

impl Plan {
    /// The samples of all ranges, in the order written.
    pub fn samples(&self) -> Vec<RangeSamples<'_>> {
        let mut found = Vec::new();
        self.root.samples(&mut found);
        found
    }
}

impl Node {
    fn samples<'a>(&'a self, found: &mut Vec<RangeSamples<'a>>) {
        match self {
            Node::Constant(_) => {}
            Node::Ranges(ranges) => found.extend(ranges.samples()),
            Node::Aggregation(aggregation) => aggregation.input.samples(found),
            Node::WithLiteral(operation) => operation.input.samples(found),
            Node::Operation(operation) => {
                operation.lhs.samples(found);
                operation.rhs.samples(found);
            }
            Node::Relabel(relabel) => relabel.input.samples(found),
        }
    }
}
