//! What is answered where.
//!
//! | request | answer |
//! | --- | --- |
//! | `GET /ready` | 200 once started; else 503 and what is waited for |
//! | `GET /segue/lb-health` | 200; 503 from the withdraw on |
//! | `GET /status` | the report, as JSON |
//! | `GET /metrics` | the same for Prometheus |
//! | `GET /segue/tcp-probe/PORT` | 200 if the application takes a connection on its port, as a `tcpSocket` probe would find; else 503 |
//! | `POST /segue/drain` | a line of JSON per change until the hook may return; needs the pod's token |

use super::context::Control;
use super::metrics;
use super::places::Seat;
use super::tcp_probe;
use crate::clock;
use crate::driver::{Shared, WaitingHook};
use crate::report::{DrainRequest, Line};
use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Body, Frame, Incoming};
use hyper::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use segue_core::Time;
use segue_core::pod::life::asked_since;
use std::convert::Infallible;
use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;
use tokio::sync::mpsc;

/// What is asked for, by its path.
pub(crate) const ROUTES: [(&str, Route); 6] = [
    ("/ready", Route::Ready),
    ("/segue/lb-health", Route::Health),
    ("/status", Route::Status),
    ("/metrics", Route::Metrics),
    ("/segue/drain", Route::Drain),
    ("/segue/tcp-probe/PORT", Route::TcpProbe),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route {
    Ready,
    Health,
    Status,
    Metrics,
    Drain,
    TcpProbe,
}

impl Route {
    /// What a path asks for, and about which port where it names one.
    fn of(path: &str) -> Option<(Self, &str)> {
        ROUTES.iter().find_map(|(known, route)| match known.strip_suffix("PORT") {
            Some(start) => path.strip_prefix(start).map(|port| (*route, port)),
            None => (path == *known).then_some((*route, "")),
        })
    }
}

type Answer = Response<UnsyncBoxBody<Bytes, Infallible>>;

/// A hook hears of the pod at least this often, so that it notices an agent that hangs or is gone.
const HEARTBEAT: Duration = Duration::from_millis(500);
/// How old a snapshot may be that is answered with, in milliseconds.
const YOUNG: u64 = 200;
/// A drain and its plan are a few kilobytes.
const LARGEST_REQUEST: usize = 1 << 20;

pub(super) async fn answer(
    control: Rc<Control>,
    seat: &Seat,
    asked: IpAddr,
    request: Request<Incoming>,
) -> Result<Answer, Infallible> {
    let get = matches!(*request.method(), Method::GET | Method::HEAD);
    let path = request.uri().path().to_owned();
    let (route, port) = Route::of(&path).unzip();
    Ok(match route {
        Some(Route::Drain) if request.method() == Method::POST => drain(&control, seat, request).await,
        Some(Route::Drain) => text(StatusCode::METHOD_NOT_ALLOWED, "POST, by a hook of this pod\n"),
        Some(Route::Ready) if get => match &*control.starting.borrow() {
            None => text(StatusCode::OK, "ready\n"),
            Some(what) => text(StatusCode::SERVICE_UNAVAILABLE, &format!("waits for {what}\n")),
        },
        Some(Route::Health) if get => {
            if control.shared.well() {
                text(StatusCode::OK, "serving\n")
            } else {
                text(StatusCode::SERVICE_UNAVAILABLE, "draining\n")
            }
        }
        Some(Route::Status) if get => status(&control.shared).await,
        Some(Route::Metrics) if get => match fresh(&control.shared).await {
            Some(line) => {
                let page = metrics::page(&line.report, &control.shared.totals());
                with_type(StatusCode::OK, page, "text/plain; version=0.0.4")
            }
            None => text(StatusCode::SERVICE_UNAVAILABLE, "not started\n"),
        },
        Some(Route::TcpProbe) if get => {
            let Some(ports) = control.ports() else {
                return Ok(text(StatusCode::SERVICE_UNAVAILABLE, "not started\n"));
            };
            match tcp_probe::ask(asked, port.unwrap_or_default(), &ports).await {
                Ok(()) => text(StatusCode::OK, "takes connections\n"),
                Err(why) => text(why.status(), &format!("{why}\n")),
            }
        }
        Some(_) => text(StatusCode::METHOD_NOT_ALLOWED, "GET\n"),
        None => text(StatusCode::NOT_FOUND, "/status, /ready, /segue/lb-health, /metrics\n"),
    })
}

async fn status(shared: &Shared) -> Answer {
    match fresh(shared).await.and_then(|line| serde_json::to_string(&line.report).ok()) {
        Some(json) => with_type(StatusCode::OK, json + "\n", "application/json"),
        None => text(StatusCode::SERVICE_UNAVAILABLE, "not started\n"),
    }
}

/// The pod as it is now, or was a moment ago: else the driver is asked to look. Each look makes the kernel go through all
/// its connections, so how often it does that is not for whoever asks to say.
async fn fresh(shared: &Shared) -> Option<Rc<Line>> {
    let young = Time::from_millis(clock::now().as_millis().saturating_sub(YOUNG));
    if let Some(line) = shared.line_since(young) {
        return Some(line);
    }
    let mut lines = shared.lines();
    lines.mark_unchanged();
    shared.wake();
    let _ = clock::at_most(HEARTBEAT, lines.changed()).await;
    lines.borrow().clone()
}

/// The pod's own hooks alone: they come over loopback and know the token.
async fn drain(control: &Rc<Control>, seat: &Seat, request: Request<Incoming>) -> Answer {
    if !seat.is_inside() {
        return text(StatusCode::FORBIDDEN, "a drain is asked for by a hook in the pod itself\n");
    }
    let config = control.config.borrow().clone();
    let expected = config.as_ref().map(|config| format!("Bearer {}", config.token));
    let shown = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    if expected.is_none() || shown != expected.as_deref() {
        return text(
            StatusCode::UNAUTHORIZED,
            "a drain needs the token that the agent gave to the pod's hooks\n",
        );
    }
    let Ok(body) = Limited::new(request.into_body(), LARGEST_REQUEST).collect().await else {
        return text(StatusCode::BAD_REQUEST, "the request broke off or is too long\n");
    };
    // What can't be read is another version's: the drain is then one that begins here.
    let request: DrainRequest = serde_json::from_slice(&body.to_bytes()).unwrap_or_default();
    let deadline = config.map_or(Duration::MAX, |config| config.plan.drain.deadline);
    let since = asked_since(request.began, deadline, clock::now());
    let waiting = control.shared.ask(request, since);
    seat.hold();
    let (sender, receiver) = mpsc::channel(4);
    tokio::task::spawn_local(follow(waiting, Rc::clone(&control.shared), sender));
    let mut response = Response::new(Lines(receiver).boxed_unsync());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    response
}

/// Sends a line per change until the hook may return. Ends with the hook.
async fn follow(waiting: WaitingHook, shared: Rc<Shared>, sender: mpsc::Sender<Bytes>) {
    let mut lines = shared.lines();
    // What was published before the hook asked does not speak of it.
    lines.mark_unchanged();
    loop {
        let _ = clock::at_most(HEARTBEAT, lines.changed()).await;
        let Some(line) = lines.borrow_and_update().clone() else { continue };
        let Ok(mut json) = serde_json::to_vec(&*line) else { continue };
        json.push(b'\n');
        if sender.send(json.into()).await.is_err() || line.released {
            break;
        }
    }
    drop(waiting);
}

/// Lines as a body.
struct Lines(mpsc::Receiver<Bytes>);

impl Body for Lines {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(context).map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    }
}

fn text(status: StatusCode, text: &str) -> Answer {
    with_type(status, text.to_owned(), "text/plain; charset=utf-8")
}

fn with_type(status: StatusCode, text: String, kind: &'static str) -> Answer {
    let mut response = Response::new(Full::from(text).boxed_unsync());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
