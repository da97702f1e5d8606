//! Two classifiers, the second of which may overrule the first.

use super::{Classify, Opinion};

/// Two classifiers: `general`, then `specific`, whose opinion wins where it has one.
#[derive(Clone, Copy, Debug, Default)]
pub struct Chain<G, S> {
    general: G,
    specific: S,
}

impl<G, S> Chain<G, S> {
    /// `general`, then `specific`.
    pub const fn new(general: G, specific: S) -> Self {
        Self { general, specific }
    }

    /// This classifier first, then `specific`, whose opinion wins where it has one.
    #[must_use]
    pub const fn then<C>(self, specific: C) -> Chain<Self, C> {
        Chain::new(self, specific)
    }
}

impl<Res, E, G, S> Classify<Res, E> for Chain<G, S>
where
    G: Classify<Res, E>,
    S: Classify<Res, E>,
{
    fn classify(&self, outcome: Result<&Res, &E>) -> Opinion {
        match self.specific.classify(outcome) {
            Opinion::None => self.general.classify(outcome),
            opinion => opinion,
        }
    }
}
