//! Figures with their units: `54766B`, `1MiB/s`, `54766B / 30s`, `12/d`, `0.188%`.

use crate::text::Diagnostic;
use crate::time::Duration;

/// Sizes of units, in bytes, in seconds, or in ones.
const UNITS: [(&str, f64); 24] = [
    ("", 1.0),
    ("B", 1.0),
    ("kB", 1e3),
    ("KB", 1e3),
    ("MB", 1e6),
    ("GB", 1e9),
    ("TB", 1e12),
    ("KiB", 1024.0),
    ("MiB", 1_048_576.0),
    ("GiB", 1_073_741_824.0),
    ("TiB", 1_099_511_627_776.0),
    ("k", 1e3),
    ("M", 1e6),
    ("G", 1e9),
    ("Ki", 1024.0),
    ("Mi", 1_048_576.0),
    ("Gi", 1_073_741_824.0),
    ("%", 0.01),
    ("us", 1e-6),
    ("ms", 1e-3),
    ("s", 1.0),
    ("m", 60.0),
    ("h", 3600.0),
    ("d", 86_400.0),
];

/// A rate: an amount in a stretch of time. Kept as two figures, so that whole amounts stay whole.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    pub amount: f64,
    pub per: Duration,
}

impl Rate {
    /// No events, no bytes.
    pub const ZERO: Rate = Rate { amount: 0.0, per: Duration::SECOND };

    /// What passes in a stretch of time.
    pub fn over(self, time: Duration) -> f64 {
        self.amount * time.0 as f64 / self.per.0 as f64
    }

    /// The rate in units per second.
    pub fn per_second(self) -> f64 {
        self.over(Duration::SECOND)
    }
}

/// An amount: a number and, directly behind it, a unit. Bytes count in bytes, times in seconds, `%` in parts of one.
pub fn amount(text: &str) -> Result<f64, Diagnostic> {
    let text = text.trim();
    let special = match text.trim_start_matches('+').to_ascii_lowercase().as_str() {
        "nan" | ".nan" => Some(f64::NAN),
        "inf" | ".inf" => Some(f64::INFINITY),
        "-inf" | "-.inf" => Some(f64::NEG_INFINITY),
        _ => None,
    };
    if let Some(value) = special {
        return Ok(value);
    }
    let exponent = |at: usize, c: char| {
        matches!(c, 'e' | 'E')
            && text[at + 1..].trim_start_matches(['+', '-']).starts_with(|next: char| next.is_ascii_digit())
    };
    let after_exponent = |at: usize, c: char| matches!(c, '+' | '-') && (at == 0 || text[..at].ends_with(['e', 'E']));
    let end = text
        .char_indices()
        .find(|(at, c)| !(c.is_ascii_digit() || matches!(c, '.' | '_') || exponent(*at, *c) || after_exponent(*at, *c)))
        .map_or(text.len(), |(at, _)| at);
    let (number, unit) = text.split_at(end);
    let unit = unit.trim_start();
    let number: f64 = number.replace('_', "").parse().map_err(|_| {
        Diagnostic::error(format!("`{text}` is not a figure"))
            .help("write a number with an optional unit: 3, 54766B, 1MiB, 30s, 0.2%")
    })?;
    let size = UNITS.iter().find(|(name, _)| *name == unit).map(|(_, size)| *size).ok_or_else(|| {
        Diagnostic::error(format!("unknown unit `{unit}`"))
            .help("units are B kB MB GB KiB MiB GiB, k M G Ki Mi Gi, us ms s m h d, and %")
    })?;
    Ok(number * size)
}

