//! What promtool passes over without a word: cases that hold by chance or because nothing was asked, words that are not looked at.

mod cases;
mod logs;
mod order;
mod times;

use std::path::Path;

use super::{Rules, TestFile};
use crate::text::{Diagnostic, Located, Span, listed, nearest};

pub use cases::{of_cases, template_error};
pub use logs::{of_all_groups, of_lines};
pub use order::{Tied, depends_on_order, rank, tied};
pub use times::{between_ticks, late_samples};

/// What is odd about a file and the names in it.
pub fn of_file(file: &TestFile, rules: &Rules) -> Vec<Diagnostic> {
    let mut found: Vec<Diagnostic> = rules.unmatched.iter().map(|pattern| unmatched(file, pattern)).collect();
    if rules.errors.is_empty() && rules.unmatched.is_empty() {
        found.extend(unknown_groups(file, rules));
    }
    if let Some(next) = file.second_document {
        let problem =
            Diagnostic::warning("only the first YAML document of a test file is read: what follows is left out");
        let problem = problem.at(&file.source, next);
        found.push(problem.help("write it into a file of its own, or add its groups to `tests` of the first"));
    }
    if file.groups.is_empty() {
        let problem = Diagnostic::warning("this file has no tests").at(&file.source, Span::default());
        found.push(problem.help("write `tests:` with a list of groups"));
    }
    found
}

/// A pattern that no file matches.
fn unmatched(file: &TestFile, pattern: &Located) -> Diagnostic {
    let path = Path::new(&pattern.value);
    let folder = Path::new(file.source.name()).parent().unwrap_or(Path::new(""));
    let folder = folder.join(path.parent().unwrap_or(Path::new("")));
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { &folder };
    let names: Vec<String> = std::fs::read_dir(folder)
        .map(|entries| entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect())
        .unwrap_or_default();
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let problem = Diagnostic::warning(format!("no file matches `{}`: its rules are not tested", pattern.value));
    let help = match nearest(&name, names.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{}`?", path.with_file_name(near).display()),
        None => "a path starts from the folder of the test file".to_owned(),
    };
    pattern.diagnose_all(problem.help(help))
}

/// Names in `group_eval_order` that no group has.
fn unknown_groups<'a>(file: &'a TestFile, rules: &'a Rules) -> impl Iterator<Item = Diagnostic> + 'a {
    let names = || rules.groups.iter().map(|group| &*group.name.value);
    let unknown = file.group_eval_order.iter().filter(move |name| names().all(|other| other != &***name));
    unknown.map(move |name| {
        let problem = Diagnostic::warning(format!("no group of the rule files is called `{}`", name.value));
        let help = match nearest(name, names()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("groups are {}", listed(names())),
        };
        name.diagnose_all(problem.help(help))
    })
}
