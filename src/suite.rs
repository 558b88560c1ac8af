//! Everything that `firedrill test` runs: days of replays and groups of unit test files, read, selected, and run in
//! parallel.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::NaiveDate;
use rayon::prelude::*;
use regex::Regex;

use crate::config::Config;
use crate::drill::causes::{self, CauseTable};
use crate::drill::discover::Found;
use crate::drill::shake::Shaken;
use crate::drill::verdict::{Drill, Verdict};
use crate::drill::{self, Incident};
use crate::evidence;
use crate::promql::eval::Profile;
use crate::replay::{Accept, Day, Limits};
use crate::rules::ReadOptions;
use crate::text::Diagnostic;
use crate::unit_test::{self, GroupResult, RuleFiles, Rules, TestFile, TestGroup};

/// What was read.
#[derive(Debug, Default)]
pub struct Suite {
    incidents: Vec<Incident>,
    tests: Vec<(TestFile, Rules)>,
    /// Files that cannot be used; the others are run all the same.
    pub problems: Vec<Diagnostic>,
}

/// What of it is run, and how.
#[derive(Clone, Debug)]
pub struct Selection {
    /// Only drills and test groups whose name one of them matches; without any, all.
    pub run: Vec<Regex>,
    /// Only one of so many parts: (k, n), k from 1.
    pub shard: Option<(usize, usize)>,
    /// Start nothing more when something has fallen short.
    pub fail_fast: bool,
    pub limits: Limits,
    /// The day by which `skip` is judged, in UTC.
    pub today: NaiveDate,
    /// The engine for unit tests.
    pub profile: Profile,
    /// Whether what unit tests are warned of is a failure.
    pub strict: bool,
}

/// What came out.
#[derive(Debug, Default)]
pub struct Outcome {
    pub drills: Vec<Drill>,
    /// In the order of the files, then of their groups.
    pub groups: Vec<GroupResult>,
    /// Selected and not started, since something had fallen short.
    pub left_out: Vec<LeftOut>,
    /// Left out for a while, as their replays say.
    pub skipped: Vec<Skipped>,
    /// The time for which drills were to be left out is over.
    pub expired: Vec<Diagnostic>,
    /// What became of the drills that were shaken, in their order.
    pub shaken: Vec<Shaken>,
    /// Drills that were not shaken, since they fall short as they are; nothing where no drill was to be shaken.
    pub unshaken: Vec<(String, Verdict)>,
    /// What runbooks say on the days that ask them.
    pub triage: Vec<CauseTable>,
    /// What documents of incidents say, and their rules and replays do not.
    pub drift: Vec<Diagnostic>,
    /// What is odd about LogQL, on the lines that it reads.
    pub log_traps: Vec<Diagnostic>,
    /// What counts against the run beside its verdicts, since it is to be strict.
    pub held_against: Vec<Diagnostic>,
    /// What in the input cannot be used.
    pub problems: Vec<Diagnostic>,
}

/// A drill that its replay leaves out.
#[derive(Debug)]
pub struct Skipped {
    pub file: String,
    pub name: String,
    pub reason: String,
    /// The last day of it.
    pub until: NaiveDate,
}

/// A drill or test group that was not started.
#[derive(Debug)]
pub struct LeftOut {
    pub file: String,
    pub name: String,
}

/// One thing that can be run by itself.
#[derive(Clone, Copy)]
enum Unit<'a> {
    Drill(&'a Incident, &'a Arc<Day>),
    Group(&'a TestFile, &'a TestGroup, &'a Rules),
}

enum Ran {
    Drill(Result<Box<Drill>, Vec<Diagnostic>>),
    Group(GroupResult),
}

impl Suite {
    /// Reads all files that were found, and the rules that they name.
    ///
    /// `options` says how the rule files of unit tests are read.
    pub fn read(found: &Found, config: &Config, options: ReadOptions) -> Suite {
        let mut suite = Suite::default();
        let loaded: Vec<_> = found.replays.par_iter().map(|path| drill::load_readable(path, config)).collect();
        for incident in loaded {
            match incident {
                Ok(incident) => {
                    suite.problems.extend(incident.broken.iter().flat_map(|file| file.problems.clone()));
                    suite.incidents.push(incident);
                }
                Err(problems) => suite.problems.extend(problems),
            }
        }
        drill::tell_apart(&mut suite.incidents);
        let rule_files = RuleFiles::new(config, options);
        let read = |path: &PathBuf| {
            let source = config.read_file(path).map_err(|problem| vec![problem])?;
            let file = unit_test::read(&source)?;
            let rules = rule_files.rules(&file)?;
            Ok((file, rules))
        };
        let loaded: Vec<Result<_, Vec<Diagnostic>>> = found.unit_tests.par_iter().map(read).collect();
        for test in loaded {
            match test {
                Ok(test) => suite.tests.push(test),
                Err(problems) => suite.problems.extend(problems),
            }
        }
        suite
    }

