//! Hints for names that nothing has: the nearest one, or the list of them.

use crate::text::{listed, nearest};

/// The known names in one sentence: `the spans are: a, b`.
pub fn known<'a>(what: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    let names = listed(names);
    if names.is_empty() { format!("{what}: none") } else { format!("{what}: {names}") }
}

/// The hint for an unknown name: the nearest one, else all of them.
pub fn hint<'a>(name: &str, what: &str, names: impl IntoIterator<Item = &'a str> + Clone) -> String {
    match nearest(name, names.clone()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => known(what, names),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_suggested_and_without_one_all_are_listed() {
        assert_eq!(hint("stcuk", "spans", ["stuck", "drain"]), "did you mean `stuck`?");
        assert_eq!(hint("zebra", "spans", ["stuck", "drain"]), "spans: stuck, drain");
        assert_eq!(hint("zebra", "spans", []), "spans: none");
    }
}
