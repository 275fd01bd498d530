//! What is done with what is said.

use std::task::Context;

use segue_core::pod::Protocol;
use segue_wire::http1::Switch;
use segue_wire::http2::Streams;

use super::detect::{Detected, detect, is_settings};
use super::http1::{Http1, Said};
use super::http2::Http2;
use super::protocol::ProtocolState;
use super::state::Connection;
use super::tunnel::{Next, Tunnel};
use super::unread::has_unread;
use crate::clock;
use crate::table::ConnectionState;

impl Connection {
    /// Looks at what the client sent.
    pub(super) fn client_said(&mut self) {
        if self.passes_blindly() {
            self.up.pass_all();
            return;
        }
        match &mut self.protocol {
            ProtocolState::Unknown { proxied } if *proxied > 0 => {
                let length = self.up.input().len().min(*proxied);
                *proxied -= length;
                self.up.pass(length);
            }
            ProtocolState::Unknown { .. } => self.first_words(),
            ProtocolState::Bytes => self.up.pass_all(),
            ProtocolState::Http1(http) => {
                if http.client_said(&mut self.up, &mut self.registration) == Said::Opaque {
                    self.turn_opaque();
                }
            }
            ProtocolState::Http2(http) => {
                if !http.client_said(&mut self.up, &mut self.registration) {
                    self.turn_opaque();
                }
            }
            ProtocolState::Tunnel(tunnel) => tunnel.client_said(&mut self.up, &self.registration),
        }
    }

    fn first_words(&mut self) {
        match detect(self.up.input(), self.configured) {
            Detected::More => return self.registration.update(ConnectionState::Busy, 1),
            Detected::Proxied(length) => {
                self.renewal.give_up();
                self.protocol = ProtocolState::Unknown { proxied: length };
            }
            Detected::Http1 => self.protocol = ProtocolState::Http1(Box::new(Http1::new())),
            Detected::Http2 => self.speak_http2(Streams::new()),
            Detected::Tcp => return self.turn_opaque(),
        }
        self.registration.has_not_begun();
        self.again = true;
        self.client_said();
    }

    /// Looks at what the application sent.
    pub(super) fn application_said(&mut self) {
        match &mut self.protocol {
            ProtocolState::Unknown { .. } => self.application_first(),
            ProtocolState::Bytes => self.down.pass_all(),
            ProtocolState::Http1(http) => {
                let more = self.up.has_input();
                match http.application_said(&mut self.down, &mut self.registration, more) {
                    Said::Enough => {}
                    Said::Switch(switch, counts) => self.switch(switch, counts),
                    Said::Opaque => self.turn_opaque(),
                }
                // What waited for this answer may go on.
                self.again |= more && self.down.has_output();
            }
            ProtocolState::Http2(http) => {
                if !http.application_said(&mut self.down, &mut self.registration) {
                    self.turn_opaque();
                }
            }
            ProtocolState::Tunnel(tunnel) => tunnel.application_said(&mut self.down, &self.registration),
        }
    }

    /// The application speaks before the client has said anything: HTTP/2's settings may come so, an HTTP/1 answer such as
    /// a 408 only where HTTP is what is spoken.
    fn application_first(&mut self) {
        match is_settings(self.down.input()) {
            None => return,
            Some(true) => self.speak_http2(Streams::new()),
            Some(false) if self.configured == Protocol::Http => {
                self.protocol = ProtocolState::Http1(Box::new(Http1::new()));
            }
            Some(false) => return self.turn_opaque(),
        }
        self.again = true;
        self.application_said();
    }

    /// Everything that the application said has been handed to the kernel.
    pub(super) fn flushed(&mut self) {
        let closes = match &mut self.protocol {
            ProtocolState::Http1(http) => {
                if http.has_whole_answer() {
                    self.renewal.has_whole_answer();
                }
                http.flushed(&mut self.registration)
            }
            ProtocolState::Http2(http) => self.closing.is_none() && http.flushed(&mut self.registration),
            _ => false,
        };
        if closes {
            self.close_told();
        } else if matches!(&self.protocol, ProtocolState::Http1(http) if http.is_opaque()) {
            self.turn_opaque();
        }
    }

    /// Puts in what is the guard's own to say to the client. Answers whether there was anything to do.
    pub(super) fn put_down(&mut self, context: &mut Context<'_>) -> bool {
        match &mut self.protocol {
            ProtocolState::Http2(http) => http.tell(context, &mut self.down, &self.registration),
            ProtocolState::Tunnel(tunnel) => {
                let client = &self.client;
                match tunnel
                    .tell(context, clock::now(), &mut self.down, &self.registration, || has_unread(client))
                {
                    Next::Nothing => false,
                    Next::Told => true,
                    Next::Overdue => {
                        tunnel.tell_application(&mut self.up);
                        // It is as if the client had ended.
                        self.up.ended = true;
                        self.finish_down();
                        true
                    }
                }
            }
            _ => false,
        }
    }

    fn switch(&mut self, switch: Switch, counts: bool) {
        self.again = true;
        match switch {
            Switch::H2c => self.speak_http2(Streams::after_upgrade()),
            Switch::WebSocket | Switch::Other => {
                self.protocol = ProtocolState::Tunnel(Box::new(Tunnel::new(switch == Switch::WebSocket)));
                self.registration.update(ConnectionState::Busy, u32::from(counts));
            }
        }
    }

    fn speak_http2(&mut self, streams: Streams) {
        let now = clock::now();
        let ping = now.as_millis().wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes();
        self.protocol = ProtocolState::Http2(Box::new(Http2::new(streams, ping, now)));
    }

    /// From here on the bytes pass and nothing is known of them.
    fn turn_opaque(&mut self) {
        self.protocol = ProtocolState::Bytes;
        self.registration.update(ConnectionState::Opaque, 0);
        self.again = true;
    }
}
