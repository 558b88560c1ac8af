//! Does what the alerts did meet what was expected of them? Decides; `explain` says why.

use crate::evidence::AlertState;
use crate::replay::{AlertExpectation, ExpectedState, FiringAlert, FiringAt, Occurs, StateAt, Window};
use crate::text::Span;
use crate::time::{Duration, Timestamp};

use super::verdict::Life;

/// A part of an expectation that is not met, and the place that asks for it.
#[derive(Clone, Debug, PartialEq)]
pub enum Shortfall {
    /// It became active outside of the window, or not at all.
    Active(Window),
    Fires(Window),
    Resolves(Window),
    /// It became active, fired or resolved, and never should.
    Occurred(Event, Span),
    /// It fired another number of times.
    Times {
        wanted: usize,
        found: usize,
    },
    /// The longest firing was shorter.
    Lasts {
        wanted: Duration,
        found: Duration,
    },
    /// Other alerts fire at a time.
    Firing {
        at: Timestamp,
        missing: Vec<FiringAlert>,
        unwanted: Vec<FiringAlert>,
    },
    /// Another state at a time.
    State {
        at: Timestamp,
        wanted: AlertState,
        found: AlertState,
        place: Span,
    },
}

/// What happens to an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    Active,
    Fires,
    Resolves,
}

/// What is not met, and the life that was judged: the one that comes nearest, since one and the same instance has to
/// meet all windows. `end` is the last moment of the replay.
pub fn shortfalls<'a>(
    expected: &AlertExpectation,
    lives: &'a [Life],
    end: Timestamp,
) -> (Vec<Shortfall>, Option<&'a Life>) {
    let parts: [(Event, &Option<Occurs>); 3] =
        [(Event::Active, &expected.active), (Event::Fires, &expected.fires), (Event::Resolves, &expected.resolves)];
    let windows = || {
        parts.iter().filter_map(|(event, occurs)| match occurs {
            Some(Occurs::Within(window)) => Some((*event, window)),
            _ => None,
        })
    };
    let nearest = lives.iter().min_by_key(|life| {
        let off = windows().map(|(event, window)| distance(window, time(life, event)));
        off.fold((0, Duration::ZERO), |(missed, sum), off| (missed + usize::from(off > Duration::ZERO), sum + off))
    });
    let mut found: Vec<Shortfall> = windows()
        .filter(|(event, window)| distance(window, nearest.and_then(|life| time(life, *event))) > Duration::ZERO)
        .map(|(event, window)| match event {
            Event::Active => Shortfall::Active(window.clone()),
            Event::Fires => Shortfall::Fires(window.clone()),
            Event::Resolves => Shortfall::Resolves(window.clone()),
        })
        .collect();
    let mut judged = nearest;
    for (event, occurs) in parts {
        let Some(Occurs::Never(place)) = occurs else { continue };
        if let Some(life) = lives.iter().find(|life| time(life, event).is_some()) {
            found.push(Shortfall::Occurred(event, *place));
            judged = Some(life);
        }
    }
    let fired = lives.iter().filter(|life| life.fired.is_some()).count();
    if let Some(times) = expected.times.filter(|times| *times as usize != fired) {
        found.push(Shortfall::Times { wanted: times as usize, found: fired });
    }
    if let Some(wanted) = expected.lasts {
        let lasted = lives.iter().filter_map(|life| Some(life.ended.unwrap_or(end) - life.fired?)).max();
        let lasted = lasted.unwrap_or_default();
        if lasted < wanted {
            found.push(Shortfall::Lasts { wanted, found: lasted });
        }
    }
    for StateAt { at, state, place } in &expected.states {
        let wanted = match state {
            ExpectedState::Inactive => AlertState::Inactive,
            ExpectedState::Pending => AlertState::Pending,
            ExpectedState::Firing => AlertState::Firing,
        };
        let state = lives.iter().map(|life| life.state(*at)).max().unwrap_or_default();
        if state != wanted {
            found.push(Shortfall::State { at: *at, wanted, found: state, place: *place });
        }
    }
    (found, judged)
}

/// What fires at a time and should not, and what should and does not; nothing where both are alike. `found` says its
/// annotations.
pub fn firing_shortfall(expected: &FiringAt, found: Vec<FiringAlert>) -> Option<Shortfall> {
    let same = |a: &FiringAlert, b: &FiringAlert| {
        a.labels == b.labels && (a.annotations.is_none() || a.annotations == b.annotations)
    };
    let mut unwanted = found;
    let mut missing = expected.alerts.clone();
    missing.retain(|alert| match unwanted.iter().position(|other| same(alert, other)) {
        Some(at) => {
            unwanted.remove(at);
            false
        }
        None => true,
    });
    let differs = !missing.is_empty() || !unwanted.is_empty();
    differs.then_some(Shortfall::Firing { at: expected.at, missing, unwanted })
}

fn time(life: &Life, event: Event) -> Option<Timestamp> {
    match event {
        Event::Active => Some(life.active),
        Event::Fires => life.fired,
        Event::Resolves => life.resolved(),
    }
}

