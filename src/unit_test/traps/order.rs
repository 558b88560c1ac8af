//! Groups of rules that promtool runs in an order left to chance: those that `group_eval_order` does not tell apart.

use super::super::verdict::Failure;
use super::super::{Dialect, TestFile};
use crate::rules::{self, Group};
use crate::text::{Diagnostic, Located, Span};

/// Groups of equal rank of which one reads what another writes.
#[derive(Debug)]
pub struct Tied {
    /// All groups, those of equal rank the other way round.
    pub reversed: Vec<Group>,
    reader: Located,
    writer: Located,
}

/// The place of a group in the order of evaluation; those that are not named count as the first.
pub fn rank(file: &TestFile, group: &Group) -> usize {
    file.group_eval_order.iter().position(|name| *name == group.name).unwrap_or(0)
}

/// The groups, in the order of evaluation, if their results may depend on what is left to chance.
pub fn tied(file: &TestFile, groups: &[Group]) -> Option<Tied> {
    if file.dialect != Dialect::Promtool || groups.len() < 2 {
        return None;
    }
    let tie = |(reader, writer): &(usize, usize)| rank(file, &groups[*reader]) == rank(file, &groups[*writer]);
    let (reader, writer) = rules::reads(groups).into_iter().find(tie)?;
    let mut reversed = groups.to_vec();
    reversed.reverse();
    reversed.sort_by_key(|group| rank(file, group));
    Some(Tied { reversed, reader: groups[reader].name.clone(), writer: groups[writer].name.clone() })
}

/// That the cases which hold are others when tied groups run the other way round.
pub fn depends_on_order(file: &TestFile, tied: &Tied, found: &[Failure], reversed: &[Failure]) -> Option<Diagnostic> {
    let cases = |failures: &[Failure]| {
        let mut spans: Vec<Span> = failures.iter().map(|failure| failure.span).collect();
        spans.sort();
        spans
    };
    if cases(found) == cases(reversed) {
        return None;
    }
    let (reader, writer) = (&tied.reader.value, &tied.writer.value);
    let message = format!(
        "the result depends on whether the group `{writer}` runs before `{reader}`, which reads its series; promtool leaves that to chance"
    );
    let place = file.group_eval_order.first().or_else(|| file.rule_files.first()).unwrap_or(&tied.reader);
    let problem = place.diagnose_all(Diagnostic::warning(message));
    Some(
        problem
            .help(format!("write `group_eval_order:` with all groups of the rule files, `{writer}` before `{reader}`")),
    )
}
