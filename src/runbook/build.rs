//! Building pages: each block rendered from its template, with what its subject makes known.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tera::Context;

use super::address::{Address, Addresses};
use super::blocks::{self, Block, State};
use super::check::{Finding, Name};
use super::page::Page;
use super::replays::Replays;
use super::template::{self, Templates};
use super::variables::{self, Examples, PageFacts, Variables};
use crate::config::Config;
use crate::rules::RuleRef;
use crate::skeleton::Library;
use crate::text::{Diagnostic, Source, Span, listed, nearest};
use crate::triage::{self, Runbook};

/// Kinds whose templates speak of a runbook.
const OF_RUNBOOKS: [&str; 6] = ["page", "triage", "causes", "queries", "verify", "escalate"];

/// What pages are built from.
pub struct Builder<'b> {
    pub config: &'b Config,
    pub library: &'b Library,
    pub replays: &'b Replays,
    pub templates: &'b Templates,
    known: RefCell<BTreeMap<(PathBuf, String), Arc<Variables>>>,
}

/// A page with what its blocks should hold.
pub struct Built {
    pub page: Page,
    pub blocks: Vec<Block>,
    /// For each block.
    bodies: Vec<String>,
}

/// What a block is about.
enum Subject {
    Runbook(Arc<Runbook>),
    Alerts(Vec<RuleRef>),
    /// A replay, by its place among them.
    Replay(usize),
}

