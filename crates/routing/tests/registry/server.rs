//! The registry: it may be slow, fail, lie and forget.

use http::{Method, StatusCode};
use segue_core::Time;
use segue_routing::{Answer, Failure, Request};
use std::time::Duration;

/// What it knows of the instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Listed {
    In,
    Out,
    None,
}

/// What goes wrong with one call.
#[derive(Debug, Clone, Default)]
pub(crate) struct Faults {
    /// How long the answer takes.
    pub(crate) slow: Duration,
    /// It breaks off, after it has acted or before.
    pub(crate) broken: Option<bool>,
    /// It answers with this status and does nothing.
    pub(crate) refused: Option<u16>,
    /// It answers this instead of what is so.
    pub(crate) lie: Option<&'static str>,
    /// Before, it forgets what it was told last.
    pub(crate) forgets: bool,
}

#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) listed: Listed,
    /// Since when.
    since: Time,
    /// When its cache shows a change.
    cache: Duration,
    /// What it was told, in order.
    pub(crate) told: Vec<(Time, Method)>,
}

impl Server {
    pub(crate) fn new(cache: Duration, now: Time) -> Self {
        Self { listed: Listed::In, since: now, cache, told: Vec::new() }
    }

    pub(crate) fn answer(
        &mut self,
        request: &Request,
        faults: &Faults,
        now: Time,
    ) -> Result<Answer, Failure> {
        if faults.forgets {
            self.set(Listed::In, now);
        }
        if let Some(status) = faults.refused {
            return Ok(answer(status, ""));
        }
        let broken = || Failure::Broke("it broke off".to_owned());
        if faults.broken == Some(false) {
            return Err(broken());
        }
        if request.method != Method::GET {
            self.told.push((now, request.method.clone()));
        }
        match (&request.method, request.url.path()) {
            (&Method::PUT, "/in") => self.set(Listed::In, now),
            (&Method::PUT, "/out") => self.set(Listed::Out, now),
            (&Method::DELETE, "/") => self.set(Listed::None, now),
            (&Method::GET, "/") => {}
            other => panic!("{other:?}"),
        }
        if faults.broken == Some(true) {
            return Err(broken());
        }
        let listed = match self.listed {
            Listed::In => "in",
            Listed::Out => "out",
            Listed::None => "none",
        };
        let cached = if now - self.since >= self.cache { " cached" } else { "" };
        Ok(answer(200, faults.lie.unwrap_or(&format!("{listed}{cached}"))))
    }

    fn set(&mut self, listed: Listed, now: Time) {
        if self.listed != listed {
            (self.listed, self.since) = (listed, now);
        }
    }
}

fn answer(status: u16, body: &str) -> Answer {
    let status = StatusCode::from_u16(status).unwrap();
    Answer { status, headers: http::HeaderMap::new(), body: body.as_bytes().to_vec() }
}
