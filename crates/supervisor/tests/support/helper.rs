//! What the tests of this crate run: `keeper DIR` is a keeper, `spawn DIR LAUNCH` a spawner (that may be killed),
//! `say COUNT LENGTH` an application that prints numbered lines.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use segue_supervisor::instance::{Instance, Keeper};
use segue_supervisor::keeper::{self, Launch};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["keeper", dir] => keeper::main(Path::new(dir)),
        ["spawn", dir, launch] => spawn(Path::new(dir), launch),
        ["say", count, longest] => say(count.parse().unwrap_or(0), longest.parse().unwrap_or(0)),
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
