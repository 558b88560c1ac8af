//! Writing numbers as Go writes them.

/// `strconv.FormatFloat(value, 'f', -1, 64)`: the shortest digits that read back as the same number, no exponent; `+Inf`,
/// `-Inf`, `NaN`. Prometheus writes sample values so.
pub fn format_f(value: f64) -> String {
    if value.is_nan() {
        "NaN".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned()
    } else {
        laid_out(&shortest(value), i32::MIN, usize::MAX)
    }
}

/// The shortest digits that read back as the same number, as `d.ddde-N`. Where two are as near as each other, Go takes the even
/// one, and the standard library the upper one.
fn shortest(value: f64) -> String {
    let upper = format!("{value:e}");
    let Some((mantissa, exponent)) = upper.split_once('e') else { return upper };
    let digits = mantissa.bytes().filter(u8::is_ascii_digit).count();
    let Some(last) = mantissa.bytes().last().filter(|last| last % 2 == 1) else { return upper };
    // Fewer digits are exact.
    if digits < 15 {
        return upper;
    }
    let lower = format!("{}{}e{exponent}", &mantissa[..mantissa.len() - 1], char::from(last - 1));
    let exact = format!("{value:.*e}", digits + 60);
    let is_tie = exact
        .split_once('e')
        .and_then(|(exact, _)| exact.strip_prefix(&lower[..mantissa.len()])?.strip_prefix('5'))
        .is_some_and(|rest| rest.bytes().all(|digit| digit == b'0'));
    if is_tie && lower.parse() == Ok(value) { lower } else { upper }
}

/// As Prometheus' HTTP API writes samples of vectors and matrices (`jsonutil.MarshalFloat`): an exponent below 1e-6 and
/// from 1e21 on, `1e-07`, `1e+21`. Scalars have none there, see [`format_f`].
pub fn format_api(value: f64) -> String {
    let size = value.abs();
    if size.is_finite() && size != 0.0 && !(1e-6..1e21).contains(&size) {
        general(&shortest(value), 0)
    } else {
        format_f(value)
    }
}

/// Go's `%v` and `%g`: the shortest digits, with an exponent below -4 or from 6 on: `1e+06`, `1e-07`, `123456`.
pub fn format_v(value: f64) -> String {
    if !value.is_finite() {
        return format_f(value);
    }
    general(&shortest(value), 6)
}

/// Go's `%.Ng`: so many significant digits without trailing zeros.
pub fn format_g(value: f64, digits: usize) -> String {
    if !value.is_finite() {
        return format_f(value);
    }
    let digits = digits.max(1);
    general(&format!("{value:.*e}", digits - 1), digits)
}

/// From `d.ddde-N` to the form that `%g` chooses: an exponent below -4, or from `limit` on.
fn general(scientific: &str, limit: usize) -> String {
    laid_out(scientific, -4, limit)
}

/// With an exponent below `least`, or from `limit` on.
fn laid_out(scientific: &str, least: i32, limit: usize) -> String {
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let (sign, mantissa) = match mantissa.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", mantissa),
    };
    let all: String = mantissa.chars().filter(|c| *c != '.').collect();
    let digits = match all.trim_end_matches('0') {
        "" => "0",
        trimmed => trimmed,
    };
    if exponent < least || exponent >= i32::try_from(limit).unwrap_or(i32::MAX) {
        let (first, rest) = digits.split_at(1);
        let point = if rest.is_empty() { "" } else { "." };
        let direction = if exponent < 0 { '-' } else { '+' };
        return format!("{sign}{first}{point}{rest}e{direction}{:02}", exponent.unsigned_abs());
    }
    if exponent < 0 {
        let zeros = "0".repeat(exponent.unsigned_abs() as usize - 1);
        return format!("{sign}0.{zeros}{digits}");
    }
    let whole = exponent as usize + 1;
    if digits.len() <= whole {
        return format!("{sign}{digits}{}", "0".repeat(whole - digits.len()));
    }
    let (before, after) = digits.split_at(whole);
    format!("{sign}{before}.{after}")
}

#[cfg(test)]
mod tests {
    use super::*;

    // Expected values: Prometheus 3.5.3, `vector(76640625000.015625)` and so on.
    #[test]
    fn of_two_shortest_texts_the_even_one_is_taken() {
        for (value, text) in [
            (4_905_000_000_001.0 / 64.0, "76640625000.01562"),
            (4_905_000_000_003.0 / 64.0, "76640625000.04688"),
            (-2251799813685248.5, "-2251799813685248.5"),
            (9007199254740993.0, "9007199254740992"),
            (0.1, "0.1"),
            (-0.0, "-0"),
            (5e-324, &format!("0.{}5", "0".repeat(323))),
        ] {
            assert_eq!(format_f(value), text);
        }
        assert_eq!(format_api(4_905_000_000_001.0 / 64.0), "76640625000.01562");
        assert_eq!(format_v(4_905_000_000_001.0 / 64.0), "7.664062500001562e+10");
    }

    // Expected values: alert templates run by promtool 3.14, `{{ $value }}` and `{{ printf "%.4g" $value }}`.
    #[test]
    fn numbers_print_as_in_go_templates() {
        for (value, v, g) in [
            (1e6, "1e+06", "1e+06"),
            (123456.0, "123456", "1.235e+05"),
            (999999.0, "999999", "1e+06"),
            (1e-7, "1e-07", "1e-07"),
            (0.0001, "0.0001", "0.0001"),
            (0.00001234, "1.234e-05", "1.234e-05"),
            (123456789.5, "1.234567895e+08", "1.235e+08"),
            (1234567.25, "1.23456725e+06", "1.235e+06"),
            (100000.0, "100000", "1e+05"),
            (1e100, "1e+100", "1e+100"),
            (-2.5e-10, "-2.5e-10", "-2.5e-10"),
            (0.0, "0", "0"),
            (-0.0, "-0", "-0"),
            (99999.5, "99999.5", "1e+05"),
            (f64::NAN, "NaN", "NaN"),
            (f64::INFINITY, "+Inf", "+Inf"),
            (5e-324, "5e-324", "4.941e-324"),
        ] {
            assert_eq!(format_v(value), v);
            assert_eq!(format_g(value, 4), g);
        }
    }

    // Expected values: `strconv.AppendFloat` with 'f', or 'e' where `jsonutil.MarshalFloat` takes it.
    #[test]
    fn samples_of_the_http_api_have_an_exponent_where_they_are_tiny_or_huge() {
        for (value, text) in [
            (0.0, "0"),
            (0.000001, "0.000001"),
            (0.00000099, "9.9e-07"),
            (-1e-7, "-1e-07"),
            (123456789.0, "123456789"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (1.5e300, "1.5e+300"),
            (f64::NEG_INFINITY, "-Inf"),
        ] {
            assert_eq!(format_api(value), text);
        }
    }

    #[test]
    fn sample_values_print_without_exponent() {
        assert_eq!(format_f(1e21), "1000000000000000000000");
        assert_eq!(format_f(1e-7), "0.0000001");
        assert_eq!(format_f(f64::NEG_INFINITY), "-Inf");
    }
}
