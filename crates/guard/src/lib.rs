//! The transparent splice in front of one application.
