//! The hook of every ordinary container: all of them get their stop signal at once, so each must wait for the drain.
//!
//! A container's own preStop hook runs after the drain; a mere sleep is what the drain replaces.

use std::net::IpAddr;
use std::time::Duration;

use segue_yaml::{Pointer, Position};
use serde_json::json;

use super::finding::{Change, Finding, Severity};
use super::sleeps::{self, Sleeps};
use crate::duration;
use crate::names::{BINARY, MOUNT, VOLUME};
use crate::notes::{Rule, Words};
use crate::objects::{Container, Handler, HttpGet};
use crate::workload::Workload;

/// What becomes of the sleeps and the hooks that are there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    /// Hooks that only sleep are kept.
    pub(crate) keep_sleep: bool,
    /// How long the application takes from its stop signal to its end.
    pub(crate) stop_time: Duration,
}

/// What is found of the containers' hooks.
#[derive(Debug)]
pub(crate) struct Found {
    /// One for each ordinary container, with the edits that give it its hook.
    pub(crate) findings: Vec<Finding>,
    /// How long a kept sleep takes after the drain, at most.
    pub(crate) slept: Duration,
}

/// A container's own hook, as it is to be kept.
struct Own {
    /// What the drain's hook is told of it.
    words: Vec<String>,
    rule: Rule,
    what: String,
    note: Option<Words>,
    /// How long it sleeps after the drain.
    slept: u64,
}

/// A container whose hook is looked at, and where that stands.
struct Place<'w> {
    workload: &'w Workload<'w>,
    container: &'w Container,
    hook: Pointer,
}

/// Finds every ordinary container, for none has a hook that waits for the drain.
pub(crate) fn find(workload: &Workload, settings: Settings) -> Found {
    let mut found = Found { findings: Vec::new(), slept: Duration::ZERO };
    for (index, container) in workload.template.spec.containers.iter().enumerate() {
        let at = workload.template.container_at(index);
        let place = Place { workload, container, hook: at.then("lifecycle").then("preStop") };
        if let Some(mount) = clash(container) {
            found.findings.push(Finding::error(
                Rule::MountTaken,
                (workload.object, &at.then("volumeMounts").then(mount)),
                format!("{MOUNT} is taken in the container {}", container.name),
                format!(
                    "inject mounts the hook's binary there: mount this volume elsewhere, under another name than {VOLUME}"
                ),
            ));
            continue;
        }
        match place.own(settings) {
            Ok(own) => {
                found.slept = found.slept.max(Duration::from_secs(own.slept));
                found.findings.push(place.finding(&at, own));
            }
            Err(cannot_be_kept) => found.findings.push(*cannot_be_kept),
        }
    }
    found
}

fn clash(container: &Container) -> Option<usize> {
    let path = |path: &str| std::path::Path::new(path).starts_with(MOUNT);
    container.volume_mounts.iter().position(|mount| path(&mount.mount_path) || mount.name == VOLUME)
}

