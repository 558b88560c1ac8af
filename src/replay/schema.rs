//! The JSON Schema of the format, for editors.

use super::document::Document;
use crate::text;

/// The schema as it is checked in beside this file, with a newline at the end.
pub fn schema() -> String {
    text::schema::<Document>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_that_is_checked_in_is_the_one_of_the_code_and_every_field_says_what_it_is() {
        text::assert_checked_in(&schema(), "src/replay/replay.schema.json");
    }
}
