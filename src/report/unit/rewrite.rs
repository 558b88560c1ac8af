//! Test files as they would have to be written for their cases to hold, beside what they are: `firedrill test --diff`.
//!
//! Texts are changed in place, so that comments, quotes and the order of the file stay where nothing differs.

use std::fmt::Write;

use similar::TextDiff;

use super::items::{Change, Entry, alert, block, entry_in_line, flow, lines, sample};
use crate::export::yaml::scalar;
use crate::report::words::plain;
use crate::text::yaml::{Kind, Node, read_documents};
use crate::text::{Source, Span};
use crate::unit_test::{Failure, FailureKind, GroupResult};

/// A unified difference for each file whose cases expect what does not happen, from what is written to what would pass.
/// What keeps cases from being run is left as it is.
pub fn diff(groups: &[GroupResult]) -> String {
    let mut out = String::new();
    for groups in groups.chunk_by(|a, b| a.file.name() == b.file.name()) {
        let file = &groups[0].file;
        let Some(rewritten) = rewritten(file, groups).filter(|rewritten| rewritten != file.text()) else { continue };
        let name = plain(file.name());
        let diff = TextDiff::from_lines(file.text(), &rewritten);
        let _ = write!(out, "\n{}", diff.unified_diff().context_radius(3).header(&name, &name));
    }
    out
}

/// The text of a file in which all cases expect what happens. `None` where nothing has to change.
fn rewritten(file: &Source, groups: &[GroupResult]) -> Option<String> {
    if groups.iter().all(GroupResult::passed) {
        return None;
    }
    let documents = read_documents(file).ok()?;
    let items = list(documents.first()?.get("tests")?);
    let mut text = Text { file, edits: Vec::new() };
    for group in groups {
        let Some(node) = items.iter().find(|node| node.span == group.span) else { continue };
        for failure in &group.failures {
            text.case(node, failure);
        }
    }
    text.finish()
}

fn list(node: &Node) -> &[Node] {
    match &node.kind {
        Kind::List(items) => items,
        _ => &[],
    }
}

/// How long a list or a mapping between brackets is.
fn bracketed(text: &str) -> usize {
    let mut open = 0usize;
    let mut quote = None;
    let mut before = ' ';
    let mut escaped = false;
    let mut comment = false;
    for (at, character) in text.char_indices() {
        match quote {
            _ if comment => comment = character != '\n',
            Some('"') if escaped => escaped = false,
            Some('"') if character == '\\' => escaped = true,
            Some(mark) if character == mark => quote = None,
            Some(_) => {}
            // Quotes stand for themselves inside of plain words.
            None if matches!(character, '"' | '\'') && matches!(before, ' ' | '\n' | ',' | ':' | '[' | '{') => {
                quote = Some(character);
            }
            None if character == '#' && before.is_whitespace() => comment = true,
            None if matches!(character, '[' | '{') => open += 1,
            None if matches!(character, ']' | '}') => {
                open = open.saturating_sub(1);
                if open == 0 {
                    return at + 1;
                }
            }
            None => {}
        }
        before = character;
    }
    text.trim_end().len()
}

/// A file and what is to be written in place of some of its parts.
struct Text<'a> {
    file: &'a Source,
    edits: Vec<(Span, String)>,
}

