//! The simulated providers, and when which of them has a bad time.
//!
//! The gateway gets three: `east` and `west` for the group `gpt-4`, `spare` for the group `backup`. An
//! application without a gateway gets an `east` of its own, with the same weather, so that neither
//! traffic is in the other's way. What each replies is drawn from seeded mixes.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use secondwind_testkit::upstream::{Mix, Reply, Upstream};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

/// How long replies are reset before connections are refused, so that streams under way come to their end:
/// one that breaks off after its beginning cannot be rescued.
const GOING_DOWN: Duration = Duration::from_millis(100);
/// Between the words of a stream.
const PAUSE: Duration = Duration::from_millis(3);
const SAYS: &str = "A second wind is strength that comes back.";

/// All of them.
#[derive(Debug)]
pub(super) struct Simulated {
    alone: Arc<Provider>,
    behind: [Arc<Provider>; 3],
}

/// One provider.
#[derive(Debug)]
pub(super) struct Provider {
    /// Its place in the gateway: *group*`/`*id*.
    pub(super) name: &'static str,
    /// The variable that has its address in the gateway's configuration.
    pub(super) variable: &'static str,
    upstream: Upstream,
    usual: Mix,
    spells: Vec<Spell>,
}

/// A bad time. It begins and ends at these parts of the whole, 0 to 1.
#[derive(Debug)]
struct Spell {
    from: f64,
    until: f64,
    name: &'static str,
    weather: Weather,
}

#[derive(Debug)]
enum Weather {
    /// Replies come from this mix.
    Replies(Mix),
    /// Connections are refused.
    Down,
}

// === impl Simulated ===

impl Simulated {
    /// Starts them all, each on a loopback port of its own.
    pub(super) async fn start() -> io::Result<Self> {
        let alone = Arc::new(Provider::east().await?);
        let behind = [Provider::east().await?, Provider::west().await?, Provider::spare().await?];
        Ok(Self { alone, behind: behind.map(Arc::new) })
    }

    /// Where an application without a gateway asks.
    pub(super) fn direct_to(&self) -> SocketAddr {
        self.alone.upstream.addr()
    }

    /// The providers that the gateway has.
    pub(super) fn behind(&self) -> impl Iterator<Item = &Provider> {
        self.behind.iter().map(|provider| &**provider)
    }

    /// What a variable of the gateway's configuration stands for.
    pub(super) fn variable(&self, name: &str) -> Option<String> {
        self.behind().find(|provider| provider.variable == name).map(Provider::base_url)
    }

    /// Lets the weather of `length` begin at `start`. It stops where it is when the set is dropped.
    pub(super) fn play(&self, start: Instant, length: Duration) -> JoinSet<()> {
        let mut playing = JoinSet::new();
        for provider in self.behind.iter().chain([&self.alone]) {
            let provider = Arc::clone(provider);
            playing.spawn(async move { provider.play(start, length).await });
        }
        playing
    }
}

// === impl Provider ===

impl Provider {
    /// The one that everybody would ask.
    async fn east() -> io::Result<Self> {
        let usual = answers(Mix::seeded(11), 85)
            .with(4, Reply::status(500))
            .with(3, Reply::overloaded())
            .with(2, Reply::reset())
            .with(3, Reply::hang())
            .with(2, slow())
            .with(1, Reply::context_window());
        let limited = usual.clone().with(150, Reply::rate_limited(1));
        let spells = vec![
            Spell::new(0.15, 0.35, "over its rate limit", Weather::Replies(limited)),
            Spell::new(0.60, 0.72, "down", Weather::Down),
        ];
        Self::start("gpt-4/east", "DEMO_EAST", usual, spells).await
    }

