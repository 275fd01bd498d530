//! What is written, rotated, cut into pieces and lost.

use std::io::Read;
use std::num::NonZeroU32;
use std::os::fd::OwnedFd;

use proptest::prelude::*;

use super::*;

fn limits(max_size: u64, keep: u32) -> LogLimits {
    LogLimits { max_size, keep: NonZeroU32::new(keep).expect("not 0") }
}

fn files(dir: &Path) -> Vec<Vec<u8>> {
    let numbers = numbers(dir).expect("reads");
    numbers.iter().map(|number| fs::read(dir.join(FOLDER).join(name(*number))).expect("reads")).collect()
}

#[test]
fn a_new_log_never_writes_into_a_file_that_is_there() {
    let dir = tempfile::tempdir().expect("temp dir");
    for _ in 0..2 {
        let mut log = Log::create(dir.path(), limits(100, 5)).expect("creates");
        log.write(b"one\n", 0);
        log.finish(0);
    }
    assert_eq!(files(dir.path()), [b"one\n", b"one\n"]);
}

#[test]
fn one_that_was_deleted_is_none_and_one_that_cannot_be_opened_is_an_error() {
    let dir = tempfile::tempdir().expect("temp dir");
    assert!(open(dir.path(), 1).expect("is none").is_none());
    // Where the folder of logs would be is a file.
    fs::write(dir.path().join(FOLDER), "").expect("writes");
    open(dir.path(), 1).expect_err("cannot be opened");
}

#[test]
fn where_no_new_file_can_be_made_the_old_one_grows() {
    let dir = tempfile::tempdir().expect("temp dir");
    let mut log = Log::create(dir.path(), limits(4, 5)).expect("creates");
    // What has the next file's name is a folder.
    fs::create_dir(dir.path().join(FOLDER).join(name(2))).expect("makes it");
    log.write(b"one\ntwo\nthree\n", 0);
    fs::remove_dir(dir.path().join(FOLDER).join(name(2))).expect("removes");
    log.write(b"four\n", 0);
    assert_eq!(files(dir.path()), [&b"one\ntwo\nthree\n"[..], b"four\n"]);
    assert_eq!(log.lost_lines(), 0);
}

proptest! {
    #[test]
    fn however_the_bytes_arrive_all_lines_are_kept_whole_and_in_order(
        lines in prop::collection::vec("[a-z]{0,20}\n", 0..60),
        cuts in prop::collection::vec(1usize..40, 1..200),
        max_size in 1u64..64,
    ) {
        let dir = tempfile::tempdir().expect("temp dir");
        let mut log = Log::create(dir.path(), limits(max_size, 1000)).expect("creates");
        let text = lines.concat();
        let mut rest = text.as_bytes();
        for cut in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (piece, after) = rest.split_at(rest.len().min(*cut));
            log.write(piece, 0);
            rest = after;
        }
        log.finish(0);
        let files = files(dir.path());
        prop_assert_eq!(files.concat(), text.as_bytes());
        for file in files.iter().filter(|file| !file.is_empty()) {
            prop_assert_eq!(file.last(), Some(&b'\n'));
            let one_line = line_length(file) == file.len();
            prop_assert!(file.len() as u64 <= max_size || one_line);
        }
    }
}

#[test]
fn only_a_line_that_is_longer_than_the_limit_is_cut() {
    let dir = tempfile::tempdir().expect("temp dir");
    let mut log = Log::create(dir.path(), limits(1 << 20, 5)).expect("creates");
    let just = vec![b'a'; LINE_LIMIT];
    log.write(&[&just[..], b"\n"].concat(), 0);
    log.write(&[&just[..], b"bc\n"].concat(), 0);
    let expected = [&just[..], b"\n", &just[..], b"\nbc\n"].concat();
    assert!(files(dir.path()) == [expected], "other pieces");
}

/// A log whose disk is full from here on.
fn full(dir: &Path, limits: LogLimits) -> Log {
    let mut log = Log::create(dir, limits).expect("creates");
    log.file = OpenOptions::new().write(true).open("/dev/full").expect("opens");
    log
}

fn has_room_again(log: &mut Log, dir: &Path) {
    let file = dir.join(FOLDER).join(name(log.number));
    log.file = OpenOptions::new().append(true).open(file).expect("opens");
}

const LOST_ONE: &str = "[segue: 1 line was lost here: No space left on device]\n";

#[test]
fn what_a_full_disk_loses_is_counted_and_said_once_there_is_room() {
    let dir = tempfile::tempdir().expect("temp dir");
    let mut log = full(dir.path(), limits(1000, 5));
    log.write(b"a\n", 5);
    log.write(b"b\nc\npart", 5);
    assert_eq!(log.lost_lines(), 3);
    has_room_again(&mut log, dir.path());
    // It is not tried again at once.
    log.write(b" of d\n", 5 + TRY_AGAIN_MS - 1);
    assert_eq!((log.lost_lines(), files(dir.path())), (4, vec![Vec::new()]));
    log.write(b"e\n", 5 + TRY_AGAIN_MS);
    assert_eq!(log.lost_lines(), 4);
    let said = "[segue: 4 lines were lost here: No space left on device]\ne\n";
    assert_eq!(files(dir.path()), [said.as_bytes()]);
}

