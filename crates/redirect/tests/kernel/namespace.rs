//! A network namespace of its own, and a way from one to another. They go with their holders.

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use std::fs::File;
use std::os::fd::AsFd;
use std::process::{Child, Command, Stdio};

/// A network namespace, with loopback up.
pub(crate) struct Namespace {
    /// It ends with its input, and that is ours: a killed test leaves nothing behind.
    holder: Child,
    network: File,
}

impl Namespace {
    pub(crate) fn new() -> Self {
        let script = "ip link set lo up && echo made && exec cat";
        let mut holder = Command::new("unshare")
            .args(["--net", "sh", "-c", script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("`unshare` and `ip` (util-linux and iproute2), as root");
        let mut said = String::new();
        let output = holder.stdout.as_mut().unwrap();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(output), &mut said).unwrap();
        assert_eq!(said, "made\n", "a network namespace takes root");
        let network = File::open(format!("/proc/{}/ns/net", holder.id())).unwrap();
        Self { holder, network }
    }

    /// Runs `work` in it; whatever it starts is in it too.
    pub(crate) fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        std::thread::scope(|scope| {
            let inside = || {
                move_into_link_name_space(self.network.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
                work()
            };
            scope.spawn(inside).join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    /// Runs a program in it, which has to succeed; answers what it printed.
    pub(crate) fn command(&self, words: &str) -> String {
        let words: Vec<_> = words.split_whitespace().collect();
        let output = self.run(|| Command::new(words[0]).args(&words[1..]).output().unwrap());
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{words:?}: {said}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn pid(&self) -> u32 {
        self.holder.id()
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        drop(self.holder.stdin.take());
        let _ = self.holder.wait();
    }
}

/// A client, a pod, and a router between them: 10.1.0.2 and fd01::2, 10.2.0.2 and fd02::2.
pub(crate) struct Road {
    pub(crate) client: Namespace,
    pub(crate) router: Namespace,
    pub(crate) pod: Namespace,
}

/// The pod's addresses.
pub(crate) const POD: [&str; 2] = ["10.2.0.2", "fd02::2"];
/// The client's.
pub(crate) const CLIENT: [&str; 2] = ["10.1.0.2", "fd01::2"];

impl Road {
    pub(crate) fn new() -> Self {
        let road = Self { client: Namespace::new(), router: Namespace::new(), pod: Namespace::new() };
        let ends = [(&road.client, "client", "1"), (&road.pod, "pod", "2")];
        for (end, name, number) in ends {
            let router = &road.router;
            router.command(&format!("ip link add {name} type veth peer name eth0 netns {}", end.pid()));
            for (namespace, device, host) in [(router, name, "1"), (end, "eth0", "2")] {
                namespace.command(&format!("ip addr add 10.{number}.0.{host}/24 dev {device}"));
                namespace.command(&format!("ip addr add fd0{number}::{host}/64 dev {device} nodad"));
                namespace.command(&format!("ip link set {device} up"));
            }
            end.command(&format!("ip route add default via 10.{number}.0.1"));
            end.command(&format!("ip -6 route add default via fd0{number}::1"));
        }
        for key in ["ipv4.ip_forward", "ipv6.conf.all.forwarding"] {
            road.router.command(&format!("sysctl -qw net.{key}=1"));
        }
        road
    }
}
