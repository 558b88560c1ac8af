//! A second opinion on YAML: `text::yaml` and `serde_yaml` read the same values from the same text.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use firedrill::text::yaml::{self, Kind, Node};
use firedrill::text::{Diagnostic, Source};
use serde_json::Value;

/// Our values. Numbers and booleans, which stay as they are written, are read one by one by the other library.
fn ours(text: &str) -> Result<Vec<Value>, Diagnostic> {
    Ok(yaml::read_documents(&Source::new("f.yaml", text))?.iter().map(value).collect())
}

fn value(node: &Node) -> Value {
    match &node.kind {
        Kind::Null => Value::Null,
        Kind::Scalar { text, plain: true } => match serde_yaml::from_str(text) {
            Ok(value @ (Value::Number(_) | Value::Bool(_))) => value,
            _ => Value::String(text.to_string()),
        },
        Kind::Scalar { text, plain: false } => Value::String(text.to_string()),
        Kind::List(items) => Value::Array(items.iter().map(value).collect()),
        Kind::Map(entries) => {
            let name = |key: &Node| key.text().unwrap_or("null").to_owned();
            Value::Object(entries.iter().map(|(key, entry)| (name(key), value(entry))).collect())
        }
    }
}

#[test]
fn notations_are_read_alike() {
    let texts = [
        "a: 1\nb: [x, 'y', \"z\\n\"]\nc: {d: , e: ~}\n",
        "- |\n  a\n   b\n\n- >-\n  fold\n  more\n\n  x\n- |2-\n    up\n  x\n- |+\n\n  a\n\n\n- >\n\n a\n  b\n\n c\n",
        "base: &b {x: 1, y: 2}\nuse: {<<: *b, y: 3}\nsame: *b\nlist: {<<: [{p: 1}, {p: 2, q: 2}]}\n",
        "- a\n- b: c\n  d: e\n-\n  - f\n  - - g\n",
        "---\na: 1\n---\n~\n---\n# nothing\n---\nb: !!str 1\n...\n",
        "\u{feff}'q': 'it''s'\n? k\n: v\n0x1F: 0o17\nü: é # note\n",
        "a: \"x \\\n   y\n  z\\u00e9 \\U0001F600 \\ud83d\\ude00\"\nb: plain\n  more\n\n  lines\nc:\n- indented as its key\n",
        "a: &x [1, 2]\nb: *x\nc: &x foo\nd: *x\n",
        "a: |\r\n  x\r\n  y\r\nb: 'x\r\n  y'\r\n",
        "a: [1, 2\n",
        "a: b: c\n",
        "a: *nothing\n",
        "a: 1\n\tb: 2\n",
        "a: 1\n'a': 2\n",
        "a: {b: 1]\n",
        "<<: 1\n",
        "a: &a [*a]\n",
    ];
    for text in texts {
        let theirs: Result<Vec<Value>, _> = serde_yaml::from_multiple(text);
        match (ours(text), theirs) {
            (Ok(ours), Ok(theirs)) => assert_eq!(ours, theirs, "{text}"),
            (Err(_), Err(_)) => {}
            (ours, theirs) => panic!("{text}\nours: {ours:?}\ntheirs: {theirs:?}"),
        }
    }
}

#[test]
fn real_files_are_read_alike() {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = [Some(own.join("incidents")), Some(own.join("rules")), common::kit("promtool")];
    let mut files: Vec<PathBuf> = Vec::new();
    for folder in folders.into_iter().flatten() {
        let found = walkdir::WalkDir::new(folder).into_iter().filter_map(Result::ok).map(walkdir::DirEntry::into_path);
        files.extend(found.filter(|path| path.extension().is_some_and(|end| end == "yaml" || end == "yml")));
    }
    assert!(files.len() > 3, "{files:?}");
    for path in files {
        let text = fs::read_to_string(&path).unwrap();
        let theirs: Vec<Value> = serde_yaml::from_multiple(&text).unwrap();
        assert_eq!(ours(&text).unwrap(), theirs, "{}", path.display());
    }
}