#[test]
fn what_was_lost_is_said_at_the_end_at_the_latest_and_the_try_before_counts() {
    let dir = tempfile::tempdir().expect("temp dir");
    let mut log = full(dir.path(), limits(1000, 5));
    log.write(b"a\n", 0);
    // There is no room yet, and the next try is as long after this one.
    log.write(b"", TRY_AGAIN_MS);
    has_room_again(&mut log, dir.path());
    log.write(b"", 2 * TRY_AGAIN_MS - 1);
    assert_eq!(files(dir.path()), [b""]);
    log.finish(2 * TRY_AGAIN_MS - 1);
    assert_eq!(files(dir.path()), [LOST_ONE.as_bytes()]);
    log.finish(2 * TRY_AGAIN_MS);
    assert_eq!(files(dir.path()).len(), 1, "it is said once");
}

#[test]
fn what_was_lost_is_said_in_the_next_file_only_where_this_one_has_no_room_for_it() {
    let note = LOST_ONE.len() as u64;
    for (before, max_size, expected) in
        [("", 1, 1), ("", note, 1), ("abc\n", 4 + note, 1), ("abc\n", 3 + note, 2), ("abc\n", 4, 2)]
    {
        let dir = tempfile::tempdir().expect("temp dir");
        let mut log = Log::create(dir.path(), limits(max_size, 5)).expect("creates");
        log.write(before.as_bytes(), 0);
        log.trouble = Some(Trouble { why: "No space left on device".to_owned(), lines: 1, tried_ms: 0 });
        log.finish(0);
        let files = files(dir.path());
        assert_eq!(files.concat(), format!("{before}{LOST_ONE}").as_bytes());
        assert_eq!(files.len(), expected, "{before:?} {max_size}");
        assert_eq!(log.size, files.last().expect("one").len() as u64);
    }
}

#[test]
fn a_line_that_was_written_in_part_and_cannot_be_taken_back_is_ended() {
    let dir = tempfile::tempdir().expect("temp dir");
    let mut log = Log::create(dir.path(), limits(1 << 20, 5)).expect("creates");
    // A pipe holds so much, and nothing that is in it can be taken back.
    let (mut reader, writer) = io::pipe().expect("a pipe");
    let room = rustix::pipe::fcntl_setpipe_size(&writer, 4096).expect("sets");
    rustix::io::ioctl_fionbio(&writer, true).expect("sets");
    log.file = File::from(OwnedFd::from(writer));
    log.write(b"whole\n", 0);
    log.write(&[vec![b'x'; room], b"\nnext\n".to_vec()].concat(), 0);
    assert_eq!(log.lost_lines(), 2);
    let mut read = vec![0; room];
    let count = reader.read(&mut read).expect("reads");
    assert!(read[..count].starts_with(b"whole\nx") && read[..count].ends_with(b"x"), "{count}");
    log.finish(TRY_AGAIN_MS);
    log.write(b"more\n", TRY_AGAIN_MS);
    drop(log);
    let mut rest = String::new();
    reader.read_to_string(&mut rest).expect("reads");
    assert!(rest.starts_with("\n[segue: 2 lines were lost here: "), "{rest}");
    assert!(rest.ends_with("]\nmore\n"), "{rest}");
}

#[test]
fn what_was_written_whole_before_the_disk_was_full_is_not_lost() {
    let dir = tempfile::tempdir().expect("temp dir");
    let mut log = Log::create(dir.path(), limits(1 << 20, 5)).expect("creates");
    let (mut reader, writer) = io::pipe().expect("a pipe");
    let room = rustix::pipe::fcntl_setpipe_size(&writer, 4096).expect("sets");
    rustix::io::ioctl_fionbio(&writer, true).expect("sets");
    log.file = File::from(OwnedFd::from(writer));
    let lines = [b"one\n".to_vec(), vec![b'x'; room - 5], b"\nthree\n".to_vec()].concat();
    log.write(&lines, 0);
    assert_eq!((log.lost_lines(), log.size, log.torn), (1, room as u64, false));
    let mut read = vec![0; room];
    reader.read_exact(&mut read).expect("reads");
    assert!(read == lines[..room], "other lines");
}

#[test]
fn as_many_files_are_kept_as_are_to_be() {
    for keep in [1, 3] {
        let dir = tempfile::tempdir().expect("temp dir");
        let mut log = Log::create(dir.path(), limits(2, keep)).expect("creates");
        log.write(b"1\n2\n3\n4\n5\n", 0);
        let first = 6 - u64::from(keep);
        assert_eq!(numbers(dir.path()).expect("reads"), (first..=5).collect::<Vec<_>>());
    }
}

#[test]
fn another_keeper_of_the_same_instance_begins_the_next_file() {
    let dir = tempfile::tempdir().expect("temp dir");
    for number in 1..=3_u64 {
        let mut log = Log::create(dir.path(), limits(100, 5)).expect("creates");
        assert_eq!(log.number, number);
        log.write(format!("{number}\n").as_bytes(), 0);
    }
    assert_eq!(files(dir.path()), [b"1\n", b"2\n", b"3\n"]);
}
