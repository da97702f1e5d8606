//! How long to wait before a retry when nobody has said how long: full jitter.
//!
//! The wait before retry `n` is drawn from 0 to `min(max, base · factorⁿ)`. Requests that failed
//! together must not come back together, and drawing from the whole range spreads them best (AWS
//! Architecture Blog, "Exponential Backoff And Jitter"). The cap is applied before the draw, so
//! that capped waits are spread as well, and none is ever longer than `max`.
//!
//! Pure: the random number comes in as a value.

use std::time::Duration;

/// The wait before a retry: `random · min(max, base · factor^retry)`.
///
/// `retry` is 1 for the first one, so that a base of 1 s and a factor of 2 give 0–2 s, 0–4 s,
/// 0–8 s … up to `max`; [`Duration::MAX`] is no cap. `random` is drawn evenly from `[0, 1)`.
///
/// Takes any input without panicking and never answers more than `max`. What is not a number counts
/// as the largest value, so that a mistake makes for a long wait rather than for none.
#[must_use]
pub fn full_jitter(
    base: Duration,
    factor: f64,
    max: Duration,
    retry: u32,
    random: f64,
) -> Duration {
    if base.is_zero() {
        // Also where the power is infinite.
        return Duration::ZERO;
    }
    let grown = base.as_secs_f64() * factor.powf(f64::from(retry));
    // Of a number and NaN, `min` takes the number.
    let ceiling = grown.min(max.as_secs_f64());
    let random = if random.is_nan() { 1.0 } else { random };
    let wait = ceiling.max(0.0) * random.clamp(0.0, 1.0);

    // Seconds as `f64` may round up past the cap, and past what a `Duration` can hold.
    Duration::try_from_secs_f64(wait).map_or(max, |wait| wait.min(max))
}

#[cfg(test)]
mod tests;
