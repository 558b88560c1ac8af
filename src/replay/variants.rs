//! Variants: the tree of the replay with values set by path, and what is left out of it.

use super::deserialize::{Reader, Text};
use super::document::{Document, VariantDoc};
use super::names;
use super::spans::LeftOut;
use super::tree::{Kind, Node};
use crate::text::Diagnostic;

/// Sets the values of `set`; paths that lead nowhere are noted.
pub fn apply(tree: &mut Node, set: &Node, reader: &Reader<'_>) {
    if !matches!(set.kind, Kind::Map(_)) {
        reader.problem(
            set.span,
            Diagnostic::error("`set` needs paths and values").help("write `set: {spans.stuck.to: \"15:20:00\"}`"),
        );
        return;
    }
    for (path, value) in set.entries() {
        let written = path.text().unwrap_or_default();
        if let Err(problem) = set_path(tree, written, path, value, &|node| reader.source.place(node.span.start).line) {
            reader.problem(path.span, problem);
        }
    }
}

/// `place` tells the line of a node.
fn set_path(
    tree: &mut Node,
    written: &str,
    path: &Node,
    value: &Node,
    place: &dyn Fn(&Node) -> usize,
) -> Result<(), Diagnostic> {
    let (section, rest) = written.split_once('.').unwrap_or((written, ""));
    match section {
        "title" | "happened" | "expect" | "skip" => {
            return Err(Diagnostic::error(format!("a variant cannot set `{section}`"))
                .help(format!("write it as a field of the variant: `{section}: ...`")));
        }
        "firedrill" | "variants" | "rules" | "document" | "dialect" | "external_labels" => {
            return Err(Diagnostic::error(format!("a variant cannot set `{section}`"))
                .help("it is the same for all variants; another one takes another replay"));
        }
        _ => {}
    }
    if rest.is_empty() {
        return put(tree, section, path, value);
    }
    let found = child(tree, section)?;
    match section {
        "metrics" | "gaps" => {
            let key = if section == "metrics" { "series" } else { "name" };
            let Kind::List(items) = &mut found.kind else {
                return Err(Diagnostic::error(format!("`{section}` is {}", found.describe())));
            };
            let fits = |item: &Node| {
                let name = item.get(key).and_then(Node::text)?;
                let rest = rest.strip_prefix(name)?;
                if rest.is_empty() { Some(name.len()) } else { rest.starts_with('.').then_some(name.len()) }
            };
            let best = items.iter().enumerate().filter_map(|(at, item)| Some((fits(item)?, at))).max();
            let Some((length, at)) = best else {
                let known: Vec<&str> = items.iter().filter_map(|item| item.get(key).and_then(Node::text)).collect();
                let help = names::hint(rest, &format!("each of `{section}` by its {key}"), known.iter().copied());
                return Err(Diagnostic::error(format!("`{written}` leads to nothing")).help(help));
            };
            if let Some(twin) = items[..at].iter().find(|item| fits(item) == Some(length)) {
                let name = &rest[..length];
                let (one, other) = (place(twin), place(&items[at]));
                return Err(Diagnostic::error(format!(
                    "two of `{section}` are called `{name}`, in lines {one} and {other}"
                ))
                .help("write one of them differently, for a name in `${}` for example, so that the path means one"));
            }
            match rest[length..].strip_prefix('.') {
                Some(rest) => descend(&mut items[at], rest, path, value),
                None => {
                    items[at] = value.clone();
                    Ok(())
                }
            }
        }
        _ => descend(found, rest, path, value),
    }
}

fn descend(node: &mut Node, rest: &str, path: &Node, value: &Node) -> Result<(), Diagnostic> {
    match rest.split_once('.') {
        None => put(node, rest, path, value),
        Some((key, rest)) => descend(child(node, key)?, rest, path, value),
    }
}

/// The value of a key that exists.
fn child<'a>(node: &'a mut Node, key: &str) -> Result<&'a mut Node, Diagnostic> {
    let known: Vec<String> = node.entries().iter().filter_map(|(name, _)| name.text().map(str::to_owned)).collect();
    let described = node.describe();
    let found = match &mut node.kind {
        Kind::Map(entries) => entries.iter_mut().find(|(name, _)| name.text() == Some(key)).map(|(_, value)| value),
        _ => None,
    };
    found.ok_or_else(|| {
        let problem = Diagnostic::error(format!("the path leads to nothing: there is no `{key}`"));
        if known.is_empty() {
            problem.help(format!("here is {described}"))
        } else {
            problem.help(names::hint(key, "here are", known.iter().map(String::as_str)))
        }
    })
}