impl<'b> Builder<'b> {
    pub fn new(
        config: &'b Config,
        library: &'b Library,
        replays: &'b Replays,
        templates: &'b Templates,
    ) -> Builder<'b> {
        Builder { config, library, replays, templates, known: RefCell::default() }
    }

    /// What the blocks of a page should hold.
    ///
    /// # Errors
    /// Markers that do not belong together, kinds and subjects that nobody knows, and what is wrong with templates.
    pub fn build(&self, source: &Source) -> Result<Built, Vec<Diagnostic>> {
        let (page, blocks) = blocks::read_page(source)?;
        let (mut bodies, mut problems) = (Vec::new(), Vec::new());
        for block in &blocks {
            match self.body(&page, block) {
                Ok(body) => bodies.push(body),
                Err(found) => problems.extend(found),
            }
        }
        if problems.is_empty() { Ok(Built { page, blocks, bodies }) } else { Err(problems) }
    }

    fn body(&self, page: &Page, block: &Block) -> Result<String, Vec<Diagnostic>> {
        let kind = &*block.kind;
        if !self.templates.kinds().any(|known| known == kind) {
            let kinds = || self.templates.kinds();
            let problem = Diagnostic::error(format!("no block is of the kind {kind:?}"));
            let help = match nearest(kind, kinds()) {
                Some(near) => format!("did you mean {near}?"),
                None => format!("there are {}; a template {kind}.md.tera makes another", listed(kinds())),
            };
            return Err(vec![block.kind.diagnose_all(problem.help(help))]);
        }
        if let Some(more) = block.arguments.get(1) {
            let problem = Diagnostic::error("a block is about one thing");
            return Err(vec![more.diagnose_all(problem.help("write it after another marker"))]);
        }
        let variables = self.variables(page, block)?;
        if variables.runbook.is_none() && OF_RUNBOOKS.contains(&kind) {
            let problem = Diagnostic::error(format!("a block of the kind {kind} needs a table of causes"));
            let place = block.arguments.first().unwrap_or(&block.kind);
            let help = format!("write {}.yaml beside the page, and name it here", variables.page.name);
            return Err(vec![place.diagnose_all(problem.help(help))]);
        }
        let context = Context::from_serialize(&*variables)
            .map_err(|error| vec![block.kind.diagnose_all(Diagnostic::error(error.to_string()))])?;
        let made = self.templates.render(kind, context).map_err(|problem| vec![problem])?;
        if template::has_markers(&made) {
            let problem = Diagnostic::error(format!("what the template {kind} makes has markers of blocks in it"));
            return Err(vec![block.kind.diagnose_all(problem.help("no block can stand inside of another one"))]);
        }
        let body = block.body_of(&made, page);
        match left_open(&body) {
            Some(at) => Err(vec![self.not_closed(block, &body, at)]),
            None => Ok(body),
        }
    }

    /// What a template leaves open, at its place where the template has the line as it is.
    fn not_closed(&self, block: &Block, body: &str, at: usize) -> Diagnostic {
        let line = body[at..].lines().next().unwrap_or_default().trim();
        let problem = Diagnostic::error(format!(
            "what the template {} makes opens {line:?} and does not close it, so that no end of the block would be seen",
            &*block.kind
        ));
        let problem = problem.help("close it; where it comes from a text, write it as code: `` `<!--` ``");
        let source = self.templates.source(&block.kind);
        match source.and_then(|source| Some((source, source.text().rfind(line)?))) {
            Some((source, start)) => problem.at(source, Span::new(start, start + line.len())),
            None => block.kind.diagnose_all(problem),
        }
    }

    /// What the template of a block may use.
    ///
    /// # Errors
    /// A subject that nobody knows, and what is wrong with it.
    pub fn variables(&self, page: &Page, block: &Block) -> Result<Arc<Variables>, Vec<Diagnostic>> {
        let path = PathBuf::from(page.source.name());
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let subject = block.arguments.first().map_or(name.clone(), |subject| subject.value.clone());
        let key = (path.clone(), subject.clone());
        if let Some(known) = self.known.borrow().get(&key) {
            return Ok(known.clone());
        }
        let found = self
            .subject(&subject, &path)
            .and_then(|found| found.ok_or_else(|| vec![self.unknown(block, &subject, &path)]));
        let facts = PageFacts { path: path.display().to_string(), name };
        let variables = self.facts(found?, &path)?;
        let variables = Arc::new(Variables { page: facts, subject, ..variables });
        self.known.borrow_mut().insert(key, variables.clone());
        Ok(variables)
    }

    fn unknown(&self, block: &Block, subject: &str, page: &Path) -> Diagnostic {
        let alerts: Vec<&str> = self.library.alerts().map(|(_, rule)| rule.name.value.as_str()).collect();
        let replays = self.replays.incidents.iter().map(|incident| incident.name.as_str());
        let place = block.arguments.first().unwrap_or(&block.kind);
        let kind = &*block.kind;
        if OF_RUNBOOKS.contains(&kind) {
            let folder = variables::folder(page);
            let problem = format!("there is no table of causes {}", folder.join(format!("{subject}.yaml")).display());
            let tables = tables(&folder);
            let help = match (nearest(subject, tables.iter().map(String::as_str)), &tables[..]) {
                (Some(near), _) => format!("did you mean {near}?"),
                (None, []) => "write it (`firedrill: runbook/1`); `firedrill runbook new --alert NAME` makes a page that needs none".to_owned(),
                (None, tables) => format!(
                    "write it (`firedrill: runbook/1`), or name another: <!-- firedrill:begin {kind} {} -->",
                    listed(tables.iter().map(String::as_str))
                ),
            };
            return place.diagnose_all(Diagnostic::error(problem).help(help));
        }
        let problem = Diagnostic::error(format!("nobody knows what {subject:?} is"));
        let help = match nearest(subject, alerts.iter().copied().chain(replays)) {
            Some(near) => format!("did you mean {near}?"),
            None => format!(
                "name a table of causes beside the page ({}), an alert, or a replay",
                variables::folder(page).join(format!("{subject}.yaml")).display()
            ),
        };
        place.diagnose_all(problem.help(help))
    }

    /// What a name means: a table of causes beside the page, an alert, a replay.
    fn subject(&self, name: &str, page: &Path) -> Result<Option<Subject>, Vec<Diagnostic>> {
        let file = variables::folder(page).join(format!("{name}.yaml"));
        if file.is_file() {
            let source = self.config.read_file(&file).map_err(|problem| vec![problem])?;
            return triage::read(&source).map(|book| Some(Subject::Runbook(Arc::new(book))));
        }
        if let Ok(alerts) = self.library.find(name) {
            return Ok(Some(Subject::Alerts(alerts)));
        }
        let named = |path: &str| Path::new(path).parent().is_some_and(|folder| folder == Path::new(name));
        let replay = self.replays.incidents.iter().position(|incident| {
            incident.name == name || incident.replay.source.name() == name || named(incident.replay.source.name())
        });
        Ok(replay.map(Subject::Replay))
    }

    fn facts(&self, subject: Subject, page: &Path) -> Result<Variables, Vec<Diagnostic>> {
        let folder = variables::folder(page);
        let addresses = Addresses::new(&self.config.runbooks);
        let of_rules = |found: &[RuleRef]| variables::of_rules(self.library, found, addresses.annotation, &folder);
        match subject {
            Subject::Runbook(book) => {
                let unclosed = unclosed(&book);
                if !unclosed.is_empty() {
                    return Err(unclosed);
                }
                let mut alerts = Vec::new();
                for alert in &book.alerts {
                    let found =
                        self.library.find(&alert.text).map_err(|problem| vec![problem.at(&book.source, alert.span)])?;
                    alerts.extend(of_rules(&found));
                }
                let mut examples = Examples::find(&book, self.replays, &folder)?;
                for alert in &mut alerts {
                    alert.fires.extend(examples.fires.get(&alert.name).cloned());
                }
                let replays = std::mem::take(&mut examples.replays);
                let runbook = Some(variables::of_runbook(&book, &examples));
                Ok(Variables { runbook, alerts, replays, ..Variables::default() })
            }
            Subject::Alerts(found) => {
                let mut alerts = of_rules(&found);
                let name = alerts.first().map(|alert| alert.name.clone()).unwrap_or_default();
                let files: Vec<&str> = found.iter().map(|at| self.library.groups[at.group].file.name()).collect();
                let mut replays = Vec::new();
                for incident in &self.replays.incidents {
                    if !incident.groups.iter().any(|group| files.contains(&group.file.name())) {
                        continue;
                    }
                    if let Some((fired, told)) = self.first_firing(incident, &name, &folder)? {
                        alerts.iter_mut().for_each(|alert| alert.fires.push(fired.clone()));
                        replays.push(told);
                    }
                }
                Ok(Variables { alerts, replays, ..Variables::default() })
            }
            Subject::Replay(at) => {
                let incident = &self.replays.incidents[at];
                let Some(day) = incident.days().next() else { return Ok(Variables::default()) };
                let playback = self.replays.play(incident, day)?;
                let replays = vec![variables::of_day(incident, &playback, &folder)];
                Ok(Variables { replays, ..Variables::default() })
            }
        }
    }

    /// The first day of an incident on which an alert fires, told.
    fn first_firing(
        &self,
        incident: &crate::drill::Incident,
        alert: &str,
        folder: &Path,
    ) -> Result<Option<(variables::FiringFacts, variables::ReplayFacts)>, Vec<Diagnostic>> {
        for day in incident.days() {
            let playback = self.replays.play(incident, day)?;
            if let Some(fired) = variables::firing(incident, day, &playback, alert) {
                return Ok(Some((fired, variables::of_day(incident, &playback, folder))));
            }
        }
        Ok(None)
    }

    /// The alerts whose annotation leads to a page.
    pub fn alerts_of(&self, page: &Path) -> Vec<&'b str> {
        let addresses = Addresses::new(&self.config.runbooks);
        let leads =
            |rule| matches!(addresses.of(rule), Address::Page { path, .. } if path.components().eq(page.components()));
        let mut names: Vec<&str> = Vec::new();
        for (_, rule) in self.library.alerts() {
            let name = rule.name.value.as_str();
            if leads(rule) && !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }
}

