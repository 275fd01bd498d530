//! How a service is that nobody drives: what its folder and the kernel say.

use crate::control::protocol::{InstanceView, Phase, ProxyView, State, View};
use crate::folder::{Folder, FolderError};
use crate::history;
use crate::keeper::{Launch, Status, lock_is_held};
use crate::process;
use crate::state;

/// How many entries of the history are shown.
const HISTORY: usize = 5;

/// Looks, and changes nothing.
pub fn look(folder: &Folder) -> Result<View, FolderError> {
    let boot_id = process::boot_id().unwrap_or_default();
    let known = state::State::read(folder).ok().flatten().filter(|state| state.boot_id == boot_id);
    let ids = folder.instance_ids()?;
    let instances: Vec<_> =
        ids.iter().filter_map(|id| instance(folder, id, &boot_id, known.as_ref())).collect();
    let work = known.as_ref().and_then(|state| state.work.as_ref());
    let version = known.as_ref().zip(work).map(|(state, work)| state.label(&work.current));
    let goal = work.map(|work| work.rollout.goal());
    Ok(View {
        name: folder.name().to_owned(),
        state: if instances.is_empty() { Phase::Down } else { Phase::Orphaned },
        pid: None,
        since: None,
        listen: None,
        version,
        replicas: goal.map_or(0, |goal| goal.replicas),
        serving: 0,
        restarts: 0,
        deploy: None,
        instances,
        proxy: ProxyView::default(),
        history: history::last(folder, HISTORY).unwrap_or_default(),
    })
}

/// One that still runs.
fn instance(folder: &Folder, id: &str, boot_id: &str, known: Option<&state::State>) -> Option<InstanceView> {
    let dir = folder.instance(id);
    let status = Status::read(&dir).ok()?.filter(|status| status.boot_id == boot_id)?;
    let process = status.process?;
    let runs = process.stat().ok()?.is_some_and(|stat| !stat.ended());
    if !runs && !lock_is_held(&dir).unwrap_or(false) {
        return None;
    }
    let launch = Launch::read(&dir).ok()??;
    let revision = known.and_then(|state| state.instances.get(&id.into()).cloned());
    Some(InstanceView {
        id: id.to_owned(),
        revision: revision.unwrap_or_else(|| launch.version.as_str().into()),
        version: launch.version,
        state: if runs { State::Orphaned } else { State::Stopping },
        pid: Some(process.pid),
        port: launch.port,
        in_flight: 0,
        requests: 0,
        failed: 0,
        stages: Vec::new(),
        wait: None,
    })
}
