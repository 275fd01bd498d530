//! What a driver must know after it was killed: the specs, the rollout under way, which instance runs what.
//!
//! Written before anything is done that it tells of (a started instance has its number here first), so a successor
//! never does the same twice and never gives a number again. The specs are in a file of their own too, which a loss of
//! power leaves: all else it makes worthless, so a rollout's steps need not wait for the disk.

use std::collections::BTreeMap;
use std::fs;
use std::io;

use jiff::Timestamp;
use segue_core::judge::Goal;
use segue_core::path::Path;
use segue_core::rollout::Rollout;
use segue_core::{InstanceId, Time, Version, drain};
use segue_supervisor::atomic::{self, Outlives};
use segue_supervisor::keeper::Launch;
use serde::{Deserialize, Serialize};

use crate::folder::Folder;
use crate::history::{What, Who};
use crate::spec::{Spec, Strategy};

/// The proxy's name as a path: the only way by which requests come.
pub const PROXY: &str = "proxy";
/// How many instances of a new version may end by themselves before a deploy goes back.
const CRASH_LIMIT: u32 = 3;
/// How many revisions are kept to go back to.
const KEPT: usize = 10;
const SCHEMA: u32 = 1;

/// All that a driver writes down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    schema: u32,
    /// Times and instances of another boot mean nothing.
    pub boot_id: String,
    /// The number of the next instance.
    pub next_instance: u64,
    /// The number of the next deploy.
    pub next_deploy: u64,
    /// The specs that were run, the oldest first.
    pub revisions: Vec<Revision>,
    /// Which instance runs which revision.
    pub instances: BTreeMap<InstanceId, Version>,
    /// What is being done; none after `down`.
    pub work: Option<Work>,
}

/// A spec that was run, under a name of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revision {
    /// The spec's version label; where another spec that runs something else had that label before, `LABEL~2` and so on.
    pub id: Version,
    /// What was asked for last under this name.
    pub spec: Spec,
    /// In the order of success: when every instance last ran it, if that ever was.
    pub worked: Option<u64>,
}

/// What a driver is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Work {
    /// The version that ran last, to which a deploy under way goes back.
    pub current: Version,
    /// The rules' own state.
    pub rollout: Rollout,
    /// The deploy under way.
    pub deploy: Option<Deploy>,
    /// Whether `down` was asked for.
    pub ending: bool,
}

/// A deploy under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deploy {
    /// Its number.
    pub number: u64,
    /// A deploy or a rollback.
    pub what: What,
    /// Who asked for it.
    pub by: Who,
    /// When it began, for people.
    pub at: Timestamp,
    /// When it began, by the rules' clock.
    pub began: Time,
    /// What ran before, and by which spec.
    pub from: Version,
    /// The spec of `from`: the deploy may change the spec of the same revision.
    pub before: Box<Spec>,
    /// What shall run.
    pub to: Version,
    /// Whether the user asked to go back.
    pub abort: bool,
}

/// Why the state cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// It cannot be read or written.
    #[error("{path}: {source}", path = path.display())]
    Io {
        /// The file.
        path: std::path::PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another Segue wrote it, and will again.
    #[error(
        "{path} is of another version of Segue (schema {schema}, this one's is {SCHEMA}): use that one, or delete the file, \
         and what runs is taken over by what is known of each instance", path = path.display()
    )]
    Foreign {
        /// The file.
        path: std::path::PathBuf,
        /// Its schema.
        schema: u32,
    },
    /// It is torn or was written over.
    #[error("{path} cannot be understood: {why}", path = path.display())]
    Damaged {
        /// The file.
        path: std::path::PathBuf,
        /// Why.
        why: serde_json::Error,
    },
}

/// What every state has, whoever wrote it.
#[derive(Deserialize)]
struct Head {
    schema: Option<u32>,
}

/// The specs alone.
#[derive(Serialize, Deserialize)]
struct Revisions<T> {
    schema: u32,
    revisions: T,
}

// === impl State ===

impl State {
    /// The state of a service that was never run.
    pub fn empty(boot_id: &str) -> Self {
        Self {
            schema: SCHEMA,
            boot_id: boot_id.to_owned(),
            next_instance: 1,
            next_deploy: 1,
            revisions: Vec::new(),
            instances: BTreeMap::new(),
            work: None,
        }
    }

