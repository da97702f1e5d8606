use std::time::Duration;

use secondwind_layers::classify::Verdict;
use secondwind_llm::dialect::OpenAiChat;
use secondwind_policy::{Class, Policy};

use super::*;
use crate::setup::Checks;
use crate::strategy::SimpleShuffle;

fn target(id: &str) -> Target {
    let at = "http://one.example/v1".parse().unwrap();
    Target { api_key: Some("key-1".into()), ..Target::new(id, &OpenAiChat, "m", at) }
}

fn table(registry: &Registry, targets: Vec<Target>) -> HashMap<Name, Arc<Deployment>> {
    let group =
        GroupSetup { name: "g".into(), policy: Arc::new(Policy::default()), targets, listed: true };
    let (strategy, checks) = (Arc::new(SimpleShuffle), Checks::default());
    let setup = Setup { groups: vec![group], aliases: Vec::new(), strategy, checks };
    let all = std::cell::RefCell::new(HashMap::new());
    let seen = |deployment: Arc<Deployment>, _| {
        all.borrow_mut().insert(deployment.target.id.clone(), deployment);
    };
    Table::new(setup, registry, Instant::now(), seen).unwrap();
    all.into_inner()
}

/// Lets it rest.
fn rest(deployment: &Deployment, asked: u64) {
    let now = Instant::now();
    let verdict = Verdict::new(Class::RateLimit).with_hint(Duration::from_secs(asked));
    let (peers, policy) = (&deployment.peers, &deployment.target.policy);
    peers.failed(&deployment.health, &verdict, policy.breaker(), true, (now, now));
}

#[tokio::test(start_paused = true)]
async fn health_outlives_a_table_by_id_unless_the_place_is_another() {
    let registry = Registry::default();
    let before = table(&registry, vec![target("a"), target("b"), target("c"), target("gone")]);
    let now = Instant::now();
    for deployment in before.values() {
        rest(deployment, 60);
    }

    let heavier = Target { weight: 9.0, order: 2, ..target("a") };
    let other_key = Target { api_key: Some("key-2".into()), ..target("b") };
    let other_address =
        Target { api_base: "http://two.example/v1".parse().unwrap(), ..target("c") };
    let after = table(&registry, vec![heavier, other_key, other_address, target("new")]);
    let rests = |id: &str| after[id].health.resting(now).is_some();
    assert!(rests("a"), "it is the same place, however it is picked");
    assert!(!rests("b"), "a key that was refused is not this one");
    assert!(!rests("c") && !rests("new"));
    assert!(!after.contains_key("gone"));

    // What one of them learns meanwhile, the other knows.
    rest(&before["a"], 90);
    let until = after["a"].health.resting(now).unwrap().until;
    assert!(until >= now + Duration::from_secs(90), "{until:?}");
}
