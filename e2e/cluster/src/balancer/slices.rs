//! What EndpointSlices say: which addresses a load balancer's controller would register.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddrV4};

use serde_json::Value;

/// A Service's slices, kept up by a watch.
#[derive(Debug, Default)]
pub(super) struct Slices {
    slices: BTreeMap<String, BTreeSet<SocketAddrV4>>,
}

impl Slices {
    /// Everything anew, from a list.
    pub(super) fn replace(&mut self, list: &Value, port: Option<&str>) {
        self.slices.clear();
        for slice in list["items"].as_array().into_iter().flatten() {
            self.put(slice, port);
        }
    }

    /// One event of a watch.
    pub(super) fn event(&mut self, event: &Value, port: Option<&str>) {
        let object = &event["object"];
        if event["type"].as_str() == Some("DELETED") {
            self.slices.remove(object["metadata"]["name"].as_str().unwrap_or_default());
        } else {
            self.put(object, port);
        }
    }

    /// The endpoints that are to be targets: the ready ones, and a terminating one never is.
    pub(super) fn wanted(&self) -> BTreeSet<SocketAddrV4> {
        self.slices.values().flatten().copied().collect()
    }

    fn put(&mut self, slice: &Value, port: Option<&str>) {
        let Some(name) = slice["metadata"]["name"].as_str() else { return };
        let number = slice["ports"]
            .as_array()
            .into_iter()
            .flatten()
            .find(|one| port.is_none_or(|port| one["name"].as_str() == Some(port)))
            .and_then(|one| u16::try_from(one["port"].as_u64()?).ok());
        let ready = |endpoint: &&Value| endpoint["conditions"]["ready"].as_bool() == Some(true);
        let targets = slice["endpoints"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(ready)
            .flat_map(|endpoint| endpoint["addresses"].as_array().into_iter().flatten())
            .filter_map(|address| address.as_str()?.parse::<Ipv4Addr>().ok())
            .filter_map(|address| Some(SocketAddrV4::new(address, number?)));
        self.slices.insert(name.to_owned(), targets.collect());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn slice(name: &str, ready: bool) -> Value {
        json!({"metadata": {"name": name}, "ports": [{"name": "http", "port": 8080}, {"name": "admin", "port": 9}],
            "endpoints": [{"addresses": ["10.91.1.2"], "conditions": {"ready": ready, "serving": true}}]})
    }

    #[test]
    fn ready_endpoints_are_wanted_at_the_asked_port() {
        let mut slices = Slices::default();
        slices.replace(&json!({"items": [slice("a", true)]}), Some("admin"));
        assert_eq!(slices.wanted(), BTreeSet::from(["10.91.1.2:9".parse().unwrap()]));
        slices.event(&json!({"type": "MODIFIED", "object": slice("a", true)}), None);
        assert_eq!(slices.wanted(), BTreeSet::from(["10.91.1.2:8080".parse().unwrap()]));
    }

    #[test]
    fn what_is_not_ready_or_deleted_is_not_wanted() {
        let mut slices = Slices::default();
        slices.event(&json!({"type": "ADDED", "object": slice("a", true)}), None);
        slices.event(&json!({"type": "MODIFIED", "object": slice("a", false)}), None);
        assert_eq!(slices.wanted().len(), 0);
        slices.event(&json!({"type": "ADDED", "object": slice("b", true)}), None);
        slices.event(&json!({"type": "DELETED", "object": slice("b", true)}), None);
        assert_eq!(slices.wanted().len(), 0);
    }
}
