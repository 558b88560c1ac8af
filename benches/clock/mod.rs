//! Time as the processor has spent it, so that a machine with other things to do measures the same.

use std::time::Instant;

/// Seconds of the processor that this thread has had since; of a clock on the wall where Linux does not tell.
pub struct Clock {
    thread: Option<u64>,
    wall: Instant,
}

impl Clock {
    pub fn start() -> Clock {
        Clock { thread: Clock::thread(), wall: Instant::now() }
    }

    fn thread() -> Option<u64> {
        std::fs::read_to_string("/proc/thread-self/schedstat").ok()?.split_whitespace().next()?.parse().ok()
    }

    pub fn seconds(&self) -> f64 {
        match (self.thread, Clock::thread()) {
            (Some(before), Some(now)) => (now - before) as f64 / 1e9,
            _ => self.wall.elapsed().as_secs_f64(),
        }
    }
}

/// Seconds of the processor that ended children have had, in hundredths.
#[allow(dead_code, reason = "each benchmark uses its part of this module")]
pub fn children_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // Behind the name, which may hold blanks: the 14th and 15th of the numbers there, user and system.
    let numbers = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(13).take(2);
    numbers.filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}
