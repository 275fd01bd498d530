//! TLS by rustls; ALPN chooses the protocol.

use std::net::TcpStream;
use std::sync::Arc;

use crate::support::http::Wire;
use crate::support::origin::Origin;
use crate::support::{PATIENCE, config, pool_of, start};
use rustls::pki_types::{CertificateDer, ServerName};
use segue_proxy::{Config, Proxy, Tls, TlsError};

pub(crate) fn certificate() -> (Tls, CertificateDer<'static>) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let tls = Tls::from_pem(made.cert.pem().as_bytes(), made.signing_key.serialize_pem().as_bytes()).unwrap();
    (tls, made.cert.der().clone())
}

pub(crate) fn served() -> (Proxy, CertificateDer<'static>) {
    let (tls, certificate) = certificate();
    (start(&pool_of(&[Origin::echo().address]), Config { tls: Some(tls), ..config() }), certificate)
}

pub(crate) fn client_config(
    certificate: CertificateDer<'static>,
    protocol: &[u8],
) -> Arc<rustls::ClientConfig> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(certificate).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![protocol.to_vec()];
    Arc::new(config)
}

pub(crate) fn name() -> ServerName<'static> {
    ServerName::try_from("localhost").unwrap()
}

#[test]
pub(crate) fn http_1_over_tls_is_served() {
    let (proxy, certificate) = served();
    let tls = rustls::ClientConnection::new(client_config(certificate, b"http/1.1"), name()).unwrap();
    let stream = TcpStream::connect(proxy.local_addr()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut client = Wire(std::io::BufReader::new(rustls::StreamOwned::new(tls, stream)));
    for _ in 0..3 {
        std::io::Write::write_all(client.0.get_mut(), b"GET /tls HTTP/1.1\r\nhost: localhost\r\n\r\n")
            .unwrap();
        assert_eq!(client.answer().text(), "GET /tls HTTP/1.1");
    }
    assert_eq!(client.0.get_ref().conn.alpn_protocol(), Some(&b"http/1.1"[..]));
}

#[test]
pub(crate) fn a_request_that_comes_with_the_end_of_the_handshake_is_answered() {
    let (proxy, certificate) = served();
    let mut tls = rustls::ClientConnection::new(client_config(certificate, b"http/1.1"), name()).unwrap();
    // Said before the handshake, it leaves together with the handshake's last message.
    std::io::Write::write_all(&mut tls.writer(), b"GET /early HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    let stream = TcpStream::connect(proxy.local_addr()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut client = Wire(std::io::BufReader::new(rustls::StreamOwned::new(tls, stream)));
    assert_eq!(client.answer().text(), "GET /early HTTP/1.1");
}

#[test]
pub(crate) fn what_is_no_certificate_is_refused_with_its_reason() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    assert!(matches!(Tls::from_pem(b"nothing", key.as_bytes()), Err(TlsError::Empty)));
    assert!(matches!(Tls::from_pem(chain.as_bytes(), b"nothing"), Err(TlsError::Key(_))));
    let foreign = other.signing_key.serialize_pem();
    assert!(matches!(Tls::from_pem(chain.as_bytes(), foreign.as_bytes()), Err(TlsError::Refused(_))));
}
