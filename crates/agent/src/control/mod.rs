//! The agent's own port: status, health and metrics for anyone; a drain for the pod's own hooks alone.
//!
//! It binds before anything else and says `503` to `/ready` until the agent has started, with what it waits for.

mod context;
mod metrics;
mod places;
mod routes;
mod tcp_probe;

#[cfg(test)]
pub(crate) use {metrics::page, routes::ROUTES};

use crate::clock;
pub(crate) use context::Control;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use places::Places;
use std::rc::Rc;
use std::time::Duration;
use tokio::net::TcpListener;

/// A connection that has asked nothing for so long is closed.
const SILENT: Duration = Duration::from_secs(10);

/// Answers for ever.
pub(crate) async fn serve(listener: TcpListener, control: Rc<Control>) {
    let places = Rc::new(Places::default());
    loop {
        let Ok((stream, peer)) = listener.accept().await else {
            // Too many open files, or a client that left: neither is a reason to spin.
            clock::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let Some(seat) = places.take(peer.ip()) else { continue };
        // A connection that is over already is its own business.
        let Ok(asked) = stream.local_addr().map(|address| address.ip().to_canonical()) else { continue };
        let (control, owned) = (Rc::clone(&control), Rc::clone(&seat));
        let connection = tokio::task::spawn_local(async move {
            let service = service_fn(move |request| {
                let (control, seat) = (Rc::clone(&control), Rc::clone(&owned));
                async move {
                    seat.used();
                    let answer = routes::answer(control, &seat, asked, request).await;
                    seat.used();
                    answer
                }
            });
            // A client that breaks off is its own business.
            let _ = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(SILENT)
                .half_close(true)
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
        seat.is_of(connection.abort_handle());
    }
}
