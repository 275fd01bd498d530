//! What the unit tests have in common: what a guard knows, without its sockets.

use std::sync::Arc;
use std::time::Duration;

use segue_core::pod::{Discount, Port, Protocol};

use crate::registration::Registration;
use crate::shared::Shared;
use crate::{Settings, clock};

/// `future`, or a failed test.
pub(crate) async fn soon<F: Future>(what: &str, future: F) -> F::Output {
    clock::within(Duration::from_secs(30), future)
        .await
        .unwrap_or_else(|| panic!("waited for {what} for too long"))
}

/// One port in front of `application`.
pub(crate) fn settings(application: u16) -> Settings {
    Settings {
        ports: vec![Port {
            name: None,
            application,
            guard: Some(0),
            redirect: None,
            protocol: Protocol::Auto,
        }],
        max_connections: 10,
        websocket_grace: Duration::ZERO,
        linger: Duration::from_secs(5),
        longest_request: Duration::from_secs(5),
        discount: Discount { paths: vec!["/healthz".to_owned()], user_agents: Vec::new() },
    }
}

pub(crate) fn shared() -> Arc<Shared> {
    shared_with(|_| ())
}

pub(crate) fn shared_with(change: impl FnOnce(&mut Settings)) -> Arc<Shared> {
    let mut settings = settings(1);
    change(&mut settings);
    Arc::new(Shared::new(settings, Vec::new()))
}

/// A connection that has just come.
pub(crate) fn registered(shared: &Arc<Shared>) -> Registration {
    Registration::enter(shared.clone(), shared.places.take().unwrap())
}
