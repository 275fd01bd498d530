//! Kubernetes objects joined into workloads and paths.
