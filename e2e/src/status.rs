//! What `segue status -o json` says.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::place::Place;

/// The status of one service.
#[derive(Debug, Clone)]
pub struct Status(pub Value);

/// One instance in it.
#[derive(Debug, Clone)]
pub struct Instance(pub Value);

// === impl Status ===

impl Status {
    /// Asks for it; what went wrong is the error, to be shown by whoever waits.
    pub fn ask(place: &Place, name: &str) -> Result<Self, String> {
        let ended = place.run(&["status", name, "-o", "json"]);
        match serde_json::from_str(&ended.stdout) {
            Ok(value) if ended.status.success() => Ok(Self(value)),
            _ => Err(format!("{ended:?}")),
        }
    }

    /// Its instances.
    pub fn instances(&self) -> Vec<Instance> {
        self.0["instances"].as_array().into_iter().flatten().cloned().map(Instance).collect()
    }

    /// How many instances of each version serve.
    pub fn serving(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for instance in self.instances().iter().filter(|instance| instance.serves()) {
            *counts.entry(instance.version().to_owned()).or_default() += 1;
        }
        counts
    }

    /// Whether so many instances of this version serve, and nothing else runs.
    pub fn settled(&self, version: &str, replicas: usize) -> bool {
        self.instances().len() == replicas && self.serving().get(version) == Some(&replicas)
    }

    /// Whether a deploy is under way.
    pub fn deploying(&self) -> bool {
        !self.0["deploy"].is_null()
    }

    /// The ended deploys, the oldest first.
    pub fn history(&self) -> Vec<Value> {
        self.0["history"].as_array().cloned().unwrap_or_default()
    }
}

// === impl Instance ===

impl Instance {
    /// Its name.
    pub fn id(&self) -> &str {
        self.text("id")
    }

    /// What it runs.
    pub fn version(&self) -> &str {
        self.text("version")
    }

    /// Its state.
    pub fn state(&self) -> &str {
        self.text("state")
    }

    /// Whether it takes requests.
    pub fn serves(&self) -> bool {
        self.state() == "serving"
    }

    /// Its program's process id; -1 if it has none.
    pub fn pid(&self) -> i32 {
        self.0["pid"].as_i64().and_then(|pid| i32::try_from(pid).ok()).unwrap_or(-1)
    }

    fn text(&self, key: &str) -> &str {
        self.0[key].as_str().unwrap_or_default()
    }
}
