//! What is told of configurations that are wrong, word for word.
//!
//! Each `testdata/mistakes/NAME.yaml` is a mistake that somebody made or will make; `NAME.txt` is all that is told
//! of it; what is included stands in a folder. No environment variable is set but `PORT`, which is `x`, and `SECRET`, which is `sk-not-to-be-shown`.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use secondwind_gateway::config;

use crate::snapshot;

const SECRET: &str = "sk-not-to-be-shown";

#[test]
fn each_mistake_is_told_word_for_word() {
    let folder = snapshot::testdata("mistakes");
    let files = snapshot::yaml_files(&folder);
    assert!(files.len() >= 50, "{}", files.len());
    let mut stale = Vec::new();
    for file in &files {
        let told = told(file);
        assert!(!told.contains(SECRET), "{}:\n{told}", file.display());
        stale.extend(snapshot::stale(&file.with_extension("txt"), &format!("{told}\n")));
    }
    snapshot::assert_none(&stale);

    // Nothing is kept of a mistake that is not there any more.
    let stems = |files: &[std::path::PathBuf]| -> BTreeSet<_> {
        files.iter().map(|file| file.with_extension("")).collect()
    };
    let all = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let all = all.filter(|path| path.is_file());
    assert_eq!(stems(&all.collect::<Vec<_>>()), stems(&files));
}

/// All that is told of a file.
fn told(file: &Path) -> String {
    let variable = |name: &str| match name {
        "PORT" => Some("x".to_owned()),
        "SECRET" => Some(SECRET.to_owned()),
        _ => None,
    };
    let folder = format!("{}/", file.parent().unwrap().display());
    let findings = match config::load(file, &variable) {
        Ok(loaded) => panic!("nothing is wrong with {}: {:?}", file.display(), loaded.warnings),
        Err(findings) => findings,
    };
    assert!(findings.errors() > 0, "{}", file.display());
    findings.to_string().replace(&folder, "")
}
