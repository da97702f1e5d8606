//! `secondwind serve` under a configuration that changes, as a user runs it.
#![cfg(unix)]
// In a test a panic is the report.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use secondwind_testkit::upstream::{Reply, Upstream};
use tokio::time::{Instant, sleep};

/// A gateway in a process of its own, with its configuration; both gone afterwards.
struct Served {
    child: Child,
    address: String,
    file: PathBuf,
}

impl Served {
    fn start(test: &str, config: &str) -> Served {
        let name = format!("secondwind-served-{test}-{}.yaml", std::process::id());
        let file = std::env::temp_dir().join(name);
        fs::write(&file, config).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_secondwind"))
            .args(["serve", "--listen", "127.0.0.1:0", "--config"])
            .arg(&file)
            .env_remove("RUST_LOG")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let (_, rest) = line.split_once("http://").unwrap_or_else(|| panic!("{line}"));
        let address = rest.split_once('/').unwrap().0.to_owned();
        Served { child, address, file }
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args([name, &pid]).status().unwrap();
        assert!(sent.success());
    }

    fn send(&self, request: &str) -> TcpStream {
        let mut socket = TcpStream::connect(&self.address).unwrap();
        socket.write_all(request.as_bytes()).unwrap();
        socket
    }

    fn models(&self) -> String {
        read(self.send("GET /v1/models HTTP/1.1\r\nhost: g\r\nconnection: close\r\n\r\n"))
    }

    /// Asks `model` and does not wait for the answer.
    fn ask(&self, model: &str) -> TcpStream {
        let body = format!(r#"{{"model": "{model}", "messages": []}}"#);
        self.send(&format!(
            "POST /v1/chat/completions HTTP/1.1\r\nhost: g\r\nconnection: close\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        ))
    }

    /// Waits until the list of models names `model`.
    async fn comes_to_serve(&self, model: &str) {
        let began = Instant::now();
        while !self.models().contains(&format!("\"{model}\"")) {
            assert!(began.elapsed() < Duration::from_secs(20), "{model} is not served");
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Stops it; what it logged.
    fn stop(mut self) -> String {
        self.signal("-TERM");
        let mut logged = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut logged).unwrap();
        logged
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_file(&self.file);
    }
}

fn read(mut socket: TcpStream) -> String {
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    answer
}

fn config(group: &str, api_base: &str) -> String {
    format!(
        "model_list: [{{model_name: {group}, model_info: {{id: one}}, litellm_params: \
         {{model: openai/m, api_key: k, api_base: '{api_base}'}}}}]\n"
    )
}

/// Puts another file in the place of this one.
fn replace(file: &Path, text: &str) {
    let new = file.with_extension("new");
    fs::write(&new, text).unwrap();
    fs::rename(new, file).unwrap();
}

// The upstream has threads of its own: this one waits for sockets and for a process.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn serves_what_the_file_says_now_and_ends_what_it_began() {
    let upstream = Upstream::start().await;
    upstream.always(Reply::slow(Duration::from_millis(1500)));
    let base = upstream.base_url();
    let served = Served::start("changes", &config("first", &base));
    let under_way = served.ask("first");
    while upstream.attempts() == 0 {
        sleep(Duration::from_millis(5)).await;
    }

    replace(&served.file, &config("second", &base));
    served.signal("-HUP");
    served.comes_to_serve("second").await;
    assert!(!served.models().contains("\"first\""));
    let answer = read(under_way);
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(answer.contains("x-litellm-model-group: first"), "{answer}");

    // Nobody says that it changed.
    replace(&served.file, &config("third", &base));
    served.comes_to_serve("third").await;

    replace(&served.file, "model_lst: []\n");
    served.signal("-HUP");
    sleep(Duration::from_millis(2500)).await;
    served.comes_to_serve("third").await;

    let logged = served.stop();
    assert!(logged.contains("was read anew and is at work groups=1 deployments=1"), "{logged}");
    let told = logged.matches("unknown key `model_lst`").count();
    assert_eq!(told, 1, "{logged}");
    assert!(logged.contains("did you mean `model_list`?"), "{logged}");
}
