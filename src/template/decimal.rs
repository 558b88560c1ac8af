//! Sums and products of decimal numbers, as `shopspring/decimal` computes them for templates: `0.1 + 0.2` is `0.3`.

/// `coefficient * 10^exponent`
#[derive(Clone, Copy, Debug)]
struct Decimal {
    coefficient: i128,
    exponent: i32,
}

/// Digits behind the point of a quotient.
const DIVISION_DIGITS: i32 = 16;

impl Decimal {
    /// The decimal number with the fewest digits that reads as the float.
    fn new(value: f64) -> Option<Decimal> {
        let written = format!("{value:e}");
        let (mantissa, exponent) = written.split_once('e')?;
        let digits: String = mantissa.chars().filter(|c| *c != '.').collect();
        let fraction = mantissa.split_once('.').map_or(0, |(_, fraction)| fraction.len() as i32);
        Some(Decimal { coefficient: digits.parse().ok()?, exponent: exponent.parse::<i32>().ok()? - fraction })
    }

    /// The same with a smaller exponent.
    fn at(self, exponent: i32) -> Option<i128> {
        let power = u32::try_from(self.exponent - exponent).ok()?;
        10_i128.checked_pow(power)?.checked_mul(self.coefficient)
    }

    fn plus(self, other: Decimal, sign: i128) -> Option<Decimal> {
        let exponent = self.exponent.min(other.exponent);
        let coefficient = self.at(exponent)?.checked_add(other.at(exponent)?.checked_mul(sign)?)?;
        Some(Decimal { coefficient, exponent })
    }

    fn times(self, other: Decimal) -> Option<Decimal> {
        let coefficient = self.coefficient.checked_mul(other.coefficient)?;
        Some(Decimal { coefficient, exponent: self.exponent + other.exponent })
    }

    /// Rounded to the nearest, halves away from zero.
    fn over(self, other: Decimal) -> Option<Decimal> {
        let scale = self.exponent - other.exponent + DIVISION_DIGITS;
        let power = 10_i128.checked_pow(scale.unsigned_abs())?;
        let (above, below) = match scale >= 0 {
            true => (self.coefficient.checked_mul(power)?, other.coefficient),
            false => (self.coefficient, other.coefficient.checked_mul(power)?),
        };
        let (quotient, rest) = (above.checked_div(below)?, above.checked_rem(below)?);
        let up = rest.unsigned_abs() * 2 >= below.unsigned_abs();
        let step = if (above < 0) == (below < 0) { 1 } else { -1 };
        Some(Decimal { coefficient: quotient + if up { step } else { 0 }, exponent: -DIVISION_DIGITS })
    }

    fn float(self) -> Option<f64> {
        format!("{}e{}", self.coefficient, self.exponent).parse().ok()
    }
}

/// What is done with two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    Add,
    Subtract,
    Multiply,
    Divide,
}

/// All numbers from left to right.
///
/// # Errors
/// A division by zero, and numbers that are none.
pub(super) fn fold(first: f64, rest: &[f64], operation: Operation) -> Result<f64, String> {
    if let Some(bad) = rest.iter().chain([&first]).find(|value| !value.is_finite()) {
        return Err(format!("Cannot create a Decimal from {bad}"));
    }
    if operation == Operation::Divide && rest.contains(&0.0) {
        return Err("decimal division by 0".to_owned());
    }
    let exact = rest.iter().try_fold(Decimal::new(first), |sum, value| {
        let (sum, value) = (sum?, Decimal::new(*value)?);
        Some(match operation {
            Operation::Add => sum.plus(value, 1),
            Operation::Subtract => sum.plus(value, -1),
            Operation::Multiply => sum.times(value),
            Operation::Divide => sum.over(value),
        })
    });
    // Beyond 38 digits, floats are as exact as what is printed.
    let float = || {
        rest.iter().fold(first, |sum, value| match operation {
            Operation::Add => sum + value,
            Operation::Subtract => sum - value,
            Operation::Multiply => sum * value,
            Operation::Divide => sum / value,
        })
    };
    Ok(exact.flatten().and_then(Decimal::float).unwrap_or_else(float))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimal_numbers_are_added_and_multiplied_exactly() {
        assert_eq!(fold(0.0, &[0.1, 0.2], Operation::Add), Ok(0.3));
        assert_eq!(fold(1.0, &[0.9], Operation::Subtract), Ok(0.1));
        assert_eq!(fold(1.1, &[1.1], Operation::Multiply), Ok(1.21));
        assert_eq!(fold(10.0, &[4.0], Operation::Divide), Ok(2.5));
        assert_eq!(fold(2.0, &[3.0], Operation::Divide), Ok(0.666_666_666_666_666_7));
        assert_eq!(fold(1e300, &[1e-300, 2.0], Operation::Add), Ok(1e300));
        assert!(fold(1.0, &[0.0], Operation::Divide).is_err());
    }
}
