use std::fs;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;
use secondwind_layers::Context;
use secondwind_llm::dialect::{Endpoint, OpenAiChat};
use secondwind_llm::peek::peek;
use secondwind_router::{Call, Request};
use tokio::time::Instant;
use tower::ServiceExt;

use super::*;

const GOOD: &str = "\
model_list:
  - model_name: NAME
    litellm_params: {model: openai/gpt-4o, api_key: k, api_base: 'http://127.0.0.1:9'}
    model_info: {id: one}
";

/// A configuration in a folder of its own, gone afterwards, and what is at work.
struct Place {
    folder: PathBuf,
    live: Live,
    reload: Reload,
}

impl Place {
    fn new(test: &str, exposed: bool) -> Self {
        let name = format!("secondwind-reload-{test}-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).unwrap();
        let file = folder.join("config.yaml");
        let key = if exposed { "general_settings: {master_key: sk-1}\n" } else { "" };
        let text = format!("{}{key}", good("first"));
        fs::write(&file, text).unwrap();
        let mut files = Vec::new();
        let config = config::load_noting(&file, &|_| None, &mut files).unwrap().config;
        let router = setup::router(&config).unwrap();
        let live = Live::from(Arc::new(App::new(router, 7)));
        let checking = Checking::of(&config, &live.app().router);
        let reload = Reload::new(file, live.clone(), files, exposed, checking);
        Self { folder, live, reload }
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.join(name), text).unwrap();
    }

    /// Puts a new file in the place of the old one, as editors do.
    fn rename_over(&self, name: &str, text: &str) {
        let new = self.folder.join("new");
        fs::write(&new, text).unwrap();
        fs::rename(new, self.folder.join(name)).unwrap();
    }

    /// Looks as often as it takes to see a change that is over.
    fn look_twice(&mut self) {
        self.reload.look(false);
        self.reload.look(false);
    }

