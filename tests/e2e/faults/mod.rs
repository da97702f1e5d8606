//! The failover matrix: sixteen faults, streamed and not, before a gateway with one fallback.

mod judge;
mod scenario;
mod table;

use std::net::SocketAddr;
use std::time::Duration;

use secondwind_testkit::faults::{Attempt, Break, Fault, FaultServer, Prefill, TEXT};
use serde_json::Value;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use self::judge::{Judgement, Mark, Seen, judge};
use self::scenario::{Ideal, Scenario, When, tenth};
use self::table::Table;
use crate::gateway::{Gateway, Setup, question};
use crate::strict::{Heard, Verdict, hear, with_usage};

/// Between two words.
const PACE: Duration = Duration::from_millis(3);

/// Of sixty words, one after the other.
const ALL_WORDS: Duration = Duration::from_millis(5 * 59);

/// One fault, as it went.
struct Cell {
    scenario: Scenario,
    judgement: Judgement,
    heard: Heard,
    primary: Vec<Attempt>,
    spare: usize,
    /// Whether the words came as they were said; of streams.
    flows: bool,
}

/// A place that fails, another that does not.
struct Providers {
    primary: FaultServer,
    spare: FaultServer,
}

fn asked(model: &str, stream: bool) -> Value {
    if stream { with_usage(model) } else { question(model) }
}

/// The attempts of the baseline: two retries, one fallback, nobody waited for longer than a second.
async fn gateway(providers: &Providers, stream: bool) -> Gateway {
    let Providers { primary, spare } = providers;
    let setup = Setup::new()
        .at("chat", "primary", &primary.base_url(), "")
        .at("other", "spare", &spare.base_url(), "")
        .router("num_retries: 2")
        .router("cooldown_time: 0.4")
        .router("fallbacks: [{chat: [other]}]");
    let setup = if stream {
        setup
            .edited("{id: spare}", "{id: spare, supports_assistant_prefill: true}")
            .router("timeout: 3")
            .policy("timeout: {first_content: 1s, idle: 1s, content_idle: 1s}")
            .policy("stream: {recovery: continue, max_recoveries: 2}")
    } else {
        setup.router("timeout: 1")
    };
    setup.start().await
}

async fn providers(scenario: &Scenario) -> Providers {
    let (primary, spare) = (FaultServer::start().await, FaultServer::start().await);
    primary.pace(PACE);
    spare.pace(PACE);
    match scenario.when {
        When::First => primary.then(scenario.fault.clone()),
        When::Always | When::Outage => primary.always(scenario.fault.clone()),
    };
    if scenario.prefill_refused {
        spare.prefill(Prefill::Refused);
    }
    Providers { primary, spare }
}

async fn cell(scenario: Scenario, stream: bool) -> Cell {
    let providers = providers(&scenario).await;
    let gateway = gateway(&providers, stream).await;
    let (heard, recovered) = match scenario.when {
        When::Outage => outage(&scenario, &providers, gateway.address, stream).await,
        When::First | When::Always => {
            let question = asked("chat", stream);
            (hear(gateway.address, &question, scenario.patience).await, true)
        }
    };
    let (primary, spare) = (providers.primary.attempts(), providers.spare.attempts().len());
    let probe = hear(gateway.address, &asked("other", stream), tenth(10.0)).await;
    let alive = recovered && probe.verdict(TEXT) == Verdict::Whole;
    let judgement = judge(&scenario, &Seen { heard: &heard, primary: &primary, alive });
    let flows = flows(&heard, &primary, &scenario);
    Cell { scenario, judgement, heard, primary, spare, flows }
}