    /// What is odd about the files and no error.
    pub fn warnings(&self) -> impl Iterator<Item = &Diagnostic> {
        let of_tests = self.tests.iter().flat_map(|(_, rules)| &rules.warnings);
        self.incidents.iter().flat_map(|incident| &incident.warnings).chain(of_tests)
    }

    /// What is odd about the rules of unit tests; strict tests do not fail for it.
    pub fn remarks(&self) -> impl Iterator<Item = &Diagnostic> {
        self.tests.iter().flat_map(|(_, rules)| &rules.remarks)
    }

    /// The names of everything that could be run, for messages.
    pub fn names(&self) -> Vec<String> {
        self.units().map(|unit| unit.name()).collect()
    }

    fn units(&self) -> impl Iterator<Item = Unit<'_>> {
        let drills =
            self.incidents.iter().flat_map(|incident| incident.days().map(move |day| Unit::Drill(incident, day)));
        let groups = self
            .tests
            .iter()
            .flat_map(|(file, rules)| file.groups.iter().map(move |group| Unit::Group(file, group, rules)));
        drills.chain(groups)
    }

    fn selected(&self, selection: &Selection) -> Vec<Unit<'_>> {
        let named = |unit: &Unit<'_>| {
            selection.run.is_empty() || selection.run.iter().any(|run| run.is_match(&unit.written_name()))
        };
        let in_shard = |at: usize| selection.shard.is_none_or(|(k, n)| at % n == k - 1);
        let units = self.units().filter(named).enumerate();
        units.filter(|(at, _)| in_shard(*at)).map(|(_, unit)| unit).collect()
    }

    /// How many drills and groups are selected.
    pub fn count(&self, selection: &Selection) -> usize {
        self.selected(selection).len()
    }

    /// Runs what is selected, and calls `done` after each.
    pub fn run(&self, selection: &Selection, done: impl Fn() + Sync) -> Outcome {
        let mut outcome = Outcome { problems: self.problems.clone(), ..Outcome::default() };
        let units: Vec<Unit<'_>> = self
            .selected(selection)
            .into_iter()
            .filter(|unit| !unit.is_skipped(selection.today, &mut outcome))
            .collect();
        let stop = AtomicBool::new(false);
        let results: Vec<Option<Ran>> = units
            .par_iter()
            .map(|unit| {
                if stop.load(Ordering::Relaxed) {
                    return None;
                }
                let result = unit.run(selection);
                if selection.fail_fast && !result.holds() {
                    stop.store(true, Ordering::Relaxed);
                }
                done();
                Some(result)
            })
            .collect();
        let mut broken: BTreeSet<&str> = BTreeSet::new();
        let mut drills = Vec::new();
        for (unit, result) in units.iter().zip(results) {
            match (unit, result) {
                (unit, None) => {
                    outcome.left_out.push(LeftOut { file: unit.file().to_owned(), name: unit.name() });
                }
                (_, Some(Ran::Group(group))) => outcome.groups.push(group),
                (_, Some(Ran::Drill(Ok(drill)))) => drills.push(*drill),
                (Unit::Drill(incident, _), Some(Ran::Drill(Err(problems)))) => {
                    broken.insert(incident.replay.source.name());
                    outcome.problems.extend(problems);
                }
                (Unit::Group(..), Some(Ran::Drill(Err(problems)))) => outcome.problems.extend(problems),
            }
        }
        // A replay of which one day cannot be used says nothing about the others either.
        drills.retain(|drill: &Drill| !broken.contains(drill.replay.name()));
        for incident in &self.incidents {
            let its: Vec<&Drill> =
                drills.iter().filter(|drill| drill.replay.name() == incident.replay.source.name()).collect();
            if !its.is_empty() {
                outcome.drift.extend(drill::drift::drift(incident, &its));
            }
        }
        let days: usize = self.incidents.iter().map(|incident| incident.days().len()).sum();
        outcome.log_traps = evidence::agreed(drills.iter().flat_map(|drill| &drill.seen), drills.len() == days);
        for (file, _) in &self.tests {
            let its: Vec<&GroupResult> =
                outcome.groups.iter().filter(|group| group.file.name() == file.source.name()).collect();
            let all = its.len() == file.groups.len();
            let seen = evidence::agreed(its.iter().flat_map(|group| &group.seen), all);
            outcome.log_traps.extend(seen.into_iter().map(|trap| unit_test::of_all_groups(file, trap)));
        }
        let whole = |replay: &str| {
            let incident = self.incidents.iter().find(|incident| incident.replay.source.name() == replay);
            let drilled = drills.iter().filter(|drill| drill.replay.name() == replay).count();
            incident.is_some_and(|incident| incident.days().len() == drilled)
        };
        outcome.triage = causes::tables(&drills, &whole);
        outcome.drills = drills;
        outcome
    }
}

