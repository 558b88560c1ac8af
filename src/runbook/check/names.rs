//! The names of findings, by which people read of them and put up with them.

/// What a finding is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Name {
    EditedBlock,
    OutdatedBlock,
    NoRunbook,
    MissingPage,
    MissingAnchor,
    OtherTitle,
    UnknownAlert,
    InvalidQuery,
    UnansweredQuery,
    DeadLink,
    Placeholder,
    EmptySection,
    DeadIdentifier,
    LongPage,
    NoUndo,
    NeedlessIgnore,
    BareIgnore,
}

/// All names, as people write them, each with what it says.
pub const ALL: [(Name, &str, &str); 17] = [
    (Name::EditedBlock, "edited-block", "somebody has written into a generated block"),
    (Name::OutdatedBlock, "outdated-block", "a build would write something else into a generated block"),
    (Name::NoRunbook, "no-runbook", "an alert names no runbook"),
    (Name::MissingPage, "missing-page", "an alert's runbook is not there"),
    (Name::MissingAnchor, "missing-anchor", "an alert's runbook has no such section"),
    (Name::OtherTitle, "other-title", "a page does not name the alert that leads to it, or is called as another one"),
    (Name::UnknownAlert, "unknown-alert", "a page is called as an alert that no rule has"),
    (Name::InvalidQuery, "invalid-query", "a query does not parse"),
    (Name::UnansweredQuery, "unanswered-query", "a query selects nothing on any replay"),
    (Name::DeadLink, "dead-link", "a relative link leads nowhere"),
    (Name::Placeholder, "placeholder", "something is left to be written"),
    (Name::EmptySection, "empty-section", "a heading with nothing below it"),
    (Name::DeadIdentifier, "dead-identifier", "the name of something that no longer exists by the next incident"),
    (Name::LongPage, "long-page", "more lines than anybody reads at night"),
    (Name::NoUndo, "no-undo", "a command changes something, and nothing near says how to take it back"),
    (Name::NeedlessIgnore, "needless-ignore", "something is put up with that is not there"),
    (Name::BareIgnore, "bare-ignore", "something is put up with, and nobody says why"),
];

impl Name {
    /// As people write it.
    pub fn text(self) -> &'static str {
        ALL.iter().find(|(name, ..)| *name == self).map_or("", |(_, text, _)| text)
    }

    pub fn of(text: &str) -> Option<Name> {
        ALL.iter().find(|(_, known, _)| *known == text).map(|(name, ..)| *name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_known_by_its_text() {
        for (name, text, _) in ALL {
            assert_eq!((Name::of(text), name.text()), (Some(name), text));
        }
    }
}
