use super::*;

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn limits() -> Limits {
    Limits {
        first_content: Some(secs(10)),
        idle: Some(secs(4)),
        content_idle: Some(secs(6)),
        stream_total: Some(secs(20)),
        wanted: None,
    }
}

/// The clock that runs out first, and when, in seconds from the beginning.
fn next(clocks: &Clocks, began: Instant) -> Option<(Clock, u64)> {
    let (at, over) = clocks.next()?;
    let Over::Elapsed(elapsed) = over else { return None };
    Some((elapsed.clock(), (at - began).as_secs()))
}

#[tokio::test(start_paused = true)]
async fn the_earliest_clock_wins() {
    let began = Instant::now();
    let at = |seconds| began + secs(seconds);
    let mut clocks = Clocks::new(limits(), began, at(1));
    assert_eq!(next(&clocks, began), Some((Clock::Idle, 5)));
    clocks.bytes(at(7));
    assert_eq!(next(&clocks, began), Some((Clock::FirstContent, 10)));
    clocks.content(at(8));
    clocks.bytes(at(8));
    assert_eq!(next(&clocks, began), Some((Clock::Idle, 12)));
    clocks.bytes(at(11));
    assert_eq!(next(&clocks, began), Some((Clock::ContentIdle, 14)));
    clocks.content(at(25));
    clocks.bytes(at(25));
    assert_eq!(next(&clocks, began), Some((Clock::StreamTotal, 28)), "from the first content");
}

#[tokio::test(start_paused = true)]
async fn what_a_request_wants_only_shortens_and_blames_nobody() {
    let began = Instant::now();
    let at = |seconds| began + secs(seconds);
    let wanting = |wanted| Clocks::new(Limits { wanted, ..limits() }, began, began);
    for (wanted, first, then) in [(3, 3, 4), (5, 4, 5), (60, 4, 5)] {
        let mut clocks = wanting(Some(secs(wanted)));
        assert_eq!(next(&clocks, began).unwrap().1, first, "{wanted}");
        clocks.bytes(at(1));
        clocks.content(at(1));
        assert_eq!(next(&clocks, began).unwrap().1, then, "{wanted}");
    }
    for (wanted, bound) in [(2, Bound::Wanted), (20, Bound::Configured)] {
        let limits = Limits { wanted: Some(secs(wanted)), ..limits() };
        assert_eq!(limits.first_content_of(began).unwrap().1.bound(), bound);
        assert_eq!(limits.next_content_of(began).unwrap().1.bound(), bound);
    }
}

#[tokio::test(start_paused = true)]
async fn clocks_that_are_off_never_run_out() {
    let began = Instant::now();
    let mut clocks = Clocks::new(Limits::default(), began, began);
    clocks.content(began);
    assert_eq!(clocks.next(), None);
    assert_eq!(clocks.over(began + secs(1_000_000)), None);
}

#[tokio::test(start_paused = true)]
async fn bytes_put_the_timer_off_without_setting_it() {
    let began = Instant::now();
    let limits = Limits { idle: Some(secs(4)), ..Limits::default() };
    let mut clocks = Clocks::new(limits, began, began);
    for second in 1..20 {
        let polled = std::future::poll_fn(|cx| Poll::Ready(clocks.poll(cx))).await;
        assert!(polled.is_pending());
        tokio::time::advance(secs(1)).await;
        clocks.bytes(began + secs(second));
    }
    assert_eq!(began.elapsed(), secs(19));
    let over = std::future::poll_fn(|cx| clocks.poll(cx)).await;
    assert!(matches!(over, Over::Elapsed(elapsed) if elapsed.clock() == Clock::Idle));
    assert_eq!(began.elapsed(), secs(23));
}
