//! A snapshot: every TCP socket of the network namespace at one moment, as plain data.

use segue_core::Time;
use std::net::SocketAddr;
use std::time::Duration;

/// Every TCP socket of the network namespace, IPv4 and IPv6, at one moment; nearly so where there are many: the kernel
/// tells of them piece by piece, and a socket that moves meanwhile may be missing (one in 200,000 was, at 10,000 new
/// connections a second). None is there twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// When it was taken: once all was read.
    pub taken: Time,
    /// Where it comes from, and so what it can say.
    pub source: Source,
    /// How many connections clients have opened to this namespace since it exists, on any port; read just before the
    /// sockets. `None` where the kernel does not say.
    pub passive_opens: Option<u64>,
    /// Sockets that listen, sorted.
    pub listeners: Vec<Listener>,
    /// All other sockets, those in TIME_WAIT included, sorted.
    pub connections: Vec<Connection>,
}

/// Where a snapshot comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// The kernel's socket diagnostics, with times and counters.
    Netlink,
    /// `/proc/net/tcp` and `tcp6`: no times, no counters. Nothing that needs them may end a wait.
    Proc,
}

/// A socket that listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listener {
    /// On what; `[::]` may take IPv4 too.
    pub local: SocketAddr,
    /// Connections in its accept queue.
    pub waiting: u32,
    /// How many may be there; [`Source::Proc`] does not say.
    pub backlog: Option<u32>,
    /// The socket's inode.
    pub inode: u32,
}

/// A socket that does not listen. IPv4 addresses in IPv6 sockets are given as IPv4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Connection {
    /// This end.
    pub local: SocketAddr,
    /// The other end.
    pub remote: SocketAddr,
    /// Its state.
    pub state: TcpState,
    /// Bytes that came in and were not read; the peer's FIN does not count.
    pub unread: u32,
    /// Bytes written and not acknowledged, sent or not; an own FIN counts as one.
    pub unacknowledged: u32,
    /// The socket's inode; 0 while it waits in an accept queue, and once no process has it any more.
    pub inode: u32,
    /// The kernel's name of the socket, the same in every snapshot; 0 where it is not known ([`Source::Proc`]).
    pub cookie: u64,
    /// In TIME_WAIT: for how long yet (the kernel begins with 60 s), where that is known.
    pub time_wait_left: Option<Duration>,
    /// What TCP_INFO says; sockets in SYN_RECV and TIME_WAIT have none, nor has [`Source::Proc`].
    pub traffic: Option<Traffic>,
}

/// What TCP_INFO says of a connection. A counter is `None` on a kernel older than it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Traffic {
    /// How long ago data last came in; as long ago as the connection was opened if none did. In ticks of the kernel.
    pub last_received: Duration,
    /// How long ago data last went out; likewise.
    pub last_sent: Duration,
    /// Segments that were sent and not acknowledged.
    pub unacknowledged_segments: u32,
    /// Bytes that were written and not yet sent.
    pub unsent: Option<u32>,
    /// Bytes of data that came in; the peer's FIN does not count.
    pub received: Option<u64>,
    /// Bytes that the peer acknowledged; an own FIN counts as one.
    pub acknowledged: Option<u64>,
    /// Bytes of data that were sent, repetitions included.
    pub sent: Option<u64>,
}

/// The states of TCP, but for LISTEN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TcpState {
    /// Open.
    Established,
    /// This side asked to open.
    SynSent,
    /// A client asked to open, its last word of the handshake is missing.
    SynReceived,
    /// This side closed; its FIN is not acknowledged.
    FinWait1,
    /// This side closed, the peer knows and may still send.
    FinWait2,
    /// Over; this side closed first.
    TimeWait,
    /// No connection.
    Closed,
    /// The peer closed, this side may still send.
    CloseWait,
    /// Both closed, the peer first; this side's FIN is not acknowledged.
    LastAck,
    /// Both closed at once; this side's FIN is not acknowledged.
    Closing,
}

impl TcpState {
    /// The state that the kernel numbers so; `None` for LISTEN and numbers that no connection has.
    pub(crate) fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            1 => Self::Established,
            2 => Self::SynSent,
            // 12 is how newer kernels call the same thing inside.
            3 | 12 => Self::SynReceived,
            4 => Self::FinWait1,
            5 => Self::FinWait2,
            6 => Self::TimeWait,
            7 => Self::Closed,
            8 => Self::CloseWait,
            9 => Self::LastAck,
            11 => Self::Closing,
            _ => return None,
        })
    }

    /// Whether the peer's FIN has come: the kernel counts it as one byte in.
    pub(crate) fn peer_closed(self) -> bool {
        matches!(self, Self::CloseWait | Self::LastAck | Self::Closing)
    }
}

/// The kernel's number of LISTEN.
pub(crate) const LISTEN: u8 = 10;

/// The sockets of a snapshot while they are read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Sockets {
    pub(crate) listeners: Vec<Listener>,
    pub(crate) connections: Vec<Connection>,
}

/// One socket as the kernel tells of it, netlink and `/proc` alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RawSocket {
    pub(crate) local: SocketAddr,
    pub(crate) remote: SocketAddr,
    pub(crate) state: u8,
    pub(crate) receive_queue: u32,
    pub(crate) send_queue: u32,
    /// Whether a listener's send queue is its backlog.
    pub(crate) tells_backlog: bool,
    pub(crate) inode: u32,
    pub(crate) cookie: u64,
    pub(crate) time_wait_left: Option<Duration>,
    pub(crate) traffic: Option<Traffic>,
}

impl Sockets {
    /// Leaves each socket once: a table that changes while it is read shows some twice, the later the truer.
    pub(crate) fn settle(&mut self) {
        self.listeners.reverse();
        self.listeners.sort_by_key(|one| (one.local, one.inode));
        self.listeners.dedup_by_key(|one| (one.local, one.inode));
        self.connections.reverse();
        self.connections.sort_by_key(|one| (one.local, one.remote));
        self.connections.dedup_by_key(|one| (one.local, one.remote));
    }

    /// Takes a socket in; one in a state without a connection is left out.
    pub(crate) fn add(&mut self, told: RawSocket) {
        let canonical = |address: SocketAddr| SocketAddr::new(address.ip().to_canonical(), address.port());
        let local = canonical(told.local);
        if told.state == LISTEN {
            let backlog = told.tells_backlog.then_some(told.send_queue);
            let inode = told.inode;
            self.listeners.push(Listener { local, waiting: told.receive_queue, backlog, inode });
            return;
        }
        let Some(state) = TcpState::from_number(told.state) else { return };
        let fin = u32::from(state.peer_closed());
        let traffic = told.traffic.map(|traffic| Traffic {
            received: traffic.received.map(|bytes| bytes.saturating_sub(u64::from(fin))),
            ..traffic
        });
        self.connections.push(Connection {
            local,
            remote: canonical(told.remote),
            state,
            unread: told.receive_queue.saturating_sub(fin),
            unacknowledged: told.send_queue,
            inode: told.inode,
            cookie: told.cookie,
            time_wait_left: told.time_wait_left,
            traffic,
        });
    }
}
