//! Configurations in the shape of LiteLLM's documentation load, with warnings at most.

use std::fmt::Write;
use std::fs;

use secondwind_gateway::config;
use secondwind_gateway::setup;

use crate::snapshot;

/// An environment in which everything is set.
fn variable(name: &str) -> Option<String> {
    let address = ["BASE", "URL"].iter().any(|part| name.contains(part));
    Some(match name {
        "LITELLM_MASTER_KEY" => return None,
        "REDIS_PORT" => "6379".to_owned(),
        _ if address => "https://env.example.com/v1".to_owned(),
        _ => format!("of-{name}"),
    })
}

#[tokio::test]
async fn each_loads_as_it_is() {
    let files = snapshot::yaml_files(&snapshot::testdata("litellm"));
    let (mut loaded, mut stale, mut refused) = (0, Vec::new(), String::new());
    for file in &files {
        let name = file.file_name().unwrap().to_string_lossy();
        let text = fs::read_to_string(file).unwrap();
        let source = config::Source { name: name.clone().into_owned(), text };
        match config::parse(source, &variable) {
            Ok(found) => {
                // It can be put to work, not only read.
                setup::router(&found.config).unwrap_or_else(|why| panic!("{name}: {why}"));
                loaded += 1;
                let mut told = String::new();
                for warning in &found.warnings {
                    writeln!(told, "{warning}\n").unwrap();
                }
                stale.extend(snapshot::stale(&file.with_extension("txt"), &told));
            }
            Err(findings) => writeln!(refused, "{findings}\n").unwrap(),
        }
    }
    println!("{loaded} of {} load", files.len());
    assert!(files.len() >= 13, "{}", files.len());
    assert_eq!(loaded, files.len(), "{refused}");
    snapshot::assert_none(&stale);
}
