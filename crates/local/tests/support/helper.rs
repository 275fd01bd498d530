//! What the tests of this crate run: `keeper DIR` is a keeper, `notify` an `up` that says that it serves, `take SCRIPT` one
//! that takes as many open files as it may and then starts a shell script.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::ExitCode;

use segue_local::notify::Manager;
use segue_local::open_files::OpenFiles;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["keeper", dir] => segue_supervisor::keeper::main(Path::new(dir)),
        ["notify"] => {
            Manager::of_environment().expect("a socket").ready();
            ExitCode::SUCCESS
        }
        ["take", script] => take(script),
        _ => ExitCode::from(2),
    }
}

fn take(script: &str) -> ExitCode {
    let OpenFiles { given, most } = OpenFiles::take();
    println!("{given:?} {most:?}");
    let error = std::process::Command::new("/bin/sh").args(["-c", script]).exec();
    eprintln!("{error}");
    ExitCode::FAILURE
}
