//! Kubernetes objects joined into workloads and paths.

pub mod text;
