//! What the tests of this crate run: `keeper DIR` is a keeper, `spawn DIR LAUNCH` a spawner (that may be killed),
//! `say COUNT LENGTH` an application that prints numbered lines, `notify` an `up` that says that it serves, `take SCRIPT`
//! one that takes as many open files as it may and then starts a shell script.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::ExitCode;

use segue_local::instance::{Instance, Keeper};
use segue_local::keeper::{self, Launch};
use segue_local::notify::Manager;
use segue_local::open_files::OpenFiles;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["keeper", dir] => keeper::main(Path::new(dir)),
        ["spawn", dir, launch] => spawn(Path::new(dir), launch),
        ["say", count, longest] => say(count.parse().unwrap_or(0), longest.parse().unwrap_or(0)),
        ["notify"] => {
            Manager::of_environment().expect("a socket").ready();
            ExitCode::SUCCESS
        }
        ["take", script] => take(script),
        _ => ExitCode::from(2),
    }
}

fn spawn(dir: &Path, launch: &str) -> ExitCode {
    let launch: Launch = serde_json::from_str(launch).expect("a launch");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    match runtime.block_on(Instance::spawn(dir, &launch, &Keeper::this_program())) {
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn take(script: &str) -> ExitCode {
    let OpenFiles { given, most } = OpenFiles::take();
    println!("{given:?} {most:?}");
    let error = std::process::Command::new("/bin/sh").args(["-c", script]).exec();
    eprintln!("{error}");
    ExitCode::FAILURE
}

/// Lines `0`, `1 x`, `2 xx` and so on, up to the longest and again; written in pieces that do not end where lines do.
fn say(count: usize, longest: usize) -> ExitCode {
    let mut text = Vec::new();
    for number in 0..count {
        writeln!(text, "{number} {}", "x".repeat(number % (longest + 1))).expect("memory takes it");
    }
    let mut out = std::io::stdout();
    for piece in text.chunks(1009) {
        if out.write_all(piece).and_then(|()| out.flush()).is_err() {
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