    /// What was written last; `None` if nothing ever was.
    pub fn read(folder: &Folder) -> Result<Option<Self>, StateError> {
        let path = folder.state_file();
        let text = match fs::read(&path) {
            // What a loss of power may leave of a file that did not wait for the disk.
            Ok(text) if text.is_empty() => return Ok(None),
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(StateError::Io { path, source }),
        };
        match serde_json::from_slice(&text) {
            Ok(Head { schema: Some(schema) }) if schema != SCHEMA => {
                return Err(StateError::Foreign { path, schema });
            }
            _ => {}
        }
        serde_json::from_slice(&text).map(Some).map_err(|why| StateError::Damaged { path, why })
    }

    /// What was written last. Where that is lost or damaged, it is what is left: the specs. Then the instances' own
    /// files tell what runs.
    pub fn recover(folder: &Folder, boot_id: &str) -> Result<Self, StateError> {
        match Self::read(folder) {
            Ok(Some(state)) => return Ok(state),
            Ok(None) => {}
            Err(StateError::Damaged { path, why }) => {
                let aside = path.with_extension("json.damaged");
                tracing::error!(%why, "{} cannot be understood; it is kept as {}", path.display(), aside.display());
                fs::rename(&path, aside).map_err(|source| StateError::Io { path, source })?;
            }
            Err(error) => return Err(error),
        }
        let text = fs::read(folder.revisions_file()).unwrap_or_default();
        let kept = serde_json::from_slice(&text).ok();
        let revisions = kept.filter(|kept: &Revisions<_>| kept.schema == SCHEMA).map(|kept| kept.revisions);
        Ok(Self { revisions: revisions.unwrap_or_default(), ..Self::empty(boot_id) })
    }

    /// Writes it down; what was `written` before tells whether the specs are to be, too.
    pub fn write(&self, folder: &Folder, written: Option<&Self>) -> Result<(), StateError> {
        if written.is_none_or(|written| written.revisions != self.revisions) {
            let revisions = Revisions { schema: SCHEMA, revisions: &self.revisions };
            write(folder.revisions_file(), &revisions, Outlives::PowerLoss)?;
        }
        write(folder.state_file(), self, Outlives::Kill)
    }

    /// A spec of another boot may still be gone back to; nothing else of it holds.
    pub fn reboot(&mut self, boot_id: &str) {
        boot_id.clone_into(&mut self.boot_id);
        self.instances.clear();
        self.work = None;
    }

    /// The revision of a name.
    pub fn revision(&self, id: &Version) -> Option<&Revision> {
        self.revisions.iter().find(|revision| revision.id == *id)
    }

    /// The label of a revision, as users know it.
    pub fn label(&self, id: &Version) -> String {
        self.revision(id).map_or_else(|| id.to_string(), |revision| revision.spec.version.clone())
    }

    /// The revision that this spec is, if it was run before.
    pub fn find(&self, spec: &Spec) -> Option<&Revision> {
        self.revisions.iter().find(|known| known.is_of(spec))
    }

    /// Takes a spec in, under its own name or that of the revision that it is, and answers that revision.
    pub fn admit(&mut self, spec: Spec) -> &Revision {
        let known = self.revisions.iter().position(|known| known.is_of(&spec));
        let place = known.unwrap_or(self.revisions.len());
        if known.is_some() {
            self.revisions[place].spec = spec;
        } else {
            self.revisions.push(Revision { id: self.free_name(&spec.version), spec, worked: None });
        }
        &self.revisions[place]
    }

    /// The revision that a process was started from; one of the `offered` spec is taken in. What nobody knows gets a
    /// name that no revision has.
    pub fn recognise(&mut self, launch: &Launch, offered: Option<&Spec>) -> Version {
        if let Some(known) = self.revisions.iter().find(|known| known.spec.runs(launch)) {
            return known.id.clone();
        }
        match offered.filter(|spec| spec.runs(launch)) {
            Some(spec) => self.admit(spec.clone()).id.clone(),
            // No label has a space in it.
            None => format!("{} (of an unknown spec)", launch.version).into(),
        }
    }

    fn free_name(&self, label: &str) -> Version {
        let mut id = Version::from(label);
        let mut number = 2;
        while self.revision(&id).is_some() {
            id = Version::from(format!("{label}~{number}"));
            number += 1;
        }
        id
    }

