//! Every folder of `testdata/translate/`*pair*`/` is a case: what goes in, and what comes out.

use std::fs;
use std::path::{Path, PathBuf};

use super::accumulate::events;
use super::*;

/// How many cases there are, so that none is lost unseen.
const CASES: [(&dyn Translate, &str, usize); 4] = [
    (&OpenAiToAnthropic, "openai_to_anthropic", 6),
    (&AnthropicToOpenAi, "anthropic_to_openai", 5),
    (&OpenAiToGemini, "openai_to_gemini", 6),
    (&ResponsesToOpenAi, "responses_to_openai", 5),
];

#[test]
fn documented_examples_become_what_is_written_beside_them() {
    for (pair, folder, count) in CASES {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/translate").join(folder);
        let mut cases: Vec<PathBuf> =
            fs::read_dir(root).unwrap().map(|case| case.unwrap().path()).collect();
        cases.sort();
        assert_eq!(cases.len(), count, "{folder}");
        for case in cases {
            check(pair, &case);
        }
    }
}

fn check(pair: &dyn Translate, case: &Path) {
    let read = |name: &str| fs::read(case.join(name)).ok();
    let value = |name: &str| read(name).map(|text| serde_json::from_slice::<Value>(&text).unwrap());
    let mut compared = 0;
    if let Some(asked) = value("request.json") {
        assert_eq!(Some(sent(pair, &asked)), value("sent.json"), "{}", case.display());
        compared += 1;
    }
    if let Some(given) = value("given.json") {
        assert_eq!(Some(answered(pair, &given)), value("answer.json"), "{}", case.display());
        compared += 1;
    }
    if let Some(given) = read("given.sse") {
        let request = read("request.json").unwrap_or_else(|| b"{}".to_vec());
        let mut stream = pair.stream(&request, CREATED);
        let mut out = Vec::new();
        for (name, data) in events(&given) {
            stream.event(name.as_deref(), data.as_bytes(), &mut out).unwrap();
        }
        let parsed = |stream: &[u8]| {
            let value = |data: String| serde_json::from_str(&data).unwrap_or(Value::from(data));
            let events = events(stream).into_iter();
            events.map(|(name, data)| (name, value(data))).collect::<Vec<_>>()
        };
        let expected = read("answer.sse").unwrap();
        assert_eq!(parsed(&out), parsed(&expected), "{}", case.display());
        compared += 1;
    }
    assert!(compared > 0, "{} has nothing in it", case.display());
}
