//! TLS: whom the probe believes, and that both protocols go through it.

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use segue_probe::{Kind, Load, Protocol, Report, Shape, Trust};
use tokio_rustls::TlsAcceptor;

use crate::server::{load, probe};

/// A server for `localhost` that speaks what the client asks for by ALPN; its port, and its certificate as PEM.
fn secure(name: &str) -> (u16, PathBuf) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.pem"));
    std::fs::write(&file, made.cert.pem()).unwrap();
    let certificate: CertificateDer<'static> = made.cert.der().clone();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    // A client that does not believe the certificate leaves within the handshake.
                    let Ok(stream) = acceptor.accept(stream).await else { return };
                    let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
                    let service = service_fn(answer);
                    let io = TokioIo::new(stream);
                    let _ = if http2 {
                        hyper::server::conn::http2::Builder::new(TokioExecutor::new())
                            .serve_connection(io, service)
                            .await
                    } else {
                        hyper::server::conn::http1::Builder::new().serve_connection(io, service).await
                    };
                });
            }
        });
    });
    (port, file)
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let version = format!("{:?}", request.version());
    Ok(Response::builder().header("segue-version", version).body("hello".into()).unwrap())
}

fn run(port: u16, protocol: Protocol, trust: Trust) -> Report {
    let shape = Shape { protocol, pool: 2, ..Shape::new("GET", 50.0) };
    let load = load("unused", 0.2, shape);
    let target = format!("https://localhost:{port}/").parse().unwrap();
    probe(Load { target, trust, connect_timeout: Duration::from_secs(5), ..load })
}

#[test]
fn a_certificate_of_the_given_file_is_believed_by_both_protocols() {
    let (port, file) = secure("believed");
    for (protocol, name) in [(Protocol::Http1, "HTTP/1.1"), (Protocol::Http2, "HTTP/2.0")] {
        let report = run(port, protocol, Trust::File(file.clone()));
        assert_eq!(report.ledger.versions(), [(name.to_owned(), 10)], "{:?}", report.drops());
    }
}

#[test]
fn another_certificate_is_a_tls_drop_unless_anyone_is_believed() {
    let (port, _) = secure("real");
    let (_, other) = secure("other");
    let report = run(port, Protocol::Http1, Trust::File(other));
    assert_eq!(report.drops().get("tls"), Some(&10), "{:?}", report.drops());
    let causes: Vec<_> = report.ledger.causes().iter().collect();
    let [((Kind::Tls, cause), 10)] = causes[..] else { panic!("{causes:?}") };
    assert!(cause.contains("invalid peer certificate"), "{cause}");
    assert_eq!(report.ledger.losses()[0].end.cause.as_ref(), Some(cause));
    let report = run(port, Protocol::Http1, Trust::Anyone);
    assert_eq!((report.ledger.ok(), report.ledger.dropped()), (10, 0));
}
