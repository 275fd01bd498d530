//! One word that says whether an instance takes requests and how many it has.
//!
//! The flag and the count share an [`AtomicU64`], so "does it still take requests?" and "then count me" are a
//! single compare-and-swap. Once [`Claims::withdraw`] has returned, no claim can succeed: there is no moment
//! between check and count at which a request could slip through.

use std::sync::atomic::{AtomicU64, Ordering};

const ADMITTED: u64 = 1 << 63;

/// The flag and the count of one instance.
#[derive(Debug, Default)]
pub(crate) struct Claims(AtomicU64);

impl Claims {
    /// Takes one claim if requests are admitted.
    pub(crate) fn claim(&self) -> bool {
        let mut seen = self.0.load(Ordering::Relaxed);
        while seen & ADMITTED != 0 {
            match self.0.compare_exchange_weak(seen, seen + 1, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => return true,
                Err(now) => seen = now,
            }
        }
        false
    }

    /// Gives one claim back; true if it was the last one of a withdrawn instance.
    pub(crate) fn release(&self) -> bool {
        let before = self.0.fetch_sub(1, Ordering::AcqRel);
        debug_assert!(before & !ADMITTED > 0, "a claim is given back once");
        before == 1
    }

    /// Lets requests in; false if they already were.
    pub(crate) fn admit(&self) -> bool {
        self.0.fetch_or(ADMITTED, Ordering::AcqRel) & ADMITTED == 0
    }

    /// Lets no request in any more; false if none was.
    pub(crate) fn withdraw(&self) -> bool {
        self.0.fetch_and(!ADMITTED, Ordering::AcqRel) & ADMITTED != 0
    }

    /// Whether requests are let in.
    pub(crate) fn admitted(&self) -> bool {
        self.0.load(Ordering::Acquire) & ADMITTED != 0
    }

    /// How many claims are held.
    pub(crate) fn count(&self) -> u64 {
        self.0.load(Ordering::Acquire) & !ADMITTED
    }

    /// The count if requests are let in: what a choice among instances compares.
    pub(crate) fn load_if_admitted(&self) -> Option<u64> {
        let word = self.0.load(Ordering::Relaxed);
        (word & ADMITTED != 0).then_some(word & !ADMITTED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;

    #[test]
    fn a_withdrawn_instance_is_never_claimed() {
        for _ in 0..200 {
            let claims = Arc::new(Claims::default());
            let withdrawn = Arc::new(AtomicBool::new(false));
            claims.admit();
            let threads: Vec<_> = (0..4)
                .map(|_| {
                    let (claims, withdrawn) = (claims.clone(), withdrawn.clone());
                    std::thread::spawn(move || {
                        for _ in 0..500 {
                            let before = withdrawn.load(Ordering::SeqCst);
                            if claims.claim() {
                                assert!(!before, "claimed after withdraw had returned");
                                claims.release();
                            }
                        }
                    })
                })
                .collect();
            claims.withdraw();
            withdrawn.store(true, Ordering::SeqCst);
            for thread in threads {
                thread.join().unwrap();
            }
            assert_eq!(claims.count(), 0);
        }
    }

    #[test]
    fn exactly_one_release_is_the_last_of_a_withdrawn_instance() {
        for _ in 0..200 {
            let claims = Arc::new(Claims::default());
            claims.admit();
            let held = (0..4).filter(|_| claims.claim()).count();
            claims.withdraw();
            let threads: Vec<_> = (0..held)
                .map(|_| {
                    let claims = claims.clone();
                    std::thread::spawn(move || claims.release())
                })
                .collect();
            let last = threads.into_iter().filter(|_| true).map(|t| t.join().unwrap()).filter(|l| *l).count();
            assert_eq!(last, 1);
        }
    }

    proptest! {
        #[test]
        fn the_word_agrees_with_a_flag_and_a_counter(steps in prop::collection::vec(0u8..4, 0..200)) {
            let claims = Claims::default();
            let (mut admitted, mut count) = (false, 0u64);
            for step in steps {
                match step {
                    0 => { prop_assert_eq!(claims.admit(), !admitted); admitted = true; }
                    1 => { prop_assert_eq!(claims.withdraw(), admitted); admitted = false; }
                    2 => { prop_assert_eq!(claims.claim(), admitted); count += u64::from(admitted); }
                    _ if count > 0 => { count -= 1; prop_assert_eq!(claims.release(), !admitted && count == 0); }
                    _ => {}
                }
                prop_assert_eq!((claims.admitted(), claims.count()), (admitted, count));
            }
        }
    }
}
