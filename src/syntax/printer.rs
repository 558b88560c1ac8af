//! What the printers of PromQL and LogQL share.

use std::fmt::{self, Write};

use super::strings::write_quoted;
use super::{BinaryOp, Cardinality, VectorMatching};

/// Whether a label's name needs no quotes: `[a-zA-Z_][a-zA-Z0-9_]*`.
pub fn is_plain_label(name: &str) -> bool {
    !name.is_empty()
        && !name.as_bytes()[0].is_ascii_digit()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Writes a label's name, in quotes where it needs them.
pub fn write_label(f: &mut impl Write, name: &str) -> fmt::Result {
    if is_plain_label(name) { f.write_str(name) } else { write_quoted(f, name) }
}

/// Writes label names with commas between them.
pub fn write_labels(f: &mut impl Write, names: &[String]) -> fmt::Result {
    for (at, name) in names.iter().enumerate() {
        if at > 0 {
            f.write_str(", ")?;
        }
        write_label(f, name)?;
    }
    Ok(())
}

/// Writes a binary operator with its modifiers and a blank on either side.
pub fn write_operator(
    f: &mut impl Write,
    op: BinaryOp,
    return_bool: bool,
    matching: Option<&VectorMatching>,
) -> fmt::Result {
    write!(f, " {op}")?;
    if return_bool {
        f.write_str(" bool")?;
    }
    if let Some(matching) = matching {
        write_matching(f, matching)?;
    }
    f.write_char(' ')
}

fn write_matching(f: &mut impl Write, matching: &VectorMatching) -> fmt::Result {
    let group = match matching.cardinality {
        Cardinality::ManyToOne => Some("left"),
        Cardinality::OneToMany => Some("right"),
        Cardinality::OneToOne | Cardinality::ManyToMany => None,
    };
    if matching.on || !matching.labels.is_empty() || group.is_some() {
        f.write_str(if matching.on { " on (" } else { " ignoring (" })?;
        write_labels(f, &matching.labels)?;
        f.write_char(')')?;
    }
    if let Some(side) = group {
        write!(f, " group_{side} (")?;
        write_labels(f, &matching.include)?;
        f.write_char(')')?;
    }
    match (matching.fill_lhs, matching.fill_rhs) {
        (Some(left), Some(right)) if left == right => write_fill(f, "fill", left),
        (left, right) => {
            left.map_or(Ok(()), |value| write_fill(f, "fill_left", value))?;
            right.map_or(Ok(()), |value| write_fill(f, "fill_right", value))
        }
    }
}

fn write_fill(f: &mut impl Write, word: &str, value: f64) -> fmt::Result {
    write!(f, " {word} (")?;
    write_number(f, value)?;
    f.write_char(')')
}

/// Writes a number without an exponent (`strconv.FormatFloat(value, 'f', -1, 64)`).
pub fn write_number(f: &mut impl Write, value: f64) -> fmt::Result {
    if value.is_nan() {
        f.write_str("NaN")
    } else if value.is_infinite() {
        f.write_str(if value > 0.0 { "+Inf" } else { "-Inf" })
    } else {
        write!(f, "{value}")
    }
}
