//! A pod's plan as `segue inject --guard` would write it for one HTTP port.

use std::collections::BTreeMap;
use std::time::Duration;

use segue_core::drain;
use segue_core::path::{Bounds, Millis, Path, Stage};
use segue_core::pod::{Discount, FIRST_SCHEMA, PodPlan, Port, Protocol};

pub(crate) fn plan(application: u16, guard: u16, control_port: u16, max_connections: u32) -> PodPlan {
    let bounds = Bounds::at_most(Duration::from_secs(15));
    let stage = Stage {
        name: "kube-proxy".to_owned(),
        join: bounds,
        leave: bounds,
        source: "the default".to_owned(),
        setting: "--bound kube-proxy".to_owned(),
        evidence: None,
    };
    let seconds = |seconds| Millis(Duration::from_secs(seconds));
    PodPlan {
        schema: FIRST_SCHEMA,
        routers: BTreeMap::new(),
        drain: drain::Plan {
            paths: vec![Path { name: "service".to_owned(), stages: vec![stage] }],
            quiet: Some(seconds(2)),
            longest_request: Some(seconds(30)),
            linger: Some(seconds(5)),
            deadline: Duration::from_mins(1),
            stop_grace: Duration::from_secs(10),
        },
        ports: vec![Port {
            name: None,
            application,
            guard: Some(guard),
            redirect: None,
            protocol: Protocol::Auto,
        }],
        control_port,
        idle_after: seconds(5),
        websocket_grace: seconds(1),
        max_connections,
        discount: Discount { paths: Vec::new(), user_agents: vec!["kube-probe/".to_owned()] },
    }
}
