//! Looks at real sockets on the loopback of this machine: what the kernel really says, and that it takes no privilege.

mod agreement;
mod clock;
mod judged;
mod many;
mod pair;
mod states;
mod unprivileged;
