//! The day of a new replay: how long its parts are, what is scraped, and what each series does.

use std::collections::BTreeMap;

use super::leaf::{Facts, Leaf, Level, Phase};
use super::range::short;
use super::reverse::Reverse;
use super::sample;
use crate::labels::{Labels, METRIC_NAME};
use crate::number::format_f;
use crate::time::{Duration, Timestamp};

/// Ages up to this many seconds pass in any incident.
const PASSING: f64 = 43_200.0;

/// When things are.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    pub start: Timestamp,
    pub from: Timestamp,
    pub to: Timestamp,
    pub end: Timestamp,
    pub scrape: Duration,
    /// The alert fires at the latest so long after `from`.
    pub within: Duration,
}

/// What a target is.
#[derive(Clone, Debug)]
pub struct Target {
    pub name: String,
    pub labels: BTreeMap<String, String>,
    pub pushed: bool,
}

/// The parts of a replay, each line of them without its indent.
#[derive(Clone, Debug)]
pub struct Plan {
    pub times: Times,
    /// Ages up to so many seconds pass in the incident; longer ones are there at once.
    patience: f64,
    pub targets: Vec<Target>,
    pub metrics: Vec<String>,
    pub gaps: Vec<String>,
    /// Series that must not be there.
    pub absent: Vec<String>,
    /// Series that there are in the incident only: the control goes without them.
    pub born: Vec<String>,
    /// How long it takes from line to line of a stream in the incident.
    pub lines: Duration,
}

/// Why the values do not fit together.
#[derive(Clone, Debug)]
pub struct Unfit(pub String);

/// How long what the alert waits for takes.
#[derive(Clone, Copy, Debug)]
pub struct Waits {
    pub start: Timestamp,
    /// Windows, in seconds.
    pub window: f64,
    pub offset: f64,
    /// The narrowest window, in seconds.
    pub narrowest: f64,
    pub for_: Duration,
    pub interval: Option<Duration>,
}

impl Waits {
    /// From scrape to scrape: eight in the narrowest window, 30 s at most unless the day is long.
    pub fn scrape(&self) -> Duration {
        let most = if self.window + self.offset > 43_200.0 { 60.0 } else { 30.0 };
        let quarter = (self.narrowest / 8.0).min(most);
        let whole = [60.0, 30.0, 15.0, 10.0, 5.0, 2.0, 1.0].into_iter().find(|step| *step <= quarter);
        Duration((whole.unwrap_or(1.0) * 1000.0) as i64)
    }
}

/// Seconds up to whole steps of so many seconds.
fn up_to(seconds: f64, step: f64) -> Duration {
    Duration(((seconds / step).ceil() * step * 1000.0) as i64)
}

/// Lays out a day in which the series of `reverse` do what was found for them.
///
/// # Errors
/// Series that would need values that they cannot have.
pub fn plan(reverse: &Reverse<'_>, waits: Waits) -> Result<Plan, Unfit> {
    let mut leaves: Vec<Leaf> = reverse.leaves.clone();
    for leaf in &mut leaves {
        let [healthy, incident] = leaf.facts;
        leaf.facts = [healthy.or(incident), incident.or(healthy)];
    }
    let gone = |leaf: &Leaf| leaf.facts.iter().all(|facts| facts.is_gone());
    let absent = leaves.iter().filter(|leaf| gone(leaf)).map(series_name).collect();
    leaves.retain(|leaf| !gone(leaf));
    // A histogram has its sum and its count.
    let histograms: Vec<Leaf> = leaves.iter().filter(|leaf| leaf.is_histogram()).cloned().collect();
    leaves.retain(|leaf| {
        let stem = leaf.name.strip_suffix("_count").or(leaf.name.strip_suffix("_sum"));
        let made = |of: &Leaf| of.name.strip_suffix("_bucket") == stem && of.labels == leaf.labels;
        stem.is_none() || !histograms.iter().any(made)
    });
    let leaves = own_parts(leaves)?;
    let patience = PASSING.max(2.0 * waits.window);
    let ages = leaves.iter().filter_map(|leaf| passing(leaf, patience)).fold(0.0, f64::max);
    let mut targets = targets(&leaves);
    let unmarked = leaves.iter().any(|leaf| {
        let pushed = targets.iter().any(|target| target.pushed && belongs(leaf, target));
        pushed && leaf.facts.iter().any(|facts| facts.is_gone())
    });
    // A series without a stale marker is seen for the lookback.
    let window = waits.window + if unmarked { 300.0 } else { 0.0 };
    let times = times(waits, window + ages);
    let mut plan = Plan {
        times,
        patience,
        targets: Vec::new(),
        metrics: Vec::new(),
        gaps: Vec::new(),
        absent,
        born: Vec::new(),
        lines: Duration(10_000),
    };
    for leaf in &leaves {
        let Some(target) = targets.iter().find(|target| belongs(leaf, target)) else { continue };
        plan.leaf(leaf, target);
    }
    plan.targets.append(&mut targets);
    Ok(plan)
}