/// Requests, one every 0.4 s; the primary is well again after six seconds. The worst of the answers, and
/// whether the primary was used again within three seconds.
async fn outage(
    scenario: &Scenario,
    providers: &Providers,
    address: SocketAddr,
    stream: bool,
) -> (Heard, bool) {
    let began = Instant::now();
    let well = began + tenth(60.0);
    let mut asking = JoinSet::new();
    for number in 0..23 {
        let at = began + tenth(4.0) * number;
        let (question, patience) = (asked("chat", stream), scenario.patience);
        asking.spawn(async move {
            sleep_until(at).await;
            hear(address, &question, patience).await
        });
    }
    sleep_until(well).await;
    providers.primary.always(Fault::None);
    let heard = asking.join_all().await;
    let again = providers
        .primary
        .attempts()
        .into_iter()
        .any(|attempt| attempt.spoke.is_some_and(|spoke| spoke <= well + tenth(30.0)));
    let worst = heard.into_iter().min_by_key(|heard| heard.verdict(TEXT) == Verdict::Whole);
    (worst.unwrap(), again)
}

/// Whether words came one by one, and the first before anything broke behind it.
fn flows(heard: &Heard, primary: &[Attempt], scenario: &Scenario) -> bool {
    let spoke = primary.first().and_then(|attempt| attempt.spoke);
    let broke = primary.first().and_then(|attempt| attempt.broke);
    let in_time = match (spoke, broke, heard.first) {
        (Some(spoke), Some(broke), Some(first)) if spoke < broke => first < broke,
        _ => true,
    };
    let told = scenario.ideal == Ideal::Error;
    told || in_time && heard.spread() > ALL_WORDS.mul_f64(0.6)
}

async fn cells(stream: bool) -> Vec<Cell> {
    let mut running = JoinSet::new();
    for scenario in scenario::all() {
        running.spawn(cell(scenario, stream));
    }
    let mut cells = running.join_all().await;
    cells.sort_by_key(|cell| cell.scenario.id);
    assert_eq!(cells.len(), 16);
    cells
}

fn millis(time: Option<Duration>) -> String {
    time.map_or("–".into(), |time| time.as_millis().to_string())
}

fn assert_all_passed(cells: &[Cell]) {
    let short = |cell: &Cell| {
        let Judgement { mark, because } = &cell.judgement;
        let (id, primary) = (cell.scenario.id, cell.primary.len());
        format!("{id} {mark}: {because} ({primary} + {} attempts)", cell.spare)
    };
    let short: Vec<_> =
        cells.iter().filter(|cell| cell.judgement.mark != Mark::Pass).map(short).collect();
    assert!(short.is_empty(), "{} of 16 passed\n{}", 16 - short.len(), short.join("\n"));
}

fn attempts(cell: &Cell) -> String {
    match cell.scenario.when {
        // How many of them fall into the outage is a matter of moments.
        When::Outage => "–".into(),
        When::First | When::Always => format!("{} + {}", cell.primary.len(), cell.spare),
    }
}

#[tokio::test]
async fn sixteen_of_sixteen_streams_are_rescued_while_words_flow() {
    let cells = cells(true).await;
    assert_all_passed(&cells);
    let held: Vec<_> = cells.iter().filter(|cell| !cell.flows).map(|c| c.scenario.id).collect();
    assert!(held.is_empty(), "held back: {held:?}");
    let row = |cell: &Cell| {
        let Cell { scenario, judgement, heard, .. } = cell;
        vec![
            scenario.id.into(),
            scenario.title.into(),
            judgement.mark.to_string(),
            attempts(cell),
            millis(heard.to_first_word()),
            millis(Some(heard.took)),
        ]
    };
    let columns = vec!["", "fault", "mark", "attempts", "first word, ms", "end, ms"];
    Table { columns, rows: cells.iter().map(row).collect() }.compare("streamed");
}

