//! What is written is read back, and what of it a damage leaves.

use super::spec_for_tests as spec;
use super::*;
use crate::folder::StateDir;

#[test]
fn the_same_label_for_something_else_gets_a_name_of_its_own() {
    let mut state = State::empty("boot");
    assert_eq!(state.admit(spec("v1", "/bin/a")).id.as_str(), "v1");
    assert_eq!(state.admit(spec("v1", "/bin/b")).id.as_str(), "v1~2");
    assert_eq!(state.admit(spec("v1", "/bin/c")).id.as_str(), "v1~3");
    assert_eq!(state.admit(spec("v1~2", "/bin/d")).id.as_str(), "v1~2~2");
    assert_eq!(state.admit(spec("v1", "/bin/b")).id.as_str(), "v1~2");
    assert_eq!(state.label(&"v1~3".into()), "v1");
    assert_eq!(state.revisions.len(), 4);
}

#[test]
fn a_setting_that_changes_no_process_changes_no_revision() {
    let mut state = State::empty("boot");
    let first = state.admit(spec("v1", "/bin/a")).id.clone();
    let mut more = spec("v1", "/bin/a");
    more.replicas = 5.try_into().unwrap();
    assert_eq!(state.admit(more).id, first);
    assert_eq!(state.revision(&first).unwrap().goal().replicas, 5);
}

#[test]
fn the_last_good_is_the_one_that_worked_last_before_the_current_one() {
    let mut state = State::empty("boot");
    let [v1, v2, v3] = ["v1", "v2", "v3"].map(|label| state.admit(spec(label, label)).id.clone());
    assert!(state.last_good(&v1).is_none());
    state.worked(&v1);
    state.worked(&v2);
    assert_eq!(state.last_good(&v2).unwrap().id, v1);
    assert_eq!(state.last_good(&v3).unwrap().id, v2, "v3 never worked");
    state.worked(&v1);
    assert_eq!(state.last_good(&v1).unwrap().id, v2, "a rollback can be rolled back");
}

#[test]
fn old_revisions_are_forgotten_unless_an_instance_still_runs_them() {
    let mut state = State::empty("boot");
    for number in 0..30 {
        let label = format!("v{number}");
        state.admit(spec(&label, &label));
    }
    state.instances.insert("web-1".into(), "v0".into());
    state.prune();
    assert_eq!(state.revisions.len(), KEPT);
    assert!(state.revision(&"v0".into()).is_some());
    assert!(state.revision(&"v1".into()).is_none());
    assert!(state.revision(&"v29".into()).is_some());
}

#[test]
fn what_is_written_is_read_back_with_the_rollout_in_it() {
    let place = tempfile::tempdir().unwrap();
    let folder = StateDir::find(Some(place.path().to_owned())).unwrap().service("web");
    assert!(State::read(&folder).unwrap().is_none());
    drop(folder.lock().unwrap());
    let mut state = State::empty("boot");
    let v1 = state.admit(spec("v1", "/bin/a")).id.clone();
    let goal = state.revision(&v1).unwrap().goal();
    let rollout = Rollout::begin(goal, None, Time::from_millis(5));
    state.work = Some(Work { current: v1, rollout, deploy: None, ending: false });
    state.write(&folder, None).unwrap();
    assert_eq!(State::read(&folder).unwrap().unwrap(), state);

    fs::write(folder.state_file(), "{\"schema\": 77, \"more\": 1}").unwrap();
    let error = State::recover(&folder, "boot").unwrap_err().to_string();
    assert!(error.contains("state.json") && error.contains("delete the file"), "{error}");
}

#[test]
fn the_goal_of_down_is_none_of_it_and_nothing_in_its_place() {
    let mut state = State::empty("boot");
    let goal = state.admit(spec("v1", "/bin/a")).goal();
    assert!(goal.replicas > 0 && goal.surge > 0);
    let nothing = nothing_of(&Goal { unavailable: 1, ..goal.clone() });
    assert_eq!((nothing.replicas, nothing.surge, nothing.unavailable, nothing.most()), (0, 0, 0, 0));
    assert_eq!((nothing.version, nothing.drain), (goal.version, goal.drain));
}

#[test]
fn what_is_lost_or_damaged_leaves_the_specs() {
    let place = tempfile::tempdir().unwrap();
    let folder = StateDir::find(Some(place.path().to_owned())).unwrap().service("web");
    drop(folder.lock().unwrap());
    assert_eq!(State::recover(&folder, "boot").unwrap(), State::empty("boot"));
    let mut state = State::empty("boot");
    state.admit(spec("v1", "/bin/a"));
    state.worked(&"v1".into());
    state.next_instance = 7;
    state.write(&folder, None).unwrap();
    let whole = fs::read(folder.state_file()).unwrap();
    let damages: [&[u8]; 5] = [b"", &whole[..whole.len() / 2], b"no JSON", b"{}", b"\0\0\0\0"];
    for damage in damages {
        fs::write(folder.state_file(), damage).unwrap();
        let left = State::recover(&folder, "boot").unwrap();
        assert_eq!(left.revisions, state.revisions, "after {damage:?}");
        assert_eq!(left.next_instance, 1);
    }
    assert!(!folder.state_file().exists());
    assert_eq!(State::recover(&folder, "boot").unwrap().revisions, state.revisions);
    assert!(folder.state_file().with_extension("json.damaged").exists(), "what was damaged is kept");
}

