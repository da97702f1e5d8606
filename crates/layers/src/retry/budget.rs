//! A budget that keeps retries in proportion to requests.
//!
//! A count of attempts bounds one request, not the load: where everything fails, three attempts
//! each are three times the traffic, sent to the one place that can bear it least. A [`Budget`] is
//! shared by all requests to the same place. The first attempt of each request [deposits] a
//! fraction of a token, every further one must [withdraw] a whole one, and where there is none the
//! failure stands. It never waits.
//!
//! ```text
//! balance = min_per_second × window + Σ over the window (deposits × ratio − withdrawals)
//! ```
//!
//! The rule is that of Finagle's `RetryBudget`. The first term lets a small installation retry as
//! if there were no budget; the second bounds a large one to `1 + ratio` attempts a request.
//!
//! # How exact it is
//!
//! * Tokens are counted in millionths. A ratio of up to six decimals is kept as it is written; no
//!   number of deposits makes it drift.
//! * A withdrawal is granted by one compare-exchange on the balance, so threads that race for the
//!   last token get one grant between them. A refused withdrawal changes nothing.
//! * The window is ten slots, the last of them the one that is being filled. What is old leaves a
//!   slot at a time, so a window of 10 s covers the last 9 to 10 s: for each grant, the withdrawals
//!   of the nine tenths of a window up to it never exceed the reserve and what was deposited in the
//!   whole window up to it.
//! * At most 70 million tokens are saved up; what is deposited beyond them is forgotten.
//!
//! A deposit is two relaxed atomic additions. Nothing locks, and nothing allocates but the
//! constructor. Time comes in as a value; a `now` somewhat older than one already seen counts as
//! that one.
//!
//! [deposits]: Budget::deposit
//! [withdraw]: Budget::withdraw
//!
//! ```
//! use secondwind_layers::retry::Budget;
//! # use std::time::Duration;
//! # use tokio::time::Instant;
//!
//! let now = Instant::now();
//! let budget = Budget::new(0.5, 0, Duration::from_secs(10), now);
//! assert!(!budget.withdraw(now));
//!
//! budget.deposit(now);
//! budget.deposit(now);
//! assert!(budget.withdraw(now));
//! assert!(!budget.withdraw(now));
//! ```

use secondwind_policy::BudgetPolicy;
use std::{
    fmt,
    sync::{
        Arc,
        atomic::{
            AtomicI64, AtomicU64,
            Ordering::{AcqRel, Acquire, Relaxed},
        },
    },
    time::Duration,
};
use tokio::time::Instant;

/// A token budget for retries, shared by its clones.
///
/// The module's docs tell the rule, and how exactly it is kept.
#[derive(Clone)]
pub struct Budget {
    kind: Kind,
}

#[derive(Clone)]
enum Kind {
    /// Every withdrawal is granted.
    Unlimited,
    /// None is.
    Empty,
    /// As the window allows.
    Windowed(Arc<Window>),
}

/// The state that the clones of a budget share.
///
/// The balance and the slot being filled stand in one `word`, so that a token is never spent
/// against a balance that still holds what has left the window: to move on by a slot and to take
/// what expires off the balance is one compare-exchange, and whoever comes first does it. Whatever
/// is added to the balance is added to a slot next; hence the balance is always the reserve and
/// the sum of the slots, whatever threads do in between.
struct Window {
    /// Where epochs are counted from.
    origin: Instant,
    /// How long a slot is filled, in nanoseconds.
    slot: u64,
    /// What a deposit brings, in millionths of a token.
    deposit: i64,
    /// What is there without any deposit, in millionths of a token.
    reserve: i64,
    /// The number of the slot being filled; behind that of `word` for a moment, never before it.
    epoch: AtomicU64,
    /// The balance in millionths of a token, and below it the low bits of the epoch.
    word: AtomicI64,
    /// Deposits less withdrawals of the slots, in millionths of a token.
    slots: [AtomicI64; RING],
}

/// Millionths: how finely tokens are counted.
const TOKEN: i64 = 1_000_000;
/// How many slots make the window.
const WINDOW_SLOTS: u64 = 10;
/// How many slots there are: a power of two, so that finding one takes no division, and more than
/// the window's, so that a slot is emptied well before it is filled again.
const RING: usize = 16;
/// How much of the word belongs to the epoch.
const EPOCH_BITS: u32 = 16;
/// How far the word is moved at once: less than half of what its epoch bits can tell apart.
const STRIDE: u64 = i16::MAX as u64;
/// The most that is saved up. The word could hold twice that, so that deposits that race past the
/// limit do no harm.
const MOST: i64 = 1 << 46;
const MOST_RATIO: f64 = 1000.0;
const SHORTEST_SLOT: u64 = 1_000_000;

// === impl Budget ===