impl Text<'_> {
    fn case(&mut self, group: &Node, failure: &Failure) {
        let (kinds, key): (&[&str], &str) = match &failure.kind {
            FailureKind::Alerts(_) => (&["alert_rule_test"], "exp_alerts"),
            FailureKind::Samples(_) => (&["promql_expr_test", "logql_expr_test"], "exp_samples"),
            FailureKind::Lines(_) => (&["logql_expr_test"], "exp_logs"),
            FailureKind::Unusable(_) | FailureKind::Rule { .. } | FailureKind::Expression(_) | FailureKind::Trap(_) => {
                return;
            }
        };
        let mut cases = kinds.iter().filter_map(|kind| group.get(kind)).flat_map(list);
        let Some(case) = cases.find(|case| case.span == failure.span) else { return };
        let value = case.entries().iter().find(|(name, _)| name.text() == Some(key));
        let items = value.map(|(_, value)| list(value)).unwrap_or_default();
        let mut changes: Vec<Change> = items.iter().map(|_| Change::Keep).collect();
        let mut added: Vec<Vec<Entry>> = Vec::new();
        match &failure.kind {
            FailureKind::Alerts(difference) => {
                difference.mismatches.iter().for_each(|mismatch| alert(mismatch, items, &mut changes, &mut added));
            }
            FailureKind::Samples(difference) => {
                difference.mismatches.iter().for_each(|mismatch| sample(mismatch, items, &mut changes, &mut added));
            }
            FailureKind::Lines(difference) => lines(difference, &mut changes, &mut added),
            _ => {}
        }
        match value {
            Some((_, value)) if self.is_flow(value) => self.flow(value, items, &changes, &added),
            Some((name, value)) => self.block(name, value, items, &changes, &added),
            None if self.is_flow(case) => {
                let texts: Vec<String> = added.iter().map(|item| flow(item)).collect();
                let end = self.whole(case).end.saturating_sub(1);
                self.edits.push((Span::new(end, end), format!(", {key}: [{}]", texts.join(", "))));
            }
            None => {
                let Some(indent) = case.entries().first().map(|(first, _)| self.column(first.span.start)) else {
                    return;
                };
                let end = self.whole(case).end;
                let texts: String = added.iter().map(|item| block(item, indent + 2)).collect();
                let texts = format!("\n{:indent$}{key}:\n{}", "", texts.trim_end_matches('\n'));
                self.edits.push((Span::new(end, end), texts));
            }
        }
    }

    /// A list between brackets is written anew, with what stays as it was.
    fn flow(&mut self, value: &Node, items: &[Node], changes: &[Change], added: &[Vec<Entry>]) {
        let mut texts = Vec::new();
        for (item, change) in items.iter().zip(changes) {
            match change {
                Change::Remove => {}
                Change::Keep => texts.push(self.slice(item).to_owned()),
                Change::Set(entries) => {
                    let mut own = Text { file: self.file, edits: Vec::new() };
                    own.set(item, entries);
                    texts.push(own.apply(self.whole(item)));
                }
            }
        }
        texts.extend(added.iter().map(|item| flow(item)));
        self.edits.push((self.whole(value), format!("[{}]", texts.join(", "))));
    }

    fn block(&mut self, key: &Node, value: &Node, items: &[Node], changes: &[Change], added: &[Vec<Entry>]) {
        for (item, change) in items.iter().zip(changes) {
            match change {
                Change::Keep => {}
                Change::Remove => {
                    let end = self.line_end(self.whole(item).end);
                    let start = self.line_start(item.span.start);
                    self.edits.push((Span::new(start, (end + 1).min(self.file.text().len())), String::new()));
                }
                Change::Set(entries) => self.set(item, entries),
            }
        }
        if added.is_empty() {
            return;
        }
        let (end, indent) = match items.last() {
            Some(last) => {
                let line = self.line_start(last.span.start);
                let dash = self.file.text()[line..last.span.start].find('-').unwrap_or(0);
                (self.line_end(self.whole(last).end), dash)
            }
            None => (self.line_end(self.after_colon(key).max(self.whole(value).end)), self.column(key.span.start) + 2),
        };
        let texts: String = added.iter().map(|item| block(item, indent)).collect();
        if matches!(changes.last(), Some(Change::Remove)) {
            // Behind the line break that went with the last item.
            let behind = (end + 1).min(self.file.text().len());
            self.edits.push((Span::new(behind, behind), texts));
        } else {
            self.edits.push((Span::new(end, end), format!("\n{}", texts.trim_end_matches('\n'))));
        }
    }

    /// Gives entries of an item other values.
    fn set(&mut self, item: &Node, entries: &[Entry]) {
        let flow_item = self.is_flow(item);
        let Some((first, _)) = item.entries().first() else {
            return self.edits.push((self.whole(item), flow(entries)));
        };
        let indent = self.column(first.span.start);
        let mut missing = Vec::new();
        for entry in entries {
            let name = match entry {
                Entry::Scalar(name, _) | Entry::Map(name, _) | Entry::Gone(name) => *name,
            };
            let Some((key, value)) = item.entries().iter().find(|(key, _)| key.text() == Some(name)) else {
                match entry {
                    Entry::Gone(_) => {}
                    Entry::Map(_, pairs) if pairs.is_empty() => {}
                    entry => missing.push(entry),
                }
                continue;
            };
            match entry {
                // An item of which a part goes is written anew.
                Entry::Gone(_) => return self.edits.push((self.whole(item), flow(entries))),
                Entry::Scalar(_, text) => self.value(key, value, text.clone()),
                Entry::Map(_, pairs) => self.map(key, value, pairs),
            }
        }
        if missing.is_empty() {
            return;
        }
        let at = Span::new(first.span.start, first.span.start);
        let texts: String = missing
            .into_iter()
            .map(|entry| match flow_item {
                true => format!("{}, ", entry_in_line(entry)),
                false => format!("{}\n{:indent$}", entry_in_line(entry), ""),
            })
            .collect();
        self.edits.push((at, texts));
    }

    fn value(&mut self, key: &Node, value: &Node, text: String) {
        let span = self.whole(value);
        match value.kind {
            Kind::Null if span.start == span.end => {
                let after = self.after_colon(key);
                self.edits.push((Span::new(after, after), format!(" {text}")));
            }
            _ => self.edits.push((span, text)),
        }
    }

    /// Labels or annotations: those that stay keep their text.
    fn map(&mut self, key: &Node, value: &Node, pairs: &[(String, String)]) {
        let own = value.entries();
        let names_stay = own.len() == pairs.len()
            && own.iter().all(|(name, _)| name.text().is_some_and(|name| pairs.iter().any(|(other, _)| other == name)));
        if names_stay {
            for (name, value) in own {
                let wanted = pairs.iter().find(|(other, _)| name.text() == Some(other)).map(|(_, text)| text);
                if let Some(wanted) = wanted.filter(|wanted| value.text() != Some(wanted)) {
                    self.value(name, value, scalar(wanted));
                }
            }
            return;
        }
        let text_of = |name: &str, text: &str| {
            let same = own.iter().find(|(key, value)| key.text() == Some(name) && value.text() == Some(text));
            let value = same.map_or_else(|| scalar(text), |(_, value)| self.slice(value).to_owned());
            format!("{}: {value}", scalar(name))
        };
        // In the order of the file, then what is new.
        let place = |name: &str| own.iter().position(|(key, _)| key.text() == Some(name)).unwrap_or(own.len());
        let mut sorted: Vec<&(String, String)> = pairs.iter().collect();
        sorted.sort_by_key(|(name, _)| place(name));
        let entries: Vec<String> = sorted.iter().map(|(name, text)| text_of(name, text)).collect();
        match own.first().filter(|_| !self.is_flow(value) && !entries.is_empty()) {
            Some((first, _)) => {
                let indent = self.column(first.span.start);
                let text = entries.join(&format!("\n{:indent$}", ""));
                let span = Span::new(first.span.start, self.whole(value).end);
                self.edits.push((span, text));
            }
            None => self.value(key, value, format!("{{{}}}", entries.join(", "))),
        }
    }

    fn is_flow(&self, node: &Node) -> bool {
        self.file.text()[node.span.start..].starts_with(['[', '{'])
    }

    /// Where a node stands, up to its last character: what is between brackets or in lines ends where its last part does.
    fn whole(&self, node: &Node) -> Span {
        let text = self.file.text();
        let start = node.span.start;
        let end = if self.is_flow(node) {
            start + bracketed(&text[start..])
        } else {
            match &node.kind {
                Kind::Map(entries) => entries.last().map_or(start, |(key, value)| match &value.kind {
                    Kind::Null => self.after_colon(key).max(self.trimmed(value.span).end),
                    _ => self.whole(value).end,
                }),
                Kind::List(items) => items.last().map_or(start, |item| self.whole(item).end),
                Kind::Null | Kind::Scalar { .. } => self.trimmed(node.span).end,
            }
        };
        Span::new(start, end)
    }

    /// A span without blanks and line breaks at its end.
    fn trimmed(&self, span: Span) -> Span {
        let text = self.file.text().get(span.start..span.end).unwrap_or_default();
        Span::new(span.start, span.start + text.trim_end().len())
    }

    fn after_colon(&self, key: &Node) -> usize {
        let end = self.whole(key).end;
        self.file.text()[end..].find(':').map_or(end, |at| end + at + 1)
    }

    fn slice(&self, node: &Node) -> &str {
        let span = self.whole(node);
        self.file.text().get(span.start..span.end).unwrap_or_default()
    }

    fn line_start(&self, at: usize) -> usize {
        self.file.text()[..at].rfind('\n').map_or(0, |at| at + 1)
    }

    fn line_end(&self, at: usize) -> usize {
        self.file.text()[at..].find('\n').map_or(self.file.text().len(), |next| at + next)
    }

    fn column(&self, at: usize) -> usize {
        self.file.text()[self.line_start(at)..at].chars().count()
    }

    fn finish(self) -> Option<String> {
        let whole = Span::new(0, self.file.text().len());
        (!self.edits.is_empty()).then(|| self.apply(whole))
    }

    /// A part of the file with the edits in it.
    fn apply(mut self, part: Span) -> String {
        self.edits.sort_by_key(|(span, _)| (span.start, span.end));
        let mut out = String::new();
        let mut at = part.start;
        for (span, text) in &self.edits {
            // An alias repeats what stands elsewhere, so that two cases may want to change one text: the first does.
            if span.start < at {
                continue;
            }
            out += &self.file.text()[at..span.start];
            out += text;
            at = span.end;
        }
        out + &self.file.text()[at.min(part.end)..part.end]
    }
}
