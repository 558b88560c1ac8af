//! `each`: one entry written once, for each of several values.

use std::collections::BTreeMap;

use super::deserialize::Reader;
use super::tree::{Kind, Node, substitute_all};
use crate::text::Diagnostic;

/// How many entries one `each` may make.
const MAX_ENTRIES: usize = 100_000;

/// The entry (and its key, where it has one) once for each row of its `each`, with `${name}` filled in.
/// Where `open`, names that `each` does not define are left for later.
pub fn expand(key: Option<&Node>, entry: &Node, open: bool, reader: &Reader<'_>) -> Vec<(Option<Node>, Node)> {
    let rows = match entry.get("each") {
        Some(each) => rows(each, reader),
        None => vec![BTreeMap::new()],
    };
    let fill = |row: &BTreeMap<String, String>| {
        let mut problems = Vec::new();
        let (mut key, mut entry) = (key.cloned(), entry.clone());
        if let Kind::Map(fields) = &mut entry.kind {
            fields.retain(|(name, _)| name.text() != Some("each"));
        }
        if let Some(key) = &mut key {
            substitute_all(key, row, open, reader.source, &mut problems);
        }
        substitute_all(&mut entry, row, open, reader.source, &mut problems);
        (problems, (key, entry))
    };
    let mut entries = Vec::with_capacity(rows.len());
    for row in &rows {
        let (problems, filled) = fill(row);
        if !problems.is_empty() {
            // The same for every row.
            reader.extend(problems);
            return Vec::new();
        }
        entries.push(filled);
    }
    entries
}

fn rows(each: &Node, reader: &Reader<'_>) -> Vec<BTreeMap<String, String>> {
    let rows = match &each.kind {
        Kind::Map(lists) => combinations(lists),
        Kind::List(rows) => rows.iter().map(row).collect(),
        _ => Err(wrong(each)),
    };
    match rows {
        Ok(rows) if rows.is_empty() => {
            let problem = Diagnostic::error("an empty `each`, so that there is no series at all");
            reader.problem(
                each.span,
                problem.help("name at least one value, as in `{leg: [internal]}`, or remove the entry"),
            );
            rows
        }
        Ok(rows) => rows,
        Err((place, problem)) => {
            reader.problem(place, problem);
            Vec::new()
        }
    }
}

type Wrong = (crate::text::Span, Diagnostic);

fn wrong(node: &Node) -> Wrong {
    let problem = Diagnostic::error(format!("expected lists of values, found {}", node.describe()));
    (node.span, problem.help("write `each: {leg: [a, b]}`, or rows `each: [{cpu: \"0\", drops: 3}]`"))
}

fn combinations(lists: &[(Node, Node)]) -> Result<Vec<BTreeMap<String, String>>, Wrong> {
    let mut rows: Vec<BTreeMap<String, String>> = if lists.is_empty() { Vec::new() } else { vec![BTreeMap::new()] };
    for (name, values) in lists {
        let (Some(name), Kind::List(values)) = (name.text(), &values.kind) else { return Err(wrong(values)) };
        if rows.len().saturating_mul(values.len()) > MAX_ENTRIES {
            let problem = Diagnostic::error(format!("`each` would make more than {MAX_ENTRIES} entries"));
            return Err((lists[0].0.span, problem));
        }
        let mut more = Vec::with_capacity(rows.len() * values.len());
        for row in &rows {
            for value in values {
                let text = value.text().ok_or_else(|| wrong(value))?;
                let mut row = row.clone();
                row.insert(name.to_owned(), text.to_owned());
                more.push(row);
            }
        }
        rows = more;
    }
    Ok(rows)
}

fn row(node: &Node) -> Result<BTreeMap<String, String>, Wrong> {
    let pairs = node.entries().iter();
    let pairs = pairs.map(|(name, value)| match (name.text(), value.text()) {
        (Some(name), Some(value)) => Ok((name.to_owned(), value.to_owned())),
        _ => Err(wrong(value)),
    });
    let row: BTreeMap<String, String> = pairs.collect::<Result<_, _>>()?;
    if row.is_empty() { Err(wrong(node)) } else { Ok(row) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Source;

    fn series(text: &str) -> (Vec<String>, Vec<Diagnostic>) {
        let source = Source::new("r.yaml", text);
        let tree = crate::text::yaml::read_documents(&source).unwrap().remove(0);
        let reader = Reader::new(&source);
        let entries = expand(None, &tree, false, &reader);
        let texts = entries.iter().map(|(_, entry)| entry.get("series").unwrap().text().unwrap().to_owned()).collect();
        (texts, reader.into_problems())
    }

    #[test]
    fn lists_combine_and_rows_stay_together() {
        let (texts, _) = series("series: x{a=\"${a}\",b=\"${b}\"}\neach: {a: [1, 2], b: [u, v]}\n");
        assert_eq!(texts, [r#"x{a="1",b="u"}"#, r#"x{a="1",b="v"}"#, r#"x{a="2",b="u"}"#, r#"x{a="2",b="v"}"#]);
        let (texts, _) = series("series: x{cpu=\"${cpu}\",n=\"${n}\"}\neach: [{cpu: 0, n: 8}, {cpu: 1, n: 6}]\n");
        assert_eq!(texts, [r#"x{cpu="0",n="8"}"#, r#"x{cpu="1",n="6"}"#]);
    }

    #[test]
    fn an_empty_each_and_an_unknown_name_are_refused() {
        for (text, message) in [
            ("series: x\neach: {}\n", "empty `each`"),
            ("series: x\neach: {leg: []}\n", "empty `each`"),
            ("series: x{l=\"${log}\"}\neach: {leg: [a, b]}\n", "unknown substitution `${log}`"),
            ("series: x\neach: 5\n", "expected lists"),
        ] {
            let (texts, problems) = series(text);
            assert!(texts.is_empty() && problems.len() == 1, "{text}: {problems:?}");
            assert!(problems[0].message.contains(message), "{}", problems[0].message);
        }
    }
}
