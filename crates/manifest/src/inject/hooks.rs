//! The hook of every ordinary container: all of them get their stop signal at once, so each must wait for the drain.
//!
//! A container's own preStop hook runs after the drain; a mere sleep is what the drain replaces.

use std::net::IpAddr;
use std::time::Duration;

use segue_yaml::{Pointer, Position};
use serde_json::json;

use super::agent::{MOUNT, VOLUME};
use super::draft::Draft;
use super::sleeps::{self, Sleeps};
use crate::objects::{Container, Handler, HttpGet};

/// The agent's binary as the application's containers see it.
pub(super) const BINARY: &str = "/segue/segue-agent";

/// Gives every ordinary container its hook and the binary that it runs. Answers how long a kept sleep takes at most.
pub(super) fn decide(draft: &mut Draft) -> Duration {
    let template = draft.template().clone();
    let mut slept = Duration::ZERO;
    for (index, container) in template.spec.containers.iter().enumerate() {
        let at = template.container_at(index);
        if let Some(mount) = clash(container) {
            let below = at.then("volumeMounts").then(mount);
            draft.refuse(&below, format!("{MOUNT} is taken in the container {}", container.name), format!(
                "inject mounts the hook's binary there: mount this volume elsewhere, under another name than {VOLUME}"
            ));
            continue;
        }
        draft.add(
            &at.then("volumeMounts"),
            json!({"name": VOLUME, "mountPath": MOUNT, "readOnly": true}),
            Position::Last,
        );
        let below = at.then("lifecycle").then("preStop");
        let Some(words) = words(draft, container, &below, &mut slept) else { continue };
        let command: Vec<String> = [BINARY, "hook"].map(str::to_owned).into_iter().chain(words).collect();
        draft.put(&below, json!({"exec": {"command": command}}));
    }
    slept
}

fn clash(container: &Container) -> Option<usize> {
    let path = |path: &str| std::path::Path::new(path).starts_with(MOUNT);
    container.volume_mounts.iter().position(|mount| path(&mount.mount_path) || mount.name == VOLUME)
}

/// What the hook is told of the container's own; `None` if that can't be kept.
fn words(
    draft: &mut Draft,
    container: &Container,
    below: &Pointer,
    slept: &mut Duration,
) -> Option<Vec<String>> {
    let Some(hook) = &container.lifecycle.pre_stop else { return Some(Vec::new()) };
    let name = &container.name;
    let mere = sleep(hook);
    if let Some(seconds) = mere {
        if !draft.options.keep_sleep {
            draft.note(format!(
                "the container {name} slept {seconds} s in its preStop hook: dropped, for the drain waits for what the sleep guessed \
                 (--keep-sleep keeps it)"
            ));
            return Some(Vec::new());
        }
        *slept = (*slept).max(Duration::from_secs(seconds));
        draft.note(format!("the container {name} still sleeps {seconds} s after each drain (--keep-sleep)"));
        if hook.sleep.is_some() {
            return Some(vec!["--sleep".to_owned(), format!("{seconds}s")]);
        }
    }
    if let Some(exec) = &hook.exec {
        if exec.command.first().is_some_and(|program| program == BINARY) {
            let help = "take this hook out (or what was injected, by the record's `segue inject --undo`) and inject again";
            draft.refuse(
                below,
                format!("the container {name} has a hook of segue's that was changed since it was injected"),
                help,
            );
            return None;
        }
        if exec.command.is_empty() {
            return Some(Vec::new());
        }
        let sleeps = if mere.is_some() { Sleeps::None } else { sleeps::of(&exec.command) };
        if let Sleeps::Seconds(seconds) = sleeps {
            *slept = (*slept).max(Duration::from_secs(seconds));
            draft.note(format!(
                "the container {name}'s own preStop hook runs after the drain and sleeps {seconds} s in it: the grace period has room for \
                 that, but the drain waits for what such a sleep guesses, so take it out of the script"
            ));
        } else if sleeps == Sleeps::Unknown {
            draft.note(format!(
                "the container {name}'s own preStop hook runs after the drain and sleeps in it, how long can't be read: let --stop-time have \
                 room for it, or better take it out of the script, for the drain waits for what such a sleep guesses"
            ));
        } else if mere.is_none() {
            let stop_time = crate::duration::words(draft.options.stop_time);
            draft.note(format!(
                "the container {name}'s own preStop hook runs after the drain, out of the --stop-time ({stop_time})"
            ));
        }
        return Some(std::iter::once("--".to_owned()).chain(exec.command.iter().cloned()).collect());
    }
    if let Some(get) = &hook.http_get {
        return http_get(draft, container, get, below);
    }
    if hook.tcp_socket.is_some() {
        draft.refuse(
            below,
            format!("the container {name} has a preStop hook of the kind tcpSocket, which can't be kept"),
            "no kubelet has ever been able to run one: take it out",
        );
        return None;
    }
    Some(Vec::new())
}

fn http_get(draft: &mut Draft, container: &Container, get: &HttpGet, below: &Pointer) -> Option<Vec<String>> {
    let name = &container.name;
    if get.scheme.as_deref().is_some_and(|scheme| !scheme.eq_ignore_ascii_case("http")) {
        draft.refuse(
            &below.then("httpGet").then("scheme"),
            format!("the container {name} has a preStop hook over HTTPS, which can't be kept"),
            "the hook that runs it after the drain speaks plain HTTP only: use scheme HTTP, or exec",
        );
        return None;
    }
    let named = |name| container.port_named(name).and_then(|port| port.container_port);
    let Some(port) = get.port.number().or_else(|| named(get.port.name()?)) else {
        draft.refuse(
            &below.then("httpGet").then("port"),
            format!(
                "the container {name}'s preStop hook names the port {}, which the container does not declare",
                get.port
            ),
            "name one of its ports, or write a number",
        );
        return None;
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
            draft.refuse(
                &below.then("httpGet").then("host"),
                format!("the container {name}'s preStop hook asks the host {host}, which can't be kept"),
                "the hook that runs it after the drain resolves no names: write an IP address, or use exec",
            );
            return None;
        }
    };
    let path = get.path.as_deref().unwrap_or("/");
    let slash = if path.starts_with('/') { "" } else { "/" };
    let mut words = vec!["--http-get".to_owned(), format!("http://{host}:{port}{slash}{path}")];
    for header in &get.http_headers {
        words.extend(["--header".to_owned(), format!("{}: {}", header.name, header.value)]);
    }
    draft.note(format!("the container {name}'s own preStop request to port {port} is made after the drain"));
    Some(words)
}

/// How many seconds a hook sleeps that does nothing else: by the kubelet's own `sleep`, or by a program.
fn sleep(hook: &Handler) -> Option<u64> {
    if let Some(sleep) = &hook.sleep {
        return Some(sleep.seconds);
    }
    sleeps::mere(&hook.exec.as_ref()?.command)
}
