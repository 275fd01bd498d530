//! `kill -9` of the spawner at any moment: nothing runs, or what runs is found.

use std::process::{Command, Stdio};
use std::time::Duration;

use segue_supervisor::clock;
use segue_supervisor::instance::Adopted;

use super::{HELPER, Place, end, shell};

const RUNS: u32 = 60;

/// Who has this in its environment, the application or its keeper.
fn processes_of(id: &str) -> Vec<String> {
    let marker = format!("SEGUE_INSTANCE={id}");
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").expect("reads /proc").flatten() {
        let Ok(environ) = std::fs::read(entry.path().join("environ")) else { continue };
        if environ.split(|byte| *byte == 0).any(|variable| variable == marker.as_bytes()) {
            found.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    found
}

#[tokio::test]
async fn a_spawner_killed_at_any_moment_leaves_nothing_that_is_not_found() {
    let place = Place::new();
    let mut outcomes = [0; 2];
    for run in 0..RUNS {
        // No other run of the tests may have the same.
        let id = format!("killed-{}-{run}", std::process::id());
        let launch = serde_json::to_string(&shell(&id, "exec sleep 1000")).expect("serialises");
        let dir = place.dir(&id);
        let mut spawner = Command::new(HELPER)
            .args(["spawn".as_ref(), dir.as_os_str(), launch.as_ref()])
            .stderr(Stdio::null())
            .spawn()
            .expect("spawns");
        // From before its first step to after its last.
        clock::sleep(Duration::from_micros(u64::from(run) * 150)).await;
        spawner.kill().expect("kills");
        spawner.wait().expect("is collected");
        match place.adopt(&id).await {
            Adopted::Running(instance) => {
                outcomes[0] += 1;
                end(&instance).await;
            }
            Adopted::Never => outcomes[1] += 1,
            Adopted::Ended(exit) => panic!("run {run}: nobody ended it, but it {exit}"),
        }
        assert_eq!(processes_of(&id), Vec::<String>::new(), "run {run} left an orphan");
    }
    println!("adopted {}, never ran {}", outcomes[0], outcomes[1]);
    assert!(outcomes[0] > 0, "the spawner was always killed before it did anything: {outcomes:?}");
}
