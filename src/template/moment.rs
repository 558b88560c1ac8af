//! Times with the place whose clocks show them: Go's `time.Time` and its `time.Location`.

use std::rc::Rc;

use chrono::{DateTime, NaiveDateTime, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::{OffsetComponents, OffsetName, Tz};

/// A time, and where it is told.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Moment {
    pub utc: DateTime<Utc>,
    pub zone: Zone,
}

/// Where a time is told.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Zone {
    Utc,
    Place(Tz),
    /// What a text said beside a time: a name, which may be empty, and seconds east of Greenwich.
    Fixed(Rc<str>, i64),
}

impl From<DateTime<Utc>> for Moment {
    fn from(utc: DateTime<Utc>) -> Moment {
        Moment { utc, zone: Zone::Utc }
    }
}

impl Moment {
    /// Another time, told at the same place.
    pub fn with(&self, utc: DateTime<Utc>) -> Moment {
        Moment { utc, zone: self.zone.clone() }
    }

    /// What the clocks show there, as if it were UTC.
    pub fn shown(&self) -> DateTime<Utc> {
        let offset = TimeDelta::try_seconds(self.zone.offset(self.utc)).unwrap_or_default();
        self.utc.checked_add_signed(offset).unwrap_or(self.utc)
    }

    /// Seconds east of Greenwich.
    pub fn offset(&self) -> i64 {
        self.zone.offset(self.utc)
    }

    /// What the zone is called then; empty where only its distance is known.
    pub fn zone_name(&self) -> String {
        self.zone.name(self.utc)
    }

    pub fn is_summer(&self) -> bool {
        match &self.zone {
            Zone::Place(place) => !place.offset_from_utc_datetime(&self.utc.naive_utc()).dst_offset().is_zero(),
            Zone::Utc | Zone::Fixed(..) => false,
        }
    }
}

impl Zone {
    /// The zone of a place (`time.LoadLocation`), UTC where there is no such place.
    pub fn named(place: &str) -> Zone {
        match place.parse() {
            Ok(Tz::UTC) | Err(_) => Zone::Utc,
            Ok(place) => Zone::Place(place),
        }
    }

    fn offset(&self, utc: DateTime<Utc>) -> i64 {
        match self {
            Zone::Utc => 0,
            Zone::Place(place) => i64::from(place.offset_from_utc_datetime(&utc.naive_utc()).fix().local_minus_utc()),
            Zone::Fixed(_, offset) => *offset,
        }
    }

    fn name(&self, utc: DateTime<Utc>) -> String {
        match self {
            Zone::Utc => "UTC".to_owned(),
            Zone::Place(place) => {
                place.offset_from_utc_datetime(&utc.naive_utc()).abbreviation().unwrap_or_default().to_owned()
            }
            Zone::Fixed(name, _) => name.to_string(),
        }
    }

    /// The moment at which the clocks of the place show a time. Of two moments it is the first; a time that they leap over is told as if
    /// they had not leapt yet (`time.Date`).
    pub fn at(&self, local: NaiveDateTime) -> Option<Moment> {
        let offset = match self {
            Zone::Place(place) => {
                let found = place.offset_from_local_datetime(&local).earliest();
                let offset = found.unwrap_or_else(|| place.offset_from_utc_datetime(&local));
                i64::from(offset.fix().local_minus_utc())
            }
            other => other.offset(local.and_utc()),
        };
        moment(local, offset, self.clone())
    }

    /// The same for a text that names its distance from Greenwich, and may name its zone: told at the place where that is its own
    /// (`time.ParseInLocation`).
    pub fn at_offset(&self, local: NaiveDateTime, offset: i64, name: &str) -> Option<Moment> {
        let here = moment(local, offset, self.clone())?;
        if here.offset() == offset && (name.is_empty() || here.zone_name() == name) {
            return Some(here);
        }
        moment(local, offset, Zone::Fixed(name.into(), offset))
    }

    /// The same for a text that names its zone alone. A name that the place does not know tells no distance.
    pub fn at_name(&self, local: NaiveDateTime, name: &str) -> Option<Moment> {
        // Half a year before and behind, there are the other names of the place.
        const HALF_A_YEAR: TimeDelta = TimeDelta::days(182);
        for probe in [Some(local), local.checked_sub_signed(HALF_A_YEAR), local.checked_add_signed(HALF_A_YEAR)] {
            let known = self.at(probe?)?;
            if known.zone_name() == name {
                return moment(local, known.offset(), self.clone());
            }
        }
        let hours = name.strip_prefix("GMT").and_then(|hours| hours.parse::<i64>().ok()).unwrap_or(0);
        moment(local, hours * 3600, Zone::Fixed(name.into(), hours * 3600))
    }
}

fn moment(local: NaiveDateTime, offset: i64, zone: Zone) -> Option<Moment> {
    Some(Moment { utc: local.and_utc().checked_sub_signed(TimeDelta::try_seconds(offset)?)?, zone })
}
