//! What the sample program answers.
//!
//! | path | answer |
//! | --- | --- |
//! | `GET /health` | 200; 500 if it was told never to be ready; 503 after SIGUSR1 |
//! | `GET /` | a line with the version |
//! | `POST /` | the body, back |
//! | `/bytes?n=N` | N bytes |
//! | `/sleep?ms=N` | the body (or a line) after N ms; with `&to=M`, after N to M ms, evenly spread |
//! | `/stream?ms=N&every=M` | a line every M ms for N ms, chunked |
//! | `/metrics` | a line as Prometheus reads it |
//! | `/ws` | WebSocket: every message back |
//! | `/crash` | none: exits |
//!
//! Every answer has `segue-version` and `segue-pid`.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Body, Frame, Incoming};
use hyper::header::HeaderValue;
use hyper::{Method, Request, Response, StatusCode};
use tokio::sync::watch;
use tokio::time::Interval;

use super::echo;
use crate::clock;

/// The exit code of an instance that was told to fail.
pub(super) const CRASHED: u8 = 70;

/// What a request body may have at the most: it is held in memory to be sent back.
const LARGEST_BODY: usize = 64 << 20;

type Answer = Response<BoxBody<Bytes, Infallible>>;

/// What all connections of the instance share.
pub(super) struct State {
    version: HeaderValue,
    pid: HeaderValue,
    ready: bool,
    health_fails: AtomicBool,
    /// How many pauses of no fixed length there were.
    pauses: AtomicU64,
    draining: watch::Sender<bool>,
    /// Every open WebSocket holds a receiver.
    upgraded: watch::Sender<()>,
}

impl State {
    pub(super) fn new(version: &str, ready: bool) -> Arc<Self> {
        // A version that cannot be a header value could not be told from another one anyway.
        let version = HeaderValue::from_str(version).unwrap_or(HeaderValue::from_static("unprintable"));
        Arc::new(Self {
            version,
            pid: HeaderValue::from(std::process::id()),
            ready,
            health_fails: AtomicBool::new(false),
            pauses: AtomicU64::new(0),
            draining: watch::Sender::new(false),
            upgraded: watch::Sender::new(()),
        })
    }

    /// From now on `/health` says that this instance wants no more requests.
    pub(super) fn fail_health(&self) {
        self.health_fails.store(true, Ordering::Relaxed);
    }

    /// Tells the open WebSockets that the end is near.
    pub(super) fn drain(&self) {
        self.draining.send_replace(true);
    }

    /// Resolves when the last WebSocket has ended.
    pub(super) async fn upgraded_ended(&self) {
        self.upgraded.closed().await;
    }

    fn health(&self) -> Answer {
        if !self.ready {
            text(StatusCode::INTERNAL_SERVER_ERROR, "told never to be ready\n")
        } else if self.health_fails.load(Ordering::Relaxed) {
            text(StatusCode::SERVICE_UNAVAILABLE, "about to stop\n")
        } else {
            text(StatusCode::OK, "ok\n")
        }
    }

    /// From `least` to `most` ms, each part of that span as often as any other, without chance.
    fn pause(&self, least: u64, most: Option<u64>) -> Duration {
        let span = most.unwrap_or(least).saturating_sub(least);
        // Steps of 0.618 of the span never fall together.
        let step = self.pauses.fetch_add(1, Ordering::Relaxed).wrapping_mul(618) % 1000;
        Duration::from_millis(least + span.saturating_mul(step) / 1000)
    }

    fn greeting(&self) -> String {
        format!("sample program, version {}\n", self.version.to_str().unwrap_or_default())
    }
}

/// Answers one request.
pub(super) async fn answer(state: Arc<State>, request: Request<Incoming>) -> Result<Answer, Infallible> {
    let number = |name| query(request.uri().query(), name);
    let mut answer = match request.uri().path() {
        "/health" => state.health(),
        "/" => echo_body(&state, request).await,
        "/bytes" => {
            let length = usize::try_from(number("n").unwrap_or(0)).unwrap_or(LARGEST_BODY).min(LARGEST_BODY);
            text(StatusCode::OK, vec![b'.'; length])
        }
        "/sleep" => {
            let pause = state.pause(number("ms").unwrap_or(0), number("to"));
            let answer = echo_body(&state, request).await;
            clock::sleep(pause).await;
            answer
        }
        "/stream" => {
            let length = Duration::from_millis(number("ms").unwrap_or(1000));
            let every = Duration::from_millis(number("every").unwrap_or(100).max(1));
            Response::new(Lines::new(state.greeting(), length, every).boxed())
        }
        "/metrics" => text(StatusCode::OK, "segue_sample_up 1\n"),
        "/ws" => upgrade(&state, request),
        "/crash" => std::process::exit(CRASHED.into()),
        _ => text(StatusCode::NOT_FOUND, "nothing here\n"),
    };
    let headers = answer.headers_mut();
    headers.insert("segue-version", state.version.clone());
    headers.insert("segue-pid", state.pid.clone());
    Ok(answer)
}

/// A body comes back as it is; without one there is a line about the version.
async fn echo_body(state: &State, request: Request<Incoming>) -> Answer {
    if request.method() == Method::GET || request.method() == Method::HEAD {
        return text(StatusCode::OK, state.greeting());
    }
    match Limited::new(request.into_body(), LARGEST_BODY).collect().await {
        Ok(body) => text(StatusCode::OK, body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => text(StatusCode::PAYLOAD_TOO_LARGE, "too large\n"),
        Err(_) => text(StatusCode::BAD_REQUEST, "the body did not come whole\n"),
    }
}

fn upgrade(state: &State, mut request: Request<Incoming>) -> Answer {
    let Some(accept) = echo::accept(&request) else {
        return text(StatusCode::UPGRADE_REQUIRED, "this path speaks WebSocket\n");
    };
    let draining = state.draining.subscribe();
    let open = state.upgraded.subscribe();
    let upgraded = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        if let Ok(upgraded) = upgraded.await {
            echo::converse(upgraded, draining).await;
        }
        drop(open);
    });
    let mut answer = text(StatusCode::SWITCHING_PROTOCOLS, "");
    let headers = answer.headers_mut();
    headers.insert(hyper::header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(hyper::header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(hyper::header::SEC_WEBSOCKET_ACCEPT, accept);
    answer
}

fn text(status: StatusCode, body: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Full::new(body.into()).boxed());
    *answer.status_mut() = status;
    answer
}

/// The number behind `name=` in a query.
fn query(query: Option<&str>, name: &str) -> Option<u64> {
    query?.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')?.parse().ok())
}

/// A body that says a line at every tick.
struct Lines {
    line: Bytes,
    left: u128,
    ticks: Interval,
}

impl Lines {
    fn new(line: String, length: Duration, every: Duration) -> Self {
        let left = length.as_millis() / every.as_millis().max(1) + 1;
        Self { line: line.into(), left, ticks: tokio::time::interval(every) }
    }
}

impl Body for Lines {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        ready!(self.ticks.poll_tick(context));
        self.left -= 1;
        Poll::Ready(Some(Ok(Frame::data(self.line.clone()))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_gives_the_number_of_exactly_the_asked_name() {
        assert_eq!(query(Some("every=20&ms=500"), "ms"), Some(500));
        assert_eq!(query(Some("mss=1"), "ms"), None);
        assert_eq!(query(Some("ms=soon"), "ms"), None);
        assert_eq!(query(None, "ms"), None);
    }
}
