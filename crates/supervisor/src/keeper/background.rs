//! What an instance's command leaves running when it ends with success: a program that goes into the background does so.

use std::fs;
use std::io;

use super::Launch;
use crate::process::{self, Identity};

/// In `/proc/net/tcp`, a socket that listens.
const LISTENING: &str = "0A";

/// The processes that the command started and that have left its process group: they have its environment, and none is
/// older than it. One that is about to leave is not among them yet.
pub(crate) fn strays(launch: &Launch, main: Identity) -> io::Result<Vec<Identity>> {
    let since = |stat: &process::Stat| stat.start_time >= main.start_time && stat.group != main.pid;
    let marks = ["SEGUE_INSTANCE", "PORT"].map(|name| {
        let value = launch.env.get(name).cloned().unwrap_or_default();
        format!("{name}={value}").into_bytes()
    });
    let mut strays = process::find(since)?;
    strays.retain(|stray| {
        // Another user's, or ended: then there is none, or nothing in it.
        let Ok(environment) = fs::read(format!("/proc/{}/environ", stray.pid)) else { return false };
        marks.iter().all(|mark| environment.split(|byte| *byte == 0).any(|entry| entry == mark))
    });
    Ok(strays)
}

/// Whether anybody listens on this port; some programs write over their environment, and are found by this alone.
pub(super) fn is_listened_on(port: u16) -> bool {
    let listens = |path: &str| {
        let sockets = fs::read_to_string(path).unwrap_or_default();
        sockets.lines().skip(1).any(|line| {
            let mut fields = line.split_ascii_whitespace().skip(1);
            let local = fields.next().and_then(|address| address.rsplit_once(':'));
            let of_port = local.is_some_and(|(_, hex)| u16::from_str_radix(hex, 16) == Ok(port));
            of_port && fields.nth(1) == Some(LISTENING)
        })
    };
    ["/proc/net/tcp", "/proc/net/tcp6"].into_iter().any(listens)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};

    #[test]
    fn a_listener_is_found_by_its_port_and_a_connection_is_none() {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let listener = TcpListener::bind(address).expect("listens");
            let address = listener.local_addr().expect("its address");
            assert!(is_listened_on(address.port()));
            let client = TcpStream::connect(address).expect("connects");
            let own = client.local_addr().expect("its address").port();
            assert!(!is_listened_on(own), "a connection is no listener");
            drop(listener);
            // A program that another test is starting holds a copy of it until it is that program.
            let freed = (0..6_000).any(|_| {
                let listened_on = is_listened_on(address.port());
                if listened_on {
                    crate::clock::pause(std::time::Duration::from_millis(10));
                }
                !listened_on
            });
            assert!(freed, "nobody listens any more");
        }
    }

    /// Ends with the test.
    struct Sleeper(std::process::Child);

    impl Sleeper {
        fn new(env: &[(&str, &str)]) -> Self {
            use std::os::unix::process::CommandExt;
            let mut command = std::process::Command::new("sleep");
            Self(command.arg("1000").envs(env.iter().copied()).process_group(0).spawn().expect("spawns"))
        }

        fn identity(&self) -> Identity {
            let pid = i32::try_from(self.0.id()).expect("fits");
            Identity::of(pid).expect("looks").expect("runs")
        }
    }

    impl Drop for Sleeper {
        fn drop(&mut self) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }

    #[test]
    fn what_has_its_environment_is_its_own_but_for_itself_and_what_is_older() {
        let id = format!("stray-{}", std::process::id());
        let mut launch = Launch::for_tests(&id, "/bin/v1");
        launch.env = [("SEGUE_INSTANCE", id.as_str()), ("PORT", "4000")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        let own = [("SEGUE_INSTANCE", id.as_str()), ("PORT", "4000")];
        let _another = Sleeper::new(&[("SEGUE_INSTANCE", "another"), ("PORT", "4000")]);
        let _elsewhere = Sleeper::new(&[("SEGUE_INSTANCE", id.as_str()), ("PORT", "4001")]);
        let (main, stray) = (Sleeper::new(&own), Sleeper::new(&own));
        let found = |main: Identity| {
            // Between its fork and its program, one has the environment of this test.
            for _ in 0..1000 {
                let found = strays(&launch, main).expect("looks");
                if found.contains(&stray.identity()) || main.start_time > stray.identity().start_time {
                    return found;
                }
                crate::clock::pause(std::time::Duration::from_millis(5));
            }
            panic!("never found");
        };
        assert_eq!(found(main.identity()), [stray.identity()]);
        let later = Identity { start_time: stray.identity().start_time + 1, ..main.identity() };
        assert_eq!(found(later), []);
    }
}