fn times(waits: Waits, window: f64) -> Times {
    let scrape = waits.scrape();
    let interval = waits.interval.unwrap_or(Duration::MINUTE);
    let lead = up_to((waits.window + waits.offset + 300.0).max(900.0), 300.0);
    let within = up_to(window + waits.for_.seconds() + 2.0 * interval.seconds() + 2.0 * scrape.seconds(), 60.0);
    let length = up_to(within.seconds() + 3.0 * interval.seconds() + 300.0, 300.0);
    let from = waits.start + lead;
    let to = from + length;
    Times { start: waits.start, from, to, end: to + Duration(900_000), scrape, within }
}

/// A sum over series of which some are asked for themselves: the others get the rest.
fn own_parts(mut leaves: Vec<Leaf>) -> Result<Vec<Leaf>, Unfit> {
    // Those with the most matchers are parts of the others.
    leaves.sort_by_key(|leaf| std::cmp::Reverse(leaf.matchers.len()));
    let mut own: Vec<Leaf> = Vec::new();
    for mut leaf in leaves {
        let parts: Vec<Leaf> =
            own.iter().filter(|part| part.name == leaf.name && part.meets(&leaf.matchers)).cloned().collect();
        if leaf.summed && !leaf.is_histogram() {
            let whole = leaf.facts;
            for phase in [Phase::Healthy, Phase::Incident] {
                let phase = phase as usize;
                for part in &parts {
                    let less = || Unfit(format!("{} would be less than {}", series_name(&leaf), series_name(part)));
                    leaf.facts[phase] = rest(leaf.facts[phase], part.facts[phase]).ok_or_else(less)?;
                }
            }
            let nothing = |facts: &Facts| {
                facts.growth.is_none_or(|growth| growth == 0.0)
                    && facts.level.is_none_or(|level| level == Level::Value(0.0))
            };
            if !parts.is_empty() && leaf.facts != whole && leaf.facts.iter().all(nothing) {
                continue;
            }
        }
        let name = leaf.name.clone();
        for part in own.iter().filter(|part| part.name == name) {
            tell_apart(&mut leaf, part);
        }
        if own.iter().any(|other| other.name == leaf.name && other.labels == leaf.labels) {
            return Err(Unfit(format!("two values for {}", series_name(&leaf))));
        }
        own.push(leaf);
    }
    Ok(own)
}

/// What is left of a sum without a part; `None` where that is less than nothing.
fn rest(whole: Facts, part: Facts) -> Option<Facts> {
    let minus = |whole: Option<f64>, part: Option<f64>| match (whole, part) {
        (Some(whole), Some(part)) if whole < part => None,
        (Some(whole), Some(part)) => Some(Some(whole - part)),
        (whole, _) => Some(whole),
    };
    let level = match (whole.level, part.level) {
        (Some(Level::Value(whole)), Some(Level::Value(part))) => minus(Some(whole), Some(part))?.map(Level::Value),
        (level, _) => level,
    };
    Some(Facts { level, growth: minus(whole.growth, part.growth)?, ..whole })
}

