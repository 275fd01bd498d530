//! A registry as small as one can be, and the router that talks with it.
//!
//! `PUT /in`, `PUT /out` and `DELETE /` change it; `GET /` answers `in`, `out` or `none`, and behind a space `cached` once
//! its cache shows the change.

mod router;
mod server;

pub(crate) use router::Registrar;
pub(crate) use server::{Faults, Listed, Server};
