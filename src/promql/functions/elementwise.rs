//! Functions of one value: arithmetic, trigonometry, clamping (Prometheus `promql/functions.go`).

use super::calendar;
use crate::number::math;

/// A function of one value, given its scalar parameters at that step in the order of the arguments.
pub type ElementFn = fn(f64, args: &[f64]) -> f64;

/// The function over single values of that name; `None` for a function of another kind.
///
/// `clamp` yields no samples at all at steps where its maximum is less than its minimum; that is the caller's to see to,
/// with [`clamps_nothing`]. A date function without argument is given the time of the step in seconds.
pub fn elementwise(name: &str) -> Option<ElementFn> {
    use std::f64::consts::PI;
    Some(match name {
        "abs" => |v, _| v.abs(),
        "ceil" => |v, _| v.ceil(),
        "floor" => |v, _| v.floor(),
        "round" => |v, args| round(v, args.first().copied().unwrap_or(1.0)),
        "sgn" => |v, _| match () {
            () if v < 0.0 => -1.0,
            () if v > 0.0 => 1.0,
            () => v,
        },
        "sqrt" => |v, _| v.sqrt(),
        "clamp" => |v, args| clamp(v, parameter(args, 0), parameter(args, 1)),
        "clamp_min" => |v, args| clamp(v, parameter(args, 0), f64::INFINITY),
        "clamp_max" => |v, args| clamp(v, f64::NEG_INFINITY, parameter(args, 0)),
        "deg" => |v, _| v * 180.0 / PI,
        "rad" => |v, _| v * PI / 180.0,
        "exp" => |v, _| math::exp(v),
        "ln" => |v, _| math::ln(v),
        "log2" => |v, _| math::log2(v),
        "log10" => |v, _| math::log10(v),
        "sin" => |v, _| math::sin(v),
        "cos" => |v, _| math::cos(v),
        "tan" => |v, _| math::tan(v),
        "asin" => |v, _| math::asin(v),
        "acos" => |v, _| math::acos(v),
        "atan" => |v, _| math::atan(v),
        "sinh" => |v, _| math::sinh(v),
        "cosh" => |v, _| math::cosh(v),
        "tanh" => |v, _| math::tanh(v),
        "asinh" => |v, _| math::asinh(v),
        "acosh" => |v, _| math::acosh(v),
        "atanh" => |v, _| math::atanh(v),
        "minute" => |v, _| calendar::moment(v).minute,
        "hour" => |v, _| calendar::moment(v).hour,
        "day_of_week" => |v, _| calendar::moment(v).day_of_week,
        "day_of_month" => |v, _| calendar::moment(v).day_of_month,
        "day_of_year" => |v, _| calendar::moment(v).day_of_year,
        "days_in_month" => |v, _| calendar::moment(v).days_in_month,
        "month" => |v, _| calendar::moment(v).month,
        "year" => |v, _| calendar::moment(v).year,
        _ => return None,
    })
}

/// Whether `clamp` with these parameters drops every sample.
pub fn clamps_nothing(min: f64, max: f64) -> bool {
    max < min
}

/// A parameter that the parser has made sure of.
fn parameter(args: &[f64], at: usize) -> f64 {
    args.get(at).copied().unwrap_or(f64::NAN)
}

fn clamp(value: f64, min: f64, max: f64) -> f64 {
    math::max(min, math::min(max, value))
}

/// Rounds to a multiple of `to`, ties upwards. Computed with the inverse, as Prometheus does.
fn round(value: f64, to: f64) -> f64 {
    let inverse = 1.0 / to;
    (value * inverse + 0.5).floor() / inverse
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(name: &str, value: f64, args: &[f64]) -> f64 {
        elementwise(name).unwrap()(value, args)
    }

    #[test]
    fn rounding_goes_up_at_ties() {
        assert_eq!(call("round", 2.5, &[]), 3.0);
        assert_eq!(call("round", -2.5, &[]), -2.0);
        assert_eq!(call("round", 17.0, &[5.0]), 15.0);
        assert_eq!(call("round", 0.29, &[0.1]), 0.3);
    }

    #[test]
    fn clamping_keeps_nan() {
        assert!(call("clamp", f64::NAN, &[0.0, 1.0]).is_nan());
        assert!(call("clamp_max", 5.0, &[f64::NAN]).is_nan());
        assert_eq!(call("clamp", 7.0, &[0.0, 5.0]), 5.0);
        assert_eq!(call("clamp_min", -7.0, &[0.0]), 0.0);
        assert!(clamps_nothing(1.0, 0.0) && !clamps_nothing(f64::NAN, 0.0));
    }

    #[test]
    fn the_sign_of_zero_and_nan_is_themselves() {
        assert_eq!(call("sgn", -0.0, &[]).to_bits(), (-0.0f64).to_bits());
        assert!(call("sgn", f64::NAN, &[]).is_nan());
    }
}
