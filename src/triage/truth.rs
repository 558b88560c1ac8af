//! Three values: a condition holds, does not hold, or there is no data to tell (Kleene's strong logic).

/// What can be said of a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Truth {
    Holds,
    Fails,
    NoData,
}

impl Truth {
    pub const fn of(holds: bool) -> Truth {
        if holds { Truth::Holds } else { Truth::Fails }
    }

    /// Whether all hold: one that does not decides, then one without data.
    pub fn all(truths: impl IntoIterator<Item = Truth>) -> Truth {
        let mut all = Truth::Holds;
        for truth in truths {
            match truth {
                Truth::Fails => return Truth::Fails,
                Truth::NoData => all = Truth::NoData,
                Truth::Holds => {}
            }
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::Truth::{self, Fails, Holds, NoData};

    #[test]
    fn what_does_not_hold_outweighs_what_has_no_data() {
        for (truths, all) in [
            (&[][..], Holds),
            (&[Holds, Holds], Holds),
            (&[Holds, NoData], NoData),
            (&[NoData, Fails], Fails),
            (&[Fails, NoData, Holds], Fails),
        ] {
            assert_eq!(Truth::all(truths.iter().copied()), all, "{truths:?}");
        }
    }
}
