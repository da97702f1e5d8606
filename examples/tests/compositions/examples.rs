//! Every example runs, ends by itself, and keeps what it asserts.

use std::fs;
use std::path::Path;
use std::process::Command;

macro_rules! examples {
    ($($name:ident),*) => {
        const EXAMPLES: &[&str] = &[$(stringify!($name)),*];

        $(#[test]
        fn $name() {
            run(env!(concat!("CARGO_BIN_EXE_", stringify!($name))));
        })*
    };
}

examples!(
    axum_server,
    fallback,
    families,
    hyper_proxy,
    llm_router,
    observer,
    retry,
    stream_recovery,
    timeout,
    tonic_client
);

fn run(binary: &str) {
    let output = Command::new(binary).output().unwrap();
    let (said, complained) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{}\n{said}\n{complained}", output.status);
    assert!(!said.is_empty(), "an example shows something");
}

#[test]
fn each_is_short_and_says_how_to_run_it() {
    let bin = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/bin");
    let mut found = Vec::new();
    for entry in fs::read_dir(bin).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let main = if path.is_dir() { path.join("main.rs") } else { path };
        let text = fs::read_to_string(main).unwrap();
        assert!(text.lines().count() < 100, "{name} is too long");
        let command = format!("//! cargo run -p secondwind-examples --bin {name}\n");
        assert!(text.contains(&command), "{name} does not say how to run it");
        found.push(name);
    }
    found.sort();
    assert_eq!(found, EXAMPLES, "examples that are not run here");
}
