//! Wrong input is told with file, line and column and what would be right; and nothing is touched.

use segue_e2e::{Place, Sample, Service};

/// What is wrong, the spec, where it is, and what must be said of it.
type Case = (&'static str, &'static str, &'static str, &'static [&'static str]);

const BROKEN: &[Case] = &[
    (
        "an unknown key",
        "name: web\nlisten: 127.0.0.1:1\ncommand: [/bin/true]\nreplicsa: 3\n",
        "4:1",
        &["replicsa", "replicas"],
    ),
    (
        "an unknown key further in",
        "name: web\nlisten: 127.0.0.1:1\ncommand: [/bin/true]\nready:\n  http: /\n  intreval: 1s\n",
        "6:3",
        &["intreval", "interval"],
    ),
    (
        "a wrong unit",
        "name: web\nlisten: 127.0.0.1:1\ncommand: [/bin/true]\ndrainDeadline: 5sec\n",
        "4:16",
        &["5sec", "ms, s, m or h"],
    ),
    (
        "a duration without a unit",
        "name: web\nlisten: 127.0.0.1:1\ncommand: [/bin/true]\nstop: { grace: 30 }\n",
        "4:16",
        &["30", "ms, s, m or h"],
    ),
    (
        "no replicas",
        "name: web\nlisten: 127.0.0.1:1\ncommand: [/bin/true]\nreplicas: 0\n",
        "4:11",
        &["0", "1"],
    ),
    (
        "replicas in words",
        "name: web\nlisten: 127.0.0.1:1\ncommand: [/bin/true]\nreplicas: three\n",
        "4:11",
        &["three", "number"],
    ),
    (
        "no room to roll in",
        "name: web\nlisten: 127.0.0.1:1\ncommand: [/bin/true]\n\
         strategy: { rolling: { surge: 0, unavailable: 0 } }\n",
        "4:",
        &["surge", "unavailable"],
    ),
    (
        "a key twice",
        "name: web\nlisten: 127.0.0.1:1\ncommand: [/bin/true]\nname: other\n",
        "4:1",
        &["name", "once"],
    ),
    ("no command", "name: web\nlisten: 127.0.0.1:1\nreplicas: 2\n", "1:1", &["command"]),
    ("an empty command", "name: web\nlisten: 127.0.0.1:1\ncommand: []\n", "3:10", &["command"]),
    (
        "a port that is none",
        "name: web\nlisten: 127.0.0.1:99999\ncommand: [/bin/true]\n",
        "2:9",
        &["127.0.0.1:99999", "65535"],
    ),
    (
        "a name that is none",
        "name: Web_App!\nlisten: 127.0.0.1:1\ncommand: [/bin/true]\n",
        "1:7",
        &["Web_App!", "lower-case"],
    ),
    ("broken YAML", "name: web\nlisten: 127.0.0.1:1\ncommand: [/bin/true\nreplicas: 2\n", "4:", &[]),
    ("a tab", "name: web\nready:\n\thttp: /\n", "3:", &["tab"]),
    ("a list", "- name: web\n", "1:1", &[]),
    ("nothing", "", "1:1", &["empty"]),
    ("only a comment", "# later\n", "1:", &["empty"]),
];

#[test]
fn each_mistake_is_shown_where_it_is_with_what_would_be_right() {
    let service = Service::start(&Sample { replicas: 2, ..Sample::default() });
    let (before, status) = (service.place.instances(), service.status());
    let elsewhere = Place::new();
    let mut wrong = Vec::new();
    for (what, text, position, words) in BROKEN {
        // Over a running service, and where nothing runs.
        for (command, place) in [("deploy", &service.place), ("up", &elsewhere)] {
            let spec = place.write("broken.yaml", text).to_string_lossy().into_owned();
            let ended = place.run(&[command, "-f", &spec]);
            let said = ended.said();
            let missing: Vec<String> = std::iter::once(format!("broken.yaml:{position}"))
                .chain(words.iter().map(|word| (*word).to_owned()))
                .filter(|word| !said.contains(word.as_str()))
                .collect();
            if ended.status.code() != Some(2) || !missing.is_empty() || !ended.stdout.is_empty() {
                wrong.push(format!("{command}, {what}: {}, not said {missing:?}:\n{said}", ended.status));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));

    assert_eq!(service.place.instances(), before);
    service.assert_settled("v1", 2);
    assert_eq!(service.status().history(), status.history());
    elsewhere.until_nothing_runs();
}

#[test]
fn a_file_that_can_not_be_read_is_named() {
    let service = Service::start(&Sample { replicas: 1, ..Sample::default() });
    let before = service.place.instances();
    let folder = service.place.folder().to_string_lossy().into_owned();
    let bytes = service.place.folder().join("bytes.yaml");
    std::fs::write(&bytes, b"name: web\nlisten: \xff\xfe\n").unwrap();
    let missing = format!("{folder}/missing.yaml");
    for file in [missing.as_str(), &folder, &bytes.to_string_lossy()] {
        for command in ["deploy", "up"] {
            let ended = service.place.run(&[command, "-f", file]);
            ended.assert_code(2);
            ended.assert_says(&[file]);
        }
    }
    service.place.run(&["deploy", "-f", &missing]).assert_says(&["there is no such file"]);
    assert_eq!(service.place.instances(), before);
}

/// A service that does not run cannot be rolled; that is told before anything else goes wrong.
#[test]
fn a_deploy_of_a_service_that_does_not_run_says_so() {
    let place = Place::new();
    let spec = Sample::default().spec(&place, segue_e2e::place::free_address());
    let ended = place.run(&["deploy", "-f", &spec.to_string_lossy()]);
    assert!(matches!(ended.code(), 1 | 2), "{ended:?}");
    ended.assert_says(&["web", "segue up"]);
    for command in ["rollback", "down"] {
        let ended = place.run(&[command]);
        assert!(matches!(ended.code(), 1 | 2), "{ended:?}");
    }
    place.until_nothing_runs();
}
