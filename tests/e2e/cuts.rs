//! Every cut point: a stream that breaks at every fifth word, in every way, under every kind of recovery.
//!
//! What a caller may get is one of two things: the whole answer, each word once; or its beginning and an error that
//! says so. Never a finish that no provider sent, and never silence.

use std::fmt::Write as _;
use std::time::Duration;

use secondwind_testkit::faults::{Break, Fault, FaultServer, Prefill, TEXT, WORDS};
use tokio::task::JoinSet;

use crate::gateway::{Gateway, Setup, model_of};
use crate::strict::{Heard, Verdict, hear, with_usage};

/// Longer than any clock here.
const LONG: Duration = Duration::from_secs(60);
const PATIENCE: Duration = Duration::from_secs(20);

const BREAKS: [(&str, Break); 8] = [
    ("cut", Break::Cut),
    ("reset", Break::Reset),
    ("end", Break::End),
    ("stall", Break::Stall(LONG)),
    ("error", Break::Error),
    ("malformed", Break::Malformed),
    ("mangled", Break::Mangled),
    ("garbage", Break::Garbage),
];

/// One way to break, at one word.
#[derive(Clone, Copy, Debug)]
struct Case {
    name: &'static str,
    how: Break,
    word: usize,
}

fn cases() -> Vec<Case> {
    let at = |word| BREAKS.map(|(name, how)| Case { name, how, word });
    (0..=WORDS).step_by(5).flat_map(at).collect()
}

/// The first words of the text.
fn first(words: usize) -> String {
    TEXT.split_inclusive(char::is_whitespace).take(words).collect()
}

// === impl Case ===

impl Case {
    fn group(self) -> String {
        format!("{}-{}", self.name, self.word)
    }
}

/// A group for each case, all of them on one server; and one fallback for all.
async fn serve(
    recovery: &str,
    prefill: bool,
    broken: &FaultServer,
    spare: &FaultServer,
) -> Gateway {
    broken.pace(Duration::from_millis(1));
    spare.pace(Duration::from_millis(1));
    let (mut setup, mut fallbacks) = (Setup::new(), String::new());
    for case in cases() {
        let group = case.group();
        broken.always_for(&model_of(&group), Fault::at(case.word, case.how));
        setup = setup.at(&group, &group, &broken.base_url(), "");
        write!(fallbacks, "{{{group}: [spare]}}, ").unwrap();
    }
    setup = setup.at("spare", "spare", &spare.base_url(), "");
    if prefill {
        setup = setup.edited("{id: spare}", "{id: spare, supports_assistant_prefill: true}");
    }
    setup
        .router("num_retries: 1")
        .router(&format!("fallbacks: [{fallbacks}]"))
        .policy("timeout: {first_content: 2s, idle: 500ms, content_idle: 500ms}")
        .policy(&format!("stream: {{recovery: {recovery}}}"))
        .start()
        .await
}

/// Asks each case's group, all at once.
async fn run(gateway: &Gateway) -> Vec<(Case, Heard)> {
    let mut asking = JoinSet::new();
    for case in cases() {
        let address = gateway.address;
        asking.spawn(
            async move { (case, hear(address, &with_usage(&case.group()), PATIENCE).await) },
        );
    }
    asking.join_all().await
}

/// Fails with all that went wrong, not only with the first of it.
fn assert_each(
    what: &str,
    heard: &[(Case, Heard)],
    wrong: impl Fn(Case, &Heard) -> Option<String>,
) {
    let wrong = |(case, heard): &(Case, Heard)| {
        let why = wrong(*case, heard)?;
        Some(format!("{}: {why}", case.group()))
    };
    let wrong: Vec<_> = heard.iter().filter_map(wrong).collect();
    let all = heard.len();
    assert!(wrong.is_empty(), "{what}: {} of {all} wrong\n{}", wrong.len(), wrong.join("\n"));
    println!("{what}: {all} cases");
}

/// Whole, with its usage told once.
fn not_whole(heard: &Heard) -> Option<String> {
    let verdict = heard.verdict(TEXT);
    if verdict != Verdict::Whole {
        return Some(format!("{verdict:?} {:?} after {:?}", heard.errors, heard.text));
    }
    (heard.usages.len() != 1).then(|| format!("usage: {:?}", heard.usages))
}

