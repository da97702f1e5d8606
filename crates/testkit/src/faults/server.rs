//! The server itself: its port, its connections, and which fault is played to whom.

use std::collections::{HashMap, VecDeque};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use super::attempt::Record;
use super::play::{After, play};
use super::wire::{Reader, Writer};
use super::words::{Answer, TEXT, error, prefill_of};
use super::{Attempt, Fault, Prefill};
use crate::lock;

/// A provider on a loopback port, for as long as this value lives.
#[derive(Debug)]
pub struct FaultServer {
    address: SocketAddr,
    state: Arc<State>,
    listening: JoinHandle<()>,
}

#[derive(Debug)]
struct State {
    port: u16,
    record: Record,
    manner: Mutex<Manner>,
}

/// How requests are answered.
#[derive(Debug)]
struct Manner {
    to_all: Script,
    /// For those who ask for a model; before `to_all`.
    by_model: HashMap<String, Script>,
    prefill: Prefill,
    pace: Duration,
    text: String,
}

#[derive(Debug)]
struct Script {
    next: VecDeque<Fault>,
    otherwise: Fault,
    /// Instead of that: to every so-manieth request the next of these.
    mixed: Option<Mixed>,
}

#[derive(Debug)]
struct Mixed {
    every: usize,
    seen: usize,
    faults: Vec<Fault>,
}

// === impl FaultServer ===

impl FaultServer {
    /// Starts on a free port of 127.0.0.1, and answers well until it is told otherwise.
    ///
    /// # Panics
    ///
    /// If there is no free port, or no tokio runtime.
    pub async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let address = listener.local_addr().expect("the port that was just bound");
        let manner = Manner {
            to_all: Script::default(),
            by_model: HashMap::new(),
            prefill: Prefill::default(),
            pace: Duration::from_millis(2),
            text: TEXT.to_owned(),
        };
        let record = Record::default();
        let state = Arc::new(State { port: address.port(), record, manner: Mutex::new(manner) });
        let listening = tokio::spawn(listen(listener, Arc::clone(&state)));
        Self { address, state, listening }
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.address
    }

    /// What to configure as a provider's base: `http://127.0.0.1:PORT/v1`.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    fn tell(&self, how: impl FnOnce(&mut Manner)) -> &Self {
        how(&mut lock(&self.state.manner));
        self
    }

    /// Plays `fault` to one request, after those that are already waiting for one.
    pub fn then(&self, fault: Fault) -> &Self {
        self.tell(|manner| manner.to_all.next.push_back(fault))
    }

    /// Plays `fault` to all who are not told otherwise.
    pub fn always(&self, fault: Fault) -> &Self {
        self.tell(|manner| manner.to_all.otherwise = fault)
    }

    /// [`Self::then`], for those who ask for `model`.
    pub fn then_for(&self, model: &str, fault: Fault) -> &Self {
        self.tell(|manner| manner.of(model).next.push_back(fault))
    }

    /// [`Self::always`], for those who ask for `model`.
    pub fn always_for(&self, model: &str, fault: Fault) -> &Self {
        self.tell(|manner| manner.of(model).otherwise = fault)
    }

    /// Plays the next of `faults` to every so-manieth request, over and over.
    pub fn every(&self, every: usize, faults: Vec<Fault>) -> &Self {
        self.tell(|manner| manner.to_all.mixed = Some(Mixed { every, seen: 0, faults }))
    }

    /// What becomes of a request that is to be gone on with. Without this it is.
    pub fn prefill(&self, prefill: Prefill) -> &Self {
        self.tell(|manner| manner.prefill = prefill)
    }

    /// The time between two words of a stream. Without this 2 ms.
    pub fn pace(&self, pace: Duration) -> &Self {
        self.tell(|manner| manner.pace = pace)
    }

    /// Another text than [`TEXT`].
    pub fn says(&self, text: &str) -> &Self {
        self.tell(|manner| text.clone_into(&mut manner.text))
    }

    /// What was asked so far, and what became of it; oldest first.
    #[must_use]
    pub fn attempts(&self) -> Vec<Attempt> {
        self.state.record.attempts()
    }

    /// The same of those who asked for `model`.
    #[must_use]
    pub fn attempts_for(&self, model: &str) -> Vec<Attempt> {
        self.attempts().into_iter().filter(|attempt| attempt.model == model).collect()
    }

    /// Waits until that is as asked, and returns it.
    pub async fn until(&self, enough: impl FnMut(&[Attempt]) -> bool) -> Vec<Attempt> {
        self.state.record.until(enough).await
    }
}