impl Budget {
    /// A budget of `ratio` tokens a deposit and `min_per_second` free ones a second, over `window`.
    ///
    /// Takes any numbers and never panics: a ratio that is negative or not a number is 0, one above
    /// 1000 is 1000, and a window below 10 ms is 10 ms. Ask [`check`](Self::check) first to refuse
    /// such numbers instead. With no ratio and no free tokens it is the [empty](Self::empty) budget.
    #[must_use]
    pub fn new(ratio: f64, min_per_second: u32, window: Duration, now: Instant) -> Self {
        let window = Window::new(ratio, min_per_second, window, now);
        let kind = if window.deposit == 0 && window.reserve == 0 {
            Kind::Empty
        } else {
            Kind::Windowed(Arc::new(window))
        };
        Self { kind }
    }

    /// The budget that a policy asks for; [unlimited](Self::unlimited) where it is off.
    #[must_use]
    pub fn of_policy(policy: Option<&BudgetPolicy>, now: Instant) -> Self {
        policy.map_or_else(Self::unlimited, |policy| {
            Self::new(policy.ratio(), policy.min_per_second(), policy.window(), now)
        })
    }

    /// The budget that grants every withdrawal.
    #[must_use]
    pub const fn unlimited() -> Self {
        Self { kind: Kind::Unlimited }
    }

    /// The budget that grants none, whatever is deposited.
    #[must_use]
    pub const fn empty() -> Self {
        Self { kind: Kind::Empty }
    }

    /// Whether these numbers make a sensible budget.
    ///
    /// # Errors
    ///
    /// Says what is wrong where `ratio` is not in 0 to 1000, or `window` not in 1 s to 60 s: the
    /// bounds of Finagle's `RetryBudget`. Any number of free tokens will do.
    pub fn check(ratio: f64, _min_per_second: u32, window: Duration) -> Result<(), &'static str> {
        if !(0.0..=MOST_RATIO).contains(&ratio) {
            return Err("the ratio must be between 0 and 1000");
        }
        if !(Duration::from_secs(1)..=Duration::from_secs(60)).contains(&window) {
            return Err("the window must be between 1s and 60s");
        }
        Ok(())
    }

    /// Counts the first attempt of a request.
    #[inline]
    pub fn deposit(&self, now: Instant) {
        if let Kind::Windowed(window) = &self.kind {
            window.deposit(now);
        }
    }

    /// Takes the token for a further attempt, if there is one.
    #[must_use = "the attempt may be made only where the answer is true"]
    pub fn withdraw(&self, now: Instant) -> bool {
        match &self.kind {
            Kind::Unlimited => true,
            Kind::Empty => false,
            Kind::Windowed(window) => window.withdraw(now),
        }
    }

    /// Gives a token back that was withdrawn at `withdrawn` for an attempt that was never made. Once the
    /// withdrawal has left the window there is nothing to give back.
    pub fn give_back(&self, withdrawn: Instant, now: Instant) {
        if let Kind::Windowed(window) = &self.kind {
            window.give_back(withdrawn, now);
        }
    }

    /// How many tokens there are, the fraction of the next one included.
    ///
    /// Below zero where deposits have left the window before the withdrawals that they paid for.
    /// An unlimited budget always has 100, as Finagle's has.
    #[must_use]
    pub fn balance(&self, now: Instant) -> f64 {
        match &self.kind {
            Kind::Unlimited => 100.0,
            Kind::Empty => 0.0,
            Kind::Windowed(window) => tokens(window.balance(now)),
        }
    }
}

impl fmt::Debug for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Unlimited => f.write_str("Budget::unlimited"),
            Kind::Empty => f.write_str("Budget::empty"),
            Kind::Windowed(window) => f
                .debug_struct("Budget")
                .field("ratio", &tokens(window.deposit))
                .field("reserve", &tokens(window.reserve))
                .field("slot", &Duration::from_nanos(window.slot))
                .field("balance", &tokens(balance_of(window.word.load(Relaxed))))
                .finish_non_exhaustive(),
        }
    }
}

// === impl Window ===

impl Window {
    fn new(ratio: f64, min_per_second: u32, window: Duration, now: Instant) -> Self {
        let slot = window.as_nanos() / u128::from(WINDOW_SLOTS);
        let slot = u64::try_from(slot).unwrap_or(u64::MAX).max(SHORTEST_SLOT);

        // `as` saturates, and makes 0 of what is not a number.
        let deposit = (ratio.clamp(0.0, MOST_RATIO) * TOKEN as f64).round() as i64;

        let nanos = u128::from(slot) * u128::from(WINDOW_SLOTS);
        let per_token = 1_000_000_000 / TOKEN as u128;
        let reserve = u128::from(min_per_second).saturating_mul(nanos) / per_token;
        let reserve = i64::try_from(reserve).unwrap_or(MOST).min(MOST);

        Self {
            origin: now,
            slot,
            deposit,
            reserve,
            epoch: AtomicU64::new(0),
            word: AtomicI64::new(pack(reserve, 0)),
            slots: Default::default(),
        }
    }