#[tokio::test]
async fn every_cut_is_carried_on_by_one_who_is_asked_afresh() {
    let (broken, spare) = (FaultServer::start().await, FaultServer::start().await);
    let gateway = serve("continue", false, &broken, &spare).await;
    let heard = run(&gateway).await;
    assert_each("asked afresh", &heard, |_, heard| not_whole(heard));
    assert!(
        spare.attempts().iter().all(|attempt| attempt.prefill.is_none()),
        "nobody said it could"
    );
}

#[tokio::test]
async fn every_cut_is_carried_on_by_one_who_goes_on_from_what_was_said() {
    let (broken, spare) = (FaultServer::start().await, FaultServer::start().await);
    let gateway = serve("continue", true, &broken, &spare).await;
    let heard = run(&gateway).await;
    assert_each("gone on", &heard, |_, heard| not_whole(heard));
    let prefills: Vec<_> = spare.attempts().into_iter().filter_map(|at| at.prefill).collect();
    assert!(prefills.len() > heard.len() / 2, "{} of {}", prefills.len(), heard.len());
    assert!(prefills.iter().all(|said| TEXT.starts_with(said) && !said.is_empty()), "{prefills:?}");
}

#[tokio::test]
async fn every_cut_is_carried_on_where_going_on_is_refused() {
    let (broken, spare) = (FaultServer::start().await, FaultServer::start().await);
    spare.prefill(Prefill::Refused);
    let gateway = serve("continue", true, &broken, &spare).await;
    let heard = run(&gateway).await;
    assert_each("refused", &heard, |_, heard| not_whole(heard));
}

#[tokio::test]
async fn every_cut_is_made_up_for_before_a_caller_of_buffered_answers_sees_it() {
    let (broken, spare) = (FaultServer::start().await, FaultServer::start().await);
    let gateway = serve("buffer", false, &broken, &spare).await;
    let heard = run(&gateway).await;
    assert_each("buffered", &heard, |_, heard| not_whole(heard));
}

#[tokio::test]
async fn every_cut_is_told_where_recovery_is_off() {
    let (broken, spare) = (FaultServer::start().await, FaultServer::start().await);
    let gateway = serve("off", false, &broken, &spare).await;
    let heard = run(&gateway).await;
    assert_each("told", &heard, |case, heard| {
        let verdict = heard.verdict(TEXT);
        // What does not hurt the text may be passed over: an event between two words, anything behind the last.
        let harmless =
            case.how == Break::Malformed || case.how == Break::Mangled && case.word == WORDS;
        match verdict {
            // Nothing had been said: an ordinary failure.
            Verdict::Whole if case.word == 0 || harmless => None,
            Verdict::Told if case.word == 0 => {
                Some("nothing had been said, and nobody else asked".into())
            }
            // A reset may overtake words.
            Verdict::Told if case.how != Break::Reset && heard.text != first(case.word) => {
                Some(format!("lost words: {:?}", heard.text))
            }
            Verdict::Told if heard.class() != "interrupted" => Some(format!("{:?}", heard.errors)),
            Verdict::Told => None,
            other => Some(format!("{other:?} after {:?}", heard.text)),
        }
    });
}

#[tokio::test]
async fn a_place_that_is_alone_tells_every_cut_too() {
    let broken = FaultServer::start().await;
    broken.pace(Duration::from_millis(1));
    let mut setup = Setup::new();
    for case in cases() {
        let group = case.group();
        broken.always_for(&model_of(&group), Fault::at(case.word, case.how));
        setup = setup.at(&group, &group, &broken.base_url(), "");
    }
    let setup = setup.router("num_retries: 0");
    let setup = setup.policy("timeout: {first_content: 2s, idle: 500ms, content_idle: 500ms}");
    let gateway = setup.policy("stream: {recovery: continue}").start().await;
    let heard = run(&gateway).await;
    assert_each("alone", &heard, |case, heard| match heard.verdict(TEXT) {
        Verdict::Told if case.how == Break::Reset || heard.text == first(case.word) => None,
        // Behind the last word there is nothing to lose but the finish, which came.
        Verdict::Whole if case.word == WORDS && case.how == Break::Mangled => None,
        other => Some(format!("{other:?} after {:?}", heard.text)),
    });
}
