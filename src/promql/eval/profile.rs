//! How an engine is set up: what flags and configuration files decide in Prometheus.

use crate::promql::Features;
use crate::time::Duration;

/// The settings that change results.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Profile {
    /// How long a sample stands for its series (`--query.lookback-delta`).
    pub lookback: Duration,
    /// The step of a subquery that writes none: the global evaluation interval.
    pub default_step: Duration,
    /// Names are removed at the end of a query, not by each function (`promql-delayed-name-removal`).
    pub delayed_name_removal: bool,
    /// Functions of counters look at start timestamps (`use-start-timestamps`).
    pub use_start_timestamps: bool,
    /// The experimental parts of the language that expressions may use.
    pub features: Features,
    /// The most values that a query may hold at a time (`--query.max-samples`).
    pub max_samples: usize,
}

/// What `enable` knows.
pub const FEATURES: [&str; 5] = [
    "promql-experimental-functions",
    "promql-extended-range-selectors",
    "promql-binop-fill-modifiers",
    "promql-delayed-name-removal",
    "promql-duration-expr",
];

impl Profile {
    /// Switches on what Prometheus and promtool call a feature; `false` for a name that is none of [`FEATURES`]. Duration expressions
    /// are always on, as in Prometheus.
    pub fn enable(&mut self, feature: &str) -> bool {
        match feature {
            "promql-experimental-functions" => self.features.experimental_functions = true,
            "promql-extended-range-selectors" => self.features.extended_range_selectors = true,
            "promql-binop-fill-modifiers" => self.features.fill_modifiers = true,
            "promql-delayed-name-removal" => self.delayed_name_removal = true,
            "promql-duration-expr" => {}
            _ => return false,
        }
        true
    }

    /// Prometheus and promtool as they come.
    pub fn prometheus() -> Profile {
        Profile {
            lookback: Duration(5 * 60_000),
            default_step: Duration::MINUTE,
            delayed_name_removal: false,
            use_start_timestamps: false,
            features: Features::PROMETHEUS,
            max_samples: 50_000_000,
        }
    }

    /// The engine of `promtool test rules`, which holds fewer samples (`promqltest.LazyLoader`).
    pub fn promtool() -> Profile {
        Profile { max_samples: 10_000, ..Profile::prometheus() }
    }

    /// The engine that upstream's `.test` scripts are written for (`promqltest.NewTestEngine`).
    pub fn upstream_test() -> Profile {
        let features = Features::ALL;
        Profile { delayed_name_removal: true, use_start_timestamps: true, features, ..Profile::prometheus() }
    }
}
