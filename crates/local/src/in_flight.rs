//! The in-flight file: how many requests are in flight, written down while it changes; the count that a killed `segue up`
//! leaves. In the state folder and in the log it is called `gauge`.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::time::Duration;

use segue_proxy::{Pool, Proxy};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

use crate::clock;
use crate::folder::Folder;

/// How old the count is at most.
pub const EVERY: Duration = Duration::from_millis(50);

/// One count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// Requests in flight.
    pub in_flight: u64,
}

/// Writes the count whenever it has changed, for as long as the service lives.
pub async fn keep(folder: Folder, pool: Pool, front: Arc<Proxy>) {
    let mut written = None;
    loop {
        let on_instances: u64 = pool.instances().iter().map(|instance| instance.in_flight).sum();
        let reading = Reading { in_flight: on_instances.max(front.stats().in_flight) };
        if written != Some(reading) {
            match write(&folder, reading) {
                Ok(()) => written = Some(reading),
                Err(error) => tracing::debug!(%error, "the gauge cannot be written"),
            }
        }
        clock::sleep(EVERY).await;
    }
}

/// In place and always of the same length: one small write, no file is made.
fn write(folder: &Folder, reading: Reading) -> io::Result<()> {
    let path = folder.in_flight_file();
    let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)?;
    let text = serde_json::to_string(&reading)?;
    file.write_all_at(format!("{text:<40}\n").as_bytes(), 0)
}

/// What was written last.
pub fn read(folder: &Folder) -> Option<Reading> {
    let text = std::fs::read_to_string(folder.in_flight_file()).ok()?;
    serde_json::from_str(text.trim()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::folder::StateDir;

    #[test]
    fn a_smaller_count_leaves_nothing_of_a_larger_one() {
        let place = tempfile::tempdir().unwrap();
        let folder = StateDir::find(Some(place.path().to_owned())).unwrap().service("web");
        assert_eq!(read(&folder), None);
        drop(folder.lock().unwrap());
        for in_flight in [123_456, 7] {
            write(&folder, Reading { in_flight }).unwrap();
            assert_eq!(read(&folder), Some(Reading { in_flight }));
        }
    }

    #[tokio::test]
    async fn the_count_is_there_as_soon_as_clients_can_connect() {
        let place = tempfile::tempdir().unwrap();
        let folder = StateDir::find(Some(place.path().to_owned())).unwrap().service("web");
        drop(folder.lock().unwrap());
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let pool = Pool::default();
        let front = Proxy::start(listener, pool.clone(), segue_proxy::Config::default()).unwrap();
        let kept = tokio::spawn(keep(folder.clone(), pool, Arc::new(front)));
        let written = async {
            while read(&folder) != Some(Reading { in_flight: 0 }) {
                clock::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_mins(1), written).await.expect("written in time");
        kept.abort();
    }
}
