//! The upstream itself: its port, its connections, and its answer to each request.

use std::collections::VecDeque;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{self, Arc};

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{Mutex, watch};
use tokio::task::{JoinHandle, JoinSet};

use super::answer::answer;
use super::record::Record;
use super::reply::Sever;
use super::{Mix, Outcome, Received, Reply, Tally};
use crate::lock;

/// A provider on a loopback port, for as long as this value lives.
#[derive(Debug)]
pub struct Upstream {
    address: SocketAddr,
    state: Arc<State>,
    port: Mutex<Port>,
}

/// One of the two is there.
#[derive(Debug)]
struct Port {
    listening: Option<JoinHandle<()>>,
    /// Bound without listening: connections are refused, and nobody else gets the port.
    refusing: Option<TcpSocket>,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) record: Arc<Record>,
    script: sync::Mutex<Script>,
    /// False tells the listener and all connections to close.
    open: watch::Sender<bool>,
}

#[derive(Debug)]
struct Script {
    queue: VecDeque<Reply>,
    otherwise: Mix,
    content: String,
}

/// A connection, as its replies see it.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) number: u64,
    sever: watch::Sender<Option<Sever>>,
}

// === impl Upstream ===

impl Upstream {
    /// Starts on a free port of 127.0.0.1, answering [`Reply::ok`].
    ///
    /// # Panics
    ///
    /// If there is no free port, or no tokio runtime.
    pub async fn start() -> Self {
        let free = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self::bind(free).await.expect("a free loopback port")
    }

    /// Starts on this address, answering [`Reply::ok`].
    ///
    /// # Errors
    ///
    /// If the address cannot be listened on.
    pub async fn bind(address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let state = Arc::new(State {
            record: Arc::default(),
            script: sync::Mutex::new(Script {
                queue: VecDeque::new(),
                otherwise: Reply::ok().into(),
                content: "Hello from the loopback upstream.".into(),
            }),
            open: watch::Sender::new(true),
        });
        let listening = Some(tokio::spawn(listen(listener, state.clone())));
        Ok(Self { address, state, port: Mutex::new(Port { listening, refusing: None }) })
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

    /// Adds a reply to the script's queue; each is used once, in order.
    pub fn then(&self, reply: Reply) -> &Self {
        lock(&self.state.script).queue.push_back(reply);
        self
    }

    /// Says what is replied when the queue is empty: a [`Reply`] or a [`Mix`].
    pub fn always(&self, otherwise: impl Into<Mix>) -> &Self {
        lock(&self.state.script).otherwise = otherwise.into();
        self
    }

    /// The text of every proper answer that has no [`Reply::content`] of its own.
    pub fn says(&self, content: impl Into<String>) -> &Self {
        lock(&self.state.script).content = content.into();
        self
    }

    /// The requests received, oldest first, `GET …/models` included; the last 10,000 of them.
    #[must_use]
    pub fn requests(&self) -> Vec<Received> {
        self.state.record.requests()
    }

    /// How many requests took a reply of the script.
    #[must_use]
    pub fn attempts(&self) -> u64 {
        self.tally().attempts
    }

    /// How many attempts' clients went away before the reply ended.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.tally().dropped
    }

    /// How often a reply of this kind was chosen.
    #[must_use]
    pub fn count(&self, outcome: Outcome) -> u64 {
        self.tally().count(outcome)
    }

    /// All counts at this moment.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.state.record.tally()
    }

    /// Waits until the counts are as asked, and returns them.
    ///
    /// ```no_run
    /// # async fn f(upstream: secondwind_testkit::upstream::Upstream) {
    /// upstream.until(|tally| tally.dropped == 1).await;
    /// # }
    /// ```
    pub async fn until(&self, enough: impl FnMut(&Tally) -> bool) -> Tally {
        self.state.record.until(enough).await
    }

    /// Closes the listener and all connections; from then on connections are refused. Attempts in
    /// flight end without being counted as dropped by their clients.
    ///
    /// # Panics
    ///
    /// If the port cannot be held against others.
    pub async fn refuse(&self) {
        let mut port = self.port.lock().await;
        let Some(listening) = port.listening.take() else {
            return;
        };
        self.state.record.set_closing(true);
        self.state.open.send_replace(false);
        let _ = listening.await;
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_reuseaddr(true).expect("SO_REUSEADDR");
        socket.bind(self.address).expect("the port that was just closed");
        port.refusing = Some(socket);
    }

    /// Listens again, on the same port, after [`Upstream::refuse`].
    ///
    /// # Panics
    ///
    /// If the port cannot be listened on.
    pub async fn reopen(&self) {
        let mut port = self.port.lock().await;
        let Some(socket) = port.refusing.take() else {
            return;
        };
        self.state.record.set_closing(false);
        self.state.open.send_replace(true);
        let listener = socket.listen(1024).expect("the port that was held");
        port.listening = Some(tokio::spawn(listen(listener, self.state.clone())));
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        if let Some(listening) = &self.port.get_mut().listening {
            listening.abort();
        }
    }
}

// === impl State ===

impl State {
    /// The next reply of the script, and the text for its answer.
    pub(super) fn next(&self) -> (Reply, String) {
        let mut script = lock(&self.script);
        let reply = script.queue.pop_front().unwrap_or_else(|| script.otherwise.draw());
        let content = reply.content.clone().unwrap_or_else(|| script.content.clone());
        (reply, content)
    }
}

// === impl Line ===

impl Line {
    pub(super) fn sever(&self, how: Sever) {
        self.sever.send_replace(Some(how));
    }
}

/// Accepts until told to close, then waits until every connection is gone.
async fn listen(listener: TcpListener, state: Arc<State>) {
    let mut open = state.open.subscribe();
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => if let Ok((stream, _)) = accepted {
                connections.spawn(connection(stream, state.clone()));
            },
            Some(_) = connections.join_next() => {}
            _ = open.wait_for(|open| !open) => break,
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn connection(stream: TcpStream, state: Arc<State>) {
    // A chunk is on its way when it is written, as with a real provider.
    let _ = stream.set_nodelay(true);
    let mut open = state.open.subscribe();
    let (sever, mut severed) = watch::channel(None);
    let line = Line { number: state.record.connected(), sever };
    let service = service_fn(move |request| answer(request, state.clone(), line.clone()));
    let mut served = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    let how = tokio::select! {
        _ = &mut served => return,
        _ = open.wait_for(|open| !open) => return,
        how = severed.wait_for(Option::is_some) => how.map(|how| *how),
    };
    if let Ok(Some(Sever::Reset)) = how {
        // No lingering means RST instead of FIN.
        let _ = served.into_parts().io.into_inner().set_zero_linger();
    }
}