/// Where that begins, a comment, a fence or other HTML, which a text does not close: what follows on the page would be in it.
fn left_open(text: &str) -> Option<usize> {
    const NEXT: &str = "\n\n<!-- firedrill:end -->\n";
    Page::read(&Source::new("<block>", format!("{text}{NEXT}"))).opening(text.len() + 2)
}

/// Texts of a table of causes that leave something open.
fn unclosed(book: &Runbook) -> Vec<Diagnostic> {
    let of_causes = book.causes.iter().flat_map(|cause| {
        let steps = cause.fix.iter().chain(&cause.undo).chain(&cause.verify);
        let said = cause.conditions().map(|condition| &condition.that);
        steps.chain(&cause.next).chain([&cause.title]).chain(said)
    });
    let of_queries = book.queries.iter().flat_map(|query| query.shows.iter().chain(&query.unit));
    let of_escalations =
        book.escalate_when.iter().flat_map(|escalation| [&escalation.then, &escalation.condition.that]);
    let texts = [&book.title, &book.owner].into_iter().chain(&book.do_first).chain(&book.about).chain(&book.escalate);
    let texts = texts.chain(book.success.iter().map(|condition| &condition.that));
    let texts = texts.chain(of_causes).chain(of_queries).chain(of_escalations);
    let open = texts.filter_map(|text| {
        let at = left_open(&text.text)?;
        let line = text.text[at..].lines().next().unwrap_or_default();
        let problem = Diagnostic::error(format!("this opens {line:?} and does not close it"));
        let help = "all that follows on the page would be in it: close it, or write it as code: `` `<!--` ``";
        Some(problem.at(&book.source, text.span).help(help))
    });
    open.collect()
}

