//! Tests that need a process of their own: what they measure would be mixed up with what others do.

use std::env;
use std::process::Command;

const ALONE: &str = "SECONDWIND_TEST_ALONE";

/// Runs `test`, whose name is `name`, in a process in which nothing else runs.
pub(crate) fn alone(name: &str, test: impl Future<Output = ()>) {
    if env::var_os(ALONE).is_some() {
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = runtime.worker_threads(2).enable_all().build().unwrap();
        return runtime.block_on(test);
    }
    let mut child = Command::new(env::current_exe().unwrap());
    child.args([name, "--exact", "--nocapture"]).env(ALONE, "1");
    let output = child.output().unwrap();
    let [out, err] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    assert!(output.status.success() && out.contains("1 passed"), "{out}\n{err}");
    print!("{out}");
}