#[tokio::test]
async fn sixteen_of_sixteen_whole_answers_are_rescued() {
    let cells = cells(false).await;
    assert_all_passed(&cells);
    let row = |cell: &Cell| {
        let Cell { scenario, judgement, heard, .. } = cell;
        vec![
            scenario.id.into(),
            scenario.title.into(),
            judgement.mark.to_string(),
            attempts(cell),
            millis(Some(heard.took)),
        ]
    };
    let columns = vec!["", "fault", "mark", "attempts", "end, ms"];
    Table { columns, rows: cells.iter().map(row).collect() }.compare("whole");
}

#[tokio::test]
async fn the_judge_gives_a_caller_without_a_gateway_no_rescue_and_no_lie() {
    let mut marks = Vec::new();
    for scenario in scenario::all() {
        if scenario.when == When::Outage || scenario.patience > tenth(100.0) {
            continue;
        }
        let Providers { primary, spare: _spare } = providers(&scenario).await;
        let heard = hear(primary.addr(), &asked("model-of-primary", true), scenario.patience).await;
        let seen = Seen { heard: &heard, primary: &primary.attempts(), alive: true };
        marks.push((scenario.id, judge(&scenario, &seen).mark));
    }
    let of = |mark| marks.iter().filter(|(_, m)| *m == mark).map(|(id, _)| *id).collect::<Vec<_>>();
    // Without a fallback a slow first word is as good as can be; without a gateway it is a partial pass here.
    assert_eq!(of(Mark::Partial), ["S07"]);
    assert_eq!(of(Mark::Pass), ["S13"]);
    // An event that is no JSON and a missing [DONE] reach a strict caller as they are; nobody names a fallback.
    assert_eq!(of(Mark::Fail), ["S10", "S11", "S16"]);
    assert_eq!(of(Mark::Safe), ["S01", "S02", "S03", "S04", "S05", "S08", "S09", "S12", "S14"]);
}

/// A stream that is cut after 40 words; the fallback says other words from `differs` on.
async fn cut_before_other_words(differs: usize) -> (Heard, Vec<Attempt>) {
    let (primary, spare) = (FaultServer::start().await, FaultServer::start().await);
    primary.pace(PACE).always(Fault::at(40, Break::Cut));
    spare.pace(PACE).always(Fault::Differs(differs));
    let providers = Providers { primary, spare };
    // It is not said of this fallback that it could go on from what was said.
    let setup = Setup::new()
        .at("chat", "primary", &providers.primary.base_url(), "")
        .at("other", "spare", &providers.spare.base_url(), "")
        .router("fallbacks: [{chat: [other]}]")
        .policy("timeout: {first_content: 1s, idle: 1s}")
        .policy("stream: {recovery: continue}");
    let gateway = setup.start().await;
    let heard = hear(gateway.address, &with_usage("chat"), Duration::from_secs(5)).await;
    // What is dropped is dropped a moment later.
    sleep(Duration::from_millis(50)).await;
    (heard, providers.spare.attempts())
}

#[tokio::test]
async fn answers_that_differ_are_never_joined() {
    for differs in [0, 1, 20, 39] {
        let (heard, spare) = cut_before_other_words(differs).await;
        assert_eq!(heard.verdict(TEXT), Verdict::Told, "{differs}: {heard:?}");
        assert_eq!(heard.class(), "interrupted");
        let said: String = TEXT.split_inclusive(char::is_whitespace).take(40).collect();
        assert_eq!(heard.text, said, "{differs}");
        assert!(!spare.is_empty(), "nobody asked the fallback");
        assert!(spare.iter().all(|attempt| attempt.left.is_some()), "dropped where it differs");
    }
}

#[tokio::test]
async fn answers_that_differ_only_further_on_are_one_answer() {
    let (heard, _) = cut_before_other_words(50).await;
    let words = TEXT.split_inclusive(char::is_whitespace).enumerate();
    let other = |(at, word): (usize, &str)| match at {
        50.. => format!("other{at} "),
        _ => word.to_owned(),
    };
    assert_eq!(heard.verdict(&words.map(other).collect::<String>()), Verdict::Whole, "{heard:?}");
}
