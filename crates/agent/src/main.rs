//! The small binary inside a pod: hook, drain, guard.

fn main() {}
