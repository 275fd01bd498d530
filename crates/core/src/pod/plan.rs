//! What a pod's agent is told when it is injected: one value, written by `inject` and read by the agent.
//!
//! It is all that the agent knows of the world outside its pod: the paths by which requests arrive, with the bounds of
//! their stages, and what only the user could say. It serialises as JSON (snake_case), lies in the agent's environment
//! and in the folder that the pod's hooks read. There is one way to read one ([`PodPlan::read`], which its `Deserialize`
//! goes too): its schema first, then the value, then whether an agent could hold to it.

use crate::drain;
use crate::path::Millis;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The last version of this value. Earlier ones are read too, later ones are refused. A key more is a version more: an
/// agent that does not know it could not hold to it. So each plan says the first version that has all of its keys, and
/// agents of before read whatever they can hold to.
pub const SCHEMA: u32 = SCHEMA_WITH_REDIRECTS;

/// The version of a plan that names no router and redirects nothing.
pub const FIRST_SCHEMA: u32 = 1;

const SCHEMA_WITH_ROUTERS: u32 = 2;
const SCHEMA_WITH_REDIRECTS: u32 = 3;

/// The port on which an agent answers status, health and hooks, unless the application has it.
pub const CONTROL_PORT: u16 = 15079;

/// The first port of the guard; each guarded port takes the next.
pub const FIRST_GUARD_PORT: u16 = 15080;

/// The first port to which the pod's own network leads what comes for the application; each redirected port takes the next.
pub const FIRST_REDIRECT_PORT: u16 = 15180;

/// What a pod's agent is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PodPlan {
    /// The first version that has all of its keys.
    pub schema: u32,
    /// What each drain of this pod is held to.
    pub drain: drain::Plan,
    /// The routers of its paths, by the path's name. Of a path that is not here, or has none, nobody can tell the router
    /// anything: its stages end by their bounds.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub routers: BTreeMap<String, RouterPlan>,
    /// The application's ports, in the order of the pod's template.
    pub ports: Vec<Port>,
    /// The agent's own port.
    pub control_port: u16,
    /// Without the guard: how long a connection may be silent before it counts as idle.
    pub idle_after: Millis,
    /// How long an open WebSocket is left alone in a drain before it is told to go.
    pub websocket_grace: Millis,
    /// How many connections the guard carries at most.
    pub max_connections: u32,
    /// Requests that are no application requests.
    pub discount: Discount,
}

/// The plan as [`SCHEMA`] has it, before it is checked.
#[derive(Deserialize)]
#[serde(remote = "PodPlan", deny_unknown_fields)]
struct Unchecked {
    schema: u32,
    drain: drain::Plan,
    #[serde(default)]
    routers: BTreeMap<String, RouterPlan>,
    ports: Vec<Port>,
    control_port: u16,
    idle_after: Millis,
    websocket_grace: Millis,
    max_connections: u32,
    discount: Discount,
}

/// The router of a path, as far as the agent talks with it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum RouterPlan {
    /// One that can't be told anything: it learns from others, such as a kube-proxy from the API server.
    #[default]
    None,
}

/// One port on which the application listens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Port {
    /// Its name in the template, if it has one.
    pub name: Option<String>,
    /// Where the application listens.
    pub application: u16,
    /// Where the guard listens in front of it for clients that are sent there; `None` where none are.
    pub guard: Option<u16>,
    /// Where the guard listens for what the pod's own network leads there: whatever comes from outside for `application`. `None`
    /// where nothing is redirected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redirect: Option<u16>,
    /// What is spoken there.
    pub protocol: Protocol,
}

/// What is spoken on a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// The first bytes decide.
    Auto,
    /// HTTP/1 or HTTP/2 with prior knowledge.
    Http,
    /// Any other: spliced and counted, kept-alive connections not covered.
    Tcp,
}

/// How requests are told that are no application requests, such as kubelet probes: they go on for ever and must not
/// hold a drain up.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Discount {
    /// Paths of probes and scrapers, without the query, whole.
    pub paths: Vec<String>,
    /// Beginnings of `User-Agent`, such as `kube-probe/`.
    pub user_agents: Vec<String>,
}

/// Why a plan can't be used. It is the injector's fault, and trying again does not help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlanError {
    /// Not this value at all.
    Unreadable(String),
    /// Of a later schema.
    Later(u64),
    /// Two listeners on one port.
    PortTwice(u16),
    /// Port 0.
    PortZero,
    /// Two paths of one name.
    PathTwice(String),
    /// Two stages of one name in a path: evidence is by the name.
    StageTwice {
        /// The path.
        path: String,
        /// The stage.
        stage: String,
    },
    /// A router of a path that is not there.
    RouterOfNoPath(String),
    /// What a plan's version does not have.
    NotInSchema {
        /// Which of its keys.
        key: &'static str,
        /// The version that it says.
        schema: u32,
        /// The first that has the key.
        first: u32,
    },
    /// A duration that must not be zero.
    Zero(&'static str),
}

