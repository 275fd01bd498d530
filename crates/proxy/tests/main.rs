//! The proxy against real sockets: one promise per module.

mod support;

mod passes_through;
