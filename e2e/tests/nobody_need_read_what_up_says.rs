//! A reader of the logs that goes away (a `tee` that was killed, a lost terminal) does not take the service with it.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use segue_e2e::place::free_address;
use segue_e2e::service::NAME;
use segue_e2e::status::Status;
use segue_e2e::{Place, Sample, segue, wait};

fn until_settled(place: &Place, version: &str) {
    wait::until(&format!("2 of {version} serve"), wait::LONG, || {
        let status = Status::ask(place, NAME)?;
        if status.settled(version, 2) { Ok(()) } else { Err(format!("{:#}", status.0)) }
    });
}

#[test]
fn up_goes_on_when_its_outputs_are_closed() {
    let place = Place::new();
    let listen = free_address();
    let sample = |version| Sample { version, replicas: 2, ..Sample::default() };
    let mut up = Command::new(segue())
        .args(["up", "-f"])
        .arg(sample("v1").spec(&place, listen))
        .arg("--state-dir")
        .arg(place.state_dir())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("segue runs");
    let mut line = String::new();
    BufReader::new(up.stderr.take().expect("it is piped")).read_line(&mut line).expect("it says something");
    drop(up.stdout.take());

    until_settled(&place, "v1");
    let spec = sample("v2").spec(&place, listen);
    place.run(&["deploy", "-f", &spec.to_string_lossy()]).assert_code(0);
    until_settled(&place, "v2");
    assert_eq!(up.try_wait().expect("it can be waited for"), None, "it has ended; it had said: {line}");

    kill_process(Pid::from_child(&up), Signal::TERM).expect("it runs");
    assert_eq!(up.wait().expect("it ends").code(), Some(0));
}
