//! `secondwind demo`, as a user runs it.

use std::io::Read;
use std::process::{Command, Output, Stdio};

fn demo(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_secondwind"));
    command.arg("demo").args(arguments).stdin(Stdio::null());
    command
}

fn text(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

/// The cells of the first line that begins with `name`.
fn row<'a>(shown: &'a str, name: &str) -> Vec<&'a str> {
    let line = shown.lines().find_map(|line| line.strip_prefix(name));
    line.unwrap_or_else(|| panic!("no line `{name}` in:\n{shown}")).split_whitespace().collect()
}

#[test]
fn runs_without_anything_and_shows_what_the_gateway_is_good_for() {
    let output = demo(&["--seconds", "2"]).output().unwrap();
    let (shown, errors) = text(&output);
    assert!(output.status.success(), "{shown}\n{errors}");
    assert_eq!(errors, "");
    assert!(!shown.contains('\x1b'), "no terminal, no escapes:\n{shown}");
    assert!(shown.contains("  1 s  answered: direct "), "{shown}");

    let share = |cell: &str| cell.parse::<f64>().unwrap();
    let answered = row(&shown, "answered");
    assert!(share(answered[2]) > share(answered[0]), "{shown}");
    let attempts = row(&shown, "upstream attempts a request");
    assert_eq!(attempts[0], "1.00", "{shown}");
    assert!(share(attempts[1]) > 1.0, "{shown}");
    assert!(shown.contains("=ok@"), "a trail:\n{shown}");
}

#[test]
fn does_not_mind_that_nobody_reads() {
    let mut child =
        demo(&["--seconds", "1"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let mut errors = String::new();
    child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
    assert!(child.wait().unwrap().success(), "{errors}");
    assert_eq!(errors, "");
}

#[test]
fn prints_a_configuration_that_check_finds_valid() {
    let output = demo(&["--print-config"]).output().unwrap();
    let (config, _) = text(&output);
    assert!(output.status.success());

    let file = std::env::temp_dir().join(format!("secondwind-demo-{}.yaml", std::process::id()));
    std::fs::write(&file, config).unwrap();
    let checked = Command::new(env!("CARGO_BIN_EXE_secondwind"))
        .arg("check")
        .arg(&file)
        .envs(
            ["EAST", "WEST", "SPARE"].map(|name| (format!("DEMO_{name}"), "http://127.0.0.1:9/v1")),
        )
        .output();
    std::fs::remove_file(&file).unwrap();
    let checked = checked.unwrap();
    let (shown, errors) = text(&checked);
    assert!(checked.status.success(), "{shown}\n{errors}");
    assert!(shown.contains("2 groups, 3 deployments"), "{shown}");
    assert_eq!(errors, "");
}
