//! Which deployment gets a request, and which its next attempt.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use fastrand::Rng;
use secondwind_layers::Context;
use secondwind_policy::WhenAllOpen;
use tokio::time::Instant;

use super::sieve::{Unfit, Wanted, has_room};
use super::{Group, Member, Tried};
use crate::error::RouteError;
use crate::health::{Resting, Room, Standing, Ticket};
use crate::request::Request;
use crate::strategy::Candidate;

/// A deployment to go to.
pub(super) struct Choice {
    pub(super) member: usize,
    pub(super) not_before: Option<Instant>,
    pub(super) ticket: Ticket,
}

/// What there is for a request that comes to the group.
pub(super) enum Found {
    Choice(Choice),
    /// Those that could answer have as many requests as they take.
    Full,
    /// Nobody.
    Refused(RouteError),
}

/// Somebody may take the place that was picked; then it is picked again, so often.
const RACES: usize = 16;

impl<S> Group<S> {
    /// The first deployment: by strategy among those that do not rest.
    pub(super) fn first(&self, request: &Request, now: Instant) -> Found {
        if let Some(place) = request.call().place() {
            return self.pinned(place);
        }
        let context = request.context();
        let avoided = self.avoided(request);
        if let Some(choice) = self.untried(&avoided, request, now) {
            return Found::Choice(choice);
        }
        if !avoided.is_empty() {
            // The same one again only where there is nobody else.
            if context.alternatives().fallback {
                return Found::Refused(RouteError::spent(&self.name));
            }
            if let Some(choice) = self.untried(&[], request, now) {
                return Found::Choice(choice);
            }
        }
        let wanted = self.sieve.wanted(request);
        let fallback = context.alternatives().fallback;
        let mut earliest: Option<(usize, Resting)> = None;
        let (mut for_rate_limit, mut full, mut too_long) = (true, false, false);
        let mut unsupported = !self.members.is_empty();
        let mut over_rate: Option<Instant> = None;
        for (member, at) in self.members.iter().enumerate() {
            let deployment = &*at.deployment;
            let fits = wanted.fits(deployment);
            unsupported &= fits == Err(Unfit::Endpoint);
            if let Err(unfit) = fits {
                too_long |= unfit == Unfit::TooLong;
                continue;
            }
            let resting = match deployment.health.standing(now) {
                Standing::Resting(resting) => resting,
                // The probe will tell, soon enough for those who can go elsewhere.
                Standing::OnTrial if fallback => {
                    let soon = deployment.target.policy.breaker().cooldown_time();
                    Resting { until: now + soon, for_rate_limit: false }
                }
                Standing::Up | Standing::Trial | Standing::OnTrial => {
                    if !wanted.within_rates(deployment, now) {
                        let back = now + deployment.health.load().rest_of_minute(now);
                        over_rate = Some(over_rate.map_or(back, |other| other.min(back)));
                        continue;
                    }
                    // It is tried; but if not there, where else?
                    match self.anyway(member, None, &wanted, now) {
                        Some(choice) => return Found::Choice(choice),
                        None => full = true,
                    }
                    continue;
                }
            };
            for_rate_limit &= resting.for_rate_limit;
            if earliest.is_none_or(|(_, known)| resting.until < known.until) {
                earliest = Some((member, resting));
            }
        }
        if full {
            return Found::Full;
        }
        let Some((member, Resting { until, .. })) = earliest else {
            return Found::Refused(match over_rate {
                Some(back) => RouteError::all_resting(&self.name, back - now, true),
                None if too_long => RouteError::too_long(&self.name, wanted.tokens),
                None if self.members.is_empty() => RouteError::unknown_group(&self.name),
                None if unsupported => RouteError::unsupported(&self.name),
                None => RouteError::no_match(&self.name),
            });
        };
        let wait = until.saturating_duration_since(now);
        let retry = self.policy.retry();
        if !fallback {
            let not_before = if self.policy.breaker().when_all_open() == WhenAllOpen::LeastBad {
                Some(None)
            } else {
                let fits = wait <= retry.max_retry_after()
                    && context.deadline().is_none_or(|deadline| wait < deadline.remaining(now));
                let waits = fits && context.spend_retry(retry.num_retries());
                waits.then(|| Some(scattered(until, context, now)))
            };
            if let Some(not_before) = not_before {
                let choice = self.anyway(member, not_before, &wanted, now);
                return choice.map_or(Found::Full, Found::Choice);
            }
        }
        Found::Refused(RouteError::all_resting(&self.name, wait, for_rate_limit))
    }

    /// The one that has what is asked for, however it does.
    fn pinned(&self, place: &str) -> Found {
        let Some(&member) = self.places.get(place) else {
            return Found::Refused(RouteError::unsupported(&self.name));
        };
        let health = self.members.get(member).map(|member| &member.deployment.health);
        let room = self.room(member);
        let ticket = health.and_then(|health| Ticket::unasked(health, room.as_ref()));
        ticket.map_or(Found::Full, |ticket| {
            Found::Choice(Choice { member, not_before: None, ticket })
        })
    }

    /// The deployments that have been asked for the answer which is to be carried on.
    fn avoided(&self, request: &Request) -> Vec<Tried> {
        if request.resume().is_none() {
            return Vec::new();
        }
        let trail = request.context().trail();
        let asked = |member: &Member<S>| trail.went_to_deployment(&member.deployment.target.id);
        let members = self.members.iter().enumerate();
        members
            .filter(|(_, member)| asked(member))
            .map(|(member, _)| Tried { member, not_before: None })
            .collect()
    }

