//! How a service is that nobody drives: what its folder and the kernel say.

use segue_supervisor::keeper::{Launch, Status, lock_is_held};
use segue_supervisor::process;

use crate::control::protocol::{InstanceView, Phase, ProxyView, State, View};
use crate::folder::{Folder, FolderError};
use crate::history;
use crate::state;

/// How many entries of the history are shown.
const HISTORY: usize = 5;

/// Looks, and changes nothing.
pub fn inspect(folder: &Folder) -> Result<View, FolderError> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::folder::StateDir;
    use crate::state::{Work, spec_for_tests};
    use segue_core::{Time, rollout::Rollout};
    use segue_supervisor::keeper::{self, Lock};
    use segue_supervisor::process::Identity;

    /// An instance of which its files say that this test's own process is it.
    fn leave(folder: &Folder, id: &str, change: impl FnOnce(&mut Status)) {
        let dir = folder.instance(id);
        spec_for_tests("v1", "/bin/v1").launch(id, 4000).write_new(&dir).unwrap();
        let own = Identity::own().unwrap();
        let mut status = Status {
            boot_id: process::boot_id().unwrap(),
            keeper: own,
            process: Some(own),
            state: keeper::State::Running,
            lost_lines: 0,
        };
        change(&mut status);
        status.write(&dir).unwrap();
    }

    fn ended(status: &mut Status) {
        status.process.as_mut().unwrap().start_time += 1;
    }

    #[test]
    fn what_runs_undriven_is_shown_and_what_ended_or_is_of_another_boot_is_not() {
        let place = tempfile::tempdir().unwrap();
        let folder = StateDir::find(Some(place.path().to_owned())).unwrap().service("web");
        drop(folder.lock().unwrap());
        leave(&folder, "web-1", |status| status.boot_id = "another".to_owned());
        leave(&folder, "web-2", ended);
        assert_eq!(inspect(&folder).unwrap().state, Phase::Down);
        leave(&folder, "web-3", |_| {});
        leave(&folder, "web-4", ended);
        let _keeper = Lock::take(&folder.instance("web-4")).unwrap().expect("free");
        let view = inspect(&folder).unwrap();
        let shown: Vec<_> = view.instances.iter().map(|one| (one.id.as_str(), one.state)).collect();
        assert_eq!(shown, [("web-3", State::Orphaned), ("web-4", State::Stopping)]);
        assert_eq!((view.state, view.version, view.replicas), (Phase::Orphaned, None, 0));
        let one = &view.instances[0];
        assert_eq!((one.port, one.version.as_str(), one.revision.as_str()), (4000, "v1", "v1"));
        assert_eq!(one.pid, i32::try_from(std::process::id()).ok());
    }

    #[test]
    fn what_the_state_says_counts_within_its_boot() {
        let place = tempfile::tempdir().unwrap();
        let folder = StateDir::find(Some(place.path().to_owned())).unwrap().service("web");
        drop(folder.lock().unwrap());
        leave(&folder, "web-1", |_| {});
        let mut known = state::State::empty(&process::boot_id().unwrap());
        known.admit(spec_for_tests("v1", "/bin/other"));
        let revision = known.admit(spec_for_tests("v1", "/bin/v1")).clone();
        known.instances.insert("web-1".into(), revision.id.clone());
        let rollout = Rollout::begin(revision.goal(), None, Time::from_millis(0));
        known.work = Some(Work { current: revision.id, rollout, deploy: None, ending: false });
        known.write(&folder, None).unwrap();
        let view = inspect(&folder).unwrap();
        assert_eq!((view.version.as_deref(), view.replicas), (Some("v1"), 2));
        assert_eq!(view.instances[0].revision.as_str(), "v1~2");
        known.boot_id = "another".to_owned();
        known.write(&folder, None).unwrap();
        let view = inspect(&folder).unwrap();
        assert_eq!((view.version, view.replicas), (None, 0));
        assert_eq!(view.instances[0].revision.as_str(), "v1");
    }
}
