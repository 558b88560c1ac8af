//! What templates know: alerts and what they did, the table of causes with values from replays, timelines.
//!
//! `firedrill runbook build --variables` prints them for a page. Values carry the replay and the time that they come from.

mod alerts;
mod causes;
mod history;

use std::path::{Component, Path, PathBuf};

use serde::Serialize;

pub use alerts::{firing, of_rules};
pub use causes::{Examples, of_runbook};
pub use history::of_day;

/// Everything that a template may use.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Variables {
    pub page: PageFacts,
    /// What the block is about, as its marker names it.
    pub subject: String,
    /// Missing where the subject has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runbook: Option<RunbookFacts>,
    /// The alerts that the subject is about.
    pub alerts: Vec<AlertFacts>,
    /// The days that show it, the base day of each replay.
    pub replays: Vec<ReplayFacts>,
}

/// The page that a block stands in.
#[derive(Clone, Debug, Default, Serialize)]
pub struct PageFacts {
    pub path: String,
    /// The file's name without `.md`.
    pub name: String,
}

/// A time of a day of a replay.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Seen {
    /// `incident/variant`, as drills are called.
    pub replay: String,
    /// The variant alone; `day` for the base.
    pub variant: String,
    /// `15:24:00`.
    pub at: String,
}

/// A table of causes: `runbooks/NAME.yaml`.
#[derive(Clone, Debug, Default, Serialize)]
pub struct RunbookFacts {
    pub name: String,
    /// As it was read: a path from the folder of `firedrill.yaml`.
    pub file: String,
    pub title: String,
    pub owner: String,
    pub about: String,
    pub escalate: String,
    pub do_first: Vec<String>,
    pub causes: Vec<CauseFacts>,
    pub queries: Vec<QueryFacts>,
    pub escalate_when: Vec<EscalationFacts>,
    pub success: Vec<ConditionFacts>,
    pub links: Vec<LinkFacts>,
    /// Where healthy values are from; missing where no day is without a cause.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub healthy: Option<Seen>,
    /// Where the values of `success` and `escalate_when` in the incident are from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub incident: Option<Seen>,
}

#[derive(Clone, Debug, Default, Serialize)]
pub struct CauseFacts {
    pub name: String,
    pub title: String,
    pub requires: Vec<ConditionFacts>,
    pub when: Vec<ConditionFacts>,
    pub signs: Vec<ConditionFacts>,
    pub fix: Vec<String>,
    pub undo: Vec<String>,
    pub verify: Vec<String>,
    pub next: String,
    /// Where it was named first; missing where no replay has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seen: Option<Seen>,
}

/// A condition with what was found.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ConditionFacts {
    /// In words.
    pub that: String,
    /// The named query that it compares; empty for an expression of its own.
    pub query: String,
    /// What is asked of the values, such as `any: value > 12`; empty for an expression of its own.
    pub asked: String,
    pub language: String,
    pub text: String,
    /// The answer on a healthy day, and in the incident; empty where there is no such day.
    pub healthy: String,
    pub incident: String,
}

#[derive(Clone, Debug, Default, Serialize)]
pub struct EscalationFacts {
    pub condition: ConditionFacts,
    pub then: String,
}

/// A named query and the answers that it gave.
#[derive(Clone, Debug, Default, Serialize)]
pub struct QueryFacts {
    pub name: String,
    pub language: String,
    pub text: String,
    pub shows: String,
    pub unit: String,
    pub answers: Vec<AnswerFacts>,
}

#[derive(Clone, Debug, Default, Serialize)]
pub struct AnswerFacts {
    pub seen: Seen,
    pub answer: String,
    /// The cause that was named then; empty for a healthy day.
    pub cause: String,
}

#[derive(Clone, Debug, Default, Serialize)]
pub struct LinkFacts {
    pub title: String,
    pub url: String,
}

/// An alert's rule, and what it did.
#[derive(Clone, Debug, Default, Serialize)]
pub struct AlertFacts {
    pub name: String,
    pub expression: String,
    pub language: String,
    /// `15m`; empty for at once.
    #[serde(rename = "for")]
    pub for_: String,
    pub keep_firing_for: String,
    /// The label of this name; empty without one.
    pub severity: String,
    pub group: String,
    /// The rule file, from the folder of the page.
    pub file: String,
    pub labels: Vec<NamedText>,
    /// As they are written, without the link to the runbook.
    pub annotations: Vec<NamedText>,
    /// Where it fires.
    pub fires: Vec<FiringFacts>,
}

#[derive(Clone, Debug, Default, Serialize)]
pub struct NamedText {
    pub name: String,
    pub text: String,
}

/// The first time that an alert fires on a day.
#[derive(Clone, Debug, Default, Serialize)]
pub struct FiringFacts {
    pub replay: String,
    pub variant: String,
    /// `ApiErrors{job="api"}`.
    pub alert: String,
    pub active: String,
    pub fires: String,
    /// Empty where it fires to the end of the replay.
    pub resolved: String,
}

/// A day, told.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ReplayFacts {
    /// The incident's name.
    pub name: String,
    /// `incident/variant`, as drills are called.
    pub replay: String,
    pub title: String,
    /// The replay's file, from the folder of the page.
    pub file: String,
    /// `2025-11-14`.
    pub date: String,
    pub rows: Vec<RowFacts>,
    /// How many rows are left out.
    pub more: usize,
    /// A chart in mermaid's notation.
    pub chart: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct RowFacts {
    pub at: String,
    pub what: String,
    /// `documented`, `assumed`, `fitted` or `recorded` for what happened; empty for what rules did.
    pub footing: String,
}

/// The way from a folder to a file, both from the same place, with slashes.
pub fn way(folder: &Path, file: &Path) -> String {
    let tidy = |path: &Path| -> Vec<String> {
        let mut parts: Vec<String> = Vec::new();
        for part in path.components() {
            match part {
                Component::CurDir => {}
                Component::ParentDir if parts.last().is_some_and(|last| last != "..") => _ = parts.pop(),
                other => parts.push(other.as_os_str().to_string_lossy().into_owned()),
            }
        }
        parts
    };
    if file.is_absolute() != folder.is_absolute() {
        return file.display().to_string();
    }
    let (folder, file) = (tidy(folder), tidy(file));
    let common = folder.iter().zip(&file).take_while(|(a, b)| a == b).count();
    let up = folder.iter().skip(common).map(|_| "..".to_owned());
    up.chain(file.iter().skip(common).cloned()).collect::<Vec<_>>().join("/")
}

/// The folder of a page.
pub fn folder(page: &Path) -> PathBuf {
    page.parent().map(Path::to_path_buf).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_from_the_folder_of_the_page() {
        let from = |folder: &str, file: &str| way(Path::new(folder), Path::new(file));
        assert_eq!(from("runbooks", "incidents/a/replay.yaml"), "../incidents/a/replay.yaml");
        assert_eq!(from("runbooks/x", "runbooks/y/./a.md"), "../y/a.md");
        assert_eq!(from("", "incidents/a/../b/replay.yaml"), "incidents/b/replay.yaml");
        assert_eq!(from("runbooks", "runbooks/a.md"), "a.md");
    }
}
