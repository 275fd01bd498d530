//! An upgrade that cannot come to a good end leaves everything as it was, says why, and no client notices.

use std::os::unix::fs::PermissionsExt;

use segue_e2e::running::Ended;
use segue_e2e::service::NAME;
use segue_e2e::{Sample, Service, Told, under_load};

const NEW: Sample<'_> =
    Sample { version: "v2", flags: &[], replicas: 3, progress_deadline: "3s", ..Sample::DEFAULT };

#[test]
fn when_the_new_version_exits_at_once() {
    let ended = goes_back(&Sample { flags: &["--exit-at-once"], ..NEW });
    // Which code, and what it said last.
    ended.assert_says(&["70", "told to exit at once"]);
}

#[test]
fn when_the_new_version_never_listens() {
    let ended = goes_back(&Sample { flags: &["--rude", "--start-delay", "10m"], ..NEW });
    ended.assert_says(&["progressDeadline"]);
}

#[test]
fn when_the_new_version_answers_500_on_readiness() {
    let ended = goes_back(&Sample { flags: &["--fail-ready"], ..NEW });
    ended.assert_says(&["progressDeadline", "500"]);
}

/// What is in flight on an instance that crashes is lost with it, so here the load has nothing but quick requests, and
/// they stop before the crash.
#[test]
fn when_the_new_version_becomes_ready_and_then_crashes() {
    under_load(|share| {
        let service = Service::start(&Sample::default());
        // Each is started when the one before serves, and crashes before its successor does.
        let flags = &["--start-delay", "500ms", "--crash-after", "700ms"];
        let crashing = Sample { flags, progress_deadline: "20s", ..NEW };
        let load = share.quick(service.listen);
        let ended = service.deploy(&crashing);
        ended.assert_code(1);
        ended.assert_says(&["v2", "70", "told to crash"]);
        service.assert_settled("v1", 3);
        assert_went_back(&service, "v2");

        load.more(50);
        let result = load.end()?;
        assert!(result.answered_by("v2") > 0, "it was to be ready: {:?}", result.ledger.versions());
        // At this load hardly ever more than one request is with an instance; three crashes end the deploy.
        assert!(result.dropped() <= 6, "dropped:\n{}", result.losses());
        Ok(())
    });
}

#[test]
fn when_the_command_can_not_be_executed_by_the_kernel() {
    under_load(|share| {
        // Executable, and found, but what its first line names is missing: only exec can tell.
        let service = Service::start(&Sample::default());
        let script = service.place.write("broken", "#!/nonexistent/interpreter\n");
        std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
        let spec = other_command(&service, &script.to_string_lossy());
        let load = share.brisk(service.listen);
        let before = service.place.instances();
        let ended = service.place.run(&["deploy", "-f", &spec]);
        ended.assert_code(1);
        ended.assert_says(&["v2"]);
        service.assert_settled("v1", 3);
        assert_eq!(service.place.instances(), before);
        assert_went_back(&service, "v2");
        load.end()?.assert_no_drops();
        Ok(())
    });
}

/// That is seen in the spec already, so nothing is begun.
#[test]
fn when_the_command_is_missing_or_not_executable_it_does_not_even_begin() {
    under_load(|share| {
        let service = Service::start(&Sample { replicas: 2, ..Sample::default() });
        let load = share.brisk(service.listen);
        let (before, history) = (service.place.instances(), service.status().history());
        let plain = service.place.write("plain", "no program");
        for command in ["/nonexistent/program", "no-such-program-anywhere", &plain.to_string_lossy()] {
            let spec = other_command(&service, command);
            let ended = service.place.run(&["deploy", "-f", &spec]);
            ended.assert_code(2);
            ended.assert_says(&["v2.yaml:4:", command]);
        }
        service.assert_settled("v1", 2);
        assert_eq!(service.place.instances(), before);
        assert_eq!(service.status().history(), history);
        load.end()?.assert_no_drops();
        Ok(())
    });
}

/// Deploys what must fail before it ever serves, under load.
#[track_caller]
fn goes_back(sample: &Sample<'_>) -> Ended {
    under_load(|share| {
        let service = Service::start(&Sample::default());
        let load = share.brisk(service.listen);
        let before = service.place.instances();
        let ended = service.deploy(sample);
        ended.assert_code(1);
        service.assert_settled("v1", 3);
        assert_eq!(service.place.instances(), before, "the old ones were never touched");
        assert_went_back(&service, sample.version);
        load.more(50);
        let result = load.end()?;
        result.assert_no_drops();
        assert_eq!(result.answered_by(sample.version), 0);
        Ok(ended)
    })
}

#[track_caller]
fn assert_went_back(service: &Service, to: &str) {
    let status = service.status();
    let last = status.history().pop().unwrap_or_else(|| panic!("no history: {:#}", status.0));
    let told = ["what", "from", "to", "ended"].map(|key| last[key].as_str().unwrap_or_default().to_owned());
    assert_eq!(told, ["deploy", "v1", to, "went-back"], "{last:#}");
    assert!(last["why"].as_str().is_some_and(|why| !why.is_empty()), "{last:#}");
    // People see it too.
    let table = service.place.run(&["status", NAME]);
    table.assert_code(0);
    table.assert_says(&["went back"]);
}

/// A spec that differs from the service's in version and command.
fn other_command(service: &Service, command: &str) -> String {
    let text = format!(
        "name: {NAME}\nlisten: {}\nversion: v2\ncommand: [{command:?}]\nreplicas: 3\n\
         ready: {{ http: /health, interval: 100ms }}\nprogressDeadline: 5s\n",
        service.listen
    );
    service.place.write("v2.yaml", &text).to_string_lossy().into_owned()
}
