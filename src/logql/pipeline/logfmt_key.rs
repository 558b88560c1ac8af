//! What `logfmt` is asked for: a key, plain or in quotes (Loki `log/logfmt/lexer.go`).

/// The key that an expression names. Several in a row are accepted as Loki accepts them, and find nothing.
///
/// # Errors
/// Why it is no key.
pub(super) fn parse(expression: &str) -> Result<String, String> {
    let mut keys: Vec<String> = Vec::new();
    let mut rest = expression.chars().peekable();
    while let Some(&next) = rest.peek() {
        match next {
            ' ' | '\t' | '\n' => {
                rest.next();
            }
            'a'..='z' | 'A'..='Z' | '_' => {
                let mut key = String::new();
                while let Some(c) = rest.next_if(|c| c.is_ascii_alphanumeric() || *c == '_') {
                    key.push(c);
                }
                if !keys.is_empty() {
                    return Err("syntax error: unexpected KEY".to_owned());
                }
                keys.push(key);
            }
            '"' => {
                rest.next();
                let key = rest.by_ref().take_while(|c| !matches!(c, '"' | ']' | '\0')).collect();
                keys.push(key);
            }
            '\0' => break,
            other => {
                return Err(format!(
                    "unexpected char {other}; a key has letters, digits and underscores, or quotes around it"
                ));
            }
        }
    }
    let Some((first, more)) = keys.split_first() else {
        return Err("syntax error: unexpected $end, expecting STRING or KEY".to_owned());
    };
    match more {
        [] => Ok(first.clone()),
        // As `fmt.Sprintf("%v", ...)` prints what it did not expect.
        _ => {
            let more: Vec<String> = more.iter().map(|key| format!("string={key}")).collect();
            Ok(format!("{first}%!(EXTRA {})", more.join(", ")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_one_word_or_one_string() {
        assert_eq!(parse("app").as_deref(), Ok("app"));
        assert_eq!(parse(" id8 ").as_deref(), Ok("id8"));
        assert_eq!(parse("\"a b\"").as_deref(), Ok("a b"));
        for bad in ["", "fieldwith\u{dc}", "field with", "bad-key", "a.b", "1a"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
