//! A timer that few calls need: in a box, and only once it is set.

use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::time::{Instant, Sleep, sleep_until};

pub(crate) type Timer = Option<Pin<Box<Sleep>>>;

pub(crate) fn at(moment: Instant) -> Timer {
    Some(Box::pin(sleep_until(moment)))
}

/// Ready when the timer is set and has run out.
pub(crate) fn poll(timer: &mut Timer, cx: &mut Context<'_>) -> Poll<()> {
    let Some(timer) = timer else {
        return Poll::Pending;
    };
    // Whoever set another timer for the same moment may have been woken first, and be asking.
    if timer.as_mut().poll(cx).is_ready() || Instant::now() >= timer.deadline() {
        return Poll::Ready(());
    }
    Poll::Pending
}
