//! The L7 load balancer of one machine.
//!
//! ```text
//!  client ──► downstream ──► forward ──► pool ──► instance (claim)
//!             accept, TLS,   headers,    least     │
//!             HTTP/1, HTTP/2 retry       in flight ▼
//!  client ◄── tracked ◄───── body ◄───── upstream (link, upload, exchange) ──► the instance's process
//!                 └────────► operation ◄─── sweep (timeouts, cuts, drain)
//! ```
//!
//! The promise: a request *claims* its instance by the same atomic step that checks that the instance takes
//! requests ([`Pool::withdraw`] returns, and none can be sent to it any more), it is counted until the last byte
//! of its answer was handed over, and it goes to another instance only while not a byte of it has left.
//!
//! One task carries a client's connection and, in turn, the connection to the instance: no channel and no wake-up
//! lies between the two. Bodies pass through without being copied.

mod body;
mod claim;
mod clock;
mod config;
mod connecting;
mod downstream;
mod forward;
mod forward_http2;
mod hop;
mod instance;
mod operation;
mod pool;
mod proxy;
mod reason;
mod registry;
mod reply;
mod request;
mod shared;
mod silence;
mod stats;
mod sweep;
mod tls;
mod tunnel;
mod upstream;
mod verdict;

pub use config::{Config, Limits, PoolConfig, Protocol};
pub use instance::InstanceView;
pub use pool::Pool;
pub use proxy::{Drained, Proxy};
pub use reason::{HEADER as REASON_HEADER, Reason};
pub use stats::Stats;
pub use tls::{Tls, TlsError};
