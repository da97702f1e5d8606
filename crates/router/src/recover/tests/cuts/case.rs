//! One stream broken at one place, and what a caller may hear then.

use super::recorded::Recorded;
use super::{Cuts, How};
use crate::testing::{Heard, Script, Stage};

/// One place where one stream is broken.
pub(super) struct Case<'a> {
    recorded: &'a Recorded,
    cuts: &'a Cuts,
    sent: &'a [u8],
    /// What the caller may have been told by then: an event that lacks but its blank line may count or not.
    views: [Heard; 2],
}

// === impl Case ===

impl<'a> Case<'a> {
    pub(super) fn new(recorded: &'a Recorded, at: usize, cuts: &'a Cuts) -> Self {
        let sent = &recorded.bytes[..at];
        let views = [sent.to_vec(), [sent, b"\n\n"].concat()];
        let views = views.map(|sent| (cuts.told)(Heard::of(&sent, &cuts.spoken)));
        Self { recorded, cuts, sent, views }
    }

    /// Breaks it in this way, and asks for it; what was heard, and what is wrong with that.
    pub(super) async fn play(
        &self,
        stage: &Stage,
        how: How,
        same: bool,
    ) -> (Heard, Option<&'static str>) {
        let before = stage.elapsed();
        stage.at("a").will(how.after(self.sent));
        let second = if same { &self.recorded.same } else { &self.recorded.other };
        stage.at("b").will(Script::stream().piece(&second.bytes).end());
        let reply = stage.ask_for(&self.cuts.asking).await;
        stage.at("b").unscript();
        let heard = Heard::of(&reply.bytes(), &self.cuts.heard);
        let wrong = self.views.each_ref().map(|said| self.wrong_after(said, &heard, same));
        let wrong = if reply.broken {
            Some("no error event")
        } else if reply.over - before > 400.0 {
            Some("slow")
        } else {
            wrong.into_iter().reduce(Option::and).flatten()
        };
        (heard, wrong)
    }

    /// What is wrong with what was heard, where the caller had been told `said` when it broke.
    fn wrong_after(&self, said: &Heard, heard: &Heard, same: bool) -> Option<&'static str> {
        let first = &self.recorded.first;
        let finished = !said.finishes.is_empty();
        if said.text.is_empty() && !finished {
            // Nothing was said: whoever comes next is heard alone.
            let second = if same { &self.recorded.same } else { &self.recorded.other };
            let second = &second.heard;
            let alone = heard.is_whole(&second.text)
                && heard.ids == second.ids
                && heard.items == second.items
                && heard.finishes == second.finishes
                && heard.usages == second.usages
                && heard.roles == second.roles;
            return (!alone).then_some("not the second answer");
        }
        if !heard.ids.is_subset(&first.ids) || !heard.items.is_subset(&first.items) {
            return Some("another id");
        }
        if heard.roles > first.roles {
            return Some("a second beginning");
        }
        let carried_on = said.plain && same;
        if finished || carried_on {
            if !heard.is_whole(&first.text) || heard.finishes != first.finishes {
                return Some("not whole");
            }
            // What was not counted before the end is not made up.
            let told = if finished { &said.usages } else { &first.usages };
            return (heard.usages != *told).then_some("usage");
        }
        if heard.class() != "interrupted" {
            return Some("not told so");
        }
        (!heard.is_told(&said.text)).then_some("not told")
    }
}
