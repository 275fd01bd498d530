//! A guard in front of an application that does exactly what a test says, over real sockets.

use std::net::SocketAddr;
use std::time::Duration;

use segue_core::pod::{Discount, Port, Protocol};
use segue_guard::{Guard, Settings, Snapshot, bind};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// How long anything may take before a test gives up.
const PATIENCE: Duration = Duration::from_mins(1);

/// `future`, or a failed test.
pub(crate) async fn soon<F: Future>(what: &str, future: F) -> F::Output {
    tokio::time::timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("waited for {what} for too long"))
}

/// What most tests tell a guard.
pub(crate) fn settings(application: u16, protocol: Protocol) -> Settings {
    Settings {
        ports: vec![Port { name: None, application, guard: Some(0), redirect: None, protocol }],
        max_connections: 2000,
        websocket_grace: Duration::ZERO,
        linger: Duration::from_secs(5),
        longest_request: Duration::from_secs(5),
        discount: Discount {
            paths: vec!["/healthz".to_owned()],
            user_agents: vec!["kube-probe/".to_owned()],
        },
    }
}

/// A guard and the listening socket of the application behind it.
pub(crate) struct TestBed {
    pub(crate) guard: Guard,
    pub(crate) address: SocketAddr,
    pub(crate) application: TcpListener,
}

impl TestBed {
    pub(crate) async fn new() -> Self {
        Self::with(Protocol::Auto, |_| ()).await
    }

    pub(crate) async fn with(protocol: Protocol, change: impl FnOnce(&mut Settings)) -> Self {
        let application = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut settings = settings(application.local_addr().unwrap().port(), protocol);
        change(&mut settings);
        let (guard, address) = serve(settings).await;
        Self { guard, address, application }
    }

    /// A client and the application's end of its connection.
    pub(crate) async fn pair(&self) -> (End, End) {
        let client = TcpStream::connect(self.address).await.unwrap();
        let (application, _) =
            soon("the connection to the application", self.application.accept()).await.unwrap();
        (End::new(client), End::new(application))
    }

    /// Waits until what the guard knows is so.
    pub(crate) async fn until(&self, what: &str, is: impl Fn(&Snapshot) -> bool) -> Snapshot {
        until(&self.guard, what, is).await
    }
}

pub(crate) async fn serve(settings: Settings) -> (Guard, SocketAddr) {
    let bound = bind(settings).await.unwrap();
    let address = SocketAddr::from(([127, 0, 0, 1], bound.ports()[0].1));
    (bound.serve(), address)
}

/// Waits until what a guard knows is so.
pub(crate) async fn until(guard: &Guard, what: &str, is: impl Fn(&Snapshot) -> bool) -> Snapshot {
    let wait = async {
        loop {
            let snapshot = guard.snapshot();
            if is(&snapshot) {
                return snapshot;
            }
            pause().await;
        }
    };
    match tokio::time::timeout(PATIENCE, wait).await {
        Ok(snapshot) => snapshot,
        Err(late) => panic!("waited for {what} for too long ({late}): {:?}", guard.snapshot()),
    }
}

#[expect(clippy::disallowed_methods, reason = "the one pause of the tests")]
pub(crate) async fn pause() {
    tokio::time::sleep(Duration::from_millis(2)).await;
}

/// Long enough for anything that is about to happen on loopback; for tests that say that something does *not* happen.
#[expect(clippy::disallowed_methods, reason = "the other pause of the tests")]
pub(crate) async fn moment() {
    tokio::time::sleep(Duration::from_millis(100)).await;
}

/// One end of a connection.
pub(crate) struct End {
    pub(crate) stream: TcpStream,
}

impl End {
    pub(crate) fn new(stream: TcpStream) -> Self {
        stream.set_nodelay(true).unwrap();
        Self { stream }
    }

    pub(crate) async fn say(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
    }

    /// Reads exactly these bytes.
    pub(crate) async fn hears(&mut self, bytes: impl AsRef<[u8]>) {
        let bytes = bytes.as_ref();
        let mut heard = vec![0; bytes.len()];
        let what = String::from_utf8_lossy(bytes).into_owned();
        soon(&format!("{what:?}"), self.stream.read_exact(&mut heard)).await.unwrap();
        assert_eq!(String::from_utf8_lossy(&heard), what);
        assert_eq!(heard, bytes);
    }

    /// Reads the peer's end, with nothing before it.
    pub(crate) async fn hears_end(&mut self) {
        let mut rest = Vec::new();
        soon("the end", self.stream.read_to_end(&mut rest)).await.unwrap();
        assert_eq!(String::from_utf8_lossy(&rest), "");
    }

    /// Reads everything up to the end.
    pub(crate) async fn hears_all(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        soon("the end", self.stream.read_to_end(&mut rest)).await.unwrap();
        rest
    }

    /// Reads the peer's reset, whatever stood before it.
    pub(crate) async fn hears_reset(&mut self) {
        let mut rest = Vec::new();
        let error = soon("the reset", self.stream.read_to_end(&mut rest)).await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    }

    /// Ends this direction.
    pub(crate) async fn ends(&mut self) {
        self.stream.shutdown().await.unwrap();
    }

    /// Resets the connection.
    pub(crate) fn resets(self) {
        self.stream.set_zero_linger().unwrap();
    }
}