impl Suite {
    /// Shakes the drills that held, and calls `done` after each with its number among them; with nothing where the day does
    /// not allow it.
    pub fn shake(&self, selection: &Selection, outcome: &mut Outcome, done: impl Fn(usize, Option<&Shaken>) + Sync) {
        let fell_short = outcome.drills.iter().filter(|drill| drill.verdict() != Verdict::Pass);
        outcome.unshaken = fell_short.map(|drill| (drill.name.clone(), drill.verdict())).collect();
        let held: BTreeSet<&str> = outcome.holding().map(|drill| drill.name.as_str()).collect();
        let days: Vec<(&Incident, &Arc<Day>)> = self
            .selected(selection)
            .into_iter()
            .filter_map(|unit| match unit {
                Unit::Drill(incident, day) if held.contains(unit.name().as_str()) => Some((incident, day)),
                _ => None,
            })
            .collect();
        let shaken: Vec<_> = days
            .par_iter()
            .enumerate()
            .map(|(at, (incident, day))| {
                let shaken = drill::shake::run(incident, day, selection.limits);
                done(at, shaken.as_ref().ok());
                shaken
            })
            .collect();
        for shaken in shaken {
            match shaken {
                Ok(shaken) => outcome.shaken.push(shaken),
                Err(problems) => outcome.problems.extend(problems),
            }
        }
    }

    /// Flips that replays accept and that do not come, of replays that were shaken on all their days.
    pub fn needless_accepts(&self, outcome: &Outcome) -> Vec<Diagnostic> {
        let mut needless = Vec::new();
        for incident in &self.incidents {
            let shaken = |day: &Day| outcome.shaken.iter().find(|shaken| shaken.drill == incident.drill_name(day));
            let all: Option<Vec<&Shaken>> = incident.days().map(|day| shaken(day)).collect();
            let Some(all) = all else { continue };
            let used = |accept: &Accept| {
                let accepted = all.iter().flat_map(|shaken| &shaken.flips).filter_map(|flip| flip.accepted.as_ref());
                accepted.into_iter().any(|other| other.name.span == accept.name.span)
            };
            let accepts = incident.days().flat_map(|day| &day.accept).chain(&incident.replay.accept);
            needless.extend(accepts.filter(|accept| !used(accept)).map(|accept| {
                Diagnostic::warning(format!("no verdict hangs on `{}`, which is accepted", accept.name.text))
                    .at(&incident.replay.source, accept.name.span)
            }));
        }
        needless
    }
}

impl Unit<'_> {
    /// Whether its replay leaves it out today; both that and a time that is over are told.
    fn is_skipped(&self, today: NaiveDate, outcome: &mut Outcome) -> bool {
        let Unit::Drill(incident, day) = self else { return false };
        let Some(skip) = &day.skip else { return false };
        if today <= skip.until {
            let (file, name, reason) = (self.file().to_owned(), self.name(), skip.reason.clone());
            outcome.skipped.push(Skipped { file, name, reason, until: skip.until });
            return true;
        }
        let message =
            format!("{} was to be left out until {} and is run again: {}", self.name(), skip.until, skip.reason);
        let help = "mend it and remove `skip`, or give it a later day";
        outcome.expired.push(Diagnostic::warning(message).at(&incident.replay.source, skip.place).help(help));
        false
    }

    fn name(&self) -> String {
        match self {
            Unit::Drill(incident, day) => incident.drill_name(day),
            Unit::Group(_, group, _) => group.name.clone(),
        }
    }

    fn file(&self) -> &str {
        match self {
            Unit::Drill(incident, _) => incident.replay.source.name(),
            Unit::Group(file, ..) => file.source.name(),
        }
    }

    /// The name as `--run` sees it.
    fn written_name(&self) -> String {
        match self {
            Unit::Group(_, group, _) if !group.is_named => String::new(),
            _ => self.name(),
        }
    }

    fn run(&self, selection: &Selection) -> Ran {
        match *self {
            Unit::Drill(incident, day) => Ran::Drill(drill::run(incident, day, selection.limits).map(Box::new)),
            Unit::Group(file, group, rules) => {
                let options = unit_test::Options {
                    profile: selection.profile.clone(),
                    max_samples: selection.limits.max_samples,
                    strict: selection.strict,
                };
                Ran::Group(unit_test::run(file, group, rules, &options))
            }
        }
    }
}

impl Ran {
    fn holds(&self) -> bool {
        match self {
            Ran::Drill(drill) => drill.as_ref().is_ok_and(|drill| drill.verdict() == Verdict::Pass),
            Ran::Group(group) => group.passed(),
        }
    }
}

impl Outcome {
    /// The drills that hold, in their order.
    pub fn holding(&self) -> impl Iterator<Item = &Drill> {
        self.drills.iter().filter(|drill| drill.verdict() == Verdict::Pass)
    }

    /// What there is to be warned of beside the drills and groups themselves.
    pub fn warnings(&self) -> impl Iterator<Item = &Diagnostic> {
        let of_triage = self.triage.iter().flat_map(|table| &table.notices);
        self.expired.iter().chain(&self.drift).chain(&self.log_traps).chain(of_triage)
    }

    /// Whether all that ran held.
    pub fn holds(&self) -> bool {
        self.drills.iter().all(|drill| drill.verdict() == Verdict::Pass)
            && self.shaken.iter().all(Shaken::holds)
            && self.groups.iter().all(GroupResult::passed)
            && self.held_against.is_empty()
    }
}
