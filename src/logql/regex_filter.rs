//! Plain texts in place of regular expressions, as Loki searches for them (`pkg/logql/log/filter.go`, `RegexSimplifier`). That is not always the same:
//! `foo.*` on a label is met by every value that holds `foo`, although conditions on labels look at whole values.

use super::regex_tree::{Node, Op, parse};

/// A search that stands for a regular expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlainSearch {
    /// Everything.
    All,
    /// All but the empty text.
    NotEmpty,
    /// What holds the text; `fold`: in any case of letters.
    Contains { text: String, fold: bool },
    /// The text itself.
    Equals { text: String, fold: bool },
    /// What one of them finds; at least two, none of them `All`.
    Any(Vec<PlainSearch>),
}

/// The search for a regular expression that Go accepts, `None` where it takes one; `label`: a condition on a label, not on a line.
pub fn plain_search(pattern: &str, label: bool) -> Option<PlainSearch> {
    simplify(&parse(pattern), label)
}

fn contains(text: Vec<char>, fold: bool) -> PlainSearch {
    if text.is_empty() { PlainSearch::All } else { PlainSearch::Contains { text: text.into_iter().collect(), fold } }
}

/// Either of two searches. What finds everything is left out, although the other one does not.
fn either(a: Option<PlainSearch>, b: PlainSearch) -> PlainSearch {
    match (a, b) {
        (None | Some(PlainSearch::All), b) => b,
        (Some(a), PlainSearch::All) => a,
        (Some(a), b) => {
            let mut all = Vec::new();
            for search in [a, b] {
                match search {
                    PlainSearch::Any(several) => all.extend(several),
                    single => all.push(single),
                }
            }
            PlainSearch::Any(all)
        }
    }
}

fn simplify(node: &Node, label: bool) -> Option<PlainSearch> {
    match &node.op {
        Op::Alternate(parts) => {
            let mut all = None;
            for part in parts {
                all = Some(either(all, simplify(uncaptured(part), label)?));
            }
            all
        }
        Op::Concat(parts) => concat(parts, None),
        Op::Capture(inner) => simplify(inner, label),
        Op::Literal(letters) if label => Some(PlainSearch::Equals { text: letters.iter().collect(), fold: node.fold }),
        Op::Literal(letters) => Some(contains(letters.clone(), node.fold)),
        Op::Star(inner) if inner.op == Op::AnyInLine => Some(PlainSearch::All),
        Op::Plus(inner) if inner.op == Op::AnyInLine => Some(PlainSearch::NotEmpty),
        Op::Empty => Some(PlainSearch::All),
        _ => None,
    }
}

/// The inside of a group; only of one.
fn uncaptured(node: &Node) -> &Node {
    match &node.op {
        Op::Capture(inner) => inner,
        _ => node,
    }
}

/// One literal with `.*` beside it, or a literal and alternatives that go on with it. `base` is the literal that a node around it begins with.
fn concat(parts: &[Node], base: Option<&[char]>) -> Option<PlainSearch> {
    let parts: Vec<&Node> = parts.iter().map(uncaptured).filter(|part| part.op != Op::Empty).collect();
    if parts.len() > 3 {
        return None;
    }
    let mut text = base.map(<[char]>::to_vec);
    let (mut found, mut literals, mut fold) = (None, 0, false);
    for part in parts {
        match (&part.op, &mut text) {
            (Op::Literal(_), _) if literals > 0 => return None,
            (Op::Literal(letters), text) => {
                literals += 1;
                text.get_or_insert_default().extend(letters);
                fold = part.fold;
            }
            (Op::Alternate(alternatives), Some(text)) => {
                found = alternatives_behind(alternatives, text, found, fold)?;
            }
            (Op::Star(inner), _) if inner.op == Op::AnyInLine => {}
            _ => return None,
        }
    }
    found.or_else(|| text.map(|text| contains(text, fold)))
}

/// A literal with each of some alternatives behind it. The outer option says whether they are plain.
fn alternatives_behind(
    alternatives: &[Node],
    literal: &[char],
    mut found: Option<PlainSearch>,
    fold: bool,
) -> Option<Option<PlainSearch>> {
    for part in alternatives {
        if !fold && part.fold {
            return None;
        }
        let search = match &part.op {
            Op::Empty => contains(literal.to_vec(), fold),
            Op::Literal(letters) => contains([literal, letters].concat(), fold),
            Op::Concat(parts) => concat(parts, Some(literal))?,
            Op::Star(inner) if inner.op == Op::AnyInLine => contains(literal.to_vec(), fold),
            _ => return None,
        };
        found = Some(either(found, search));
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> PlainSearch {
        PlainSearch::Contains { text: text.to_owned(), fold: false }
    }

    fn folded(text: &str) -> PlainSearch {
        PlainSearch::Contains { text: text.to_owned(), fold: true }
    }

    fn any(texts: &[&str]) -> Option<PlainSearch> {
        Some(PlainSearch::Any(texts.iter().map(|one| text(one)).collect()))
    }

    // Expected values: Loki's filter_test.go, `Test_SimplifiedRegex`.
    #[test]
    fn regular_expressions_become_the_texts_that_loki_makes_of_them() {
        for (pattern, expected) in [
            ("foo", Some(text("foo"))),
            ("foo.*", Some(text("foo"))),
            (".*foo.*", Some(text("foo"))),
            ("(.*)(foo).*", Some(text("foo"))),
            ("(foo.*|.*ba)", any(&["foo", "ba"])),
            ("(?:.*foo.*|bar)", any(&["foo", "bar"])),
            ("(?P<foo>.*foo.*|bar)", any(&["foo", "bar"])),
            (".*foo.*|bar|buzz", any(&["foo", "bar", "buzz"])),
            ("foo|bar|b|buzz|zz", any(&["foo", "bar", "b", "buzz", "zz"])),
            ("f.*|foobar.*|.*buzz", any(&["f", "foobar", "buzz"])),
            ("((f.*)|foobar.*)|.*buzz", any(&["f", "foobar", "buzz"])),
            (".*", Some(PlainSearch::All)),
            (".*|.*", Some(PlainSearch::All)),
            (".*||||", Some(PlainSearch::All)),
            ("", Some(PlainSearch::All)),
            (".+", Some(PlainSearch::NotEmpty)),
            ("(?i).*foo.*", Some(folded("foo"))),
            ("(?i)f|fatal|e.*", Some(PlainSearch::Any(vec![folded("f"), folded("fatal"), folded("e")]))),
            ("[a]bc", Some(text("abc"))),
            ("(a|A)bc", None),
            (".*fo.*o", None),
            (".*f.*oo|fo{1,2}", None),
            ("f|f(?i)oo", None),
            ("1|2|3", None),
            ("c1|c2", None),
            ("a+", None),
            ("[0-9]+", None),
            ("5..", None),
            ("^foo", None),
            ("(a)b", None),
        ] {
            assert_eq!(plain_search(pattern, false), expected, "{pattern}");
        }
        assert_eq!(
            plain_search("foo\\.bar", true),
            Some(PlainSearch::Equals { text: "foo.bar".to_owned(), fold: false })
        );
        assert_eq!(plain_search("foo.*", true), Some(text("foo")));
    }
}
