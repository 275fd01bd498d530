//! One service of the small server in `app.py`, with the lines that a case is about.

use std::io::Read as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use segue_e2e::client::{self, Answer};
use segue_e2e::place::free_address;
use segue_e2e::{Client, Place, Service};
use serde_json::Value;

/// Less than the shortest default that a case of a timeout must not be mistaken for.
const SOON: Duration = Duration::from_secs(20);

/// A key, and what sees its effect.
pub(crate) type Case = (&'static str, fn());

pub(crate) struct One {
    pub(crate) place: Place,
    pub(crate) listen: SocketAddr,
}

impl One {
    pub(crate) fn new() -> Self {
        let place = Place::new();
        place.write("app.py", include_str!("app.py"));
        Self { place, listen: free_address() }
    }

    /// Writes a spec; the lines come in place of those that it would have.
    pub(crate) fn spec(&self, version: &str, lines: &str) -> PathBuf {
        let own = [
            "name: web".to_owned(),
            format!("listen: {}", self.listen),
            format!("version: {version}"),
            "command: [python3, app.py]".to_owned(),
            "ready: { http: /health, interval: 20ms }".to_owned(),
            "stop: { grace: 2s }".to_owned(),
        ];
        let key = |line: &str| line.split(':').next().map(|key| format!("{key}:"));
        let other = |line: &&String| !lines.lines().any(|set| set.starts_with(&key(line).unwrap()));
        let text: Vec<String> = own.iter().filter(other).cloned().collect();
        self.place.write(&format!("{version}.yaml"), &format!("{}\n{lines}\n", text.join("\n")))
    }

    /// Runs it until all of its instances serve.
    pub(crate) fn serves(self, lines: &str) -> Service {
        let spec = self.spec("v1", lines);
        let replicas = lines.lines().find_map(|line| line.strip_prefix("replicas: ")?.parse().ok());
        Service::run(self.place, self.listen, &spec, "v1", replicas.unwrap_or(1))
    }
}

/// A service of these lines, once it serves.
pub(crate) fn serving(lines: &str) -> Service {
    One::new().serves(lines)
}

/// What the server tells of itself.
pub(crate) fn about(service: &Service) -> Value {
    body(&client::get(service.listen, "/about"))
}

pub(crate) fn body(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap_or_else(|error| panic!("{error}: {answer:?}"))
}

/// A client that takes no timeout of the default for one of the case.
pub(crate) fn impatient(service: &Service) -> Client {
    let mut client = Client::connect(service.listen);
    client.stream().set_read_timeout(Some(SOON)).unwrap();
    client
}

/// Waits until the proxy ends the connection, long before the default would.
#[track_caller]
pub(crate) fn ends(client: &mut Client) {
    let mut rest = Vec::new();
    match client.stream().read_to_end(&mut rest) {
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => {}
        Err(error) => panic!("the connection was to end: {error}"),
    }
}