/// Where a part has a label by its matchers, the others of the metric have it too, with another value.
fn tell_apart(leaf: &mut Leaf, part: &Leaf) {
    for matcher in part.matchers.iter().filter(|matcher| part.labels.contains_key(&*matcher.name)) {
        if leaf.labels.contains_key(&*matcher.name) {
            continue;
        }
        let accepts =
            |value: &String| leaf.matchers.iter().filter(|m| m.name == matcher.name).all(|m| m.matches(value));
        if let Some(value) = sample::refused(matcher).into_iter().find(accepts) {
            leaf.labels.insert(matcher.name.to_string(), value);
        }
    }
}

/// What is scraped: a target for each `job` and `instance`. Where `up` does what a target by itself does not, samples are
/// pushed and `up` is one of them.
fn targets(leaves: &[Leaf]) -> Vec<Target> {
    let mut by_place: BTreeMap<(String, String), Vec<&Leaf>> = BTreeMap::new();
    for leaf in leaves {
        by_place.entry(place(leaf)).or_default().push(leaf);
    }
    let mut targets: Vec<Target> = Vec::new();
    for ((job, instance), leaves) in by_place {
        let ups: Vec<&&Leaf> = leaves.iter().filter(|leaf| leaf.name == "up").collect();
        let alone = leaves.len() == ups.len();
        let natural = match ups.as_slice() {
            [] => true,
            [up] => {
                let levels = up.facts.map(|facts| facts.level);
                let good = Some(Level::Value(1.0));
                let falls = matches!(levels[1], Some(Level::Gone)) || levels[1] == Some(Level::Value(0.0));
                let fits = |leaf: &&Leaf| {
                    up.labels.iter().all(|(label, value)| leaf.labels.get(label).is_none_or(|own| own == value))
                };
                levels[0] == good && (levels[1] == good || (falls && alone)) && leaves.iter().all(fits)
            }
            _ => false,
        };
        let mut labels = BTreeMap::from([("job".to_owned(), job.clone()), ("instance".to_owned(), instance)]);
        if let ([up], true) = (ups.as_slice(), natural) {
            labels = up.labels.clone();
        }
        let letters: String =
            job.chars().map(|c| if c.is_ascii_alphanumeric() || matches!(c, '_' | '-') { c } else { '-' }).collect();
        let letters = letters.trim_matches('-');
        let stem = if letters.starts_with(|c: char| c.is_ascii_alphabetic()) { letters } else { "target" };
        let same =
            targets.iter().filter(|target| target.name == stem || target.name.starts_with(&format!("{stem}-"))).count();
        let taken = matches!(stem, "start" | "end" | "else" | "first");
        let name = if same > 0 || taken { format!("{stem}-{}", same + 1) } else { stem.to_owned() };
        targets.push(Target { name, labels, pushed: !natural });
    }
    targets
}

fn place(leaf: &Leaf) -> (String, String) {
    let label = |name: &str| leaf.labels.get(name).cloned().unwrap_or_default();
    (label("job"), label("instance"))
}

fn belongs(leaf: &Leaf, target: &Target) -> bool {
    let label = |name: &str| target.labels.get(name).map_or("", String::as_str);
    place(leaf) == (label("job").to_owned(), label("instance").to_owned())
}

/// How many seconds have to pass until a time that no longer moves is old enough; `None` where that is not how it ages.
fn passing(leaf: &Leaf, patience: f64) -> Option<f64> {
    match leaf.facts.map(|facts| facts.level) {
        [Some(Level::Age(healthy)), Some(Level::Age(incident))]
            if incident > healthy && healthy >= 0.0 && incident <= patience =>
        {
            Some(incident)
        }
        _ => None,
    }
}

