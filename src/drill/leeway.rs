//! What is asked of an alert on a day that is shaken. A time that is written as `at` says what the day was like, and moves with
//! it; a budget (`within`, `before`, `after`) and silence are asked as they are written.

use crate::replay::{AlertExpectation, Day, ExpectedState, Occurs, Window};
use crate::text::Span;
use crate::time::Duration;

/// How exactly an expectation is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leeway {
    /// Exact times may be off by so much, and what happens happens as often.
    Times(Duration),
    /// Whether it happens, and how often.
    Count,
    /// Whether it fires or does not.
    Verdict,
}

/// What is left of an expectation.
pub fn asked(expected: &AlertExpectation, day: &Day, leeway: Leeway) -> AlertExpectation {
    let ever = |place: Span| Window { from: day.start(), to: day.end(), words: "at some time".to_owned(), place };
    let widened = |occurs: &Option<Occurs>| {
        occurs.clone().map(|occurs| match (occurs, leeway) {
            (Occurs::Within(window), Leeway::Times(off)) if window.from == window.to => {
                Occurs::Within(Window { from: window.from - off, to: window.to + off, ..window })
            }
            (Occurs::Within(window), _) if window.from == window.to => Occurs::Within(ever(window.place)),
            (occurs, _) => occurs,
        })
    };
    let mut fires = widened(&expected.fires);
    let fired = expected.times.is_some_and(|times| times > 0)
        || expected.lasts.is_some()
        || expected.states.iter().any(|state| state.state == ExpectedState::Firing)
        || expected.firing.iter().any(|firing| !firing.alerts.is_empty());
    if fires.is_none() && fired {
        fires = Some(Occurs::Within(ever(expected.selector.span)));
    }
    if fires.is_none() && expected.times == Some(0) {
        fires = Some(Occurs::Never(expected.selector.span));
    }
    let timed = matches!(leeway, Leeway::Times(_));
    // How near silence came to an alert is a margin, not a verdict.
    let silent = matches!(fires, Some(Occurs::Never(_)));
    let active = widened(&expected.active).filter(|active| timed || !silent || matches!(active, Occurs::Never(_)));
    AlertExpectation {
        active,
        fires,
        resolves: widened(&expected.resolves).filter(|_| timed),
        times: expected.times.filter(|_| leeway != Leeway::Verdict),
        lasts: expected.lasts.filter(|_| leeway == Leeway::Verdict || timed),
        states: Vec::new(),
        firing: Vec::new(),
        ..expected.clone()
    }
}
