//! What outcomes mean.

use std::convert::Infallible;
use std::time::{Duration, SystemTime};

use http::{Response, StatusCode};
use secondwind_policy::{Class, Policy};
use secondwind_testkit::contract::{Step, scripted};
use tower::{Layer, Service, ServiceExt};

use super::{
    Blame, Chain, Classify, HttpClassify, Opinion, Reach, Standard, Verdict, class_of_status,
    classify_fn,
};
use crate::error::{AnyError, Error};
use crate::retry::RetryLayer;
use crate::testing::{Failed, by_its_word, failed, prompt, secs};
use crate::timeout::{Bound, Clock, Elapsed, TimeoutLayer};

fn class(opinion: Opinion) -> Option<Class> {
    opinion.verdict().map(|verdict| verdict.class)
}

fn ok<E>(answer: &u32) -> Result<&u32, &E> {
    Ok(answer)
}

fn err<E>(error: &E) -> Result<&u32, &E> {
    Err(error)
}

fn ran_out<E>() -> Error<E> {
    Error::from_elapsed(Elapsed::new(Clock::Attempt, secs(1), Bound::Configured))
}

#[test]
fn a_closure_sees_its_own_error_under_up_to_three_clocks() {
    let word = by_its_word();
    let none = failed(Class::RateLimit);
    let one = Error::from_inner(none);
    let two = Error::from_inner(Error::from_inner(none));
    let three = Error::from_inner(Error::from_inner(Error::from_inner(none)));
    assert_eq!(class(word.classify(err(&none))), Some(Class::RateLimit));
    assert_eq!(class(word.classify(err(&one))), Some(Class::RateLimit));
    assert_eq!(class(word.classify(err(&two))), Some(Class::RateLimit));
    assert_eq!(class(word.classify(err(&three))), Some(Class::RateLimit));
    assert_eq!(word.classify(ok::<Failed>(&1)), Opinion::Success);
    assert_eq!(word.classify(ok::<Error<Error<Error<Failed>>>>(&1)), Opinion::Success);
}

#[test]
fn a_clock_that_ran_out_is_a_timeout_at_whatever_level() {
    let word = by_its_word();
    let one: Error<Failed> = ran_out();
    let two: Error<Error<Failed>> = Error::from_inner(ran_out());
    let three: Error<Error<Error<Failed>>> = Error::from_inner(Error::from_inner(ran_out()));
    assert_eq!(class(word.classify(err(&one))), Some(Class::Timeout));
    assert_eq!(class(word.classify(err(&two))), Some(Class::Timeout));
    assert_eq!(class(word.classify(err(&three))), Some(Class::Timeout));
    assert_eq!(class(Standard.classify(err(&two))), Some(Class::Timeout));
}

#[test]
fn only_a_clock_that_ran_out_in_full_is_held_against_the_deployment() {
    let blamed = |clock, bound| {
        let error: Error<Failed> = Error::from_elapsed(Elapsed::new(clock, secs(1), bound));
        let standard = Standard.classify(err(&error)).verdict().map(|verdict| verdict.blame);
        let closure = by_its_word().classify(err(&error)).verdict().map(|verdict| verdict.blame);
        assert_eq!(standard, closure);
        standard == Some(Blame::Deployment)
    };
    assert!(blamed(Clock::Attempt, Bound::Configured));
    assert!(blamed(Clock::Connect, Bound::Configured));
    // The request's own deadline says nothing of whoever had the rest of it.
    assert!(!blamed(Clock::Attempt, Bound::Deadline));
    assert!(!blamed(Clock::Attempt, Bound::Reserve));
    assert!(!blamed(Clock::FirstContent, Bound::Wanted));
    assert!(!blamed(Clock::Total, Bound::Configured));
}

#[test]
fn of_an_unknown_service_every_error_is_a_connection_failure_and_every_answer_fine() {
    assert_eq!(class(Standard.classify(err(&failed(Class::RateLimit)))), Some(Class::Connection));
    assert_eq!(Standard.classify(ok::<Failed>(&1)), Opinion::Success);
    let boxed = AnyError::from(tower::BoxError::from("no route"));
    assert_eq!(class(Standard.classify(err(&boxed))), Some(Class::Connection));
    let boxed: tower::BoxError = Box::new(ran_out::<Failed>());
    assert_eq!(class(Standard.classify(err(&AnyError::from(boxed)))), Some(Class::Timeout));
}

