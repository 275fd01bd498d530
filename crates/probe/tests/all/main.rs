//! The probe against servers that misbehave, each in one known way.

mod plot;
