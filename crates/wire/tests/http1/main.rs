//! HTTP/1 framing: single cases, every split, shapes of request smuggling, and hyper as an oracle.

mod answers;
mod close;
mod events;
mod requests;
