//! The order in which stages run: line filters as early as they may (Loki `syntax/ast.go`, `reorderStages`).

use crate::logql::ast::{Stage, StageKind};

/// The stages with line filters in front of those that leave the line as it is. Loki counts `decolorize` among these.
pub(super) fn reordered(stages: &[Stage]) -> Vec<&Stage> {
    let mut ordered = Vec::with_capacity(stages.len());
    let (mut filters, mut others) = (Vec::new(), Vec::new());
    let flush = |filters: &mut Vec<_>, others: &mut Vec<_>, ordered: &mut Vec<_>| {
        ordered.append(filters);
        ordered.append(others);
    };
    for stage in stages {
        match stage.kind {
            StageKind::LineFilters(_) => filters.push(stage),
            StageKind::LabelFilter(_) => {
                flush(&mut filters, &mut others, &mut ordered);
                ordered.push(stage);
            }
            StageKind::LineFormat(_) | StageKind::Unpack => {
                others.push(stage);
                flush(&mut filters, &mut others, &mut ordered);
            }
            _ => others.push(stage),
        }
    }
    flush(&mut filters, &mut others, &mut ordered);
    ordered
}

/// Without templates of lines that nobody reads, where only the number of lines counts (Loki `optimize.go`, `removeLineformat`).
pub(super) fn without_idle_formats(stages: &[Stage]) -> Vec<Stage> {
    let reads_line = |stage: &Stage| {
        matches!(
            stage.kind,
            StageKind::LineFilters(_)
                | StageKind::Json(_)
                | StageKind::Logfmt(_)
                | StageKind::Regexp(_)
                | StageKind::Pattern(_)
                | StageKind::Unpack
        )
    };
    let kept = stages
        .iter()
        .enumerate()
        .filter(|(at, stage)| !matches!(stage.kind, StageKind::LineFormat(_)) || stages[*at..].iter().any(reads_line));
    kept.map(|(_, stage)| stage.clone()).collect()
}
