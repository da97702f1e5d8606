//! Which deployments get requests while some of them fail.

use super::*;
use crate::health::Standing;

#[tokio::test(start_paused = true)]
async fn with_one_of_two_always_down_no_request_fails() {
    let down = [DOWN; 2000];
    let policy = Policy::builder().num_retries(1);
    let play = Play::new(policy, &[&down, &[]]);
    for n in 0..1000 {
        assert_eq!(play.ask().await.1.unwrap().status(), 200, "request {n}");
        advance(Duration::from_millis(100)).await;
    }
    let to_the_dead = play.names().matches('a').count();
    // Four until it opens, then a probe after 5, 10, 20 and 40 seconds.
    assert!((6..=9).contains(&to_the_dead), "{to_the_dead}");
}

#[tokio::test(start_paused = true)]
async fn with_one_of_two_always_down_no_request_fails_however_many_at_once() {
    let down = [DOWN; 2000];
    let play = Play::new(Policy::builder().num_retries(1), &[&down, &[]]);
    let contexts: Vec<Context> = (0..1000).map(|_| Context::new(Instant::now())).collect();
    let asked = contexts.iter().map(|context| play.ask_with(context, None));
    for (n, outcome) in futures(asked).await.into_iter().enumerate() {
        assert_eq!(outcome.unwrap().status(), 200, "request {n}");
    }
    assert_eq!(play.names().matches('a').count(), 4);
}

#[tokio::test(start_paused = true)]
async fn only_a_clock_of_the_deployments_own_speaks_against_it() {
    let hang = [Step::Hang; 20];
    // The caller's short deadline, and what is reserved for a sibling.
    let play = Play::new(policy().num_retries(1), &[&hang, &hang]);
    for _ in 0..8 {
        assert!(play.ask_within(Some(secs(4))).await.1.is_err());
    }
    let health = |play: &Play, place: usize| {
        play.table.group("g").unwrap().members[place].deployment.health.standing(Instant::now())
    };
    assert_eq!([health(&play, 0), health(&play, 1)], [Standing::Up; 2]);
    // Its own clock.
    let policy = policy().num_retries(1).attempt_timeout(secs(1));
    let play = Play::new(policy, &[&hang, &[]]);
    for _ in 0..4 {
        assert_eq!(from(&play.ask().await.1), "b");
    }
    assert!(matches!(health(&play, 0), Standing::Resting(_)));
}

#[tokio::test(start_paused = true)]
async fn a_key_that_was_refused_is_probed_once_a_minute() {
    let refused = [fail(Class::Authentication); 99];
    let play = Play::new(policy().num_retries(1), &[&refused, &[]]);
    for _ in 0..300 {
        assert_eq!(from(&play.ask().await.1), "b");
        advance(secs(1)).await;
    }
    assert_eq!(play.names().matches('a').count(), 5);
}

#[tokio::test(start_paused = true)]
async fn callers_of_the_last_one_standing_see_what_is_wrong_with_it() {
    let refused = [fail(Class::Authentication); 99];
    let play = Play::new(policy(), &[&refused, &refused]);
    for _ in 0..9 {
        let (context, outcome) = play.ask().await;
        assert_eq!(outcome.unwrap().status(), 500, "an answer, and not that all rest");
        assert_eq!(context.verdict().unwrap().class, Class::Authentication);
    }
}

#[tokio::test(start_paused = true)]
async fn with_a_fallback_the_dead_are_not_waited_for() {
    let down = [DOWN; 99];
    let play = Play::new(policy().num_retries(9).retry_after(secs(1)), &[&down]);
    let context = Context::new(Instant::now());
    context.set_fallback_left(true);
    let outcome = play.ask_with(&context, None).await;
    assert_eq!(outcome.unwrap().status(), 500);
    assert_eq!(play.names(), "aaaa", "the fourth failure took it out");
    let context = Context::new(Instant::now());
    context.set_fallback_left(true);
    assert!(refused(&play.ask_with(&context, None).await).is_all_resting());
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_is_given_up_leaves_its_place_to_another() {
    let play = Play::new(policy(), &[&[DOWN, DOWN, DOWN, DOWN, Step::Hang], &[]]);
    for _ in 0..5 {
        assert_eq!(from(&play.ask().await.1), "b");
    }
    advance(secs(6)).await;
    tokio::select! {
        _ = play.ask() => panic!("it was to hang"),
        () = async {
            sleep(secs(1)).await;
            // While it is on trial, nobody else goes there.
            assert_eq!(from(&play.ask().await.1), "b");
        } => {}
    }
    assert_eq!(from(&play.ask().await.1), "a");
    let member = &play.table.group("g").unwrap().members[0];
    assert_eq!(member.deployment.health.load().in_flight(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_an_answer_used_up_is_heeded_before_anybody_is_refused() {
    let last = Step::AnswerWith(&[
        ("x-ratelimit-remaining-tokens", "0"),
        ("x-ratelimit-reset-tokens", "12s"),
    ]);
    let play = Play::new(policy(), &[&[Step::Answer, last], &[]]);
    for answers in ["a", "a", "b", "b"] {
        assert_eq!(from(&play.ask().await.1), answers);
    }
    advance(secs(12)).await;
    assert_eq!(from(&play.ask().await.1), "a", "at once, by everybody");

    // The last one standing is asked all the same, as is everybody without a breaker.
    let play = Play::new(policy(), &[&[last, last, last]]);
    for _ in 0..3 {
        assert_eq!(from(&play.ask().await.1), "a");
    }
    let play = Play::new(policy().no_breaker(), &[&[last], &[]]);
    for _ in 0..3 {
        assert_eq!(from(&play.ask().await.1), "a");
    }
    assert_eq!(Instant::now() - play.began, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_new_configuration_keeps_who_rests_unless_it_may_have_mended_it() {
    let registry = Registry::default();
    let play = |scripts: &[&[Step]], key: &str| {
        let key = key.to_owned();
        let differ = move |target: &mut Target| target.api_key = Some(key.clone());
        Play::known(&registry, policy(), scripts, Checks::default(), differ)
    };
    let refused = fail(Class::Authentication);
    let before = play(&[&[refused], &[]], "a wrong key");
    assert_eq!(from(&before.ask().await.1), "b");
    let after = play(&[&[], &[]], "a wrong key");
    assert_eq!(from(&after.ask().await.1), "b");
    assert_eq!(after.names(), "b");
    let mended = play(&[&[], &[]], "another key");
    assert_eq!(from(&mended.ask().await.1), "a");
}
