//! The one load that all four upgrades are under.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context;
use segue_probe::{Connections, Expect, Load, Protocol, Shape};

use crate::settings::Settings;

/// Longer than any recipe takes: the load is stopped when the upgrade is over.
const LONG: Duration = Duration::from_mins(5);

/// What every answer with a greeting contains.
const GREETING: &str = "sample program, version v";

/// GET and POST, on kept and on fresh connections, HTTP/1.1 and HTTP/2; some that take one or two seconds, streams
/// that outlast the fixed sleep, and WebSockets that stay.
pub(crate) fn mix(at: SocketAddr, settings: &Settings) -> anyhow::Result<Load> {
    let target = format!("http://{at}/").parse().context("the proxy's address as a target")?;
    let rate = settings.rate;
    let stream = format!("/stream?ms={}&every=100", settings.stream.as_millis());
    let mut load = Load::new(target, LONG);
    load.shapes = vec![
        get("get", 0.45 * rate, "/"),
        Shape { connections: Connections::Fresh, ..get("get-fresh", 0.10 * rate, "/") },
        Shape { protocol: Protocol::Http2, pool: 2, ..get("get-http2", 0.15 * rate, "/") },
        post("post", 0.25 * rate, "/", 1024),
        Shape { connections: Connections::Fresh, ..post("post-fresh", 0.05 * rate, "/", 1024) },
        get("slow-get", 4.0, "/sleep?ms=1000"),
        post("slow-post", 2.0, "/sleep?ms=2000", 256),
        Shape { pool: 4, ..get("stream", 0.3, &stream) },
        Shape {
            protocol: Protocol::WebSocket,
            path: Some("/ws".to_owned()),
            body_size: 64,
            expect: Expect::Echo,
            pool: 6,
            ..Shape::new("websocket", 24.0)
        },
    ];
    Ok(load)
}

fn get(name: &str, rate: f64, path: &str) -> Shape {
    let expect = Expect::Contains(GREETING.to_owned());
    Shape { path: Some(path.to_owned()), expect, ..Shape::new(name, rate) }
}

fn post(name: &str, rate: f64, path: &str, body_size: usize) -> Shape {
    let path = Some(path.to_owned());
    Shape { method: http::Method::POST, path, body_size, expect: Expect::Echo, ..Shape::new(name, rate) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mix_has_at_least_a_thousand_requests_per_second_of_every_asked_kind() {
        let load = mix(SocketAddr::from(([127, 0, 0, 1], 80)), &Settings::full()).unwrap();
        assert!(load.shapes.iter().map(|shape| shape.rate).sum::<f64>() >= 1000.0);
        let any = |test: &dyn Fn(&Shape) -> bool| load.shapes.iter().any(test);
        assert!(any(&|shape| shape.method == http::Method::POST && shape.connections == Connections::Fresh));
        assert!(any(&|shape| shape.method == http::Method::GET && shape.connections == Connections::Kept));
        assert!(any(&|shape| shape.protocol == Protocol::WebSocket));
        assert!(any(&|shape| shape.path.as_deref().is_some_and(|path| path.starts_with("/stream"))));
    }
}
