use std::time::Duration;

use secondwind_llm::dialect::OpenAiChat;
use secondwind_policy::Policy;

use super::*;
use crate::strategy::SimpleShuffle;

fn target(id: &str) -> Target {
    Target {
        id: id.into(),
        dialect: &OpenAiChat,
        model: "m".into(),
        api_base: "http://one.example/v1".parse().unwrap(),
        api_key: Some("key-1".into()),
        organization: None,
        weight: 1.0,
        order: 0,
        assistant_prefill: false,
        policy: Arc::new(Policy::default()),
    }
}

fn table(targets: Vec<Target>, before: Option<&Table<()>>) -> Table<()> {
    let group = GroupSetup { name: "g".into(), policy: Arc::new(Policy::default()), targets };
    let setup =
        Setup { groups: vec![group], aliases: Vec::new(), strategy: Arc::new(SimpleShuffle) };
    Table::new(setup, Instant::now(), before, |_, _| ()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn health_outlives_a_table_by_id_unless_the_place_is_another() {
    let before = table(vec![target("a"), target("b"), target("c"), target("gone")], None);
    let now = Instant::now();
    for deployment in before.deployments.values() {
        deployment.rest.rest(now, Duration::from_secs(60), false);
    }

    let heavier = Target { weight: 9.0, order: 2, ..target("a") };
    let other_key = Target { api_key: Some("key-2".into()), ..target("b") };
    let other_address =
        Target { api_base: "http://two.example/v1".parse().unwrap(), ..target("c") };
    let after = table(vec![heavier, other_key, other_address, target("new")], Some(&before));
    let rests = |id: &str| after.deployments[id].rest.resting(now).is_some();
    assert!(rests("a"), "it is the same place, however it is picked");
    assert!(!rests("b"), "a key that was refused is not this one");
    assert!(!rests("c") && !rests("new"));
    assert!(!after.deployments.contains_key("gone"));

    // What one of them learns meanwhile, the other knows.
    before.deployments["a"].rest.rest(now, Duration::from_secs(90), true);
    let until = after.deployments["a"].rest.resting(now).unwrap().until;
    assert_eq!(until, now + Duration::from_secs(90));
}