impl std::error::Error for PlanError {}

impl std::fmt::Display for PlanError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unreadable(why) => write!(f, "the plan can't be read: {why}"),
            Self::Later(schema) => {
                write!(f, "the plan has schema {schema}, and the last one known here is {SCHEMA}")
            }
            Self::PortTwice(port) => write!(f, "the plan gives port {port} twice"),
            Self::PortZero => write!(f, "the plan has a port 0: ports are 1 to 65535"),
            Self::PathTwice(name) => write!(f, "the plan has two paths named {name}"),
            Self::StageTwice { path, stage } => {
                write!(f, "the plan's path {path} has two stages named {stage}")
            }
            Self::RouterOfNoPath(path) => write!(f, "the plan has a router of path {path}, and no such path"),
            Self::NotInSchema { key, schema, first } => {
                write!(f, "the plan has {key}, which schema {schema} does not have: schema {first} has them")
            }
            Self::Zero(what) => write!(f, "the plan's {what} is 0"),
        }
    }
}

impl PodPlan {
    /// Reads and checks a plan.
    pub fn read(json: &str) -> Result<Self, PlanError> {
        Self::of(serde_json::from_str(json).map_err(unreadable)?)
    }

    fn of(value: Value) -> Result<Self, PlanError> {
        match value.get("schema").map(Value::as_u64) {
            None => return Err(PlanError::Unreadable("it says no schema".to_owned())),
            // What a later schema holds is not to be judged here.
            Some(Some(schema)) if schema > u64::from(SCHEMA) => return Err(PlanError::Later(schema)),
            Some(Some(1..)) => {}
            Some(_) => return Err(PlanError::Unreadable("its schema is no whole number above 0".to_owned())),
        }
        let plan = Unchecked::deserialize(value).map_err(unreadable)?;
        plan.check()?;
        Ok(plan)
    }

    /// Refuses what no agent could hold to.
    pub fn check(&self) -> Result<(), PlanError> {
        let mut ports = BTreeSet::new();
        let guards = self.ports.iter().flat_map(Port::guards);
        let applications = self.ports.iter().map(|port| port.application);
        for port in guards.chain(applications).chain([self.control_port]) {
            if port == 0 {
                return Err(PlanError::PortZero);
            }
            if !ports.insert(port) {
                return Err(PlanError::PortTwice(port));
            }
        }
        let mut names = BTreeSet::new();
        if let Some(twice) = self.drain.paths.iter().find(|path| !names.insert(&path.name)) {
            return Err(PlanError::PathTwice(twice.name.clone()));
        }
        for path in &self.drain.paths {
            let mut names = BTreeSet::new();
            if let Some(twice) = path.stages.iter().find(|stage| !names.insert(&stage.name)) {
                return Err(PlanError::StageTwice { path: path.name.clone(), stage: twice.name.clone() });
            }
        }
        if let Some(path) = self.routers.keys().find(|path| !names.contains(path)) {
            return Err(PlanError::RouterOfNoPath(path.clone()));
        }
        let schema = self.schema;
        if let Some((key, first)) = self.later_keys().find(|(_, first)| *first > schema) {
            return Err(PlanError::NotInSchema { key, schema, first });
        }
        for (what, duration) in [("deadline", self.drain.deadline), ("idle_after", self.idle_after.0)] {
            if duration == Duration::ZERO {
                return Err(PlanError::Zero(what));
            }
        }
        Ok(())
    }

    /// The first version that has all of its keys: what an injector writes, so that older agents read what they can hold to.
    pub fn first_schema(&self) -> u32 {
        self.later_keys().map(|(_, first)| first).max().unwrap_or(FIRST_SCHEMA)
    }

    /// Keys that it has and the first version has not, each with the first version that has it.
    fn later_keys(&self) -> impl Iterator<Item = (&'static str, u32)> {
        let routers = !self.routers.is_empty();
        let redirects = self.ports.iter().any(|port| port.redirect.is_some());
        let keys =
            [(routers, ("routers", SCHEMA_WITH_ROUTERS)), (redirects, ("redirects", SCHEMA_WITH_REDIRECTS))];
        keys.into_iter().filter_map(|(has, key)| has.then_some(key))
    }

    /// Whether a guard stands in front of any port.
    pub fn guarded(&self) -> bool {
        self.ports.iter().any(Port::is_guarded)
    }
}

impl Port {
    /// Where the guard listens in front of it.
    pub fn guards(&self) -> impl Iterator<Item = u16> {
        self.guard.into_iter().chain(self.redirect)
    }

    /// Whether the guard stands in front of it.
    pub fn is_guarded(&self) -> bool {
        self.guards().next().is_some()
    }
}

impl<'de> Deserialize<'de> for PodPlan {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::of(Value::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "as map_err gives it")]
fn unreadable(error: serde_json::Error) -> PlanError {
    PlanError::Unreadable(error.to_string())
}