/// The names of the tables of causes in a folder.
fn tables(folder: &Path) -> Vec<String> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let is_table = |path: &PathBuf| {
        path.extension().is_some_and(|extension| extension == "yaml")
            && std::fs::read_to_string(path).is_ok_and(|text| triage::is_runbook(&text))
    };
    let names = files.filter(is_table).filter_map(|path| Some(path.file_stem()?.to_string_lossy().into_owned()));
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

impl Built {
    /// The page as it should be.
    pub fn text(&self) -> String {
        blocks::rewrite(&self.page, &self.blocks, &self.bodies)
    }

    /// Whether nothing has to be written.
    pub fn is_current(&self) -> bool {
        self.text() == self.page.source.text()
    }

    /// The blocks that somebody has edited, each with what a build would write and what stands there.
    pub fn edited(&self) -> Vec<Finding> {
        self.findings().into_iter().filter(|finding| finding.name == Name::EditedBlock).collect()
    }

    /// The blocks that do not hold what they should.
    pub fn findings(&self) -> Vec<Finding> {
        let each = self.blocks.iter().zip(&self.bodies);
        each.filter_map(|(block, body)| {
            let written = block.text(&self.page);
            if written.replace("\r\n", "\n") == body.replace("\r\n", "\n") {
                return None;
            }
            let path = self.page.source.name();
            Some(match block.state(&self.page) {
                State::Edited => {
                    let diff = blocks::diff((&format!("{path} (as it is built)"), body), (path, written));
                    let message = "somebody has written into this block, and a build would not keep that";
                    Finding::of_block(Name::EditedBlock, &self.page, block, message, diff).help(EDITED)
                }
                State::Empty | State::Untouched => {
                    let diff = blocks::diff((path, written), (&format!("{path} (as it is built)"), body));
                    let message = "this block is not what a build would write";
                    Finding::of_block(Name::OutdatedBlock, &self.page, block, message, diff)
                        .help("firedrill runbook build")
                }
            })
        })
        .collect()
    }
}

const EDITED: &str = "move what is yours above or below the markers, or into a template of this kind; then take everything \
                      between the markers away, and build";
