//! Patterns of `pattern`, `|>` and `!>`: literal text with captures such as `<user>` and `<_>` (Loki `pkg/logql/log/pattern`).

/// A pattern, cut into its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    pub parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Never empty, and never beside another one.
    Literal(String),
    /// A name; `None` for `<_>`.
    Capture(Option<String>),
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    #[error("the pattern is empty")]
    Empty,
    #[error("the pattern names no capture, so no label comes out of it")]
    NoCapture,
    #[error("nothing stands between the captures {0}{1}, so it is not known where one ends")]
    Consecutive(String, String),
    #[error("two captures are called <{0}>")]
    Duplicate(String),
    #[error("a filter of lines has no use for the name of <{0}>")]
    Named(String),
}

/// Cuts a pattern into literals and captures: `<`, a letter or an underscore, letters, digits and underscores, `>`. All else is literal.
pub fn parse(text: &str) -> Result<Pattern, PatternError> {
    let mut parts = Vec::new();
    let mut literal = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if let Some(name) = capture(rest) {
            if !literal.is_empty() {
                parts.push(Part::Literal(std::mem::take(&mut literal)));
            }
            parts.push(Part::Capture((name != "_").then(|| name.to_owned())));
            rest = &rest[name.len() + 2..];
        } else {
            literal.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    if !literal.is_empty() {
        parts.push(Part::Literal(literal));
    }
    if parts.is_empty() { Err(PatternError::Empty) } else { Ok(Pattern { parts }) }
}

/// The name of the capture that a text begins with.
fn capture(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('<')?;
    let end = inner.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))?;
    let name = &inner[..end];
    (inner[end..].starts_with('>') && !name.is_empty() && !name.as_bytes()[0].is_ascii_digit()).then_some(name)
}

impl Pattern {
    /// The names of the captures, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Capture(Some(name)) => Some(name.as_str()),
            _ => None,
        })
    }

    /// Whether it can be a parser: it names captures, none twice, and literals separate them (`expr.validate`).
    pub fn check_captures(&self) -> Result<(), PatternError> {
        let mut names: Vec<&str> = self.names().collect();
        if names.is_empty() {
            return Err(PatternError::NoCapture);
        }
        self.check_separated()?;
        names.sort_unstable();
        match names.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(PatternError::Duplicate(pair[0].to_owned())),
            None => Ok(()),
        }
    }

    /// Whether it can filter lines: literals separate its captures, and none has a name (`ParseLineFilter`).
    pub fn check_filter(&self) -> Result<(), PatternError> {
        self.check_separated()?;
        self.names().next().map_or(Ok(()), |name| Err(PatternError::Named(name.to_owned())))
    }

    fn check_separated(&self) -> Result<(), PatternError> {
        for pair in self.parts.windows(2) {
            if let [Part::Capture(first), Part::Capture(second)] = pair {
                let written = |name: &Option<String>| format!("<{}>", name.as_deref().unwrap_or("_"));
                return Err(PatternError::Consecutive(written(first), written(second)));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_cut_into_literals_and_captures() {
        let pattern = parse("<ip> - <_> [<1>] <a-b> <é> x<y").unwrap();
        assert_eq!(
            pattern.parts,
            [
                Part::Capture(Some("ip".to_owned())),
                Part::Literal(" - ".to_owned()),
                Part::Capture(None),
                Part::Literal(" [<1>] <a-b> <é> x<y".to_owned()),
            ]
        );
        assert_eq!(parse(""), Err(PatternError::Empty));
    }

    // Expected values: Loki's pattern_test.go.
    #[test]
    fn captures_need_names_of_their_own_and_text_between_them() {
        let check = |text: &str| parse(text).and_then(|pattern| pattern.check_captures());
        assert_eq!(check("<_> foo"), Err(PatternError::NoCapture));
        assert_eq!(check("<a><b>"), Err(PatternError::Consecutive("<a>".to_owned(), "<b>".to_owned())));
        assert_eq!(check("<a> <a>"), Err(PatternError::Duplicate("a".to_owned())));
        assert_eq!(check("<a> <_> <b>"), Ok(()));
        let filter = |text: &str| parse(text).and_then(|pattern| pattern.check_filter());
        assert_eq!(filter("<_> <a>"), Err(PatternError::Named("a".to_owned())));
        assert_eq!(filter("<_> x"), Ok(()));
    }
}
