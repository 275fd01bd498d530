//! What a guard is told when it starts.

use std::time::Duration;

use segue_core::pod::{Discount, Port};

/// What a guard is told. The values come from the pod's plan; the guard has no defaults of its own.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The ports to stand in front of; those that it does not listen for are left alone.
    pub ports: Vec<Port>,
    /// How many connections are carried at most. Above it idle ones are closed first, then new ones are reset.
    pub max_connections: u32,
    /// How long after [`crate::Guard::announce`] an open WebSocket is left alone before it is told to go.
    pub websocket_grace: Duration,
    /// How long an idle connection is kept for its next request at most, and how long a client that was told to close
    /// may take to do so.
    pub linger: Duration,
    /// How long the rest of a request is still taken after its answer has ended, and how long the head of one may take.
    pub longest_request: Duration,
    /// Requests that are no application requests: they pass, and do not count.
    pub discount: Discount,
}

/// Whether `discount` names this request.
pub(crate) fn is_discounted(discount: &Discount, target: &[u8], user_agent: Option<&[u8]>) -> bool {
    let path = path_of(target);
    discount.paths.iter().any(|known| known.as_bytes() == path)
        || user_agent
            .is_some_and(|agent| discount.user_agents.iter().any(|start| agent.starts_with(start.as_bytes())))
}

/// The path of a request target, without the query; of `http://host/path` what stands behind the host.
fn path_of(target: &[u8]) -> &[u8] {
    let path = match target.windows(3).position(|three| three == b"://") {
        Some(scheme) if target.first() != Some(&b'/') => {
            let rest = &target[scheme + 3..];
            rest.iter()
                .position(|byte| matches!(byte, b'/' | b'?'))
                .map_or(b"".as_slice(), |slash| &rest[slash..])
        }
        _ => target,
    };
    path.split(|byte| *byte == b'?').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probe_is_known_by_its_whole_path_or_by_how_its_user_agent_begins() {
        let discount =
            Discount { paths: vec!["/healthz".to_owned()], user_agents: vec!["kube-probe/".to_owned()] };
        let is = |target: &str, agent: Option<&str>| {
            is_discounted(&discount, target.as_bytes(), agent.map(str::as_bytes))
        };
        assert!(is("/healthz", None));
        assert!(is("/healthz?full=1", None));
        assert!(is("http://pod:8080/healthz?full=1", None));
        assert!(is("https://a/healthz", None));
        assert!(is("/", Some("kube-probe/1.34")));
        assert!(!is("/healthz/deep", None));
        assert!(!is("/orders?from=http://a/healthz", Some("curl/8 kube-probe/")));
        assert!(!is("http://healthz", None));
        assert!(!is("http://a?/healthz", None));
    }
}
