//! The time of a call, read once for all layers that it goes through.
//!
//! A call goes down the layers without a pause: the outermost clock has just read the time when a retry layer
//! below asks for it. For the length of that one synchronous call it is passed down on the side, since a
//! request that carries no context has no place for it.

use std::cell::Cell;

use tokio::time::Instant;

thread_local! {
    static CALLED: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Puts back what was there before, also when a service panics.
struct Restore(Option<Instant>);

/// The time: that of the call under way, where a layer above has read it.
#[inline]
pub(crate) fn now() -> Instant {
    CALLED.get().unwrap_or_else(Instant::now)
}

/// The time of the call under way, where a layer above has read it.
#[inline]
pub(crate) fn known() -> Option<Instant> {
    CALLED.get()
}

/// Makes a call that began at `now`.
#[inline]
pub(crate) fn call_at<T>(now: Option<Instant>, call: impl FnOnce() -> T) -> T {
    let _restore = Restore(CALLED.replace(now));
    call()
}

impl Drop for Restore {
    fn drop(&mut self) {
        CALLED.set(self.0);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_time_of_a_call_holds_for_the_call_and_no_longer() {
        let earlier = Instant::now();
        tokio::time::advance(Duration::from_secs(1)).await;
        let (outer, inner) = call_at(Some(earlier), || (now(), call_at(None, now)));
        assert_eq!(outer, earlier);
        assert_eq!(inner, Instant::now());
        assert_eq!(now(), Instant::now());
    }

    #[tokio::test(start_paused = true)]
    async fn a_panic_leaves_no_time_behind() {
        let earlier = Instant::now();
        tokio::time::advance(Duration::from_secs(1)).await;
        let panicked = std::panic::catch_unwind(|| call_at(Some(earlier), || panic!("on purpose")));
        assert!(panicked.is_err());
        assert_eq!(now(), Instant::now());
    }
}
