//! A weighted choice of replies, the same in every run.

use fastrand::Rng;

use super::Reply;

/// Replies drawn at random by weight; the same seed draws the same sequence.
///
/// A mix without any weight answers [`Reply::ok`].
#[derive(Clone, Debug)]
pub struct Mix {
    rng: Rng,
    replies: Vec<(u32, Reply)>,
}

impl Mix {
    /// An empty mix with its seed.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self { rng: Rng::with_seed(seed), replies: Vec::new() }
    }

    /// Adds a reply, drawn `weight` times as often as one of weight 1.
    #[must_use]
    pub fn with(mut self, weight: u32, reply: Reply) -> Self {
        self.replies.push((weight, reply));
        self
    }

    pub(super) fn draw(&mut self) -> Reply {
        let total: u64 = self.replies.iter().map(|(weight, _)| u64::from(*weight)).sum();
        if total == 0 {
            return Reply::ok();
        }
        let mut at = self.rng.u64(..total);
        for (weight, reply) in &self.replies {
            match at.checked_sub(u64::from(*weight)) {
                Some(rest) => at = rest,
                None => return reply.clone(),
            }
        }
        Reply::ok()
    }
}

/// One reply, always.
impl From<Reply> for Mix {
    fn from(reply: Reply) -> Self {
        Self::seeded(0).with(1, reply)
    }
}
