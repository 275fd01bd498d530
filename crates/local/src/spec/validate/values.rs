//! Values that are looked at by themselves.

use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::time::Duration;

use segue_supervisor::duration;
use segue_supervisor::keeper::LogLimits;
use segue_supervisor::signal::Signal;
use segue_yaml::Diagnostic;

use super::{SECOND, Validator};
use crate::spec::at::At;
use crate::spec::raw::{RawLimits, RawLog, RawReady, RawRolling, RawStop};
use crate::spec::text::{DurationText, SizeText, Text};
use crate::spec::{Check, Limits, Ready, Stop, Strategy, size};

/// A DNS label's.
const LONGEST_NAME: usize = 63;
const LONGEST_VERSION: usize = 100;
/// Below this, asking whether an instance is ready would be a load of its own.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(10);
const SMALLEST_LOG: u64 = 4096;
const SMALLEST_HEADER: u64 = 1024;

impl Validator<'_> {
    pub(super) fn name(&mut self, name: Option<&At<Text>>) -> Option<String> {
        const RIGHT: &str = "a name has lower-case letters, digits and `-` between them, at most 63";
        if let Some(name) = name {
            if is_label(&name.value.0) {
                return Some(name.value.0.clone());
            }
            let wrong =
                Diagnostic::error(format!("`{}` cannot be a service's name", name.value.0)).help(RIGHT);
            return self.wrong(&name.span, wrong);
        }
        let file =
            self.file.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let stem = file.split('.').next().unwrap_or_default().to_owned();
        if is_label(&stem) {
            return Some(stem);
        }
        let wrong = Diagnostic::error(format!("the file's name `{file}` does not make a service's name"));
        self.found.push(wrong.help(format!("write `name: …` in it; {RIGHT}")));
        None
    }

    pub(super) fn listen(&mut self, listen: &At<Text>) -> Option<SocketAddr> {
        let text = listen.value.0.trim();
        let port = |text: &str| text.parse::<u16>().ok();
        let address = text.parse().ok().or_else(|| {
            if let Some(on_all) = text.strip_prefix(':').and_then(port).or_else(|| port(text)) {
                return Some(SocketAddr::from((Ipv4Addr::UNSPECIFIED, on_all)));
            }
            Some(SocketAddr::from((Ipv4Addr::LOCALHOST, port(text.strip_prefix("localhost:")?)?)))
        });
        if address.is_some() {
            return address;
        }
        let message = if text.parse::<std::net::IpAddr>().is_ok() {
            "the port is missing".to_owned()
        } else {
            format!("`{text}` is not an IP address and a port")
        };
        let help =
            "write 127.0.0.1:8080, [::1]:8080, or :8080 for that port on every address; ports end at 65535";
        self.wrong(&listen.span, Diagnostic::error(message).help(help))
    }

    pub(super) fn version(&mut self, version: &At<Text>) -> Option<String> {
        let text = &version.value.0;
        if (1..=LONGEST_VERSION).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Some(text.clone());
        }
        let wrong = Diagnostic::error("this cannot be a version");
        let help =
            format!("a version has 1 to {LONGEST_VERSION} ASCII letters, digits and signs, and no space");
        self.wrong(&version.span, wrong.help(help))
    }

    /// A number that is at least 1.
    pub(super) fn count(
        &mut self,
        count: Option<&At<u32>>,
        key: &str,
        most: u32,
        default: u32,
    ) -> Option<NonZeroU32> {
        let Some(count) = count else { return NonZeroU32::new(default) };
        NonZeroU32::new(count.value).filter(|count| count.get() <= most).or_else(|| {
            let wrong = Diagnostic::error(format!("`{key}` cannot be {}", count.value));
            self.wrong(&count.span, wrong.help(format!("a whole number from 1 to {most}")))
        })
    }

    pub(super) fn duration(
        &mut self,
        text: Option<&At<DurationText>>,
        default: Duration,
    ) -> Option<Duration> {
        let Some(text) = text else { return Some(default) };
        match duration::parse(&text.value.0) {
            Ok(duration) => Some(duration),
            Err(error) => {
                let example = match text.value.0.trim().parse::<f64>() {
                    Ok(number) if number >= 0.0 => format!("{number}s"),
                    _ => duration::format(default),
                };
                let help = format!("a number and a unit ({}), for example `{example}`", duration::UNITS);
                self.wrong(&text.span, Diagnostic::error(error.to_string()).help(help))
            }
        }
    }

    /// A duration that cannot be 0.
    pub(super) fn positive(
        &mut self,
        text: Option<&At<DurationText>>,
        default: Duration,
    ) -> Option<Duration> {
        let duration = self.duration(text, default)?;
        match text {
            Some(text) if duration.is_zero() => {
                let help = format!("for example `{}`", duration::format(default));
                self.wrong(&text.span, Diagnostic::error("this duration cannot be 0").help(help))
            }
            _ => Some(duration),
        }
    }

    fn size(&mut self, text: &At<SizeText>, least: u64) -> Option<u64> {
        let help = format!("a whole number and a unit ({}), for example `10MiB`", size::UNITS);
        match size::parse(&text.value.0) {
            Ok(bytes) if bytes >= least => Some(bytes),
            Ok(_) => {
                let wrong = Diagnostic::error("this size is too small");
                self.wrong(&text.span, wrong.help(format!("at least {}", size::format(least))))
            }
            Err(error) => self.wrong(&text.span, Diagnostic::error(error.to_string()).help(help)),
        }
    }

    pub(super) fn ready(&mut self, raw: Option<&RawReady>) -> Option<Ready> {
        let nothing = RawReady::default();
        let raw = raw.unwrap_or(&nothing);
        let check = self.check(raw);
        let default = Ready::default();
        let interval = self.duration(raw.interval.as_ref(), default.interval);
        let timeout = self.positive(raw.timeout.as_ref(), default.timeout);
        let threshold = self.count(raw.threshold.as_ref(), "threshold", 100, default.threshold.get());
        let interval = interval?;
        if let Some(text) = raw.interval.as_ref().filter(|_| interval < SHORTEST_INTERVAL) {
            let wrong = Diagnostic::error("this interval is too short");
            return self.wrong(&text.span, wrong.help("at least `10ms`"));
        }
        Some(Ready { check: check?, interval, timeout: timeout?, threshold: threshold? })
    }

    fn check(&mut self, raw: &RawReady) -> Option<Check> {
        match (&raw.http, &raw.tcp) {
            (Some(http), Some(_)) => {
                let wrong = Diagnostic::error("`ready` has both `http` and `tcp`");
                self.wrong(
                    &http.span,
                    wrong.help("leave one of them out: an answer over HTTP needs a connection anyway"),
                )
            }
            (Some(http), None) => {
                let path = &http.value.0;
                if path.starts_with('/') && path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#') {
                    return Some(Check::Http { path: path.clone() });
                }
                let wrong = Diagnostic::error(format!("`{path}` is not a path"));
                self.wrong(
                    &http.span,
                    wrong.help("a path begins with `/` and has no spaces, for example `/health`"),
                )
            }
            (None, Some(tcp)) if !tcp.value => {
                let wrong = Diagnostic::error("`tcp: false` says nothing");
                self.wrong(
                    &tcp.span,
                    wrong.help("write `http: /health` for a check over HTTP, or `tcp: true`"),
                )
            }
            (None, _) => Some(Check::Tcp),
        }
    }

    pub(super) fn stop(&mut self, raw: Option<&RawStop>) -> Option<Stop> {
        let nothing = RawStop::default();
        let raw = raw.unwrap_or(&nothing);
        let grace = self.duration(raw.grace.as_ref(), 30 * SECOND);
        let signal = raw.signal.as_ref().map_or(Some(Signal::Term), |text| {
            text.value.0.parse().ok().or_else(|| {
                let wrong = Diagnostic::error(format!("`{}` is not a signal to stop with", text.value.0));
                let names = Signal::ALL.map(Signal::name).join(", ");
                self.wrong(&text.span, wrong.help(format!("one of {names}")))
            })
        });
        Some(Stop { signal: signal?, grace: grace? })
    }

    pub(super) fn strategy(&mut self, raw: Option<&RawRolling>) -> Option<Strategy> {
        let surge = raw.and_then(|raw| raw.surge.as_ref());
        let unavailable = raw.and_then(|raw| raw.unavailable.as_ref());
        if let Some(surge) = surge.filter(|surge| surge.value > 1000) {
            return self.wrong(
                &surge.span,
                Diagnostic::error("`surge` is too large").help("a whole number up to 1000"),
            );
        }
        let (surge, unavailable) = (surge.map_or(1, |at| at.value), unavailable.map_or(0, |at| at.value));
        Some(Strategy::Rolling { surge, unavailable })
    }

    pub(super) fn log(&mut self, raw: Option<&RawLog>) -> Option<LogLimits> {
        let LogLimits { max_size, keep } = LogLimits::default();
        let size = raw.and_then(|raw| raw.max_size.as_ref());
        let max_size = size.map_or(Some(max_size), |size| self.size(size, SMALLEST_LOG));
        let keep = self.count(raw.and_then(|raw| raw.keep.as_ref()), "keep", 1000, keep.get());
        Some(LogLimits { max_size: max_size?, keep: keep? })
    }

    pub(super) fn limits(&mut self, raw: Option<&RawLimits>) -> Option<Limits> {
        let Some(raw) = raw else { return Some(Limits::default()) };
        let before = self.found.len();
        let mut duration =
            |text: &Option<At<DurationText>>| self.positive(text.as_ref(), SECOND).filter(|_| text.is_some());
        let mut limits = Limits {
            max_connections: None,
            header_size: None,
            header_timeout: duration(&raw.header_timeout),
            body_timeout: duration(&raw.body_timeout),
            connect_timeout: duration(&raw.connect_timeout),
            answer_timeout: duration(&raw.answer_timeout),
            idle_timeout: duration(&raw.idle_timeout),
            upstream_idle_timeout: duration(&raw.upstream_idle_timeout),
        };
        limits.header_size = raw.header_size.as_ref().and_then(|size| self.size(size, SMALLEST_HEADER));
        if raw.max_connections.is_some() {
            limits.max_connections =
                self.count(raw.max_connections.as_ref(), "maxConnections", u32::MAX, 1).map(NonZeroU32::get);
        }
        (self.found.len() == before).then_some(limits)
    }
}

/// A DNS label: it may become part of a host's name.
fn is_label(name: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=LONGEST_NAME).contains(&name.len())
        && name.bytes().all(inner)
        && !name.starts_with('-')
        && !name.ends_with('-')
}
