//! Files that must say what is the case now.

use std::fs;
use std::path::{Path, PathBuf};

/// Set to anything, the files are written anew.
const REWRITE: &str = "SECONDWIND_REWRITE";

/// The folder `name` of this crate's test data.
pub(crate) fn testdata(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(name)
}

/// The YAML files of a folder, by name.
pub(crate) fn yaml_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|why| panic!("{}: {why}", folder.display()));
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    files.sort_unstable();
    files
}

/// What is wrong with a file that must say `text`: nothing once it is written anew.
pub(crate) fn stale(file: &Path, text: &str) -> Option<String> {
    let before = fs::read_to_string(file).unwrap_or_default();
    if before == text {
        return None;
    }
    if std::env::var_os(REWRITE).is_some() {
        fs::write(file, text).unwrap();
        return None;
    }
    let name = file.display();
    Some(format!("{name} is stale ({REWRITE}=1 writes it anew); it should say:\n{text}"))
}

/// Fails with everything that is stale.
pub(crate) fn assert_none(stale: &[String]) {
    assert!(stale.is_empty(), "{}", stale.join("\n"));
}