/// Replaces the value of a key, or adds the key.
fn put(node: &mut Node, key: &str, path: &Node, value: &Node) -> Result<(), Diagnostic> {
    let described = node.describe();
    let Kind::Map(entries) = &mut node.kind else {
        return Err(Diagnostic::error(format!("the path leads to nothing: `{key}` would be inside of {described}"))
            .help("set the whole value instead"));
    };
    match entries.iter_mut().find(|(name, _)| name.text() == Some(key)) {
        Some((_, old)) => *old = value.clone(),
        None => {
            let name = Node { span: path.span, kind: Kind::Scalar { text: key.into(), plain: true } };
            entries.push((name, value.clone()));
        }
    }
    Ok(())
}

/// Removes what a variant leaves out: targets, metrics and gaps from the document; spans and events are returned,
/// for what refers to them stays.
pub fn leave_out(doc: &mut Document, variant: &VariantDoc, names: &Names, reader: &Reader<'_>) -> LeftOut {
    let mut left_out = LeftOut::default();
    if let Some(only) = &variant.only {
        left_out.spans.extend(names.spans.iter().cloned());
        for span in only {
            if !left_out.spans.remove(&span.text) {
                let help = names::hint(&span.text, "the spans are", names.spans.iter().map(String::as_str));
                reader.problem(span.span, Diagnostic::error(format!("unknown span `{}`", span.text)).help(help));
            }
        }
    }
    for text in &variant.without {
        leave_out_one(doc, text, names, &mut left_out, reader);
    }
    left_out
}

/// What can be left out, by name.
pub struct Names {
    pub spans: Vec<String>,
    pub events: Vec<String>,
}

fn leave_out_one(doc: &mut Document, text: &Text, names: &Names, left_out: &mut LeftOut, reader: &Reader<'_>) {
    const SECTIONS: [&str; 5] = ["spans", "events", "targets", "metrics", "gaps"];
    let (section, name) = match text.text.split_once('.') {
        Some((section, name)) if SECTIONS.contains(&section) => (Some(section), name),
        _ => (None, text.text.as_str()),
    };
    let has = |key: &str, node: &Node| node.get(key).and_then(Node::text) == Some(name);
    let metric = |node: &Node| {
        node.get("series").and_then(Node::text).is_some_and(|series| series == name || covers(name, series))
    };
    let found = [
        names.spans.iter().any(|span| span == name),
        names.events.iter().any(|event| event == name),
        doc.targets.0.iter().any(|(target, _)| target.text == name),
        doc.metrics.iter().any(|entry| metric(&entry.node)),
        doc.gaps.iter().any(|entry| has("name", &entry.node)),
    ];
    let hits: Vec<&str> = SECTIONS
        .iter()
        .zip(found)
        .filter(|(kind, found)| *found && section.is_none_or(|section| section == **kind))
        .map(|(kind, _)| *kind)
        .collect();
    match hits.as_slice() {
        ["spans"] => drop(left_out.spans.insert(name.to_owned())),
        ["events"] => drop(left_out.events.insert(name.to_owned())),
        ["targets"] => {
            doc.targets.0.retain(|(target, _)| target.text != name);
            let of_target = |node: &Node| node.get("target").and_then(Node::text) == Some(name);
            doc.metrics.retain(|entry| !of_target(&entry.node));
            doc.gaps.retain(|entry| !entry.node.entries().iter().any(|(_, kind)| of_target(kind)));
        }
        ["metrics"] => doc.metrics.retain(|entry| !metric(&entry.node)),
        ["gaps"] => doc.gaps.retain(|entry| !has("name", &entry.node)),
        [] => {
            let series = doc.metrics.iter().filter_map(|entry| entry.node.get("series")?.text());
            let gaps = doc.gaps.iter().filter_map(|entry| entry.node.get("name")?.text());
            let targets = doc.targets.0.iter().map(|(target, _)| target.text.as_str());
            let all: Vec<&str> = names
                .spans
                .iter()
                .chain(&names.events)
                .map(String::as_str)
                .chain(targets)
                .chain(series)
                .chain(gaps)
                .collect();
            let help = names::hint(name, "what can be left out", all.iter().copied());
            reader.problem(
                text.span,
                Diagnostic::error(format!("the variant leaves out `{name}`, which does not exist")).help(help),
            );
        }
        several => {
            let help = several.iter().map(|section| format!("`{section}.{name}`")).collect::<Vec<_>>().join(" or ");
            reader.problem(
                text.span,
                Diagnostic::error(format!("`{name}` names several things")).help(format!("write {help}")),
            );
        }
    }
}

/// Whether a series has the name and all labels of a pattern.
fn covers(pattern: &str, series: &str) -> bool {
    match (crate::promql::parse_series(pattern), crate::promql::parse_series(series)) {
        (Ok(pattern), Ok(series)) => pattern.iter().all(|(name, value)| series.get(name) == value),
        _ => false,
    }
}
