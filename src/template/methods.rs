//! Methods of times and durations, which templates may call as fields.

use std::rc::Rc;

use chrono::{DateTime, Datelike, TimeDelta, Timelike, Utc};

use super::call::{Param, Signature};
use super::clock;
use super::moment::Moment;
use super::value::{Value, Whole};

/// A method; the arguments fit the signature.
#[derive(Debug)]
pub(super) struct Method {
    name: &'static str,
    pub signature: Signature,
    /// Why templates cannot call it although Go has it.
    pub refused: Option<&'static str>,
    pub body: fn(&Value, &[Value]) -> Result<Value, String>,
}

const fn method(
    name: &'static str,
    fixed: &'static [Param],
    body: fn(&Value, &[Value]) -> Result<Value, String>,
) -> Method {
    Method { name, signature: Signature { fixed, more: None }, refused: None, body }
}

/// One that Go has and templates cannot call, for its results.
const fn uncallable(name: &'static str, why: &'static str) -> Method {
    Method { name, signature: Signature { fixed: &[], more: None }, refused: Some(why), body: |_, _| Ok(Value::Nil) }
}

/// The method of a value, if it has one of that name.
pub(super) fn find(receiver: &Value, name: &str) -> Option<&'static Method> {
    let methods: &[Method] = match receiver {
        Value::Time(_) | Value::TimePointer(_) => TIME,
        Value::DurationPointer(_) | Value::Int(_, Whole::Duration) => DURATION,
        Value::Int(_, Whole::Month | Whole::Weekday) | Value::Histogram(_) => &DURATION[..1],
        _ => return None,
    };
    methods.iter().find(|method| method.name == name)
}

fn int(int: impl Into<i64>) -> Result<Value, String> {
    Ok(Value::Int(int.into(), Whole::Int))
}

fn int64(int: i64) -> Result<Value, String> {
    Ok(Value::Int(int, Whole::Int64))
}

fn moment(value: &Value) -> Moment {
    match value {
        Value::Time(time) => time.clone(),
        Value::TimePointer(time) => (**time).into(),
        _ => DateTime::default().into(),
    }
}

fn time(value: &Value) -> DateTime<Utc> {
    moment(value).utc
}

/// What the clocks show where the time is told.
fn shown(value: &Value) -> DateTime<Utc> {
    moment(value).shown()
}

fn argument(args: &[Value]) -> DateTime<Utc> {
    args.first().map(time).unwrap_or_default()
}

fn nanos(value: &Value) -> i64 {
    match value {
        Value::Int(nanos, _) => *nanos,
        Value::DurationPointer(nanos) => **nanos,
        _ => 0,
    }
}

fn moved(time: &Moment, by: TimeDelta) -> Result<Value, String> {
    let moved = time.utc.checked_add_signed(by).map(|utc| Value::Time(time.with(utc)));
    moved.ok_or_else(|| "time out of range".to_owned())
}

/// To a multiple of `step` since the year 1, downwards or to the nearest.
fn stepped(time: Moment, step: i64, nearest: bool) -> Result<Value, String> {
    const YEAR_1: i128 = -62_135_596_800_000_000_000;
    if step <= 0 {
        return Ok(Value::Time(time));
    }
    let since = i128::from(time.utc.timestamp()) * 1_000_000_000 + i128::from(time.utc.nanosecond()) - YEAR_1;
    let rest = since.rem_euclid(i128::from(step)) as i64;
    let up = nearest && rest >= step - rest;
    moved(&time, TimeDelta::nanoseconds(if up { step - rest } else { -rest }))
}

/// A duration to a multiple of another one, towards zero or to the nearest, halves away from zero.
fn stepped_duration(nanos: i64, step: i64, nearest: bool) -> Value {
    let whole = |nanos| Value::Int(nanos, Whole::Duration);
    if step <= 0 {
        return whole(nanos);
    }
    let rest = nanos % step;
    let down = nanos - rest;
    if !nearest || rest.unsigned_abs() < step.unsigned_abs() - rest.unsigned_abs() {
        return whole(down);
    }
    let limit = if nanos < 0 { i64::MIN } else { i64::MAX };
    whole(down.checked_add(if nanos < 0 { -step } else { step }).unwrap_or(limit))
}

const DURATION: &[Method] = &[
    method("String", &[], |receiver, _| Ok(Value::text(clock::text(receiver).unwrap_or_default()))),
    method("Nanoseconds", &[], |receiver, _| int64(nanos(receiver))),
    method("Microseconds", &[], |receiver, _| int64(nanos(receiver) / 1000)),
    method("Milliseconds", &[], |receiver, _| int64(nanos(receiver) / 1_000_000)),
    // Whole units and the rest apart, so that both are exact.
    method("Seconds", &[], |receiver, _| Ok(Value::Float(units(receiver, 1_000_000_000)))),
    method("Minutes", &[], |receiver, _| Ok(Value::Float(units(receiver, 60_000_000_000)))),
    method("Hours", &[], |receiver, _| Ok(Value::Float(units(receiver, 3_600_000_000_000)))),
    method("Abs", &[], |receiver, _| {
        Ok(Value::Int(nanos(receiver).checked_abs().unwrap_or(i64::MAX), Whole::Duration))
    }),
    method("Round", &[Param::Duration], |receiver, args| {
        Ok(stepped_duration(nanos(receiver), args.first().map_or(0, nanos), true))
    }),
    method("Truncate", &[Param::Duration], |receiver, args| {
        Ok(stepped_duration(nanos(receiver), args.first().map_or(0, nanos), false))
    }),
];

fn units(receiver: &Value, unit: i64) -> f64 {
    let nanos = nanos(receiver);
    (nanos / unit) as f64 + (nanos % unit) as f64 / unit as f64
}

