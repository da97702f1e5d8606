use std::fs;
use std::path::PathBuf;

use super::*;

/// A folder of its own for each test, gone afterwards.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str, files: &[(&str, &str)]) -> Folder {
        let name = format!("secondwind-{test}-{}", std::process::id());
        let folder = Folder(std::env::temp_dir().join(name));
        for (file, text) in files {
            let path = folder.0.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        folder
    }

    fn load(&self) -> Result<Loaded, Findings> {
        load(&self.0.join("config.yaml"), &|_| None)
    }

    /// What is told, without the folder's name.
    fn told(&self) -> String {
        let findings = self.load().unwrap_err().to_string();
        findings.replace(&format!("{}/", self.0.display()), "")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn joins_what_a_file_includes() {
    let folder = Folder::new(
        "joins",
        &[
            (
                "config.yaml",
                &with_model(
                    "include: [sub/more.yaml, last.yaml]\nrouter_settings: {num_retries: 1}\n",
                ),
            ),
            (
                "sub/more.yaml",
                &format!("include: [again.yaml, ../config.yaml]\nmodel_list:\n{SMALL}"),
            ),
            (
                "sub/again.yaml",
                "model_list: [{model_name: third, litellm_params: {model: m, api_key: k}}]",
            ),
            ("last.yaml", "router_settings: {timeout: 5}"),
        ],
    );
    let loaded = folder.load().unwrap();
    let names: Vec<_> = loaded.config.groups.iter().map(|group| group.name.as_str()).collect();
    assert_eq!(names, ["gpt-4", "small", "third"]);
    // As in LiteLLM a mapping replaces the whole of the other.
    assert_eq!(loaded.config.policy.retry().num_retries(), 2);
    assert_eq!(loaded.config.policy.timeout().attempt(), Some(secs(5)));
    let [warning] = &loaded.warnings[..] else { panic!("{:?}", loaded.warnings) };
    assert!(warning.message.ends_with("last.yaml replaces what was said before"));
}

#[test]
fn points_into_the_file_that_is_wrong() {
    let folder = Folder::new(
        "points",
        &[
            ("config.yaml", &with_model("include: [more.yaml]\n")),
            (
                "more.yaml",
                "model_list:\n  - modle_name: x\n    litellm_params: {model: m, api_key: k}\n",
            ),
        ],
    );
    assert_eq!(
        folder.told(),
        "\
error: unknown key `modle_name` in `model_list`
 --> more.yaml:2:5
  |
2 |   - modle_name: x
  |     ^^^^^^^^^^ did you mean `model_name`?"
    );
}

#[test]
fn names_a_file_that_cannot_be_read() {
    let folder = Folder::new("missing", &[]);
    assert!(folder.told().starts_with("error: cannot read config.yaml: No such file"));

    let folder =
        Folder::new("unread", &[("config.yaml", &with_model("include: [nope.yaml, 3]\n"))]);
    let told = folder.told();
    assert!(told.contains("error: cannot read nope.yaml: No such file"), "{told}");
    assert!(told.contains("4 | include: [nope.yaml, 3]\n  |           ^^^^^^^^^"), "{told}");
    assert!(told.contains("`include` must be a list of files; this is a number"), "{told}");

    assert!(told_of_text().starts_with("error: `include` needs a file beside which to look\n"));
}

fn told_of_text() -> String {
    told(&with_model("include: [a.yaml]\n"))
}
