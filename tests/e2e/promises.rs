//! What the documents promise is kept by a test that there is.

use std::fs;
use std::path::Path;

/// The text of all Rust files below `folder`.
fn sources(folder: &Path, into: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|end| end == "rs") {
            into.push_str(&fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn every_test_that_the_migration_table_names_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut all = String::new();
    for folder in ["tests/e2e", "crates"] {
        sources(&root.join(folder), &mut all);
    }
    let page = fs::read_to_string(root.join("docs/migrating-from-litellm.md")).unwrap();
    let rows = page.lines().filter(|line| line.starts_with("| ") && line.contains('`'));
    let tests = rows.filter_map(|row| row.trim_end_matches('|').rsplit('|').next());
    // Every other piece stands between two backticks.
    let names = tests.flat_map(|column| column.split('`').skip(1).step_by(2));
    let names: Vec<&str> =
        names.filter(|name| name.matches('_').count() > 2 && !name.contains('/')).collect();
    assert!(names.len() > 25, "{names:?}");
    for name in names {
        assert!(all.contains(&format!("fn {name}(")), "there is no test `{name}`");
    }
}