const TIME: &[Method] = &[
    method("String", &[], |receiver, _| Ok(Value::text(clock::text(receiver).unwrap_or_default()))),
    method("GoString", &[], |receiver, _| Ok(Value::text(clock::go_syntax(&moment(receiver))))),
    method("Format", &[Param::Text], |receiver, args| match args {
        [Value::Text(layout, _)] => Ok(Value::text(clock::layout(&moment(receiver), &String::from_utf8_lossy(layout)))),
        _ => Err("the layout is missing".to_owned()),
    }),
    method("Unix", &[], |receiver, _| int64(time(receiver).timestamp())),
    method("UnixMilli", &[], |receiver, _| int64(time(receiver).timestamp_millis())),
    method("UnixMicro", &[], |receiver, _| int64(time(receiver).timestamp_micros())),
    method("UnixNano", &[], |receiver, _| {
        let time = time(receiver);
        int64(time.timestamp().wrapping_mul(1_000_000_000).wrapping_add(i64::from(time.nanosecond())))
    }),
    method("Year", &[], |receiver, _| int(shown(receiver).year())),
    method("Month", &[], |receiver, _| Ok(Value::Int(i64::from(shown(receiver).month()), Whole::Month))),
    method("Day", &[], |receiver, _| int(shown(receiver).day())),
    method("YearDay", &[], |receiver, _| int(shown(receiver).ordinal())),
    method("Weekday", &[], |receiver, _| {
        Ok(Value::Int(i64::from(shown(receiver).weekday().num_days_from_sunday()), Whole::Weekday))
    }),
    method("Hour", &[], |receiver, _| int(shown(receiver).hour())),
    method("Minute", &[], |receiver, _| int(shown(receiver).minute())),
    method("Second", &[], |receiver, _| int(shown(receiver).second())),
    method("Nanosecond", &[], |receiver, _| int(time(receiver).nanosecond())),
    method("UTC", &[], |receiver, _| Ok(Value::Time(time(receiver).into()))),
    // Servers run in UTC.
    method("Local", &[], |receiver, _| Ok(Value::Time(time(receiver).into()))),
    method("IsZero", &[], |receiver, _| Ok(Value::Bool(time(receiver).timestamp() == -62_135_596_800))),
    method("IsDST", &[], |receiver, _| Ok(Value::Bool(moment(receiver).is_summer()))),
    method("Add", &[Param::Duration], |receiver, args| {
        moved(&moment(receiver), TimeDelta::nanoseconds(args.first().map_or(0, nanos)))
    }),
    method("Sub", &[Param::Time], |receiver, args| {
        let between = time(receiver).signed_duration_since(argument(args));
        let limit = if between < TimeDelta::zero() { i64::MIN } else { i64::MAX };
        Ok(Value::Int(between.num_nanoseconds().unwrap_or(limit), Whole::Duration))
    }),
    method("AddDate", &[Param::Int, Param::Int, Param::Int], |receiver, args| match args {
        [Value::Int(years, _), Value::Int(months, _), Value::Int(days, _)] => {
            add_date(&moment(receiver), *years, *months, *days)
        }
        _ => Err("an argument is missing".to_owned()),
    }),
    method("Round", &[Param::Duration], |receiver, args| {
        stepped(moment(receiver), args.first().map_or(0, nanos), true)
    }),
    method("Truncate", &[Param::Duration], |receiver, args| {
        stepped(moment(receiver), args.first().map_or(0, nanos), false)
    }),
    method("After", &[Param::Time], |receiver, args| Ok(Value::Bool(time(receiver) > argument(args)))),
    method("Before", &[Param::Time], |receiver, args| Ok(Value::Bool(time(receiver) < argument(args)))),
    method("Equal", &[Param::Time], |receiver, args| Ok(Value::Bool(time(receiver) == argument(args)))),
    method("Compare", &[Param::Time], |receiver, args| int(time(receiver).cmp(&argument(args)) as i64)),
    uncallable("Date", "function Date has 3 return values; should be 1 or 2"),
    uncallable("Clock", "function Clock has 3 return values; should be 1 or 2"),
    uncallable("ISOWeek", "invalid function signature for ISOWeek: second return value should be error; is int"),
    uncallable("Zone", "invalid function signature for Zone: second return value should be error; is int"),
    uncallable(
        "ZoneBounds",
        "invalid function signature for ZoneBounds: second return value should be error; is time.Time",
    ),
];

/// Years, months and days later; a day that the month has not flows over into the next one.
fn add_date(moment: &Moment, years: i64, months: i64, days: i64) -> Result<Value, String> {
    let time = moment.shown();
    let out_of_range = || "time out of range".to_owned();
    let months = years
        .checked_add(i64::from(time.year()))
        .and_then(|years| years.checked_mul(12))
        .and_then(|sum| sum.checked_add(months))
        .and_then(|sum| sum.checked_add(i64::from(time.month0())))
        .ok_or_else(out_of_range)?;
    let year = i32::try_from(months.div_euclid(12)).map_err(|_| out_of_range())?;
    let first = chrono::NaiveDate::from_ymd_opt(year, months.rem_euclid(12) as u32 + 1, 1).ok_or_else(out_of_range)?;
    let days = days.checked_add(i64::from(time.day0())).and_then(TimeDelta::try_days).ok_or_else(out_of_range)?;
    let date = first.checked_add_signed(days).ok_or_else(out_of_range)?;
    moment.zone.at(date.and_time(time.time())).map(Value::Time).ok_or_else(out_of_range)
}

/// What `toTime` and `toDuration` return.
pub(super) fn time_pointer(time: DateTime<Utc>) -> Value {
    Value::TimePointer(Rc::new(time))
}
