//! A simulated world, and a driver in it that observes, steps, writes down, acts, and may be killed between any two of
//! these.

pub mod instance;
pub mod oracle;
pub mod random;
pub mod route;
mod state;

use oracle::Oracle;
use segue_core::judge::Outcome;
use segue_core::rollout::Rollout;
use segue_core::{Next, Time};
pub use state::{Faults, World};

/// How a run ended.
#[derive(Debug)]
pub struct Run {
    pub outcome: Outcome,
    pub took: u64,
}

impl World {
    fn restart(&mut self, machine: &mut Rollout) {
        self.restarts += 1;
        let written = serde_json::to_string(machine).unwrap();
        *machine = serde_json::from_str(&written).unwrap();
        self.now += self.random.between(0, 8_000);
        machine.resume(self.time());
        let pool = self.faults.pool_dies;
        // What ended in the meantime is not shown any more to a driver that starts again.
        self.advance(self.now);
        self.instances.retain(|_, instance| !instance.ended);
        for instance in self.instances.values_mut() {
            instance.adopt(pool, self.now, &mut self.random);
        }
    }

    /// Runs a machine to its end, every step under the oracle's eyes.
    pub fn run(&mut self, machine: &mut Rollout, oracle: &mut Oracle) -> Run {
        let began = self.now;
        for _ in 0..20_000 {
            let seen = self.seen();
            let next = machine.step(&seen, self.time());
            oracle.judge(self, machine, &seen, &next);
            let lost = !self.fair() && self.random.chance(self.faults.restart);
            match next {
                Next::Done(outcome) => return Run { outcome, took: self.now - began },
                Next::Do(actions) => {
                    let done = if lost {
                        self.random.between(0, actions.len() as u64)
                    } else {
                        actions.len() as u64
                    };
                    for action in actions.iter().take(usize::try_from(done).unwrap()) {
                        oracle.acts(self, machine, action);
                        self.act(action);
                    }
                    let pause = self.random.between(1, 50);
                    self.advance(self.now + pause);
                }
                Next::Wait(wait) => {
                    let own = wait.until.map(Time::as_millis);
                    let events = self.instances.values().filter_map(|instance| instance.next_event(self.now));
                    let abort = self.abort_at.filter(|at| *at > self.now);
                    let next = events.chain(own).chain(abort).min().expect("nothing would ever happen again");
                    // A driver may be woken for nothing, or late.
                    let to = match self.random.between(1, 10) {
                        1 => self.now + self.random.between(1, next - self.now),
                        2 => next + self.random.between(0, 300),
                        _ => next,
                    };
                    self.advance(to);
                }
            }
            if lost {
                self.restart(machine);
            }
        }
        panic!("no end in sight: {machine:#?}\n{self:#?}");
    }
}
