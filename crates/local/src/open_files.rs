//! Open files: how many this process may have, and how many clients that carries.
//!
//! What is given is often 1,024, with a much higher limit up to which a process may raise it. `segue up` does; its
//! instances get what it was given, since not every program copes with more (`select` ends at 1,024).

use std::num::NonZeroUsize;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// A client's own connection, the one to its instance, and one that another instance keeps for the next request; and an
/// eighth of that of one who waits for its place.
const PER_EIGHT_CLIENTS: u64 = 25;
/// Its process and its keeper, each watched; its log; a check of its readiness; what a start needs for a moment.
const PER_INSTANCE: u64 = 8;
/// The listener, the lock, the control socket, those who ask by it, what is read and written for a moment, and the first
/// clients who wait for a place.
const OWN: u64 = 48;
/// Of each thread that serves clients.
const PER_WORKER: u64 = 4;
/// So many clients a limit carries at the least, whatever is left for the rest: one of so many.
const LEAST: u64 = 16;

/// The limit of open files; none is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenFiles {
    /// What this process was started with.
    pub given: Option<u64>,
    /// What it has now.
    pub most: Option<u64>,
}

// === impl OpenFiles ===

impl OpenFiles {
    /// Raises this process's own limit as far as it may, and lets nothing that it was started with reach its children:
    /// a descriptor that a script left open would be held by every instance.
    pub fn take() -> Self {
        close_fds::set_fds_cloexec(3, &[]);
        let before = getrlimit(Resource::Nofile);
        if before.current == before.maximum {
            return Self { given: before.current, most: before.current };
        }
        let most = match setrlimit(Resource::Nofile, Rlimit { current: before.maximum, ..before }) {
            Ok(()) => before.maximum,
            Err(error) => {
                tracing::debug!(%error, "the limit of open files cannot be raised");
                before.current
            }
        };
        Self { given: before.current, most }
    }

    /// How many clients it carries beside so many instances, with enough left to start and to watch these, and for
    /// commands.
    pub fn clients(self, instances: u32) -> Option<usize> {
        let most = self.most?;
        let workers = std::thread::available_parallelism().map_or(1, NonZeroUsize::get) as u64;
        Some(usize::try_from(carried(most, workers, instances.into())).unwrap_or(usize::MAX))
    }
}

/// How many clients so many open files carry beside so many workers and instances.
fn carried(most: u64, workers: u64, instances: u64) -> u64 {
    let others = OWN + PER_WORKER * workers + PER_INSTANCE * instances;
    (most.saturating_sub(others).saturating_mul(8) / PER_EIGHT_CLIENTS).max(most / LEAST).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_get_what_instances_and_commands_leave() {
        let of = |most| OpenFiles { given: Some(64), most };
        assert_eq!(of(None).clients(3), None);
        let one = of(Some(100_000)).clients(1).unwrap();
        assert!((31_000..32_000).contains(&one), "{one}");
        let eight_more = of(Some(100_000)).clients(9).unwrap();
        assert!((20..=21).contains(&(one - eight_more)), "{one} {eight_more}");
        assert_eq!(carried(1000, 3, 2), (1000 - 48 - 3 * 4 - 2 * 8) * 8 / 25);
        // However little there is, some clients are served.
        assert_eq!(of(Some(64)).clients(100), Some(4));
        assert_eq!(of(Some(1)).clients(1), Some(1));
    }
}
