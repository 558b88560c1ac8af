//! The calendar of PromQL's date functions: UTC, for every number of seconds that Go's `time` takes.

const SECONDS_PER_DAY: i128 = 86_400;
/// Days from 1 March of the year -292277022400, where Go's calendar begins, to 1970: that year is a multiple of 400,
/// 400 years have 146097 days, and from 1 March of the year 0 to 1970 there are 719468.
const DAYS_BEFORE_1970: i128 = 292_277_022_400 / 400 * 146_097 + 719_468;

/// The parts of a moment, as numbers of the date functions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Moment {
    pub minute: f64,
    pub hour: f64,
    /// 0 is Sunday.
    pub day_of_week: f64,
    pub day_of_month: f64,
    pub day_of_year: f64,
    pub days_in_month: f64,
    pub month: f64,
    pub year: f64,
}

/// The moment of a number of seconds since 1970, fractions cut off.
///
/// What no 64-bit integer holds, NaN included, becomes the least one, as on amd64; and Go counts seconds from its calendar's
/// beginning in an unsigned 64-bit integer, so that seconds before it come out after its end.
pub(super) fn moment(seconds: f64) -> Moment {
    let fits = seconds > -9.3e18 && seconds < 9_223_372_036_854_775_808.0;
    let unix = if fits { seconds as i64 } else { i64::MIN };
    let offset = DAYS_BEFORE_1970 * SECONDS_PER_DAY;
    let wrapped = (i128::from(unix) + offset).rem_euclid(1 << 64) - offset;
    let (days, second) = (wrapped.div_euclid(SECONDS_PER_DAY), wrapped.rem_euclid(SECONDS_PER_DAY));

    // Years that begin in March end in the leap day; days count from 1 March of the year 0.
    let from_march = days + 719_468;
    let (era, day_of_era) = (from_march.div_euclid(146_097), from_march.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day + 2) / 153;
    let day_of_month = day - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + i128::from(month <= 2);

    let leap = year.rem_euclid(4) == 0 && (year.rem_euclid(100) != 0 || year.rem_euclid(400) == 0);
    let days_in_month = match month {
        2 => 28 + i32::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    // 306 days lie between 1 March and 1 January.
    let day_of_year = if month > 2 { day + 60 + i128::from(leap) } else { day - 305 };
    Moment {
        minute: (second / 60 % 60) as f64,
        hour: (second / 3600) as f64,
        day_of_week: (days + 4).rem_euclid(7) as f64,
        day_of_month: day_of_month as f64,
        day_of_year: day_of_year as f64,
        days_in_month: f64::from(days_in_month),
        month: month as f64,
        year: year as f64,
    }
}
