//! Who waits where every deployment has as many requests as it takes.

use crate::error::Findings;
use crate::inherit::Setting;
use crate::partial::PartialQueue;

/// Who waits where every deployment of a group has as many requests as it takes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct QueuePolicy {
    pub(crate) on: bool,
    pub(crate) max: u32,
}

impl Default for QueuePolicy {
    fn default() -> QueuePolicy {
        QueuePolicy { on: true, max: 100 }
    }
}

impl QueuePolicy {
    /// Nobody waits.
    pub(crate) fn off() -> QueuePolicy {
        QueuePolicy { on: false, max: 0 }
    }

    /// How many requests of a group wait at most, each until its deadline; those above fail at once.
    /// Default 100; 0 where the queue is off.
    #[must_use]
    pub fn max(&self) -> u32 {
        self.max
    }
}

impl PartialQueue {
    pub(crate) fn lay_on(&self, onto: &mut QueuePolicy, findings: &mut Findings) {
        if !onto.on {
            *onto = QueuePolicy::default();
        }
        findings.lay("queue.max", &self.max, &mut onto.max, Some(0));
    }
}

impl From<&QueuePolicy> for PartialQueue {
    fn from(queue: &QueuePolicy) -> PartialQueue {
        PartialQueue { max: Setting::Set(queue.max.into()) }
    }
}

impl From<&QueuePolicy> for Setting<PartialQueue> {
    fn from(queue: &QueuePolicy) -> Setting<PartialQueue> {
        if queue.on { Setting::Set(queue.into()) } else { Setting::Off }
    }
}
