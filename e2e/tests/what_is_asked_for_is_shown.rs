//! `status` and `logs` show what their flags ask for, and no more.

use segue_e2e::service::NAME;
use segue_e2e::{Sample, Service, wait};
use serde_json::Value;

#[test]
fn a_watched_status_is_shown_again_whenever_it_changes() {
    let sample = Sample { replicas: 1, ..Sample::default() };
    let service = Service::start(&sample);
    let mut watch = service.place.start(&["status", NAME, "--watch", "-o", "json"]);
    let mut seen = |version: &str| {
        wait::until(&format!("{version} is shown to serve"), wait::LONG, || {
            watch.assert_running();
            let said = watch.stdout();
            let mut shown = said.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            let serves = |view: Value| {
                let instances = view["instances"].as_array().cloned().unwrap_or_default();
                instances.iter().any(|one| one["version"] == version && one["state"] == "serving")
            };
            if shown.any(serves) { Ok(()) } else { Err(said) }
        });
    };
    seen("v1");
    service.deploy(&Sample { version: "v2", ..sample }).assert_code(0);
    seen("v2");
}

#[test]
fn logs_of_one_instance_and_their_last_lines() {
    let before = "echo the first line of $SEGUE_INSTANCE; echo the second";
    let service = Service::start(&Sample { replicas: 2, before, ..Sample::default() });
    let shown = |more: &[&str]| {
        let ended = service.place.run(&[&["logs", NAME], more].concat());
        ended.assert_code(0);
        ended.stdout
    };
    // Its own word that it listens is the third; it may be on its way into the log yet.
    wait::until("both have said all", wait::LONG, || {
        let all = shown(&[]);
        if all.lines().count() == 6 { Ok(()) } else { Err(all) }
    });
    let one = shown(&["--instance", "web-2"]);
    assert_eq!(one.lines().count(), 3, "{one}");
    assert!(one.contains("the first line of web-2") && !one.contains("web-1"), "{one}");
    let last = shown(&["--lines", "1"]);
    assert!(last.lines().count() == 2 && last.lines().all(|line| line.contains("listens on")), "{last}");
    let none = service.place.run(&["logs", NAME, "--instance", "web-9"]);
    none.assert_code(2);
    none.assert_says(&["web-9", "web-1, web-2"]);
}
