//! What `json` is asked for: a path such as `a.b[0]["c d"]` (Loki `log/jsonexpr`).

/// One step of a path: a key, or an index as `[0]`.
pub(super) type Step = String;

/// The steps of a path.
///
/// # Errors
/// Why it is none.
pub(super) fn parse(expression: &str) -> Result<Vec<Step>, String> {
    let tokens = tokens(expression)?;
    let mut steps = Vec::new();
    let mut rest = &tokens[..];
    loop {
        rest = match rest {
            [] if !steps.is_empty() => return Ok(steps),
            [Token::Field(name), after @ ..] if steps.is_empty() => {
                steps.push(name.clone());
                after
            }
            [Token::Dot, Token::Field(name), after @ ..] if !steps.is_empty() => {
                steps.push(name.clone());
                after
            }
            [Token::Open, Token::Text(name), Token::Close, after @ ..] => {
                steps.push(name.clone());
                after
            }
            [Token::Open, Token::Index(index), Token::Close, after @ ..] => {
                steps.push(format!("[{index}]"));
                after
            }
            [] => return Err("syntax error: unexpected $end; write a path such as a.b[0][\"c d\"]".to_owned()),
            _ => return Err("syntax error; write a path such as a.b[0][\"c d\"]".to_owned()),
        }
    }
}

enum Token {
    Field(String),
    Text(String),
    Index(i64),
    Open,
    Close,
    Dot,
}

fn tokens(expression: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = expression.chars().peekable();
    while let Some(&next) = rest.peek() {
        let token = match next {
            ' ' | '\t' | '\n' => {
                rest.next();
                continue;
            }
            '\0' => break,
            'a'..='z' | 'A'..='Z' | '_' => {
                let mut name = String::new();
                while let Some(c) = rest.next_if(|c| c.is_ascii_alphanumeric() || *c == '_') {
                    name.push(c);
                }
                tokens.push(Token::Field(name));
                continue;
            }
            '0'..='9' => {
                let mut digits = String::new();
                loop {
                    match rest.peek() {
                        Some('.') => return Err("cannot use float as array index".to_owned()),
                        Some(c) if c.is_ascii_digit() => digits.push(*c),
                        Some(' ' | '\t' | '\n' | ']') => break,
                        other => return Err(format!("non-integer value: {}", other.copied().unwrap_or('\0'))),
                    }
                    rest.next();
                }
                tokens.push(Token::Index(digits.parse().map_err(|_| format!("{digits} is too large for an index"))?));
                continue;
            }
            '"' => {
                rest.next();
                let text = rest.by_ref().take_while(|c| !matches!(c, '"' | ']' | '\0')).collect();
                tokens.push(Token::Text(text));
                continue;
            }
            '[' => Token::Open,
            ']' => Token::Close,
            '.' => Token::Dot,
            other => return Err(format!("unexpected char {other}")),
        };
        rest.next();
        tokens.push(token);
    }
    Ok(tokens)
}

#[cfg(test)]
mod tests {
    use super::*;

    // Expected values: Loki's `jsonexpr_test.go`.
    #[test]
    fn paths_have_keys_and_indexes() {
        for (expression, steps) in [
            ("app", vec!["app"]),
            (r#"["top_level"]["app"]"#, vec!["top_level", "app"]),
            (r#"pod["name"].x"#, vec!["pod", "name", "x"]),
            ("pods[0].name", vec!["pods", "[0]", "name"]),
            ("[0]", vec!["[0]"]),
            (r#"pods[ 1 ] ["a b"]"#, vec!["pods", "[1]", "a b"]),
        ] {
            assert_eq!(parse(expression).unwrap(), steps, "{expression}");
        }
        for bad in ["", ".a", "a..b", "a b", "a[1.5]", "a[1a]", "a[-1]", "ü", "a[", "a[0", "a.", "a.[0]"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
