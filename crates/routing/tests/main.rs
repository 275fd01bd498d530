//! Routers and a pod's life together: the laws hold whatever a router does.

mod laws;
mod registry;
mod world;
