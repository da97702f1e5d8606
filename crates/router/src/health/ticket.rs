//! A request's visit to a deployment.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::time::Instant;

use super::{Health, Standing};
use crate::group::Queue;

/// A request's visit to a deployment: counted while it lasts. It is given back when it is dropped, whatever
/// became of the request, and with it the right to probe.
pub(crate) struct Ticket {
    health: Arc<Health>,
    probe: bool,
    /// Who waits for it to be given back.
    queue: Option<Arc<Queue>>,
}

/// How many may be there at the same time, and who waits for the next to go.
#[derive(Clone, Debug)]
pub(crate) struct Room {
    pub(crate) most: u32,
    pub(crate) queue: Arc<Queue>,
}

// === impl Ticket ===

impl Ticket {
    /// A visit to a deployment at `now`; `None` where it rests, is on trial or has no room.
    pub(crate) fn new(health: &Arc<Health>, room: Option<&Room>, now: Instant) -> Option<Self> {
        match health.standing(now) {
            Standing::Up => Self::counted(health, room, false),
            Standing::Trial => {
                let probe = !health.probing.swap(true, Ordering::AcqRel);
                if !probe {
                    return None;
                }
                let ticket = Self::counted(health, room, true);
                if ticket.is_none() {
                    health.probing.store(false, Ordering::Release);
                }
                ticket
            }
            Standing::OnTrial | Standing::Resting(_) => None,
        }
    }

    /// The same, whatever its standing: for want of anybody else, or to wait there for the end of a rest.
    pub(crate) fn anyway(health: &Arc<Health>, room: Option<&Room>, now: Instant) -> Option<Self> {
        Self::new(health, room, now).or_else(|| Self::counted(health, room, false))
    }

    /// The same, of a request that has nothing to do with how it does: it is no probe either.
    pub(crate) fn unasked(health: &Arc<Health>, room: Option<&Room>) -> Option<Self> {
        Self::counted(health, room, false)
    }

    fn counted(health: &Arc<Health>, room: Option<&Room>, probe: bool) -> Option<Self> {
        let most = room.map_or(u32::MAX, |room| room.most);
        let queue = room.map(|room| Arc::clone(&room.queue));
        health.load.begin(most).then(|| Self { health: Arc::clone(health), probe, queue })
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.health.load.end();
        if self.probe {
            self.health.probing.store(false, Ordering::Release);
        }
        if let Some(queue) = &self.queue {
            queue.next();
        }
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ticket").field("probe", &self.probe).finish_non_exhaustive()
    }
}