/// A rate: an amount, `/`, and a stretch of time (`/s`, `/ 30s`, `/d`). A bare `0` needs none. Never negative.
pub fn rate(text: &str) -> Result<Rate, Diagnostic> {
    let Some((figure, per)) = text.split_once('/') else {
        return match amount(text) {
            Ok(0.0) => Ok(Rate::ZERO),
            Ok(_) => Err(Diagnostic::error(format!("the rate `{text}` does not say per what"))
                .help(format!("write `{}/s`, or `/30s`, `/m`, `/d`", text.trim()))),
            Err(problem) => Err(problem),
        };
    };
    let per = per.trim();
    let counted = if per.starts_with(|c: char| c.is_ascii_digit()) { per.to_owned() } else { format!("1{per}") };
    let per: Duration = counted.parse().map_err(|_| {
        Diagnostic::error(format!("`{per}` is not a stretch of time")).help("write `/s`, `/30s`, `/m`, `/h` or `/d`")
    })?;
    if per <= Duration::ZERO {
        return Err(Diagnostic::error("a rate per no time").help("write a stretch of time behind `/`, as in `5/s`"));
    }
    let amount = amount(figure)?;
    if amount.is_nan() || amount.is_infinite() {
        return Err(Diagnostic::error(format!("the rate `{text}` is not finite")));
    }
    if amount < 0.0 {
        return Err(Diagnostic::error(format!("the rate `{text}` is negative"))
            .help("a counter only grows; a gauge may fall, and a backlog falls by its `out`"));
    }
    Ok(Rate { amount, per })
}

/// A duration in Prometheus' notation, also with a fraction: `65.92s`.
pub fn duration(text: &str) -> Result<Duration, Diagnostic> {
    let text = text.trim();
    let wrong = || {
        Diagnostic::error(format!("`{text}` is not a duration"))
            .help("write a number and a unit, largest unit first: 90s, 15m, 1h30m, 65.92s")
    };
    if text.contains('.') {
        let unit_at = text.find(|c: char| c.is_ascii_alphabetic()).ok_or_else(wrong)?;
        let (number, unit) = text.split_at(unit_at);
        let one: Duration = format!("1{unit}").parse().map_err(|_| wrong())?;
        let ms = number.parse::<f64>().map_err(|_| wrong())? * one.0 as f64;
        if !(0.0..=9e15).contains(&ms) {
            return Err(wrong());
        }
        if (ms - ms.round()).abs() > 1e-6 {
            return Err(Diagnostic::error(format!("`{text}` is finer than a millisecond")));
        }
        return Ok(Duration(ms.round() as i64));
    }
    text.parse().map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_carry_their_units() {
        for (text, value) in [
            ("54766B", 54766.0),
            ("1MiB", 1_048_576.0),
            ("2.5 kB", 2500.0),
            ("1e3", 1000.0),
            ("-3", -3.0),
            ("71_880_459", 71_880_459.0),
            ("50%", 0.5),
            ("1.5e-3s", 0.0015),
            ("5m", 300.0),
            ("+Inf", f64::INFINITY),
        ] {
            assert_eq!(amount(text).unwrap(), value, "{text}");
        }
        for text in ["", "B", "5 parsecs", "1.2.3", "e5", "--1"] {
            assert!(amount(text).is_err(), "{text}");
        }
    }

    #[test]
    fn rates_keep_amount_and_time_apart() {
        assert_eq!(rate("54766B / 30s").unwrap(), Rate { amount: 54766.0, per: Duration(30_000) });
        assert_eq!(rate("1MiB/s").unwrap().per_second(), 1_048_576.0);
        assert_eq!(rate("12/d").unwrap().over(Duration(43_200_000)), 6.0);
        assert_eq!(rate("0").unwrap(), Rate::ZERO);
        for text in ["5", "-1/s", "5/", "5/0s", "Inf/s", "5/parsec"] {
            assert!(rate(text).is_err(), "{text}");
        }
    }

    #[test]
    fn durations_may_have_a_fraction() {
        assert_eq!(duration("65.92s").unwrap(), Duration(65_920));
        assert_eq!(duration("1h30m").unwrap(), Duration(5_400_000));
        assert!(duration("1.00001s").is_err());
        assert!(duration("12").is_err());
    }
}