    /// Its sibling: no better, but rarely in trouble at the same time.
    async fn west() -> io::Result<Self> {
        let usual = answers(Mix::seeded(2), 86)
            .with(4, Reply::status(500))
            .with(3, Reply::overloaded())
            .with(2, Reply::reset())
            .with(2, Reply::hang())
            .with(2, slow())
            .with(1, Reply::context_window());
        let overloaded = usual.clone().with(200, Reply::overloaded().header("retry-after", "1"));
        let no_money = Mix::from(Reply::quota_exhausted());
        let spells = vec![
            Spell::new(0.40, 0.55, "overloaded", Weather::Replies(overloaded)),
            Spell::new(0.85, 1.0, "out of quota", Weather::Replies(no_money)),
        ];
        Self::start("gpt-4/west", "DEMO_WEST", usual, spells).await
    }

    /// The one to fall back to: slower, and no saint either.
    async fn spare() -> io::Result<Self> {
        let usual = Mix::seeded(3)
            .with(50, good(60))
            .with(44, good(90))
            .with(4, Reply::status(500))
            .with(2, Reply::reset());
        Self::start("backup/spare", "DEMO_SPARE", usual, Vec::new()).await
    }

    async fn start(
        name: &'static str,
        variable: &'static str,
        usual: Mix,
        spells: Vec<Spell>,
    ) -> io::Result<Self> {
        let upstream = Upstream::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
        upstream.says(SAYS).always(usual.clone());
        Ok(Self { name, variable, upstream, usual, spells })
    }

    /// What to configure as its address.
    pub(super) fn base_url(&self) -> String {
        self.upstream.base_url()
    }

    /// How many requests it was asked.
    #[cfg(test)]
    pub(super) fn attempts(&self) -> usize {
        usize::try_from(self.upstream.attempts()).unwrap()
    }

    /// What it is like at this part of the whole; `None`: as usual.
    pub(super) fn weather(&self, at: f64) -> Option<&'static str> {
        let spell = self.spells.iter().find(|spell| (spell.from..spell.until).contains(&at))?;
        Some(spell.name)
    }

    async fn play(&self, start: Instant, length: Duration) {
        for Spell { from, until, weather, .. } in &self.spells {
            sleep_until(start + length.mul_f64(*from)).await;
            match weather {
                Weather::Replies(mix) => {
                    self.upstream.always(mix.clone());
                }
                Weather::Down => {
                    self.upstream.always(Reply::reset());
                    sleep(GOING_DOWN).await;
                    self.upstream.refuse().await;
                }
            }
            sleep_until(start + length.mul_f64(*until)).await;
            self.upstream.always(self.usual.clone());
            if let Weather::Down = weather {
                self.upstream.reopen().await;
            }
        }
    }
}

// === impl Spell ===

impl Spell {
    const fn new(from: f64, until: f64, name: &'static str, weather: Weather) -> Self {
        Self { from, until, name, weather }
    }
}

/// Adds proper answers of this weight, some quicker than others.
fn answers(mix: Mix, weight: u32) -> Mix {
    let (some, few) = (weight / 3, weight / 6);
    mix.with(weight - some - few, good(20)).with(some, good(35)).with(few, good(60))
}

fn good(millis: u64) -> Reply {
    Reply::ok().after(Duration::from_millis(millis)).pause(PAUSE)
}

/// Longer than the gateway waits for an attempt, shorter than a caller waits.
fn slow() -> Reply {
    Reply::slow(Duration::from_millis(1200)).pause(PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_provider_is_as_usual_between_its_bad_times() {
        let east = Provider::east().await.unwrap();
        assert_eq!(east.weather(0.0), None);
        assert_eq!(east.weather(0.15), Some("over its rate limit"));
        assert_eq!(east.weather(0.35), None);
        assert_eq!(east.weather(0.7), Some("down"));
        assert_eq!(east.weather(1.0), None);
    }

    #[tokio::test]
    async fn the_gateways_configuration_finds_every_provider_and_nothing_else() {
        let simulated = Simulated::start().await.unwrap();
        for provider in simulated.behind() {
            assert_eq!(simulated.variable(provider.variable), Some(provider.base_url()));
        }
        assert_eq!(simulated.variable("LITELLM_MASTER_KEY"), None);
    }
}