impl Place<'_> {
    /// The container has no hook that waits for the drain; with the edits that give it one.
    fn finding(&self, at: &Pointer, own: Own) -> Finding {
        let object = self.workload.object;
        let command: Vec<String> = [BINARY, "hook"].map(str::to_owned).into_iter().chain(own.words).collect();
        let mount = json!({"name": VOLUME, "mountPath": MOUNT, "readOnly": true});
        let mut finding = Finding::of(own.rule, Severity::Warning, (object, &self.hook), own.what)
            .mended_by(Change::add(object, &at.then("volumeMounts"), mount, Position::Last))
            .mended_by(Change::put(object, &self.hook, json!({"exec": {"command": command}})));
        if let Some(note) = own.note {
            finding = finding.note(note);
        }
        if own.slept > 0 {
            finding = finding.sum(format!("{} s of sleep after the drain", own.slept));
        }
        finding
    }

    /// The container's own hook; `Err` if it can't be kept.
    fn own(&self, settings: Settings) -> Result<Own, Box<Finding>> {
        let name = &self.container.name;
        let Some(hook) = &self.container.lifecycle.pre_stop else { return Ok(self.none()) };
        let mere = sleep(hook);
        if let Some(seconds) = mere {
            if !settings.keep_sleep {
                let note = (
                    format!("container {name}, {seconds} s"),
                    "its preStop hook that only slept is dropped, for the drain waits for what the sleep guessed (--keep-sleep keeps it)",
                );
                return Ok(self.sleeps(Vec::new(), seconds, 0, note));
            }
            let note =
                (format!("container {name}, {seconds} s"), "it still sleeps after each drain (--keep-sleep)");
            let words = match &hook.exec {
                _ if hook.sleep.is_some() => vec!["--sleep".to_owned(), format!("{seconds}s")],
                Some(exec) => run(&exec.command),
                None => Vec::new(),
            };
            return Ok(self.sleeps(words, seconds, seconds, note));
        }
        if let Some(exec) = &hook.exec {
            return self.command(&exec.command, settings);
        }
        if let Some(get) = &hook.http_get {
            return self.http_get(get);
        }
        if hook.tcp_socket.is_some() {
            return Err(self.cannot_be_kept(
                &self.hook,
                format!("the container {name} has a preStop hook of the kind tcpSocket, which can't be kept"),
                "no kubelet has ever been able to run one: take it out",
            ));
        }
        Ok(self.none())
    }

    fn command(&self, command: &[String], settings: Settings) -> Result<Own, Box<Finding>> {
        let name = &self.container.name;
        let Some(program) = command.first() else { return Ok(self.none()) };
        if program == BINARY {
            return Err(self.cannot_be_kept(
                &self.hook,
                format!("the container {name} has a hook of segue's that was changed since it was injected"),
                "take this hook out (or what was injected, by the record's `segue inject --undo`) and inject again",
            ));
        }
        Ok(match sleeps::of(command) {
            Sleeps::Seconds(seconds) => self.sleeps(
                run(command),
                seconds,
                seconds,
                (
                    format!("container {name}, {seconds} s"),
                    "its own preStop hook runs after the drain and sleeps in it: the grace period has room for that, but the drain waits for \
                     what such a sleep guesses, so take it out of the script",
                ),
            ),
            Sleeps::Unknown => Own {
                rule: Rule::PreStopSleepUnread,
                what: format!(
                    "the container {name} sleeps in its preStop hook, how long can't be read: a guess at what a drain waits for"
                ),
                ..self.kept(
                    run(command),
                    (
                        format!("container {name}"),
                        "its own preStop hook runs after the drain and sleeps in it, how long can't be read: let --stop-time have room for it, \
                         or better take it out of the script, for the drain waits for what such a sleep guesses",
                    ),
                )
            },
            Sleeps::None => self.kept(
                run(command),
                (
                    format!("container {name}"),
                    format!(
                        "its own preStop hook runs after the drain, out of the --stop-time ({})",
                        duration::words(settings.stop_time)
                    ),
                ),
            ),
        })
    }

    fn http_get(&self, get: &HttpGet) -> Result<Own, Box<Finding>> {
        let name = &self.container.name;
        let below = |key| self.hook.then("httpGet").then(key);
        if get.scheme.as_deref().is_some_and(|scheme| !scheme.eq_ignore_ascii_case("http")) {
            return Err(self.cannot_be_kept(
                &below("scheme"),
                format!("the container {name} has a preStop hook over HTTPS, which can't be kept"),
                "the hook that runs it after the drain speaks plain HTTP only: use scheme HTTP, or exec",
            ));
        }
        let named = |name| self.container.port_named(name).and_then(|port| port.container_port);
        let Some(port) = get.port.number().or_else(|| named(get.port.name()?)) else {
            return Err(self.cannot_be_kept(
                &below("port"),
                format!(
                    "the container {name}'s preStop hook names the port {}, which the container does not declare",
                    get.port
                ),
                "name one of its ports, or write a number",
            ));
        };
        // The kubelet asks the pod's own address, for it is outside; the hook is inside.
        let host = match get.host.as_deref() {
            None | Some("" | "localhost") => "127.0.0.1",
            Some(host) => host,
        };
        let host = match host.parse::<IpAddr>() {
            Ok(IpAddr::V6(address)) => format!("[{address}]"),
            Ok(IpAddr::V4(address)) => address.to_string(),
            Err(_) => {
                return Err(self.cannot_be_kept(
                    &below("host"),
                    format!("the container {name}'s preStop hook asks the host {host}, which can't be kept"),
                    "the hook that runs it after the drain resolves no names: write an IP address, or use exec",
                ));
            }
        };
        let path = get.path.as_deref().unwrap_or("/");
        let slash = if path.starts_with('/') { "" } else { "/" };
        let mut words = vec!["--http-get".to_owned(), format!("http://{host}:{port}{slash}{path}")];
        for header in &get.http_headers {
            words.extend(["--header".to_owned(), format!("{}: {}", header.name, header.value)]);
        }
        let note =
            (format!("container {name}, port {port}"), "its own preStop request is made after the drain");
        Ok(self.kept(words, note))
    }

    fn none(&self) -> Own {
        let what = format!(
            "the container {} has no preStop hook that waits for the drain: it gets its stop signal while requests still come",
            self.container.name
        );
        Own { words: Vec::new(), rule: Rule::PreStopWait, what, note: None, slept: 0 }
    }

    fn kept(&self, words: Vec<String>, note: impl Into<Words>) -> Own {
        Own { words, note: Some(note.into()), ..self.none() }
    }

    /// `after`: so many of these seconds are slept after the drain.
    fn sleeps(&self, words: Vec<String>, seconds: u64, after: u64, note: impl Into<Words>) -> Own {
        let what = format!(
            "the container {} sleeps {seconds} s in its preStop hook: a guess at what a drain waits for",
            self.container.name
        );
        Own { rule: Rule::PreStopSleep, what, slept: after, ..self.kept(words, note) }
    }

    fn cannot_be_kept(&self, below: &Pointer, what: String, help: &str) -> Box<Finding> {
        Box::new(Finding::error(Rule::PreStopKind, (self.workload.object, below), what, help))
    }
}

fn run(command: &[String]) -> Vec<String> {
    std::iter::once("--".to_owned()).chain(command.iter().cloned()).collect()
}

/// How many seconds a hook sleeps that does nothing else: by the kubelet's own `sleep`, or by a program.
fn sleep(hook: &Handler) -> Option<u64> {
    if let Some(sleep) = &hook.sleep {
        return Some(sleep.seconds);
    }
    sleeps::mere(&hook.exec.as_ref()?.command)
}