    fn groups(&self) -> Vec<String> {
        self.live.app().router.groups().iter().map(ToString::to_string).collect()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn good(name: &str) -> String {
    GOOD.replace("NAME", name)
}

#[tokio::test]
async fn a_changed_file_is_put_to_work_once_it_stays_the_same() {
    let mut place = Place::new("changed", false);
    let under_way = place.live.app();
    place.write("config.yaml", &good("second"));
    place.reload.look(false);
    assert_eq!(place.groups(), ["first"], "it may still be written");
    place.reload.look(false);
    assert_eq!(place.groups(), ["second"]);
    assert_eq!(under_way.router.groups().len(), 1);
    assert_eq!(&*under_way.router.groups()[0], "first", "requests end with what they began with");
    assert_eq!(place.live.app().max_body_bytes, 7, "what no file says stays");
    assert!(!place.reload.is_changed());
}

/// Asks the only group, whose only deployment is not there.
async fn ask(app: &App) {
    let body = Bytes::from(format!(r#"{{"model": "{}"}}"#, app.router.groups()[0]));
    let (peeked, group) = (peek(&body).unwrap(), app.router.groups()[0].clone());
    let call = Call::new(&OpenAiChat, Endpoint::ChatCompletions, HeaderMap::new(), body, peeked);
    let context = Context::new(Instant::now());
    context.set_num_retries(Some(0));
    let request = Request::new(call, group, context);
    app.router.clone().oneshot(request).await.unwrap_err();
}

#[tokio::test]
async fn what_is_counted_goes_on_and_nothing_is_counted_twice() {
    let mut place = Place::new("counted", false);
    ask(&place.live.app()).await;
    for _ in 0..3 {
        place.reload.look(true);
    }
    let under_way = place.live.app();
    place.write("config.yaml", &good("second"));
    place.reload.look(true);
    let app = place.live.app();
    ask(&app).await;
    place.write("config.yaml", "nothing of use");
    place.reload.look(true);
    ask(&place.live.app()).await;
    let text = app.metrics.text(&app.router);
    let counted: Vec<_> = text.lines().filter(|line| line.contains("requests_total{")).collect();
    let line = |group: &str, count: u32| {
        format!("secondwind_requests_total{{group=\"{group}\",outcome=\"connection\"}} {count}")
    };
    assert_eq!(counted, [line("second", 2)]);

    place.write("config.yaml", &good("first"));
    place.reload.look(true);
    // One that began before is counted where it can be.
    ask(&under_way).await;
    ask(&place.live.app()).await;
    let app = place.live.app();
    let text = app.metrics.text(&app.router);
    assert!(text.contains(&line("first", 2)), "{text}");
    assert!(text.contains("secondwind_requests_in_flight{group=\"first\"} 0"), "{text}");
}

#[tokio::test]
async fn whether_callers_may_try_out_their_fallbacks_follows_the_file() {
    let mut place = Place::new("mocks", false);
    for allowed in [true, false] {
        let key = "dangerously_allow_mock_testing_request_params";
        let general = format!("general_settings: {{{key}: {allowed}}}\n");
        place.write("config.yaml", &format!("{}{general}", good("mocks")));
        place.reload.look(true);
        assert_eq!(place.live.app().allow_mock_testing, allowed);
    }
}

#[tokio::test]
async fn a_file_that_takes_the_place_of_another_is_seen() {
    let mut place = Place::new("renamed", false);
    // As long as before.
    place.rename_over("config.yaml", &good("other"));
    place.look_twice();
    assert_eq!(place.groups(), ["other"]);
}

#[cfg(unix)]
#[tokio::test]
async fn a_config_map_is_seen_through_its_links() {
    use std::os::unix::fs::symlink;

    let mut place = Place::new("map", false);
    let at = |path: &str| place.folder.join(path);
    for (version, name) in [("v1", "mapped-1"), ("v2", "mapped-2")] {
        fs::create_dir_all(at(version)).unwrap();
        fs::write(at(version).join("config.yaml"), good(name)).unwrap();
    }
    // config.yaml -> data/config.yaml, data -> v1: only `data` is ever replaced.
    symlink("v1", at("data")).unwrap();
    fs::remove_file(at("config.yaml")).unwrap();
    symlink(Path::new("data/config.yaml"), at("config.yaml")).unwrap();
    place.look_twice();
    assert_eq!(place.groups(), ["mapped-1"]);

    let at = |path: &str| place.folder.join(path);
    symlink("v2", at("data-new")).unwrap();
    fs::rename(at("data-new"), at("data")).unwrap();
    place.look_twice();
    assert_eq!(place.groups(), ["mapped-2"]);
}

#[tokio::test]
async fn a_bad_file_keeps_the_last_good_one_until_it_is_mended() {
    let mut place = Place::new("bad", false);
    place.write("config.yaml", &format!("{}router_settings: {{num_retrys: 1}}\n", good("bad")));
    place.look_twice();
    assert_eq!(place.groups(), ["first"]);
    assert!(!place.reload.is_changed(), "it is told once");
    let kept = place.reload.again().unwrap_err().to_string();
    assert!(kept.contains("did you mean `num_retries`?"), "{kept}");

    fs::remove_file(place.folder.join("config.yaml")).unwrap();
    place.look_twice();
    assert_eq!(place.groups(), ["first"]);

    place.write("config.yaml", &good("mended"));
    place.look_twice();
    assert_eq!(place.groups(), ["mended"]);
}

#[tokio::test]
async fn what_a_file_includes_is_watched_even_when_it_was_bad() {
    let mut place = Place::new("included", false);
    place.write("more.yaml", "router_settings: {num_retrys: 1}\n");
    place.write("config.yaml", &format!("include: [more.yaml]\n{}", good("whole")));
    place.look_twice();
    assert_eq!(place.groups(), ["first"]);
    place.write("more.yaml", "router_settings: {num_retries: 1}\n");
    place.look_twice();
    assert_eq!(place.groups(), ["whole"]);
}

#[tokio::test]
async fn whoever_asks_gets_it_at_once() {
    let mut place = Place::new("asked", false);
    place.write("config.yaml", &good("asked"));
    place.reload.look(true);
    assert_eq!(place.groups(), ["asked"]);
}

#[tokio::test]
async fn a_gateway_that_others_reach_does_not_lose_its_key() {
    let mut place = Place::new("keyless", true);
    place.write("config.yaml", &good("open"));
    let kept = place.reload.again().unwrap_err();
    assert!(matches!(kept, Kept::Keyless), "{kept}");
    assert_eq!(place.groups(), ["first"]);
}

#[tokio::test]
async fn background_checks_are_those_of_what_is_at_work() {
    let mut place = Place::new("checks", false);
    assert!(place.reload.checking.0.is_none(), "off unless they are wanted");
    let checked = format!("{}general_settings: {{background_health_checks: true}}\n", good("a"));
    place.write("config.yaml", &checked);
    place.look_twice();
    let first = place.reload.checking.0.as_ref().unwrap().abort_handle();
    assert!(!first.is_finished());
    // What cannot be used changes nothing.
    place.write("config.yaml", "model_list: 7");
    place.look_twice();
    assert!(!first.is_finished());
    place.write("config.yaml", &checked.replace("name: a", "name: b"));
    place.look_twice();
    let second = place.reload.checking.0.as_ref().unwrap().abort_handle();
    while !first.is_finished() {
        tokio::task::yield_now().await;
    }
    assert!(!second.is_finished());
    place.write("config.yaml", &good("c"));
    place.look_twice();
    assert!(place.reload.checking.0.is_none());
    while !second.is_finished() {
        tokio::task::yield_now().await;
    }
}