    #[inline]
    fn deposit(&self, now: Instant) {
        self.advance(now);
        if self.deposit == 0 || balance_of(self.word.load(Relaxed)) >= MOST {
            return;
        }
        let before = self.word.fetch_add(self.deposit << EPOCH_BITS, Relaxed);
        self.slot_of(before).fetch_add(self.deposit, Relaxed);
    }

    fn withdraw(&self, now: Instant) -> bool {
        self.advance(now);
        let granted = self.word.fetch_update(AcqRel, Acquire, |word| {
            (balance_of(word) >= TOKEN).then(|| word - (TOKEN << EPOCH_BITS))
        });
        if let Ok(before) = granted {
            self.slot_of(before).fetch_sub(TOKEN, Relaxed);
        }
        granted.is_ok()
    }

    // The token goes back to the slot that it was taken from, so that both expire together.
    fn give_back(&self, withdrawn: Instant, now: Instant) {
        self.advance(now);
        let elapsed = withdrawn.saturating_duration_since(self.origin).as_nanos();
        let taken = u64::try_from(elapsed / u128::from(self.slot)).unwrap_or(u64::MAX);
        if self.epoch.load(Acquire).saturating_sub(taken) < WINDOW_SLOTS {
            self.word.fetch_add(TOKEN << EPOCH_BITS, AcqRel);
            self.slot_at(taken).fetch_add(TOKEN, Relaxed);
        }
    }

    fn balance(&self, now: Instant) -> i64 {
        self.advance(now);
        balance_of(self.word.load(Acquire))
    }

    /// Sees to it that the slot of `now` is the one being filled.
    #[inline]
    fn advance(&self, now: Instant) {
        let elapsed = now.saturating_duration_since(self.origin);
        let elapsed = elapsed
            .as_secs()
            .saturating_mul(1_000_000_000)
            .saturating_add(u64::from(elapsed.subsec_nanos()));
        let ends = (self.epoch.load(Acquire) + 1).saturating_mul(self.slot);
        if elapsed >= ends {
            self.advance_to(elapsed / self.slot);
        }
    }

    #[cold]
    fn advance_to(&self, target: u64) {
        loop {
            let word = self.word.load(Acquire);
            let epoch = full_epoch(word, self.epoch.load(Acquire));
            // Another thread may have moved the word, and not have said so yet.
            self.epoch.fetch_max(epoch, AcqRel);
            if epoch >= target {
                return;
            }

            // After a long silence it takes several strides.
            let next = target.min(epoch + STRIDE);
            let oldest = epoch.wrapping_sub(WINDOW_SLOTS - 1);
            let leaving = (next - epoch).min(WINDOW_SLOTS);
            let mut expired = [0; WINDOW_SLOTS as usize];
            for (amount, age) in expired.iter_mut().zip(0..leaving) {
                *amount = self.slot_at(oldest.wrapping_add(age)).load(Relaxed);
            }

            let balance = balance_of(word).saturating_sub(expired.iter().sum());
            let moved = pack(balance.clamp(-MOST, MOST), next);
            if (self.word).compare_exchange(word, moved, AcqRel, Relaxed).is_ok() {
                for (amount, age) in expired.iter().zip(0..leaving) {
                    // Not set to zero: a thread that was late with its addition must not lose it.
                    // It then counts in the slot's next turn.
                    (self.slot_at(oldest.wrapping_add(age))).fetch_sub(*amount, Relaxed);
                }
            }
        }
    }

    /// The slot being filled when the word was this one.
    #[inline]
    fn slot_of(&self, word: i64) -> &AtomicI64 {
        self.slot_at(word as u64)
    }

    /// The slot of an epoch, of which only the low bits matter.
    #[inline]
    fn slot_at(&self, epoch: u64) -> &AtomicI64 {
        &self.slots[epoch as usize % RING]
    }
}

#[inline]
fn pack(balance: i64, epoch: u64) -> i64 {
    (balance << EPOCH_BITS) | i64::from(epoch as u16)
}

#[inline]
fn balance_of(word: i64) -> i64 {
    word >> EPOCH_BITS
}

/// The epoch of a word, of which it holds the low bits, given one that is at most a stride away.
fn full_epoch(word: i64, near: u64) -> u64 {
    let ahead = (word as u16).wrapping_sub(near as u16) as i16;
    near.saturating_add_signed(i64::from(ahead))
}

fn tokens(millionths: i64) -> f64 {
    millionths as f64 / TOKEN as f64
}

#[cfg(test)]
mod tests;