/// How far a time is from a window; for ever where it never came.
fn distance(window: &Window, time: Option<Timestamp>) -> Duration {
    match time {
        None => Duration(i64::MAX / 4),
        Some(time) if time < window.from => window.from - time,
        Some(time) if time > window.to => time - window.to,
        Some(_) => Duration::ZERO,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::labels::Labels;
    use crate::replay::Text;

    fn life(active: i64, fired: Option<i64>, ended: Option<i64>) -> Life {
        Life {
            labels: Labels::empty(),
            active: Timestamp(active),
            fired: fired.map(Timestamp),
            ended: ended.map(Timestamp),
        }
    }

    fn within(from: i64, to: i64) -> Option<Occurs> {
        let (from, to) = (Timestamp(from), Timestamp(to));
        Some(Occurs::Within(Window { from, to, words: String::new(), place: Span::default() }))
    }

    fn judge(change: impl FnOnce(&mut AlertExpectation), lives: &[Life]) -> usize {
        let mut expected = AlertExpectation {
            alertname: "X".to_owned(),
            matchers: Vec::new(),
            selector: Text { text: "X".to_owned(), span: Span::default(), plain: true },
            active: None,
            fires: None,
            resolves: None,
            times: None,
            lasts: None,
            states: Vec::new(),
            firing: Vec::new(),
            blind: None,
        };
        change(&mut expected);
        shortfalls(&expected, lives, Timestamp(100)).0.len()
    }

    #[test]
    fn one_instance_has_to_meet_all_windows() {
        let lives = [life(10, Some(20), Some(30)), life(50, Some(60), None)];
        let all = |e: &mut AlertExpectation| {
            (e.active, e.fires, e.resolves, e.times) = (within(10, 10), within(15, 25), within(0, 40), Some(2));
        };
        assert_eq!(judge(all, &lives), 0);
        assert_eq!(judge(|e| (e.active, e.fires) = (within(10, 10), within(55, 65)), &lives), 1);
    }

    #[test]
    fn what_never_happened_is_a_shortfall() {
        assert_eq!(judge(|e| e.fires = within(0, 100), &[]), 1);
        assert_eq!(judge(|e| e.fires = within(0, 100), &[life(5, None, Some(6))]), 1);
        assert_eq!(judge(|e| e.resolves = within(0, 100), &[life(5, Some(6), None)]), 1);
    }

    #[test]
    fn what_should_never_happen_is_one_when_it_does() {
        let never = |e: &mut AlertExpectation| e.fires = Some(Occurs::Never(Span::default()));
        assert_eq!(judge(never, &[life(5, None, Some(6))]), 0);
        assert_eq!(judge(never, &[life(5, Some(6), None)]), 1);
    }

    #[test]
    fn times_counts_firings_and_lasts_the_longest_of_them() {
        let lives = [life(1, None, Some(2)), life(5, Some(6), Some(10)), life(20, Some(30), None)];
        assert_eq!(judge(|e| e.times = Some(2), &lives), 0);
        assert_eq!(judge(|e| e.times = Some(3), &lives), 1);
        assert_eq!(judge(|e| e.lasts = Some(Duration(70)), &lives), 0);
        assert_eq!(judge(|e| e.lasts = Some(Duration(71)), &lives), 1);
    }

    #[test]
    fn what_fires_is_compared_one_by_one() {
        let alert = |name: &str, text: Option<&str>| FiringAlert {
            labels: Labels::from_pairs([("alertname", name)]),
            annotations: text.map(|text| vec![("summary".to_owned(), text.to_owned())]),
        };
        let judge = |wanted: &[FiringAlert], found: &[FiringAlert]| {
            let expected = FiringAt { at: Timestamp(0), alerts: wanted.to_vec(), place: Span::default() };
            match firing_shortfall(&expected, found.to_vec()) {
                Some(Shortfall::Firing { missing, unwanted, .. }) => (missing.len(), unwanted.len()),
                _ => (0, 0),
            }
        };
        let (a, b) = (alert("A", Some("a")), alert("B", Some("b")));
        assert_eq!(judge(&[], &[]), (0, 0));
        assert_eq!(judge(&[b.clone(), a.clone()], &[a.clone(), b.clone()]), (0, 0));
        let one = [a.clone()];
        assert_eq!(judge(&[alert("A", None)], &one), (0, 0));
        assert_eq!(judge(&[alert("A", Some("other"))], &one), (1, 1));
        assert_eq!(judge(&[], &one), (0, 1));
        // Two rules may fire alike.
        assert_eq!(judge(&[a.clone(), a], &one), (1, 0));
    }

    #[test]
    fn states_are_asked_at_their_time() {
        let lives = [life(5, Some(6), Some(10))];
        let at = |at, state| StateAt { at: Timestamp(at), state, place: Span::default() };
        let right = vec![
            at(4, ExpectedState::Inactive),
            at(5, ExpectedState::Pending),
            at(6, ExpectedState::Firing),
            at(10, ExpectedState::Inactive),
        ];
        assert_eq!(judge(|e| e.states = right, &lives), 0);
        assert_eq!(judge(|e| e.states = vec![at(6, ExpectedState::Pending)], &lives), 1);
    }
}
