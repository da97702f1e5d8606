//! What holds for whole calls, whatever the service does.

use proptest::prelude::*;
use proptest::sample::select;
use secondwind_policy::Class;
use secondwind_testkit::contract::{Step, probe_with_permits, scripted};
use tokio::time::Instant;
use tower::Layer;

use super::{layer, send};
use crate::classify::{Reach, Verdict};
use crate::testing::{Failed, ms, scoped};
use crate::trail::Made;

#[derive(Clone, Debug)]
struct Call {
    /// `None`: it is answered.
    verdict: Option<Verdict>,
    took: u64,
    ready: u64,
}

fn calls() -> impl Strategy<Value = Call> {
    let verdict = (
        select(Class::ALL),
        prop::option::of((0..5000_u64).prop_map(ms)),
        select(&[Reach::Unknown, Reach::Unknown, Reach::Reused, Reach::NotSent][..]),
    );
    let verdict = verdict.prop_map(|(class, hint, reach)| {
        let mut verdict = Verdict::new(class).with_reach(reach);
        verdict.hint = hint;
        verdict
    });
    (prop::option::weighted(0.85, verdict), 0..1500_u64, 0..300_u64)
        .prop_map(|(verdict, took, ready)| Call { verdict, took, ready })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn a_call_keeps_the_promises_of_its_policy(
        retries in 0..4_u32,
        timeouts in prop::option::of(0..6_u32),
        requested in prop::option::of(0..4_u32),
        total in prop::option::of(1..20_000_u64),
        script in prop::collection::vec(calls(), 30),
    ) {
        let mut policy = secondwind_policy::Policy::builder().num_retries(retries);
        if let Some(timeouts) = timeouts {
            policy = policy.retries(Class::Timeout, timeouts);
        }
        policy = match total {
            Some(total) => policy.total_timeout(ms(total)),
            None => policy.no_total_timeout(),
        };
        let built = policy.clone().build().unwrap();
        let most = built.retry().most(requested);

        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let (inner, says) = scripted();
            let (inner, probe) = probe_with_permits(inner, 1);
            for Call { verdict, took, ready } in &script {
                let step = verdict.map_or(Step::answer(1), |verdict| Step::fail(Failed(verdict)));
                says.then(step.after(ms(*took))).ready_after(ms(*ready));
            }
            let request = scoped("ask");
            let context = request.context.clone();
            context.set_num_retries(requested);
            let mut service = layer(policy).in_scope().layer(inner);
            let began = Instant::now();
            let outcome = send(&mut service, request).await;
            let elapsed = began.elapsed();
            drop(service);
            probe.assert_kept();

            let trail = context.trail();
            prop_assert_eq!(trail.attempts().len(), says.calls());
            prop_assert!(trail.retries() <= most, "{} retries of {}", trail.retries(), most);
            let repeats = trail.attempts().windows(2);
            let twice = |pair: &[_]| matches!(pair, [a, b] if is_repeat(a) && is_repeat(b));
            prop_assert!(!repeats.into_iter().any(twice));

            // What ended last, before the deadline, is what the caller gets.
            let ended = says.calls() - says.dropped();
            let last = script[ended - 1].verdict.map(Failed);
            prop_assert_eq!(outcome, last.map_or(Ok(1), Err));
            // The first attempt is not this layer's to cut.
            let first = ms(script[0].ready + script[0].took);
            if let Some(total) = total {
                prop_assert!(elapsed <= first.max(ms(script[0].ready + total)), "{elapsed:?}");
            }
            // No hint is shortened.
            let begun = says.times();
            for (n, pair) in begun.windows(2).enumerate() {
                let Some(Verdict { hint: Some(hint), reach, .. }) = script[n].verdict else { continue };
                if !is_repeat(&trail.attempts()[n + 1]) {
                    let waited = pair[1] - pair[0] - ms(script[n].took);
                    prop_assert!(waited >= hint, "{waited:?} of {hint:?}, {reach:?}");
                }
            }
            Ok(())
        })?;
    }
}

fn is_repeat(attempt: &crate::trail::Attempt) -> bool {
    attempt.made == Made::Repeat
}
