//! Which deployments get which requests.

use super::*;

/// One that answers after a second.
fn slow(play: &Play) {
    play.stage.takes.lock().unwrap().replace(secs(1));
}

fn contexts(count: usize) -> Vec<Context> {
    (0..count).map(|_| Context::new(Instant::now())).collect()
}

fn parallel(most: u32) -> impl Fn(&mut Target) {
    move |target| target.limits.max_parallel_requests = Some(most)
}

#[tokio::test(start_paused = true)]
async fn no_more_requests_are_in_one_place_than_it_takes_and_the_others_wait() {
    let play = Play::with(policy(), &[&[], &[]], Checks::default(), parallel(2));
    slow(&play);
    let contexts = contexts(10);
    let all = futures(contexts.iter().map(|context| play.ask_with(context, None))).await;
    assert!(all.iter().all(|outcome| outcome.as_ref().unwrap().status() == 200));
    let asked = play.asked();
    for second in 0..3 {
        let now = asked.iter().filter(|(_, at)| *at == f64::from(second));
        assert_eq!(now.count(), if second < 2 { 4 } else { 2 }, "{asked:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_finds_the_queue_full_fails_at_once_and_who_leaves_it_makes_room() {
    let policy = policy().max_queue(3);
    let play = Play::with(policy, &[&[]], Checks::default(), parallel(1));
    slow(&play);
    let all = contexts(6);
    let outcomes = futures(all.iter().map(|context| play.ask_with(context, None))).await;
    let failed: Vec<_> = outcomes.iter().filter(|outcome| outcome.is_err()).collect();
    assert_eq!(failed.len(), 2);
    for outcome in failed {
        assert_eq!(refused(outcome).verdict().class, Class::RateLimit);
        let message = refused(outcome).to_string();
        assert_eq!(message, "too many requests wait for a deployment of `g`");
    }
    // Those who walk away while they wait take nobody's place.
    let began = Instant::now();
    let hold = contexts(4);
    tokio::select! {
        _ = futures(hold.iter().map(|context| play.ask_with(context, None))) => panic!(),
        () = sleep(Duration::from_millis(500)) => {}
    }
    let all = contexts(4);
    let outcomes = futures(all.iter().map(|context| play.ask_with(context, None))).await;
    assert!(outcomes.iter().all(Result::is_ok));
    assert_eq!(Instant::now() - began, Duration::from_millis(4500));
}

#[tokio::test(start_paused = true)]
async fn requests_a_minute_are_a_limit_where_they_are_checked() {
    let rpm = |target: &mut Target| target.limits.rpm = Some(3);
    let checks = Checks { rates: true, ..Checks::default() };
    let play = Play::with(policy(), &[&[], &[]], checks, rpm);
    for _ in 0..6 {
        assert!(play.ask().await.1.is_ok());
    }
    assert_eq!(play.names(), "aaabbb");
    let (_, outcome) = play.ask().await;
    assert!(refused(&outcome).is_all_resting());
    assert_eq!(refused(&outcome).verdict().class, Class::RateLimit);
    assert!(refused(&outcome).verdict().hint.unwrap() <= secs(60));
    advance(secs(120)).await;
    assert!(play.ask().await.1.is_ok());

    let play = Play::with(policy(), &[&[]], Checks::default(), rpm);
    for _ in 0..9 {
        assert!(play.ask().await.1.is_ok(), "a mere weight");
    }
}

#[tokio::test(start_paused = true)]
async fn a_prompt_is_not_sent_where_it_does_not_fit() {
    let checks = Checks { context_window: true, ..Checks::default() };
    let windows = |target: &mut Target| {
        target.limits.max_input_tokens = (*target.id == *"a").then_some(5);
    };
    let long = || call(br#"{"model": "g", "messages": [{"role": "user", "content": "hello"}]}"#);
    let play = Play::with(policy(), &[&[], &[]], checks, windows);
    let context = Context::new(Instant::now());
    assert_eq!(from(&play.ask_call(&context, long()).await), "b");
    assert_eq!(from(&play.ask().await.1), "a");

    let play = Play::with(policy(), &[&[]], checks, windows);
    let context = Context::new(Instant::now());
    let outcome = play.ask_call(&context, long()).await;
    assert_eq!(refused(&outcome).verdict().class, Class::ContextWindow);
    assert!(play.names().is_empty(), "nobody was asked");
}

#[tokio::test(start_paused = true)]
async fn requests_go_where_their_tags_lead() {
    let checks = Checks { tags: true, ..Checks::default() };
    let tags = |target: &mut Target| {
        target.tags = match &*target.id {
            "a" => vec!["default".into()],
            "b" => vec!["paid".into(), "eu".into()],
            _ => vec![],
        };
    };
    let play = Play::with(policy(), &[&[], &[], &[]], checks, tags);
    for (given, answers) in
        [(vec!["paid"], "b"), (vec!["us", "eu"], "b"), (vec![], "a"), (vec!["unknown"], "a")]
    {
        let mut call = call(br#"{"model": "g"}"#);
        call.tags = given.iter().map(|tag| (*tag).to_owned()).collect();
        let context = Context::new(Instant::now());
        assert_eq!(from(&play.ask_call(&context, call).await), answers, "{given:?}");
    }
    // One that rests is waited for; nobody else is for its requests.
    play.rest(1, 10, true);
    let mut paid = call(br#"{"model": "g"}"#);
    paid.tags = vec!["paid".into()];
    assert_eq!(from(&play.ask_call(&Context::new(Instant::now()), paid).await), "b");
    assert!(play.asked()[4].1 >= 10.0);

    let play = Play::with(policy(), &[&[]], checks, |target| target.tags = vec!["eu".into()]);
    let mut us = call(br#"{"model": "g"}"#);
    us.tags = vec!["us".into()];
    let outcome = play.ask_call(&Context::new(Instant::now()), us).await;
    assert_eq!(
        refused(&outcome).to_string(),
        "no deployment of `g` is for requests with these tags"
    );
}

#[tokio::test(start_paused = true)]
async fn a_session_stays_where_it_was_as_long_as_that_stands() {
    let checks = Checks { affinity: true, ..Checks::default() };
    let play = Play::with(policy(), &[&[], &[], &[]], checks, |target| target.order = 0);
    let ask = async |session: &str| {
        let call = call(format!(r#"{{"model": "g", "user": "{session}"}}"#));
        from(&play.ask_call(&Context::new(Instant::now()), call).await)
    };
    let sessions: Vec<String> = (0..60).map(|n| format!("session {n}")).collect();
    let mut homes = Vec::new();
    for session in &sessions {
        homes.push(ask(session).await);
        assert_eq!(ask(session).await, *homes.last().unwrap());
    }
    for name in ["a", "b", "c"] {
        assert!(homes.iter().filter(|home| *home == name).count() > 8, "{homes:?}");
    }
    play.rest(0, 10, true);
    for (session, home) in sessions.iter().zip(&homes) {
        let now = ask(session).await;
        assert!(if home == "a" { now != "a" } else { now == *home }, "{session}: {home} to {now}");
    }
}
