//! Numbers in Prometheus' forms for people.

use crate::number::format_g;

/// A number with a prefix for thousands, or thousandths.
pub fn humanize(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return format_g(value, 4);
    }
    if value.abs() >= 1.0 {
        return scaled_down(value, 1000.0, &["k", "M", "G", "T", "P", "E", "Z", "Y"]);
    }
    scaled_up(value)
}

/// A number with a prefix for powers of 1024.
pub(super) fn humanize1024(value: f64) -> String {
    if value.abs() <= 1.0 || !value.is_finite() {
        return format_g(value, 4);
    }
    scaled_down(value, 1024.0, &["ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"])
}

fn scaled_down(mut value: f64, base: f64, prefixes: &[&str]) -> String {
    let mut used = "";
    for prefix in prefixes {
        if value.abs() < base {
            break;
        }
        used = prefix;
        value /= base;
    }
    format!("{}{used}", format_g(value, 4))
}

fn scaled_up(mut value: f64) -> String {
    let mut used = "";
    for prefix in ["m", "u", "n", "p", "f", "a", "z", "y"] {
        if value.abs() >= 1.0 {
            break;
        }
        used = prefix;
        value *= 1000.0;
    }
    format!("{}{used}", format_g(value, 4))
}

/// Seconds as `1d 2h 3m 4s`; below a minute with four digits, below a second in ms, us, ns.
pub(super) fn humanize_duration(value: f64) -> String {
    if !value.is_finite() {
        return format_g(value, 4);
    }
    if value == 0.0 {
        return format!("{}s", format_g(value, 4));
    }
    if value.abs() < 1.0 {
        return format!("{}s", scaled_up(value));
    }
    let sign = if value < 0.0 { "-" } else { "" };
    // A float that an int64 cannot hold becomes the smallest one on amd64.
    let whole = if value.abs() < i64::MAX as f64 { value.abs() as i64 } else { i64::MIN };
    let (days, hours, minutes, seconds) = (whole / 86_400, whole / 3600 % 24, whole / 60 % 60, whole % 60);
    if days != 0 {
        format!("{sign}{days}d {hours}h {minutes}m {seconds}s")
    } else if hours != 0 {
        format!("{sign}{hours}h {minutes}m {seconds}s")
    } else if minutes != 0 {
        format!("{sign}{minutes}m {seconds}s")
    } else {
        format!("{sign}{}s", format_g(value.abs(), 4))
    }
}