#[test]
fn the_last_classifier_with_an_opinion_wins() {
    let says = |class: Class| {
        classify_fn(move |outcome: Result<&u32, &Failed>| match outcome {
            Ok(7) => Verdict::new(class).into(),
            _ => Opinion::None,
        })
    };
    let chain = Standard.then(says(Class::RateLimit)).then(says(Class::Conflict));
    assert_eq!(class(chain.classify(ok::<Failed>(&7))), Some(Class::Conflict));
    assert_eq!(chain.classify(ok::<Failed>(&8)), Opinion::Success);
    assert_eq!(class(chain.classify(err(&failed(Class::Timeout)))), Some(Class::Connection));
    let chain = Chain::new(says(Class::RateLimit), Standard);
    assert_eq!(chain.classify(ok::<Failed>(&7)), Opinion::Success);
}

#[test]
fn statuses_have_their_classes() {
    for (status, class) in [
        (200, None),
        (304, None),
        (399, None),
        (400, Some(Class::BadRequest)),
        (401, Some(Class::Authentication)),
        (402, Some(Class::QuotaExhausted)),
        (403, Some(Class::Permission)),
        (404, Some(Class::NotFound)),
        (408, Some(Class::Timeout)),
        (409, Some(Class::Conflict)),
        (413, Some(Class::RequestTooLarge)),
        (422, Some(Class::BadRequest)),
        (429, Some(Class::RateLimit)),
        (451, Some(Class::BadRequest)),
        (500, Some(Class::InternalServer)),
        (502, Some(Class::InternalServer)),
        (503, Some(Class::ServiceUnavailable)),
        (504, Some(Class::InternalServer)),
        (529, Some(Class::ServiceUnavailable)),
        (599, Some(Class::InternalServer)),
        (999, Some(Class::InternalServer)),
    ] {
        assert_eq!(class_of_status(StatusCode::from_u16(status).unwrap()), class, "{status}");
    }
}

#[test]
fn an_http_verdict_has_the_status_the_hint_and_the_servers_word() {
    let wall_clock = || SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
    let classify = HttpClassify::with_wall_clock(wall_clock);
    let answer = |headers: &[(&str, &str)]| {
        let mut answer = Response::builder().status(503);
        for (name, value) in headers {
            answer = answer.header(*name, *value);
        }
        let answer = answer.body(()).unwrap();
        classify.classify(Ok::<_, &Infallible>(&answer)).verdict().unwrap()
    };
    let plain = answer(&[]);
    assert_eq!((plain.class, plain.status), (Class::ServiceUnavailable, Some(503)));
    assert_eq!((plain.hint, plain.should_retry, plain.reach), (None, None, Reach::Unknown));
    assert_eq!(answer(&[("retry-after", "1.5")]).hint, Some(Duration::from_millis(1500)));
    let date = [("retry-after", "Sun, 06 Nov 1994 08:49:47 GMT")];
    assert_eq!(answer(&date).hint, Some(secs(10)));
    assert_eq!(answer(&[("x-should-retry", "false")]).should_retry, Some(false));
}

#[tokio::test(start_paused = true)]
async fn a_boxed_error_is_retried_like_any_other() {
    let (inner, script) = scripted::<(), u32, tower::BoxError>();
    script.then(Step::fail("no route".into())).then(Step::answer(1));
    let inner = tower::util::MapErr::new(inner, AnyError::from);
    let service = RetryLayer::new(prompt().build().unwrap()).layer(inner);
    assert_eq!(service.oneshot(()).await.unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_error_that_nobody_knows_is_passed_on() {
    let (inner, script) = scripted::<(), u32, Failed>();
    script.then(Step::fail(failed(Class::RateLimit)));
    let nobody = classify_fn(|_: Result<&u32, &Failed>| Opinion::None);
    let service = RetryLayer::new(Policy::default()).classify(nobody).layer(inner);
    assert_eq!(service.oneshot(()).await, Err(failed(Class::RateLimit)));
}

/// A classifier of one's own errors goes with the layers however they are nested.
#[tokio::test(start_paused = true)]
async fn one_closure_serves_at_every_place_of_a_stack() {
    async fn answers<S>(service: S) -> bool
    where
        S: Service<(), Response = u32>,
    {
        service.oneshot(()).await.is_ok()
    }
    let policy = prompt().build().unwrap();
    let flaky = || {
        let (inner, script) = scripted::<(), u32, Failed>();
        script.then(Step::fail(failed(Class::RateLimit))).then(Step::answer(1));
        inner
    };
    let retry = RetryLayer::new(policy.clone()).classify(by_its_word());
    let total = TimeoutLayer::total(policy.clone());
    let attempt = TimeoutLayer::attempt(policy);
    assert!(answers(retry.layer(flaky())).await);
    assert!(answers(retry.layer(attempt.layer(flaky()))).await);
    assert!(answers(retry.layer(total.layer(attempt.layer(flaky())))).await);
    assert!(answers(retry.layer(total.layer(attempt.layer(attempt.layer(flaky()))))).await);
    assert!(answers(total.layer(retry.layer(attempt.layer(flaky())))).await);
}
