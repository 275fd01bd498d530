//! Back, forth, wider, narrower: every change is a deploy, and the history tells of each.

use segue_e2e::service::NAME;
use segue_e2e::{Sample, Service, Told, under_load};

const TWO: Sample<'_> = Sample { version: "v1", flags: &["--rude"], replicas: 2, ..Sample::DEFAULT };

#[test]
fn a_rollback_passes_over_what_never_worked() {
    under_load(|share| {
        let service = Service::start(&TWO);
        let load = share.brisk(service.listen);
        service.deploy(&Sample { version: "v2", ..TWO }).assert_code(0);
        let broken = Sample { version: "v3", flags: &["--exit-at-once"], progress_deadline: "5s", ..TWO };
        service.deploy(&broken).assert_code(1);
        service.assert_settled("v2", 2);

        service.place.run(&["rollback"]).assert_code(0);
        service.assert_settled("v1", 2);
        // A rollback can be rolled back.
        let told = service.place.run(&["rollback", NAME, "-o", "json"]);
        told.assert_code(0);
        let told = told.json();
        assert_eq!(
            (&told["from"], &told["to"], &told["ended"]),
            (&"v1".into(), &"v2".into(), &"reached".into())
        );
        service.assert_settled("v2", 2);
        load.end()?.assert_no_drops();

        let status = service.status();
        let told: Vec<_> = status
            .history()
            .iter()
            .map(|entry| {
                ["what", "from", "to", "ended"].map(|key| entry[key].as_str().unwrap_or("-").to_owned())
            })
            .collect();
        let expected = [
            ["deploy", "v1", "v2", "reached"],
            ["deploy", "v2", "v3", "went-back"],
            ["rollback", "v2", "v1", "reached"],
            ["rollback", "v1", "v2", "reached"],
        ];
        assert!(told.ends_with(&expected.map(|entry| entry.map(str::to_owned))), "{told:#?}");
        let own = rustix::process::geteuid().as_raw();
        for entry in status.history() {
            assert_eq!(entry["by"]["uid"].as_u64(), Some(own.into()), "who: {entry:#}");
            assert!(entry["at"].as_str().is_some_and(|at| at.starts_with("20")), "when: {entry:#}");
        }
        let table = service.place.run(&["status"]);
        table.assert_says(&["rollback", "went back", "v3"]);
        Ok(())
    });
}

#[test]
fn there_is_nothing_to_go_back_to_at_first() {
    let service = Service::start(&Sample { replicas: 1, ..TWO });
    let before = service.place.instances();
    let ended = service.place.run(&["rollback"]);
    ended.assert_code(1);
    ended.assert_says(&["no other version"]);
    assert_eq!(service.place.instances(), before);
}

#[test]
fn a_dry_run_says_what_would_be_done_and_does_nothing() {
    let service = Service::start(&TWO);
    let (before, status) = (service.place.instances(), service.status());
    let state = std::fs::read(service.place.state_dir().join(NAME).join("state.json")).unwrap();

    let spec = service.spec(&Sample { version: "v2", replicas: 3, surge: 2, ..TWO });
    let ended = service.place.run(&["deploy", "-f", &spec, "--dry-run"]);
    ended.assert_code(0);
    ended.assert_says(&["v1", "v2"]);
    let same = service.spec(&TWO);
    service.place.run(&["deploy", "-f", &same, "--dry-run"]).assert_code(0);

    assert_eq!(service.place.instances(), before);
    assert_eq!(service.status().history(), status.history());
    assert!(!service.status().deploying());
    assert_eq!(std::fs::read(service.place.state_dir().join(NAME).join("state.json")).unwrap(), state);
}

#[test]
fn replicas_are_changed_by_a_deploy_and_those_that_stay_are_left_alone() {
    under_load(|share| {
        let service = Service::start(&TWO);
        let load = share.brisk(service.listen);
        let two = service.place.instances();

        service.deploy(&Sample { replicas: 4, ..TWO }).assert_code(0);
        service.assert_settled("v1", 4);
        let four = service.place.instances();
        assert!(two.iter().all(|old| four.contains(old)), "{two:#?}\n{four:#?}");

        service.deploy(&Sample { replicas: 1, ..TWO }).assert_code(0);
        service.assert_settled("v1", 1);
        let one = service.place.instances();
        assert!(one.len() == 1 && four.contains(&one[0]), "{four:#?}\n{one:#?}");
        load.end()?.assert_no_drops();
        Ok(())
    });
}
