//! Where text goes: results to stdout, problems to stderr, files by way of a temporary one.

use std::collections::{BTreeMap, HashSet};
use std::io::{ErrorKind, IsTerminal, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use super::Exit;
use crate::report::human::Look;
use crate::text::yaml::io_reason;
use crate::text::{Diagnostic, Severity};

/// How results look on this stdout.
pub fn look() -> Look {
    let terminal = std::io::stdout().is_terminal();
    let columns = || std::env::var("COLUMNS").ok()?.parse::<usize>().ok();
    let width = if terminal { terminal_size::terminal_size().map(|(width, _)| usize::from(width.0)) } else { None };
    let width = width.filter(|width| *width > 0).or_else(columns);
    Look { color: terminal && colors_wanted(), width: width.unwrap_or(100).clamp(60, 200), bounded: width.is_some() }
}

fn colors_wanted() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
        && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// Prints a result. A reader that has gone away (`| head`) is no problem.
///
/// # Errors
/// What else keeps the text from arriving, such as a full disk.
pub fn print(text: &str) -> Result<(), Diagnostic> {
    let mut out = anstream::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            let problem = Diagnostic::error(format!("cannot write to standard output: {}", io_reason(&error)));
            Err(problem.help("the result is not complete: make room, or send it elsewhere"))
        }
        _ => Ok(()),
    }
}

/// Prints texts in their own order, each as soon as those before it are there.
#[derive(Default)]
pub struct InOrder(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    /// The number of the next text.
    next: usize,
    /// Those that came too early.
    early: BTreeMap<usize, String>,
    problem: Option<Diagnostic>,
}

impl InOrder {
    /// Takes the text of this number, counted from 0.
    pub fn put(&self, number: usize, text: String) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.early.insert(number, text);
        while let Some(text) = {
            let next = waiting.next;
            waiting.early.remove(&next)
        } {
            waiting.next += 1;
            if let Err(problem) = print(&text) {
                waiting.problem.get_or_insert(problem);
            }
        }
    }

    /// # Errors
    /// What kept a text from being printed.
    pub fn finish(self) -> Result<(), Diagnostic> {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner).problem.map_or(Ok(()), Err)
    }
}

/// Prints what a verb was asked for, or complains.
pub fn finish(result: Result<String, Vec<Diagnostic>>) -> Exit {
    match result.and_then(|text| print(&text).map_err(|problem| vec![problem])) {
        Ok(()) => Exit::Holds,
        Err(problems) => complain(&problems),
    }
}

/// A remark for people that is no result.
pub fn note(text: &str) {
    let _ = writeln!(anstream::stderr(), "{text}");
}

/// What people should know of the input, and what is no reason to stop; each remark once.
pub fn warn<'a>(warnings: impl IntoIterator<Item = &'a Diagnostic>) {
    tell(&distinct(warnings));
}

/// Says what is wrong with the input, most of it, and that it is unusable.
pub fn complain(problems: &[Diagnostic]) -> Exit {
    tell(&distinct(problems));
    if problems.iter().all(|problem| problem.severity == Severity::Warning) { Exit::Holds } else { Exit::Unusable }
}

/// Files that several replays name have their problems once.
fn distinct<'a>(problems: impl IntoIterator<Item = &'a Diagnostic>) -> Vec<&'a Diagnostic> {
    let mut seen = HashSet::new();
    let place = |problem: &'a Diagnostic| problem.place.as_ref().map(|(source, span)| (source.name(), *span));
    problems.into_iter().filter(|problem| seen.insert((problem.message.as_str(), place(problem)))).collect()
}

fn tell(problems: &[&Diagnostic]) {
    const MOST: usize = 50;
    let color = std::io::stderr().is_terminal() && colors_wanted();
    for problem in problems.iter().take(MOST) {
        note(&problem.render(color));
    }
    if problems.len() > MOST {
        note(&format!("and {} more", problems.len() - MOST));
    }
}

/// Writes a file whole or not at all. A link stays one, and a file that was there keeps its permissions.
///
/// # Errors
/// What the file system says, with the path; a file that may not be written, which a rename would replace all the same.
pub fn write_file(path: &Path, text: &str) -> Result<(), Diagnostic> {
    let there = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let folder = match there.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    if std::fs::metadata(&there).is_ok_and(|before| before.is_file() && before.permissions().readonly()) {
        return Err(Diagnostic::error(format!("cannot write {}: it is read-only", path.display()))
            .help("make it writable first, as `chmod u+w` does; it is as it was"));
    }
    let write = || -> std::io::Result<()> {
        let mut new = tempfile::Builder::new();
        // As any other file: temporary ones are for their owner alone.
        #[cfg(unix)]
        new.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let mut file = new.tempfile_in(folder)?;
        if let Ok(before) = std::fs::metadata(&there) {
            file.as_file().set_permissions(before.permissions())?;
        }
        file.write_all(text.as_bytes())?;
        file.persist(&there).map_err(|error| error.error)?;
        Ok(())
    };
    write().map_err(|error| {
        Diagnostic::error(format!("cannot write {}: {}", path.display(), io_reason(&error)))
            .help("name a file in a folder that exists and can be written")
    })
}
