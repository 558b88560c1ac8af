//! Number constants of templates: one text, and its value in every kind of number that can hold it.

use crate::number::{parse_go_float, parse_go_integer};

/// A constant (`parse.NumberNode`). What is `None` cannot hold it.
#[derive(Clone, Debug, Default)]
pub(in crate::template) struct Number {
    /// As it is written.
    pub text: String,
    pub int: Option<i64>,
    pub uint: Option<u64>,
    pub float: Option<f64>,
    /// Real and imaginary part; only where it is written with an `i`.
    pub complex: Option<(f64, f64)>,
}

impl Number {
    /// `'a'`, whose character is given.
    pub fn character(text: &str, c: u32) -> Number {
        let (int, uint, float) = (Some(i64::from(c)), Some(u64::from(c)), Some(f64::from(c)));
        Number { text: text.to_owned(), int, uint, float, complex: None }
    }

    /// `1+2i`.
    pub fn complex(text: &str) -> Result<Number, String> {
        let syntax = || format!("illegal number syntax: {text:?}");
        let split = text
            .char_indices()
            .skip(1)
            .filter(|(at, c)| matches!(c, '+' | '-') && !text[..*at].ends_with(['e', 'E', 'p', 'P']))
            .last();
        let (at, _) = split.ok_or_else(syntax)?;
        let real = parse_go_float(&text[..at]).ok_or_else(syntax)?;
        let imaginary = parse_go_float(text[at..].trim_end_matches('i')).ok_or_else(syntax)?;
        Ok(Number { text: text.to_owned(), complex: Some((real, imaginary)), ..Number::default() })
    }

    /// Any other number.
    pub fn simple(text: &str) -> Result<Number, String> {
        let mut number = Number { text: text.to_owned(), ..Number::default() };
        if let Some(imaginary) = text.strip_suffix('i').and_then(parse_go_float) {
            number.complex = Some((0.0, imaginary));
            return Ok(number);
        }
        if let Some(whole) = parse_go_integer(text) {
            let signed = text.starts_with(['+', '-']) && whole != 0;
            number.int = i64::try_from(whole).ok();
            number.uint = u64::try_from(whole).ok().filter(|_| !signed);
        }
        number.float = number.int.map(|int| int as f64).or(number.uint.map(|uint| uint as f64));
        if number.float.is_none() {
            let float = parse_go_float(text).ok_or_else(|| format!("illegal number syntax: {text:?}"))?;
            if !text.contains(['.', 'e', 'E', 'p', 'P']) {
                return Err(format!("integer overflow: {text:?}"));
            }
            number.float = Some(float);
            if float.fract() == 0.0 && (i64::MIN as f64..i64::MAX as f64).contains(&float) {
                number.int = Some(float as i64);
            }
        }
        Ok(number)
    }

    /// Whether a constant that may be any number is a float.
    pub fn is_written_as_float(&self) -> bool {
        let text = self.text.as_str();
        let power = text.contains(['p', 'P']);
        let hexadecimal = text.len() > 2 && (text.starts_with("0x") || text.starts_with("0X")) && !power;
        !hexadecimal && !text.starts_with('\'') && text.contains(['.', 'e', 'E', 'p', 'P'])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Expected values: Go's `strconv` and the rules of its constants.
    #[test]
    fn constants_hold_every_kind_of_number_that_fits() {
        let of = |text: &str| Number::simple(text).map(|number| (number.int, number.uint, number.float));
        assert_eq!(of("0x1F"), Ok((Some(31), Some(31), Some(31.0))));
        assert_eq!(of("1_000"), Ok((Some(1000), Some(1000), Some(1000.0))));
        assert_eq!(of("010"), Ok((Some(8), Some(8), Some(8.0))));
        assert_eq!(of("-0"), Ok((Some(0), Some(0), Some(0.0))));
        assert_eq!(of("1e3"), Ok((Some(1000), None, Some(1000.0))));
        assert_eq!(of("1.5"), Ok((None, None, Some(1.5))));
        assert_eq!(of("18446744073709551615"), Ok((None, Some(u64::MAX), Some(u64::MAX as f64))));
        assert!(of("18446744073709551616").is_err_and(|error| error.contains("overflow")));
        assert!(of("089").is_err() && of("1e400").is_err() && of(".").is_err());
        assert_eq!(Number::complex("1e-2-2i").map(|number| number.complex), Ok(Some((0.01, -2.0))));
    }
}