impl Drop for FaultServer {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

// === impl Manner ===

impl Manner {
    fn of(&mut self, model: &str) -> &mut Script {
        self.by_model.entry(model.to_owned()).or_default()
    }

    fn fault(&mut self, model: &str) -> Fault {
        self.by_model.get_mut(model).unwrap_or(&mut self.to_all).take()
    }
}

// === impl Script ===

impl Default for Script {
    fn default() -> Self {
        Self { next: VecDeque::new(), otherwise: Fault::None, mixed: None }
    }
}

impl Script {
    fn take(&mut self) -> Fault {
        if let Some(next) = self.next.pop_front() {
            return next;
        }
        let mixed = self.mixed.as_mut().and_then(|mixed| {
            mixed.seen += 1;
            let turn = mixed.seen.is_multiple_of(mixed.every);
            turn.then(|| mixed.faults[(mixed.seen / mixed.every - 1) % mixed.faults.len()].clone())
        });
        mixed.unwrap_or_else(|| self.otherwise.clone())
    }
}

/// Accepts for ever; the connections go with the listener.
async fn listen(listener: TcpListener, state: Arc<State>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => if let Ok((socket, _)) = accepted {
                connections.spawn(connection(socket, Arc::clone(&state)));
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(mut socket: TcpStream, state: Arc<State>) {
    // A word is on its way when it is written, as with a real provider.
    let _ = socket.set_nodelay(true);
    let mut rest = Vec::new();
    loop {
        let (from, to) = socket.split();
        let mut reader = Reader::new(from, rest);
        let Ok(asked) = reader.request().await else { return };
        let prefill = prefill_of(&asked.body);
        let model = asked.body["model"].as_str().unwrap_or_default().to_owned();
        let (fault, refusal, pace, text) = {
            let mut manner = lock(&state.manner);
            let refusal = prefill.as_ref().and_then(|_| manner.prefill.refusal());
            (manner.fault(&model), refusal, manner.pace, manner.text.clone())
        };
        let entry = state.record.asked(model, asked.body.clone(), prefill.clone());
        let mut writer = Writer { to, entry };
        let differs = match fault {
            Fault::Differs(from) => Some(from),
            _ => None,
        };
        let number = entry.number();
        let id = format!("chatcmpl-{}-{number}", state.port);
        let answer = Answer::new(id, number, &asked.body, &text, prefill.as_deref(), differs);
        let playing = async {
            match refusal {
                _ if asked.method != "POST" => {
                    let body = error("There is nothing here.", "invalid_request_error", None);
                    writer.whole(404, "", &body).await.map(|()| After::Stay)
                }
                Some(refusal) => writer.whole(400, "", &refusal).await.map(|()| After::Stay),
                None => {
                    let stream = asked.body["stream"] == true;
                    play(&fault, &answer, stream, pace, &mut writer).await
                }
            }
        };
        let played = tokio::select! {
            // What has been played to its end was not left.
            biased;
            played = playing => played,
            () = reader.gone() => Err(std::io::ErrorKind::ConnectionAborted.into()),
        };
        match played {
            Ok(_) => entry.ended(),
            Err(_) => entry.left(),
        }
        rest = reader.into_rest();
        match played {
            Ok(After::Stay) => {}
            Ok(After::Reset) => {
                // No lingering means RST instead of FIN.
                let _ = socket.set_zero_linger();
                return;
            }
            Ok(After::Close) | Err(_) => return,
        }
    }
}
