//! Opening a connection to an instance.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpStream;

use super::Link;
use crate::clock;

/// Why no connection came about. In each case not a byte of the request has left.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectError {
    #[error("not connected in time")]
    Timeout,
    #[error("no file descriptor left: {0}")]
    OutOfFileDescriptors(#[source] io::Error),
    #[error("{0}")]
    Refused(#[source] io::Error),
}

/// Whether an error says that this process or system has no file descriptor left.
pub(crate) fn is_out_of_file_descriptors(error: &io::Error) -> bool {
    let number = error.raw_os_error().map(rustix::io::Errno::from_raw_os_error);
    matches!(number, Some(rustix::io::Errno::MFILE | rustix::io::Errno::NFILE))
}

pub(crate) async fn connect(
    address: SocketAddr,
    worker: u64,
    idle_limit: u64,
    limit: Duration,
) -> Result<Link, ConnectError> {
    let stream = match clock::within(limit, TcpStream::connect(address)).await {
        None => return Err(ConnectError::Timeout),
        Some(Err(error)) if error.kind() == io::ErrorKind::TimedOut => return Err(ConnectError::Timeout),
        Some(Err(error)) if is_out_of_file_descriptors(&error) => {
            return Err(ConnectError::OutOfFileDescriptors(error));
        }
        Some(Err(error)) => return Err(ConnectError::Refused(error)),
        Some(Ok(stream)) => stream,
    };
    // Without it a request in two writes could wait for the instance's delayed acknowledgement.
    stream.set_nodelay(true).map_err(ConnectError::Refused)?;
    Ok(Link::new(stream, worker, idle_limit))
}
