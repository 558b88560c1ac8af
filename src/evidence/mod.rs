//! What explains a result: the conditions of a rule and how near values came to them, series that are missing and those
//! that are there instead, values and states tick by tick. For drills and unit tests alike.

mod condition;
mod log_traps;
mod missing;
mod operand;
mod selectors;
mod sightings;
mod streams;
mod timeline;
mod unconverted;
mod unfiltered;
mod unmade;

use crate::text::{Located, Source, Span};

pub use condition::{Condition, Nearness, alternatives, conditions};
pub use log_traps::{Sighting, Trap, TrapKind, log_traps};
pub use missing::{Missing, instead, missing, no_value, waits_for_a_rule};
pub use operand::{agrees, compared, distinguishing, operands, written};
pub use selectors::{missing_selector, streams_near, unmet_selector};
pub use sightings::{Seen, agreed};
pub use streams::{could_speak_of, missing_stream, no_entry, no_stream, unmet_stream};
pub use timeline::{AlertState, Row, Timeline};
pub use unfiltered::unfiltered;

/// A place in a file.
#[derive(Clone, Debug)]
pub struct Place {
    pub source: Source,
    pub span: Span,
}

impl Place {
    /// A whole value of a file.
    pub fn of(value: &Located) -> Place {
        Place { source: value.source.clone(), span: value.span }
    }

    /// A part of a value.
    pub fn within(value: &Located, part: Span) -> Place {
        Place { source: value.source.clone(), span: value.file_span(part) }
    }
}

/// Something that speaks for or against a result, with its place if it has one.
#[derive(Clone, Debug)]
pub struct Reason {
    pub place: Option<Place>,
    pub text: String,
}
