mod carrying_on;
mod clocks;
mod cuts;
mod leaving;
mod outcome;
mod spent;
mod waiting;

use std::time::Duration;

use secondwind_policy::{Policy, PolicyBuilder};

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn policy() -> PolicyBuilder {
    Policy::builder()
}
