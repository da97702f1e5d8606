//! Where their meanings agree, the layer does what `tower::retry` does.

use std::future::{Ready, ready};

use proptest::prelude::*;
use secondwind_policy::Class;
use secondwind_testkit::contract::{Script, Scripted, Step, scripted};
use tower::Layer;
use tower::retry::{Policy, Retry};

use super::{layer, send};
use crate::testing::{Failed, fail, failed, ms, prompt};

/// So many retries of every failure, at once.
#[derive(Clone)]
struct AtMost(u32);

impl Policy<String, u32, Failed> for AtMost {
    type Future = Ready<()>;

    fn retry(&mut self, _: &mut String, outcome: &mut Result<u32, Failed>) -> Option<Ready<()>> {
        if outcome.is_ok() {
            return None;
        }
        self.0 = self.0.checked_sub(1)?;
        Some(ready(()))
    }

    fn clone_request(&mut self, request: &String) -> Option<String> {
        Some(request.clone())
    }
}

/// What one call becomes: whether it is an answer, after how many milliseconds, and after how many more
/// the service is ready for the next one.
type Call = (bool, u64, u64);

fn play(calls: &[Call]) -> (Scripted<String, u32, Failed>, Script<String, u32, Failed>) {
    let (service, script) = scripted();
    for (n, (good, took, ready)) in calls.iter().enumerate() {
        let step = if *good { Step::answer(n as u32) } else { fail(Class::ALL[n % 2]) };
        script.then(step.after(ms(*took))).ready_after(ms(*ready));
    }
    script.otherwise(|_| Step::fail(failed(Class::Conflict)));
    (service, script)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn calls_and_answers_as_tower_does(
        retries in 0..5_u32,
        requests in 1..4_usize,
        calls in prop::collection::vec((prop::bool::weighted(0.4), 0..50_u64, 0..50_u64), 0..20),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let (inner, theirs) = play(&calls);
            let mut tower = Retry::new(AtMost(retries), inner);
            let mut outcomes = Vec::new();
            for n in 0..requests {
                outcomes.push(send(&mut tower, n.to_string()).await);
            }

            let (inner, ours) = play(&calls);
            let mut service = layer(prompt().num_retries(retries).no_budget()).layer(inner);
            for (n, outcome) in outcomes.into_iter().enumerate() {
                prop_assert_eq!(send(&mut service, n.to_string()).await, outcome);
            }
            prop_assert_eq!(ours.requests(), theirs.requests());
            prop_assert_eq!(ours.times(), theirs.times());
            prop_assert_eq!(ours.dropped(), theirs.dropped());
            Ok(())
        })?;
    }
}