    /// The next deployment after one gave way.
    pub(super) fn next(&self, tried: &[Tried], request: &Request, now: Instant) -> Option<Choice> {
        if let Some(choice) = self.untried(tried, request, now) {
            return Some(choice);
        }
        let context = request.context();
        let wanted = self.sieve.wanted(request);
        let fallback = context.alternatives().fallback;
        // A rest is waited for as long as a hint would be; a backoff as long as it says.
        let patience = now.checked_add(self.policy.retry().max_retry_after());
        let rested = |member: usize, at: Option<Instant>| {
            let deployment = &*self.members.get(member)?.deployment;
            wanted.fits(deployment).ok()?;
            let rest = deployment.health.resting(now);
            // Nobody waits for the dead while another group can answer.
            if fallback && rest.is_some_and(|rest| !rest.for_rate_limit) {
                return None;
            }
            let rest = rest.map(|rest| rest.until);
            if rest.is_some_and(|until| patience.is_some_and(|patience| until > patience)) {
                return None;
            }
            Some((member, at.max(rest.map(|until| scattered(until, context, now)))?))
        };
        let again = tried.iter().filter_map(|tried| rested(tried.member, Some(tried.not_before?)));
        let untried = (0..self.members.len())
            .filter(|member| !tried.iter().any(|tried| tried.member == *member))
            .filter_map(|member| rested(member, None));
        let (member, at) = again.chain(untried).min_by_key(|(_, at)| *at)?;
        let wait = at.saturating_duration_since(now);
        let fits = context.deadline().is_none_or(|deadline| wait < deadline.remaining(now));
        if !fits {
            return None;
        }
        self.anyway(member, Some(at), &wanted, now)
    }

    /// Whether there is one that was not tried and may be used.
    pub(super) fn any_untried(
        &self,
        but: usize,
        tried: &[Tried],
        request: &Request,
        now: Instant,
    ) -> bool {
        let wanted = self.sieve.wanted(request);
        let usable =
            |member| member != but && self.candidate(member, tried, &wanted, now).is_some();
        (0..self.members.len()).any(usable)
    }

    /// A deployment to go to, whatever its health; `None` where it has no room.
    fn anyway(
        &self,
        member: usize,
        not_before: Option<Instant>,
        wanted: &Wanted<'_>,
        now: Instant,
    ) -> Option<Choice> {
        let health = &self.members.get(member)?.deployment.health;
        let ticket = Ticket::anyway(health, self.room(member).as_ref(), now)?;
        wanted.count(health.load(), now);
        Some(Choice { member, not_before, ticket })
    }

    /// One that was not tried and does not rest, by strategy.
    fn untried(&self, tried: &[Tried], request: &Request, now: Instant) -> Option<Choice> {
        let wanted = self.sieve.wanted(request);
        let session = if self.checks.affinity { request.session() } else { None };
        for _ in 0..RACES {
            let candidate = |member| self.candidate(member, tried, &wanted, now);
            let member = match session {
                // The same session draws the same deployment, whatever the others do.
                Some(session) => {
                    let mut hasher = DefaultHasher::new();
                    session.hash(&mut hasher);
                    let mut rng = Rng::with_seed(hasher.finish());
                    self.field.draw(|member| candidate(member).is_some(), &mut rng)
                }
                None => self.field.pick(&*self.strategy, candidate, &mut Rng::new()),
            }?;
            let health = &self.members.get(member)?.deployment.health;
            // Somebody else may have begun to probe it meanwhile, or have taken the last place.
            if let Some(ticket) = Ticket::new(health, self.room(member).as_ref(), now) {
                wanted.count(health.load(), now);
                return Some(Choice { member, not_before: None, ticket });
            }
        }
        None
    }

    /// A deployment as a strategy sees it; `None` where the request cannot go there now.
    fn candidate(
        &self,
        index: usize,
        tried: &[Tried],
        wanted: &Wanted<'_>,
        now: Instant,
    ) -> Option<Candidate<'_>> {
        let deployment = &*self.members.get(index)?.deployment;
        let target = &deployment.target;
        let usable = !tried.iter().any(|tried| tried.member == index)
            && deployment.health.is_open(now)
            && has_room(deployment)
            && wanted.fits(deployment).is_ok()
            && wanted.within_rates(deployment, now);
        let load = deployment.health.load();
        let (order, weight, price) = (target.order, target.weight, target.price);
        usable.then_some(Candidate { index, order, weight, price, load, now })
    }

    /// How many requests the deployment takes at the same time, and who waits for it.
    pub(crate) fn room(&self, member: usize) -> Option<Room> {
        let limits = self.members.get(member)?.deployment.target.limits;
        let queue = Arc::clone(&self.queue);
        limits.max_parallel_requests.map(|most| Room { most, queue })
    }
}

/// A moment a little after `until`, by up to a tenth of the wait, but within the deadline: those who wait for
/// the same place do not all come back at once.
fn scattered(until: Instant, context: &Context, now: Instant) -> Instant {
    let later = until.saturating_duration_since(now).mul_f64(0.1 * fastrand::f64());
    let late = until.checked_add(later);
    let in_time = |at: &Instant| context.deadline().is_none_or(|deadline| !deadline.passed(*at));
    late.filter(in_time).unwrap_or(until)
}