    /// Gives a revision another spec that runs the same.
    pub fn replace_spec(&mut self, id: &Version, spec: Spec) {
        if let Some(known) = self.revisions.iter_mut().find(|revision| revision.id == *id) {
            known.spec = spec;
        }
    }

    /// Every instance runs it now.
    pub fn worked(&mut self, id: &Version) {
        let next = 1 + self.revisions.iter().filter_map(|revision| revision.worked).max().unwrap_or(0);
        if let Some(known) = self.revisions.iter_mut().find(|revision| revision.id == *id) {
            known.worked = Some(next);
        }
    }

    /// The revision that worked last, other than this one.
    pub fn last_good(&self, other_than: &Version) -> Option<&Revision> {
        let others = self.revisions.iter().filter(|revision| revision.id != *other_than);
        others.filter(|revision| revision.worked.is_some()).max_by_key(|revision| revision.worked)
    }

    /// Forgets the oldest revisions that nothing needs.
    pub fn prune(&mut self) {
        let mut needed: Vec<Version> = self.instances.values().cloned().collect();
        if let Some(work) = &self.work {
            needed.push(work.current.clone());
            needed.push(work.rollout.goal().version.clone());
            needed.extend(work.deploy.iter().flat_map(|deploy| [deploy.from.clone(), deploy.to.clone()]));
        }
        let current = self.work.as_ref().map(|work| &work.current);
        needed.extend(current.and_then(|current| self.last_good(current)).map(|good| good.id.clone()));
        let mut surplus = self.revisions.len().saturating_sub(KEPT);
        self.revisions.retain(|revision| {
            let keep = surplus == 0 || needed.contains(&revision.id);
            surplus -= usize::from(!keep);
            keep
        });
    }
}

fn write(path: std::path::PathBuf, value: &impl Serialize, outlives: Outlives) -> Result<(), StateError> {
    let written = serde_json::to_vec_pretty(value)
        .map_err(io::Error::from)
        .and_then(|text| atomic::replace(&path, &text, outlives));
    written.map_err(|source| StateError::Io { path, source })
}

/// Whether two specs start the same program: all else can change without another process.
fn runs_the_same(one: &Spec, other: &Spec) -> bool {
    one.command == other.command && one.env == other.env && one.cwd == other.cwd && one.user == other.user
}

// === the rules' goal ===

impl Revision {
    fn is_of(&self, spec: &Spec) -> bool {
        self.spec.version == spec.version && runs_the_same(&self.spec, spec)
    }

    /// What the rules are asked for when this shall run.
    pub fn goal(&self) -> Goal {
        let spec = &self.spec;
        let Strategy::Rolling { surge, unavailable } = spec.strategy;
        Goal {
            version: self.id.clone(),
            replicas: spec.replicas.get(),
            surge,
            unavailable,
            progress_deadline: spec.progress_deadline,
            crash_limit: CRASH_LIMIT,
            drain: drain::Plan {
                paths: vec![Path::atomic(PROXY)],
                quiet: None,
                longest_request: None,
                linger: None,
                deadline: spec.drain_deadline,
                stop_grace: spec.stop.grace,
            },
        }
    }
}

/// The goal of `down`: the same drains, and nothing in their place.
pub fn nothing_of(goal: &Goal) -> Goal {
    Goal { replicas: 0, surge: 0, unavailable: 0, ..goal.clone() }
}

/// A spec of which only what matters to a test is said.
#[cfg(test)]
pub(crate) fn spec_for_tests(version: &str, program: &str) -> Spec {
    serde_json::from_value(serde_json::json!({
        "name": "web", "listen": "127.0.0.1:0", "tls": null, "replicas": 2,
        "command": { "program": program, "words": [program] },
        "version": version, "env": {}, "cwd": "/", "user": null,
        "ready": { "check": "tcp", "interval": "1s", "timeout": "1s", "threshold": 1 },
        "longestRequest": "30s", "drainDeadline": "60s", "websocketGrace": "0s",
        "stop": { "signal": "TERM", "grace": "30s" }, "progressDeadline": "2m",
        "strategy": { "rolling": { "surge": 1, "unavailable": 0 } },
        "log": { "maxSize": 1000, "keep": 2 }, "limits": serde_json::to_value(crate::spec::Limits::default()).expect("limits")
    }))
    .expect("a spec")
}

#[cfg(test)]
mod tests;
