//! Rotation without losing or splitting a line, and followers over it.

use std::num::NonZeroU32;

use segue_supervisor::keeper::Launch;
use segue_supervisor::keeper::LogLimits;
use segue_supervisor::logs::{Follower, Since};

use super::{HELPER, Place, end, line, program, read, said, shell};

/// Prints numbered lines of 0 to `longest` letters.
fn talker(id: &str, count: usize, longest: usize, max_size: u64, keep: u32) -> Launch {
    let log = LogLimits { max_size, keep: NonZeroU32::new(keep).expect("not 0") };
    Launch { log, ..program(id, &[HELPER, "say", &count.to_string(), &longest.to_string()]) }
}

fn expected(numbers: std::ops::Range<usize>, longest: usize) -> Vec<String> {
    numbers.map(|number| format!("{number} {}", "x".repeat(number % (longest + 1)))).collect()
}

fn sizes(dir: &std::path::Path) -> Vec<(String, u64)> {
    let mut sizes: Vec<(String, u64)> = std::fs::read_dir(dir.join("log"))
        .expect("reads")
        .map(|entry| {
            let entry = entry.expect("reads");
            (entry.file_name().to_string_lossy().into_owned(), entry.metadata().expect("reads").len())
        })
        .collect();
    sizes.sort();
    sizes
}

#[tokio::test]
async fn no_line_is_lost_or_split_at_a_rotation() {
    let place = Place::new();
    let instance = place.try_spawn(&talker("a-1", 20_000, 97, 4096, 1000)).await.expect("spawns");
    assert_eq!(said(&instance).await, expected(0..20_000, 97));
    let sizes = sizes(instance.dir());
    assert!(sizes.len() > 200, "{} files", sizes.len());
    assert_eq!(sizes[0].0, "000001.log");
    for (name, size) in &sizes {
        assert!(*size <= 4096, "{name} has {size}");
        let text = std::fs::read(instance.dir().join("log").join(name)).expect("reads");
        assert_eq!(text.last(), Some(&b'\n'), "{name} ends within a line");
    }
}

#[tokio::test]
async fn only_the_newest_files_are_kept() {
    let place = Place::new();
    let instance = place.try_spawn(&talker("a-1", 5000, 50, 4096, 3)).await.expect("spawns");
    let said = said(&instance).await;
    let sizes = sizes(instance.dir());
    assert_eq!(sizes.len(), 3);
    assert_eq!(said, expected(5000 - said.len()..5000, 50), "what is left is whole, and the newest");
    assert!(!said.is_empty());
}

#[tokio::test]
async fn a_line_longer_than_a_whole_file_is_kept_and_one_longer_than_the_limit_is_cut() {
    let place = Place::new();
    let script =
        "head -c 10000 /dev/zero | tr '\\0' a; echo; head -c 200000 /dev/zero | tr '\\0' b; echo; echo end";
    let log = LogLimits { max_size: 4096, keep: NonZeroU32::new(100).expect("not 0") };
    let instance = place.try_spawn(&Launch { log, ..shell("a-1", script) }).await.expect("spawns");
    let lengths: Vec<usize> = said(&instance).await.iter().map(String::len).collect();
    assert_eq!(lengths, [10_000, 65_536, 65_536, 65_536, 3392, 3]);
}

#[tokio::test]
async fn a_follower_gives_every_line_in_order_while_they_are_written() {
    let place = Place::new();
    let instance = place.try_spawn(&talker("a-1", 30_000, 40, 8192, 1000)).await.expect("spawns");
    // Follows from the beginning, while the files change under it.
    assert_eq!(read(instance.dir()).await, expected(0..30_000, 40));
    instance.closed().await;
}

#[tokio::test]
async fn a_follower_begins_where_it_is_asked_to() {
    let place = Place::new();
    let script = "echo 1; echo 2; echo 3; read line < \"$1\"; echo $line; exit 0";
    let pipe = place.0.path().join("pipe");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0)
        .expect("makes a pipe");
    let mut launch = shell("a-1", script);
    launch.arguments.extend(["sh".to_owned(), pipe.to_str().expect("UTF-8").to_owned()]);
    let instance = place.try_spawn(&launch).await.expect("spawns");
    line(&instance, |line| line == "3").await;
    let mut now = Follower::open(instance.dir(), Since::Now).expect("opens");
    let mut last = Follower::open(instance.dir(), Since::Last(2)).expect("opens");
    assert_eq!(now.read_next().expect("reads"), None);
    std::fs::write(&pipe, "4\n").expect("writes");
    let mut texts = [Vec::new(), Vec::new()];
    for (follower, texts) in [&mut now, &mut last].into_iter().zip(&mut texts) {
        while let Some(line) = follower.next().await.expect("reads") {
            texts.push(line.text);
        }
    }
    assert_eq!(texts[0], ["4"]);
    assert_eq!(texts[1], ["2", "3", "4"]);
    end(&instance).await;
}

#[tokio::test]
async fn a_follower_says_what_was_deleted_before_it_could_read_it() {
    let place = Place::new();
    let pipe = place.0.path().join("pipe");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0)
        .expect("makes a pipe");
    let script = format!("echo first; read line < {}; exec {HELPER} say 2000 20", pipe.display());
    let log = LogLimits { max_size: 4096, keep: NonZeroU32::new(2).expect("not 0") };
    let instance = place.try_spawn(&Launch { log, ..shell("a-1", &script) }).await.expect("spawns");
    line(&instance, |line| line == "first").await;
    let mut follower = Follower::open(instance.dir(), Since::Start).expect("opens");
    assert_eq!(follower.next().await.expect("reads").map(|line| line.text), Some("first".to_owned()));
    std::fs::write(&pipe, "go\n").expect("writes");
    instance.closed().await;
    let mut lines = Vec::new();
    while let Some(line) = follower.next().await.expect("reads") {
        lines.push(line);
    }
    let ours: Vec<usize> = (0..lines.len()).filter(|index| lines[*index].ours).collect();
    assert_eq!(ours.len(), 1, "said once");
    assert!(lines[ours[0]].text.contains("were deleted before they were read"), "{}", lines[ours[0]].text);
    assert_eq!(lines.last().map(|line| line.text.clone()), expected(1999..2000, 20).pop());
}
