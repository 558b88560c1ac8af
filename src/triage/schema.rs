//! The JSON Schema of the format, for editors.

use super::document::RunbookDoc;

/// The schema as it is checked in beside this file, with a newline at the end.
pub fn schema() -> String {
    let schema = schemars::schema_for!(RunbookDoc);
    // A schema is plain JSON: maps with text keys, so that writing it cannot fail.
    let text = serde_json::to_string_pretty(&schema).unwrap_or_default();
    format!("{text}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/triage/runbook.schema.json");

    /// `FIREDRILL_WRITE_SCHEMA=1 cargo test schema` writes the file.
    #[test]
    fn the_schema_that_is_checked_in_is_the_one_of_the_code() {
        if std::env::var_os("FIREDRILL_WRITE_SCHEMA").is_some() {
            std::fs::write(FILE, schema()).unwrap();
        }
        let checked_in = std::fs::read_to_string(FILE).unwrap();
        assert!(checked_in == schema(), "run FIREDRILL_WRITE_SCHEMA=1 cargo test schema");
    }

    #[test]
    fn every_field_says_what_it_is() {
        let schema: serde_json::Value = serde_json::from_str(&schema()).unwrap();
        let mut all = vec![&schema];
        all.extend(schema["$defs"].as_object().unwrap().values());
        for part in all {
            for (name, field) in part["properties"].as_object().into_iter().flatten() {
                assert!(field.get("description").is_some(), "{name} in {}", part["title"]);
            }
        }
    }
}
