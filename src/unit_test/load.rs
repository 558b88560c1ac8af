//! The rule files that a test file names: patterns to paths, paths to groups of rules, in the order of evaluation.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};

use super::traps::{self, Tied};
use super::{Dialect, TestFile, vmalert};
use crate::config::Config;
use crate::rules::{self, Group, Language, ReadOptions, RuleFile};
use crate::text::{Diagnostic, Located, Span};

/// Rule files that were read, each once, whichever test files name it.
pub struct RuleFiles<'a> {
    config: &'a Config,
    options: ReadOptions,
    files: Mutex<HashMap<(PathBuf, Reading), Slot>>,
}

/// What a rule file is read as, unless the settings say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Reading {
    Promql,
    Metricsql,
    /// Each group as what it is; with `in_doubt`, as LogQL where it may be both.
    Either {
        in_doubt: bool,
    },
}

impl Reading {
    fn of(file: &TestFile) -> Reading {
        match file.dialect {
            Dialect::VmalertTool { .. } => Reading::Metricsql,
            Dialect::Promtool if file.is_of_loki() => {
                Reading::Either { in_doubt: file.groups.iter().all(|group| group.input_series.is_empty()) }
            }
            Dialect::Promtool => Reading::Promql,
        }
    }
}

type ReadFile = Result<RuleFile, Vec<Diagnostic>>;
type Slot = Arc<OnceLock<ReadFile>>;

/// The rules under test, in the order of evaluation.
#[derive(Debug, Default)]
pub struct Rules {
    pub groups: Vec<Group>,
    /// What keeps rules from being loaded: then all test groups fail.
    pub errors: Vec<Diagnostic>,
    /// What is odd and no error.
    pub warnings: Vec<Diagnostic>,
    /// What is odd about the rules themselves: nothing that a strict test would fail for.
    pub remarks: Vec<Diagnostic>,
    /// Patterns that no file matches.
    pub unmatched: Vec<Located>,
    /// The groups another way round, where their order is left to chance and may matter.
    pub tied: Option<Tied>,
}

impl<'a> RuleFiles<'a> {
    /// `config` says which files are not in PromQL.
    pub fn new(config: &'a Config, options: ReadOptions) -> RuleFiles<'a> {
        RuleFiles { config, options, files: Mutex::default() }
    }

    /// The rules that a test file names.
    ///
    /// # Errors
    /// Patterns that are none: promtool refuses the whole file for them. What is wrong with a rule file is in the rules.
    pub fn rules(&self, file: &TestFile) -> Result<Rules, Vec<Diagnostic>> {
        let mut rules = Rules::default();
        let mut wrong = Vec::new();
        let folder = Path::new(file.source.name()).parent().unwrap_or(Path::new(""));
        let mut paths: Vec<PathBuf> = Vec::new();
        for pattern in &file.rule_files {
            match rules::matching(folder, pattern) {
                Ok(found) if found.is_empty() => rules.unmatched.push(pattern.clone()),
                Ok(found) => paths.extend(found),
                Err(problem) => wrong.push(problem),
            }
        }
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let mut seen = std::collections::HashSet::new();
        for path in paths {
            // A file that two patterns match is read once.
            if !seen.insert(path.clone()) {
                continue;
            }
            let reading = Reading::of(file);
            let read = self.slot(&path, reading);
            match read.get_or_init(|| self.read(&path, reading)) {
                Ok(read) => {
                    rules.remarks.extend(read.warnings.iter().cloned());
                    rules.groups.extend(read.groups.iter().cloned());
                }
                Err(problems) => rules.errors.extend(problems.iter().cloned()),
            }
        }
        rules.remarks.extend(vmalert::note(file, &rules.groups));
        rules.groups.sort_by_key(|group| traps::rank(file, group));
        rules.tied = traps::tied(file, &rules.groups);
        let odd = traps::of_file(file, &rules);
        rules.warnings.extend(odd);
        Ok(rules)
    }

    fn slot(&self, path: &Path, reading: Reading) -> Slot {
        let mut files = self.files.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        files.entry((path.to_owned(), reading)).or_default().clone()
    }

    fn read(&self, path: &Path, reading: Reading) -> ReadFile {
        let source = self.config.read_file(path).map_err(|problem| vec![problem])?;
        let usual = match reading {
            Reading::Promql => Some(Language::Promql),
            Reading::Metricsql => Some(Language::Metricsql),
            Reading::Either { .. } => None,
        };
        let language = self.config.language(path).cloned().or(usual);
        let logql_in_doubt = reading == Reading::Either { in_doubt: true };
        let mut read = rules::read_with(&source, &ReadOptions { language, logql_in_doubt, ..self.options.clone() })?;
        if read.groups.is_empty() && read.skipped_documents > 0 {
            // promtool refuses any document that is no rule file.
            let problem = Diagnostic::error("no document of this file holds rules").at(&source, Span::default());
            return Err(vec![problem.help("write `groups:`, or leave the file out of `rule_files`")]);
        }
        // Tests see what Loki's rules record, as if it were remote-written.
        read.groups.iter_mut().flat_map(|group| &mut group.rules).for_each(|rule| rule.readable = true);
        Ok(read)
    }
}
