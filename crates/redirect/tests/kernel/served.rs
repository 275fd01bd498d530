//! Servers that say which they are, and clients that ask.

use crate::namespace::Namespace;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::time::Duration;

/// Long enough on a busy machine for what comes.
const LONG: Duration = Duration::from_secs(20);

/// Serves on all addresses of a namespace until the test's process ends: each client gets `name`, its own address as it is
/// seen, and `more` bytes behind a line end.
pub(crate) fn serve(namespace: &Namespace, port: u16, name: &'static str, more: usize) {
    serve_at(namespace, "::", port, name, more);
}

pub(crate) fn serve_at(namespace: &Namespace, address: &str, port: u16, name: &'static str, more: usize) {
    let address: IpAddr = address.parse().unwrap();
    // A thread that is started inside stays inside.
    namespace.run(move || {
        let listener = TcpListener::bind((address, port)).unwrap();
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let mut client = client.unwrap();
                std::thread::spawn(move || {
                    let from = client.peer_addr().unwrap().ip().to_canonical();
                    let _ = client.write_all(format!("{name} {from}\n").as_bytes());
                    let _ = client.write_all(&vec![b'x'; more]);
                });
            }
        });
    });
}

/// Who answers at an address: its name, and who it saw.
pub(crate) fn ask(namespace: &Namespace, address: &str, port: u16) -> io::Result<(String, usize)> {
    ask_within(namespace, address, port, LONG)
}

pub(crate) fn ask_within(
    namespace: &Namespace,
    address: &str,
    port: u16,
    within: Duration,
) -> io::Result<(String, usize)> {
    let address = SocketAddr::new(address.parse().unwrap(), port);
    namespace.run(move || {
        let mut stream = TcpStream::connect_timeout(&address, within)?;
        assert_eq!(stream.peer_addr()?, address, "the answer comes from where it was asked");
        stream.set_read_timeout(Some(within))?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        let end = answer.iter().position(|byte| *byte == b'\n').ok_or(ErrorKind::UnexpectedEof)?;
        Ok((String::from_utf8(answer[..end].to_vec()).unwrap(), answer.len() - end - 1))
    })
}

/// Echoes one datagram; answers whether it came back.
pub(crate) fn datagram(server: &Namespace, client: &Namespace, address: &str, port: u16) -> bool {
    let socket = server.run(|| UdpSocket::bind(("::", port)).unwrap());
    let address = SocketAddr::new(address.parse().unwrap(), port);
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let mut bytes = [0; 16];
            socket.set_read_timeout(Some(LONG)).unwrap();
            if let Ok((length, from)) = socket.recv_from(&mut bytes) {
                socket.send_to(&bytes[..length], from).unwrap();
            }
        });
        client.run(|| {
            let any: IpAddr = if address.is_ipv4() { [0; 4].into() } else { [0_u16; 8].into() };
            let socket = UdpSocket::bind((any, 0)).unwrap();
            socket.connect(address).unwrap();
            socket.send(b"here").unwrap();
            socket.set_read_timeout(Some(LONG)).unwrap();
            socket.recv(&mut [0; 16]).is_ok_and(|length| length == 4)
        })
    })
}
