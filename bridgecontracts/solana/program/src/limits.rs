//! The outflow limit: a leaky bucket, with the roundings of Ethereum's.

use pinocchio::error::ProgramError;

use crate::{errors::Fault, layout::Bucket, math};

const MINUTE: u64 = 60;

impl Bucket {
    fn window(&self) -> u64 {
        u64::from(u16::from_le_bytes(self.minutes)).wrapping_mul(MINUTE)
    }

    /// Whether there is a limit.
    pub fn limits(&self) -> bool {
        self.minutes != [0; 2]
    }

    /// What has flowed off by `now`.
    fn leak(&mut self, now: u64) {
        let elapsed = now.saturating_sub(self.time.get());
        let Some(leaked) = math::share(elapsed, self.capacity.get(), self.window()) else {
            return;
        };
        // Less than a unit leaked: keep the old time, or a slow bucket that is often used would never leak.
        if leaked == 0 && self.level.get() != 0 {
            return;
        }
        self.level.set(self.level.get().saturating_sub(leaked));
        self.time.set(now.max(self.time.get()));
    }

    /// Lets `amount` out at `now`, unless it does not fit; `index` is the transfer's, for the log.
    pub fn take(&mut self, amount: u64, now: u64, index: u64) -> Result<(), ProgramError> {
        if !self.limits() {
            return Ok(());
        }
        let mut leaked = *self;
        leaked.leak(now);
        let level = leaked.level.get().checked_add(amount);
        let Some(level) = level.filter(|level| *level <= leaked.capacity.get()) else {
            // An empty amount fits whatever the level; a lowered capacity may stand below it.
            if amount == 0 {
                *self = leaked;
                return Ok(());
            }
            return Err(Fault::LimitExceeded.with(index, amount));
        };
        leaked.level.set(level);
        *self = leaked;
        Ok(())
    }

    /// The bucket under a new limit, and whether that lets out more than the old one: none at all, a larger capacity, or
    /// a faster leak. What has flowed out stays in the level.
    pub fn change(&self, capacity: u64, window: u64, now: u64) -> Result<(Bucket, bool), ProgramError> {
        let minutes = u16::try_from(window / MINUTE).ok().filter(|_| window % MINUTE == 0);
        let minutes = minutes.filter(|minutes| *minutes != 0 || capacity == 0);
        let minutes = minutes.ok_or_else(|| Fault::BadLimit.with(capacity, window))?;
        let mut bucket = *self;
        let raised;
        if self.limits() {
            bucket.leak(now);
            raised = window == 0
                || capacity > self.capacity.get()
                || math::wide(capacity, self.window()) > math::wide(self.capacity.get(), window);
        } else {
            raised = window == 0;
            bucket.time.set(now);
        }
        if minutes == 0 {
            return Ok((Bucket::NONE, raised));
        }
        bucket.capacity.set(capacity);
        bucket.minutes = minutes.to_le_bytes();
        Ok((bucket, raised))
    }
}