fn series_name(leaf: &Leaf) -> String {
    series_of(leaf, &BTreeMap::new())
}

/// The series without the labels of its target.
fn series_of(leaf: &Leaf, target: &BTreeMap<String, String>) -> String {
    let own = leaf.labels.iter().filter(|(label, value)| target.get(*label) != Some(value));
    let own = own.map(|(label, value)| (label.as_str(), value.as_str()));
    Labels::from_pairs(own.chain([(METRIC_NAME, leaf.name.as_str())])).as_metric()
}

impl Plan {
    fn leaf(&mut self, leaf: &Leaf, target: &Target) {
        let [healthy, incident] = leaf.facts;
        let series = match leaf.is_histogram() {
            true => series_of(
                &Leaf { name: leaf.name.trim_end_matches("_bucket").to_owned(), ..leaf.clone() },
                &target.labels,
            ),
            false => series_of(leaf, &target.labels),
        };
        if leaf.name == "up" && !target.pushed {
            let gap = match incident.level {
                Some(Level::Gone) => "vanished",
                Some(Level::Value(0.0)) => "down",
                _ => return,
            };
            self.gaps.push(format!("{{{gap}: {{target: {}}}, during: incident, assumed: \"made up\"}}", target.name));
            return;
        }
        let mut fields = format!("series: {}, target: {}", text(&series), target.name);
        match (healthy.is_gone(), incident.is_gone()) {
            (true, _) => {
                fields += ", born: incident.from";
                self.born.push(series.clone());
            }
            (_, true) => self.gaps.push(format!(
                "{{vanished: {{target: {}, series: {}}}, during: incident, assumed: \"made up\"}}",
                target.name,
                text(&series)
            )),
            _ => {}
        }
        let (kind, changes) = self.values(leaf);
        let why = if changes { "crosses the threshold in the incident" } else { "the same all the time" };
        self.metrics.push(format!("{{{fields}, {kind}, assumed: \"{why}\"}}"));
    }