#[test]
fn the_specs_are_written_when_they_change_and_only_then() {
    let place = tempfile::tempdir().unwrap();
    let folder = StateDir::find(Some(place.path().to_owned())).unwrap().service("web");
    drop(folder.lock().unwrap());
    let mut state = State::empty("boot");
    state.admit(spec("v1", "/bin/a"));
    state.write(&folder, None).unwrap();
    let before = state.clone();
    fs::remove_file(folder.revisions_file()).unwrap();
    state.next_instance = 2;
    state.write(&folder, Some(&before)).unwrap();
    assert!(!folder.revisions_file().exists());
    assert_eq!(State::read(&folder).unwrap().unwrap(), state);
    state.admit(spec("v2", "/bin/b"));
    state.write(&folder, Some(&before)).unwrap();
    assert!(folder.revisions_file().exists());
}

#[test]
fn a_process_is_recognised_by_all_that_it_was_started_with() {
    let mut state = State::empty("boot");
    state.admit(spec("v1", "/bin/a"));
    let launch = |version: &str, program: &str| spec(version, program).launch("web-1", 1234);
    assert_eq!(state.recognise(&launch("v1", "/bin/a"), None).as_str(), "v1");
    let other = launch("v1", "/bin/b");
    assert_eq!(state.recognise(&other, None).as_str(), "v1 (of an unknown spec)");
    assert_eq!(state.recognise(&other, Some(&spec("v1", "/bin/a"))).as_str(), "v1 (of an unknown spec)");
    assert_eq!(state.recognise(&other, Some(&spec("v1", "/bin/b"))).as_str(), "v1~2");
    // What is kept of the output, and what `up` was given, make no other process of it.
    let mut quieter = launch("v1", "/bin/a");
    quieter.log.keep = quieter.log.keep.saturating_add(1);
    quieter.group_grace += std::time::Duration::from_secs(1);
    quieter.open_files = Some(77);
    assert_eq!(state.recognise(&quieter, None).as_str(), "v1");
    let mut richer = launch("v1", "/bin/a");
    richer.env.insert("MORE".to_owned(), "1".to_owned());
    assert_eq!(state.recognise(&richer, None).as_str(), "v1 (of an unknown spec)");
}

#[test]
fn whatever_a_process_is_started_with_makes_another_revision_of_the_same_label() {
    let first = || spec("v1", "/bin/a");
    let others = [
        spec("v1", "/bin/b"),
        Spec { env: [("A".to_owned(), "b".to_owned())].into(), ..first() },
        Spec { cwd: "/usr".into(), ..first() },
        Spec {
            user: Some(segue_supervisor::keeper::User {
                name: "web".to_owned(),
                uid: 33,
                gid: 33,
                groups: vec![33],
                home: None,
            }),
            ..first()
        },
    ];
    for other in others {
        let mut state = State::empty("boot");
        state.admit(first());
        assert_eq!(state.find(&other), None, "{other:?}");
        assert_eq!(state.admit(other).id.as_str(), "v1~2");
        assert_eq!(state.find(&first()).map(|found| found.id.as_str()), Some("v1"));
    }
}

#[test]
fn another_spec_of_a_revision_takes_the_place_of_its_own_alone() {
    let mut state = State::empty("boot");
    for label in ["v1", "v2"] {
        state.admit(spec(label, "/bin/a"));
    }
    state.replace_spec(&"v2".into(), Spec { replicas: 7.try_into().unwrap(), ..spec("v2", "/bin/a") });
    let replicas: Vec<_> = state.revisions.iter().map(|known| known.spec.replicas.get()).collect();
    assert_eq!(replicas, [2, 7]);
}

#[test]
fn what_worked_last_is_the_last_good_one_however_old_it_is() {
    let mut state = State::empty("boot");
    for label in ["v1", "v2", "v3"] {
        state.admit(spec(label, "/bin/a"));
    }
    for worked in ["v1", "v2", "v1"] {
        state.worked(&worked.into());
        assert_eq!(state.last_good(&"v3".into()).unwrap().id.as_str(), worked);
    }
}

#[test]
fn a_state_that_cannot_be_read_is_not_lost() {
    let place = tempfile::tempdir().unwrap();
    let folder = StateDir::find(Some(place.path().to_owned())).unwrap().service("web");
    drop(folder.lock().unwrap());
    fs::create_dir(folder.state_file()).unwrap();
    assert!(matches!(State::recover(&folder, "boot"), Err(StateError::Io { .. })));
}
