//! JSON Schemas of formats, for editors.

use schemars::{JsonSchema, schema_for};

/// The schema of a format as it is checked in, with a newline at the end.
pub fn schema<T: JsonSchema>() -> String {
    // A schema is plain JSON: maps with text keys, so that writing it cannot fail.
    let text = serde_json::to_string_pretty(&schema_for!(T)).unwrap_or_default();
    format!("{text}\n")
}

/// Asserts that the schema is the one that is checked in at a path below the root, and that every field says what it is.
/// `FIREDRILL_WRITE_SCHEMA=1 cargo test schema` writes the file.
#[cfg(test)]
pub fn assert_checked_in(schema: &str, path: &str) {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("FIREDRILL_WRITE_SCHEMA").is_some() {
        std::fs::write(&file, schema).unwrap();
    }
    let checked_in = std::fs::read_to_string(&file).unwrap();
    assert!(checked_in == schema, "run FIREDRILL_WRITE_SCHEMA=1 cargo test schema");
    let schema: serde_json::Value = serde_json::from_str(schema).unwrap();
    let mut all = vec![&schema];
    all.extend(schema["$defs"].as_object().unwrap().values());
    for part in all {
        for (name, field) in part["properties"].as_object().into_iter().flatten() {
            assert!(field.get("description").is_some(), "{name} in {}", part["title"]);
        }
    }
}
