//! What an instance says is in its log, whole and in order: over rotations, and over a `kill -9` of `segue up`.

use std::time::Duration;

use segue_e2e::{Sample, Service, wait};

/// How many lines each instance says.
const SAID: usize = 20_000;

/// Says numbered lines as fast as a shell can, with a breath now and then so that there is a middle.
fn chatter() -> String {
    format!(
        "(i=0; while [ $i -lt {SAID} ]; do echo \"$SEGUE_INSTANCE says $i\"; i=$((i+1)); \
         [ $((i % 1000)) -eq 0 ] && sleep 0.1; done) &"
    )
}

/// The numbers that this instance said in these lines, in their order.
fn numbers(text: &str, instance: &str) -> Vec<usize> {
    let said = format!("{instance} says ");
    text.lines().filter_map(|line| line.split_once(&said)?.1.parse().ok()).collect()
}

#[track_caller]
fn assert_whole(numbers: &[usize], what: &str) {
    let wrong = numbers.iter().enumerate().find(|(index, number)| index != *number);
    assert_eq!(wrong, None, "{what}: {} lines; the first wrong one, by its place", numbers.len());
    assert_eq!(numbers.len(), SAID, "{what}");
}

#[test]
fn over_rotations_and_a_killed_up() {
    let chatter = chatter();
    // Each instance says about 400 KiB.
    let more = "log: { maxSize: 16KiB, keep: 1000 }\n";
    let mut service = Service::start(&Sample { replicas: 2, before: &chatter, more, ..Sample::default() });
    let mut follower = service.place.start(&["logs", "web", "-f"]);
    wait::until("the follower has begun", wait::LONG, || {
        follower.assert_running();
        if follower.stdout().contains(" says ") { Ok(()) } else { Err(follower.said()) }
    });
    service.kill();
    wait::pass(Duration::from_millis(300));
    service.again();
    service.settles("v1", 2);

    let last = SAID - 1;
    let instances = ["web-1", "web-2"];
    wait::until("the last lines have come", wait::LONG, || {
        follower.assert_running();
        let text = follower.stdout();
        let there = instances.iter().all(|instance| text.contains(&format!("{instance} says {last}\n")));
        if there { Ok(()) } else { Err(text.lines().rev().take(3).collect()) }
    });
    let folder = service.place.state_dir().join("web/instances");
    for instance in instances {
        assert_whole(&numbers(&follower.stdout(), instance), &format!("{instance} followed"));
        let files = std::fs::read_dir(folder.join(instance).join("log")).unwrap().count();
        assert!(files > 10, "it was to be rotated, and there are {files} files");
    }
    let shown = service.place.run(&["logs", "web"]);
    shown.assert_code(0);
    for instance in instances {
        assert_whole(&numbers(&shown.stdout, instance), &format!("{instance} shown"));
    }
    // What `segue up` itself showed after it came back has no gap and no line twice.
    for instance in instances {
        let shown = numbers(&service.said(), instance);
        let gap = shown.windows(2).find(|pair| pair[0] + 1 != pair[1]);
        assert_eq!(gap, None, "{instance} as `segue up` shows it");
    }
}

#[test]
fn the_last_words_of_an_instance_that_ends_are_kept_and_shown() {
    let before =
        "echo these are the first words; printf 'and these the last, without an end'; exec /bin/false";
    let place = segue_e2e::Place::new();
    let listen = segue_e2e::place::free_address();
    let spec = Sample { replicas: 1, before, ..Sample::default() }.spec(&place, listen);
    let mut up = place.up(&spec);
    wait::until("its last words are shown", wait::LONG, || {
        let said = up.process().said();
        if said.contains("without an end") { Ok(()) } else { Err(said) }
    });
    let shown = place.run(&["logs", "web"]);
    assert!(shown.stdout.contains("these are the first words"), "{shown:?}");
    assert!(shown.stdout.contains("and these the last, without an end"), "{shown:?}");
}
