//! Events: when something happened, once or a thousand times, and the marks of each.

use super::document::{EventDoc, EveryDoc, PoissonDoc, RetryDoc};
use super::document_evidence::FileOr;
use super::names;
use super::provenance::Figure;
use super::random::Random;
use super::units::Rate;
use crate::text::{Diagnostic, Span};
use crate::time::{Duration, Timestamp};

/// How many events one generator may have; what happens more often is a rate.
pub const MAX_EVENTS: usize = 1_000_000;

/// The events of one name.
#[derive(Clone, Debug)]
pub struct Event {
    pub name: String,
    /// The moments of each mark, in order of time. Events that take time have `start`, `end`, `retry` and
    /// `success`, and their bare name means `start`; others have one unnamed mark.
    pub marks: Vec<(&'static str, Vec<Timestamp>)>,
    /// For a retry the wait after each attempt, parallel to `end`.
    pub waits: Vec<Duration>,
    /// All figures behind it: its own, and those of the spans and events that it follows from.
    pub figures: Vec<Figure>,
    pub place: Span,
}

impl Event {
    /// The moments of a mark; an empty mark is the event itself.
    ///
    /// # Errors
    /// A mark that it does not have.
    pub fn times(&self, mark: &str) -> Result<&[Timestamp], Diagnostic> {
        if let Some((_, times)) = self.marks.iter().find(|(name, _)| *name == mark) {
            return Ok(times);
        }
        if mark.is_empty() {
            return Ok(self.marks.first().map_or(&[], |(_, times)| times));
        }
        let name = &self.name;
        let known: Vec<&str> = self.marks.iter().map(|(name, _)| *name).filter(|name| !name.is_empty()).collect();
        let problem = Diagnostic::error(format!("unknown mark `{name}.{mark}`"));
        Err(if known.is_empty() {
            problem.help(format!("`{name}` has no marks but `{name}.first` and `{name}.last`"))
        } else {
            problem.help(names::hint(mark, &format!("the marks of `{name}` are"), known.iter().copied()))
        })
    }
}

/// The marks of one generator.
pub type Marks = Vec<(&'static str, Vec<Timestamp>)>;

pub fn too_many(name: &str) -> Diagnostic {
    Diagnostic::error(format!("`{name}` would be more than {MAX_EVENTS} events"))
        .help("count what happens that often with `counter` and a rate")
}

/// Which of the seven ways an event is written in.
pub fn only_kind(doc: &EventDoc) -> Result<&'static str, Diagnostic> {
    let kinds = [
        ("at", doc.at.is_some()),
        ("every", doc.every.is_some()),
        ("poisson", doc.poisson.is_some()),
        ("retry", doc.retry.is_some()),
        ("script", doc.script.is_some()),
        ("after", doc.after.is_some()),
        ("evidence", doc.evidence.is_some()),
    ];
    let mut written = kinds.into_iter().filter(|(_, written)| *written).map(|(kind, _)| kind);
    match (written.next(), written.next()) {
        (Some(kind), None) => {
            let derived = [doc.within.is_some(), doc.delay.is_some(), doc.nth.is_some(), doc.probability.is_some()];
            if kind != "after" && derived.contains(&true) {
                let problem = Diagnostic::error("`within`, `delay`, `nth` and `probability` go with `after`");
                return Err(match kind {
                    "every" | "poisson" => {
                        problem.help(format!("`{kind}` has its own: `{kind}: {{within: SPAN, ...}}`"))
                    }
                    _ => problem,
                });
            }
            Ok(kind)
        }
        (None, _) => Err(Diagnostic::error("an event that never happens")
            .help("write one of at, every, poisson, retry, script, after, evidence")),
        (Some(one), Some(two)) => {
            Err(Diagnostic::error(format!("an event both by `{one}` and by `{two}`")).help("give each its own name"))
        }
    }
}

/// Even distances in a stretch of time, each with up to `jitter` of delay.
pub fn every(
    name: &str,
    interval: Duration,
    jitter: Duration,
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<Timestamp>, Diagnostic> {
    if interval <= Duration::ZERO {
        return Err(Diagnostic::error("an interval of nothing").help("write a duration above 0s"));
    }
    if jitter < Duration::ZERO || jitter >= interval {
        return Err(Diagnostic::error(format!("a jitter of {jitter} with an interval of {interval}"))
            .help("the jitter is shorter than the interval, so that events stay in order"));
    }
    if (to - from).0 / interval.0 >= MAX_EVENTS as i64 {
        return Err(too_many(name));
    }
    let mut random = Random::named(&format!("event {name}"));
    let mut times = Vec::new();
    let mut at = from;
    while at < to {
        let later = if jitter > Duration::ZERO { (random.unit() * jitter.0 as f64) as i64 } else { 0 };
        times.push(at + Duration(later));
        at = at + interval;
    }
    times.retain(|time| *time < to);
    Ok(times)
}

/// Random events, independent of each other.
pub fn poisson(name: &str, rate: Rate, from: Timestamp, to: Timestamp) -> Result<Vec<Timestamp>, Diagnostic> {
    if rate.over(to - from) > MAX_EVENTS as f64 / 2.0 {
        return Err(too_many(name));
    }
    if rate.amount == 0.0 {
        return Ok(Vec::new());
    }
    let mean = rate.per.0 as f64 / rate.amount;
    let mut random = Random::named(&format!("event {name}"));
    let mut times = Vec::new();
    let mut after = 0.0;
    while times.len() < MAX_EVENTS {
        after += random.exponential() * mean;
        // What lies far behind the end would not fit into the number of milliseconds.
        if after >= (to - from).0 as f64 {
            break;
        }
        times.push(from + Duration(after as i64));
    }
    Ok(times)
}

/// Failing attempts in a stretch of time, and the waits between them.
pub fn retry(
    name: &str,
    takes: Duration,
    waits: &[Duration],
    from: Timestamp,
    to: Timestamp,
) -> Result<(Marks, Vec<Duration>), Diagnostic> {
    let Some(last) = waits.last() else {
        return Err(Diagnostic::error("`waits` is empty").help("write at least one wait, as in `[2s]`"));
    };
    let shortest = takes + waits.iter().copied().min().unwrap_or_default();
    if shortest <= Duration::ZERO {
        return Err(
            Diagnostic::error("attempts that take no time, without waits").help("let `takes` or the waits be above 0s")
        );
    }
    if (to - from).0 / shortest.0 >= MAX_EVENTS as i64 {
        return Err(too_many(name));
    }
    let (mut starts, mut ends, mut retries, mut waited) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut start = from;
    let mut next = waits.iter();
    // The attempt that the end of the span finds under way gets through then; one that finds it over, at once.
    while start < to && start + takes <= to {
        let wait = *next.next().unwrap_or(last);
        let end = start + takes;
        starts.push(start);
        ends.push(end);
        waited.push(wait);
        start = end + wait;
        retries.push(start);
    }
    let success = if from < to { vec![start.max(to)] } else { Vec::new() };
    Ok((vec![("start", starts), ("end", ends), ("retry", retries), ("success", success)], waited))
}

/// Steps after each of several moments.
pub fn script(name: &str, from: &[Timestamp], steps: &[Duration]) -> Result<Vec<Timestamp>, Diagnostic> {
    if from.len().saturating_mul(steps.len()) > MAX_EVENTS {
        return Err(too_many(name));
    }
    Ok(from.iter().flat_map(|from| steps.iter().map(|step| *from + *step)).collect())
}

/// What follows from other events: each `nth` of them, or by chance, some time later.
pub fn derived(name: &str, of: &[Timestamp], delay: Duration, nth: u64, probability: f64) -> Vec<Timestamp> {
    let mut random = Random::named(&format!("event {name}"));
    let nth = usize::try_from(nth.max(1)).unwrap_or(usize::MAX);
    of.iter()
        .skip(nth - 1)
        .step_by(nth)
        // Every one draws, so that a change of the probability keeps the others.
        .filter(|_| random.unit() < probability)
        .map(|time| *time + delay)
        .collect()
}

/// The names of spans and events that an event's document refers to, for its figures.
pub fn reference(doc: &EventDoc) -> Option<&str> {
    let EventDoc { every, poisson, retry, script, after, evidence, .. } = doc;
    if let Some(FileOr::Fields(evidence)) = evidence {
        let mark = evidence.first_at.as_ref().or(evidence.zero.as_ref()).or(evidence.at.as_ref())?;
        return mark.text.split(['.', ' ']).next();
    }
    let text = match (every, poisson, retry, script, after) {
        (Some(EveryDoc { within, .. }), ..) | (_, Some(PoissonDoc { within, .. }), ..) => within.as_ref(),
        (_, _, Some(RetryDoc { during, .. }), ..) => Some(during),
        (.., Some(script), _) => Some(&script.from),
        (.., after) => after.as_ref(),
    }?;
    text.text.split(['.', ' ']).next()
}

#[cfg(test)]
mod tests {
    use super::super::units::rate;
    use super::*;

    fn seconds(times: &[Timestamp]) -> Vec<f64> {
        times.iter().map(|time| time.seconds()).collect()
    }

    #[test]
    fn retries_wait_as_listed_and_the_last_wait_repeats() {
        let s = |x: i64| Duration(x * 1000);
        let (marks, waits) = retry("a", s(120), &[s(2), s(4)], Timestamp(0), Timestamp(600_000)).unwrap();
        // 0..120, wait 2, 122..242, wait 4, 246..366, wait 4, 370..490, wait 4; 494 is under way at 600.
        assert_eq!(seconds(&marks[0].1), [0.0, 122.0, 246.0, 370.0]);
        assert_eq!(seconds(&marks[1].1), [120.0, 242.0, 366.0, 490.0]);
        assert_eq!(seconds(&marks[2].1), [122.0, 246.0, 370.0, 494.0]);
        assert_eq!(seconds(&marks[3].1), [600.0]);
        assert_eq!(waits, [s(2), s(4), s(4), s(4)]);
    }

    #[test]
    fn an_attempt_that_waits_when_the_span_ends_succeeds_when_its_wait_is_over() {
        let s = |x: i64| Duration(x * 1000);
        let (marks, _) = retry("a", s(10), &[s(60)], Timestamp(0), Timestamp(30_000)).unwrap();
        assert_eq!(seconds(&marks[3].1), [70.0]);
    }

    #[test]
    fn jitter_stays_below_the_interval_and_in_the_span() {
        let times = every("a", Duration(1000), Duration(999), Timestamp(0), Timestamp(100_000)).unwrap();
        assert!(times.len() >= 99);
        for (n, time) in times.iter().enumerate() {
            assert!((n as i64 * 1000..n as i64 * 1000 + 999).contains(&time.0));
        }
        assert!(every("a", Duration(0), Duration(0), Timestamp(0), Timestamp(1)).is_err());
        assert!(every("a", Duration(1), Duration(0), Timestamp(0), Timestamp(i64::MAX)).is_err());
    }

    #[test]
    fn random_events_come_as_often_as_their_rate_says_and_always_the_same() {
        let day = Timestamp(86_400_000);
        let times = poisson("drops", rate("2400/d").unwrap(), Timestamp(0), day).unwrap();
        // The deviation of a Poisson count is its root: 49.
        assert!((2250..2550).contains(&times.len()), "{}", times.len());
        assert_eq!(times, poisson("drops", rate("2400/d").unwrap(), Timestamp(0), day).unwrap());
        assert!(poisson("a", rate("1000000/s").unwrap(), Timestamp(0), day).is_err());
    }

    #[test]
    fn derived_events_take_every_nth_later() {
        let of: Vec<Timestamp> = (1..=6).map(|n| Timestamp(n * 1000)).collect();
        assert_eq!(seconds(&derived("d", &of, Duration(500), 2, 1.0)), [2.5, 4.5, 6.5]);
        assert_eq!(derived("d", &of, Duration(0), 1, 0.0), []);
    }
}
