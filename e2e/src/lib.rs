//! Helpers for tests against real things.
