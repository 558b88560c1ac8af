//! The replays over which a runbook's queries are run.

use std::path::PathBuf;
use std::sync::Arc;

use crate::config::Config;
use crate::drill::{self, Incident, Playback};
use crate::replay::{Day, Limits};
use crate::skeleton::Library;
use crate::text::Diagnostic;

/// Incidents, and how much a day of them may use.
#[derive(Clone, Debug)]
pub struct Replays {
    pub incidents: Vec<Incident>,
    pub limits: Limits,
}

impl Replays {
    /// Reads replays and the rules that they name.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn load(paths: &[PathBuf], config: &Config, limits: Limits) -> Result<Replays, Vec<Diagnostic>> {
        let (mut incidents, mut problems) = (Vec::new(), Vec::new());
        for path in paths {
            match drill::load(path, config) {
                Ok(incident) => {
                    problems.extend(incident.broken.iter().flat_map(|file| file.problems.clone()));
                    incidents.push(incident);
                }
                Err(found) => problems.extend(found),
            }
        }
        drill::tell_apart(&mut incidents);
        if problems.is_empty() { Ok(Replays { incidents, limits }) } else { Err(problems) }
    }

    /// The rules that the replays name, each file once.
    pub fn library(&self) -> Library {
        let mut library = Library::default();
        let mut seen = std::collections::HashSet::new();
        for group in self.incidents.iter().flat_map(|incident| &incident.groups) {
            if seen.insert((group.file.name().to_owned(), group.span.start)) {
                library.groups.push(group.clone());
            }
        }
        library
    }

    /// All days, each with its incident, the base day of an incident before its variants.
    pub fn days(&self) -> impl Iterator<Item = (&Incident, &Arc<Day>)> {
        self.incidents.iter().flat_map(|incident| incident.days().map(move |day| (incident, day)))
    }

    /// Plays a day back.
    ///
    /// # Errors
    /// As `Playback::new`.
    pub fn play(&self, incident: &Incident, day: &Arc<Day>) -> Result<Playback, Vec<Diagnostic>> {
        Playback::new(incident, day.clone(), self.limits)
    }
}
