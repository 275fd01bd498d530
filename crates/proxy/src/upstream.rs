//! The side of the instances: HTTP/1.1 over connections that are driven by the task of the client's request.
//!
//! Why not hyper's client: its connection is a future of its own, joined to the request by channels. Driving the
//! exchange directly costs neither channels nor wake-ups, knows to the byte whether anything of a request has
//! left (and so whether it may still go to another instance), and gives back the very socket for an upgrade.

mod answer;
mod body;
mod buffers;
mod connect;
mod exchange;
mod failure;
mod link;
mod multiplexed;
mod shared_link;
mod upload;

pub(crate) use answer::AnswerHead;
pub(crate) use buffers::scratch;
pub(crate) use connect::{ConnectError, connect, is_out_of_file_descriptors};
pub(crate) use exchange::Exchange;
pub(crate) use failure::Failure;
pub(crate) use link::Link;
#[cfg(test)]
pub(crate) use link::tests as link_tests;
pub(crate) use multiplexed::Multiplexed;
pub(crate) use shared_link::{SharedLink, UploadBody};
pub(crate) use upload::{Upload, UploadFraming, put_header};
