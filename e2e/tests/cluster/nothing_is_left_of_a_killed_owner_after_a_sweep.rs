//! When the owner of a cluster is killed, its processes end by themselves, and a sweep removes the rest: of that cluster
//! and of no other.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};

use anyhow::ensure;
use segue_cluster::wait::{self, LONG};
use segue_cluster::{Cluster, Options, marked};

use crate::{TestBed, sample, test_bed};

/// Makes this program one that owns a cluster and waits to be killed.
const OWNER: &str = "SEGUE_E2E_OWNER";

pub(crate) fn is_owner() -> bool {
    std::env::var_os(OWNER).is_some()
}

pub(crate) fn own() -> ExitCode {
    let cluster = test_bed::up(&Options { nodes: 1, ..Options::default() });
    sample::Sample::new(1, &[]).run(&cluster.api);
    let (variable, mark) = cluster.mark();
    let paths: Vec<String> = cluster.traces().iter().map(|path| path.display().to_string()).collect();
    println!("{}", serde_json::json!([cluster.number(), variable, mark, paths]));
    loop {
        wait::pass(LONG);
    }
}

pub(crate) fn holds(bed: &TestBed) {
    let mut owner = Command::new(std::env::current_exe().unwrap())
        .env(OWNER, "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(owner.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let (number, variable, mark, paths): (u8, String, String, Vec<PathBuf>) =
        serde_json::from_str(&line).unwrap();
    assert!(marked(&variable, &mark).len() > 5);
    assert!(paths.iter().all(|path| path.exists()), "{paths:?}");
    assert!(!Cluster::sweep().unwrap().contains(&number), "a cluster was swept whose owner lives");
    assert!(paths.iter().all(|path| path.exists()), "{paths:?}");

    owner.kill().unwrap();
    owner.wait().unwrap();
    wait::until("the processes of the killed owner's cluster ended by themselves", LONG, || {
        let left = marked(&variable, &mark);
        ensure!(left.is_empty(), "{left:?}");
        Ok(())
    })
    .unwrap();
    assert!(Cluster::sweep().unwrap().contains(&number));
    for path in &paths {
        assert!(!path.exists(), "{} is left", path.display());
    }
    bed.api().run(["get", "--raw", "/readyz"]).unwrap();
}
