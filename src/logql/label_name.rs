//! Names of labels as LogQL and Loki's push API take them.

use crate::syntax::printer::is_plain_label;
use crate::text::Diagnostic;

/// Whether streams and structured metadata may have labels of this name.
///
/// # Errors
/// A name that LogQL cannot ask for: Loki refuses streams with such labels, and renames structured metadata (`pkg/distributor`).
pub fn check(name: &str) -> Result<(), Diagnostic> {
    if is_plain_label(name) {
        return Ok(());
    }
    let problem = Diagnostic::error(format!("`{name}` is no name of a label in Loki"));
    let digit = name.starts_with(|first: char| first.is_ascii_digit());
    let plain = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' });
    let plain: String = digit.then_some('_').into_iter().chain(plain).collect();
    Err(problem.help(match plain.is_empty() {
        true => "names have letters, digits and `_`".to_owned(),
        false => format!("write `{plain}`: names have letters, digits and `_`, and begin with no digit"),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_words_of_ascii() {
        let told = |name: &str| check(name).err().and_then(|problem| problem.help).unwrap_or_default();
        assert_eq!(told("app") + &told("_app1") + &told("__error__"), "");
        assert!(told("my-label").starts_with("write `my_label`:"));
        assert!(told("1st").starts_with("write `_1st`:"));
        assert!(told("k8s.pod/ü").starts_with("write `k8s_pod__`:"));
        assert!(told("").starts_with("names have"));
    }
}