    /// The generator of a series, and whether it does something else in the incident.
    fn values(&self, leaf: &Leaf) -> (String, bool) {
        let there =
            |facts: Facts, other: Facts| if facts.is_gone() { Facts { level: other.level, ..other } } else { facts };
        let [healthy, incident] = leaf.facts;
        let (healthy, incident) = (there(healthy, incident), there(incident, healthy));
        let by_span = |healthy: String, incident: String| match healthy == incident {
            true => (healthy, false),
            false => (format!("{{else: {healthy}, incident: {incident}}}"), true),
        };
        let level = |facts: Facts| match facts.level {
            Some(Level::Value(value)) => value,
            _ => 1.0,
        };
        if let (Some(before), Some(after)) = (healthy.observed, incident.observed) {
            return self.histogram(before, after);
        }
        if [healthy, incident].iter().any(|facts| facts.slope.is_some_and(|slope| slope != 0.0)) {
            let (before, after) = (healthy.slope.unwrap_or(0.0), incident.slope.unwrap_or(0.0));
            let flow = |slope: f64| rate(slope.max(0.0), None);
            let (inflow, _) = by_span(flow(before), flow(after));
            let (out, _) = by_span(flow(-before), flow(-after));
            let known = matches!(incident.level, Some(Level::Value(value)) if value > 0.0);
            // Room to fall.
            let room = 10.0 * (self.times.end - self.times.start).seconds() * before.abs().max(after.abs());
            let starts = if known { level(incident) } else { short(room.max(1000.0)) };
            let kind = format!("backlog: {{in: {inflow}, out: {out}}}, starts: {}, fractions: true", format_f(starts));
            return (kind, before != after);
        }
        let levelled = matches!(incident.level, Some(Level::Value(_)));
        if let (Some(before), Some(after)) = (healthy.growth, incident.growth)
            && !(before == 0.0 && after == 0.0 && levelled)
        {
            let least = [before, after].into_iter().filter(|rate| *rate > 0.0).fold(f64::INFINITY, f64::min);
            // Fewer than this many in a window, and whole numbers are too coarse for the threshold.
            let window = leaf.per.map_or(300.0, Duration::seconds);
            let fine = least * window < 20.0 && least * self.times.scrape.seconds() < 20.0;
            let per = leaf.per.filter(|per| per.0 > 0);
            let (rates, changes) = by_span(rate(before, per), rate(after, per));
            let mut more = if fine && !leaf.whole { ", fractions: true" } else { "" }.to_owned();
            if levelled && level(incident) > 0.0 {
                more += &format!(", starts: {}", format_f(short(level(incident))));
            }
            return (format!("counter: {rates}{more}"), changes);
        }
        match (healthy.level, incident.level) {
            (Some(Level::Age(before)), Some(Level::Age(_))) if passing(leaf, self.patience).is_some() => {
                let starts = format_f((self.times.start.seconds() - before).floor());
                (format!("counter: {{else: 1/s, incident: 0/s}}, starts: {starts}"), true)
            }
            (Some(Level::Age(before)), Some(Level::Age(after))) => {
                let at = |now: Timestamp, age: f64| format_f((now.seconds() - age).round());
                let (times, changes) = if before == after {
                    by_span(at(self.times.from, before), at(self.times.from, after))
                } else {
                    by_span(at(self.times.start, before), at(self.times.from, after))
                };
                (format!("gauge: {times}"), changes)
            }
            _ => {
                let (values, changes) = by_span(format_f(short(level(healthy))), format_f(short(level(incident))));
                (format!("gauge: {values}"), changes || leaf.facts.iter().any(|facts| facts.is_gone()))
            }
        }
    }

    /// Buckets whose bounds lie just around the observations, and around their halves and doubles, so that a quantile comes out
    /// near them.
    fn histogram(&self, before: f64, after: f64) -> (String, bool) {
        let around = |value: f64| [0.5, 1.0, 2.0].map(|factor| [short(0.9 * factor * value), factor * value]);
        let mut bounds: Vec<f64> = [before, after].into_iter().flat_map(around).flatten().collect();
        bounds.sort_by(f64::total_cmp);
        bounds.dedup();
        let bounds: Vec<String> = bounds.into_iter().map(format_f).collect();
        let constant = |value: f64| format!("constant({})", format_f(value));
        let samples = match before == after {
            true => constant(before),
            false => format!("{{else: {}, incident: {}}}", constant(before), constant(after)),
        };
        let kind = format!("histogram: {{buckets: [{}], rate: 10/s, samples: {samples}}}", bounds.join(", "));
        (kind, before != after)
    }
}

/// A text in single quotes.
pub fn text(plain: &str) -> String {
    match plain.chars().all(|c| !c.is_control()) {
        true => format!("'{}'", plain.replace('\'', "''")),
        false => crate::syntax::strings::quoted(plain),
    }
}

/// A rate in units that make it short: per second, or over the window that asks for it, else per hour or day.
fn rate(per_second: f64, window: Option<Duration>) -> String {
    if per_second == 0.0 {
        return "0/s".to_owned();
    }
    let units = [
        (window.map_or(1.0, Duration::seconds), window.map_or("s".to_owned(), |window| window.to_string())),
        (1.0, "s".to_owned()),
        (60.0, "m".to_owned()),
        (3600.0, "h".to_owned()),
        (86_400.0, "d".to_owned()),
    ];
    let (amount, unit) = units
        .iter()
        .map(|(seconds, unit)| (short(per_second * seconds), unit))
        .find(|(amount, _)| *amount >= 0.01)
        .unwrap_or((per_second * 86_400.0, &units[4].1));
    format!("{}/{unit}", format_f(amount))
}
