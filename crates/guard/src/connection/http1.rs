//! HTTP/1: which requests are in flight, and whose answer says `Connection: close`.
//!
//! ```text
//!   requests   ──head─body──head──▶          told: what comes behind the last request is lost, and counted
//!   outstanding  [oldest … latest]
//!   answers    ◀──interim──head─body──       the last outstanding one's head says close while a drain is on
//! ```

use std::collections::VecDeque;

use segue_wire::http1::{
    AnswerReader, Front, RequestHead, RequestKind, RequestReader, Switch, announce_close,
};

use super::half_connection::HalfConnection;
use crate::registration::Registration;
use crate::settings::is_discounted;
use crate::snapshot::add;
use crate::table::ConnectionState;

/// How many requests a client may send ahead before further ones wait for an answer.
const AHEAD: usize = 256;

/// A request that has no whole answer yet.
#[derive(Debug, Clone, Copy)]
struct Outstanding {
    kind: RequestKind,
    counts: bool,
    /// The client may be waiting for a 100 and has sent nothing of the body.
    waits: bool,
}

/// What looking at bytes came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Said {
    /// All that is there was looked at; what is left needs more, or something else first.
    Enough,
    /// From here on the bytes are another protocol, both ways; whether the request for it counts.
    Switch(Switch, bool),
    /// From here on nothing is understood, both ways.
    Opaque,
}

/// The two directions of an HTTP/1 connection.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is one thing that is so or not, in any combination")]
pub(crate) struct Http1 {
    requests: RequestReader,
    answers: AnswerReader,
    outstanding: VecDeque<Outstanding>,
    /// How many of the outstanding ones count.
    counting: u32,
    /// The first bytes of another request have come.
    begun: bool,
    /// The latest request has come to its last byte.
    whole: bool,
    /// The latest request may change the protocol: what follows it waits.
    may_switch: bool,
    /// Requests are not understood any more.
    opaque: bool,
    /// The oldest one's answer ends with what is being written.
    ended: bool,
    /// The oldest one's answer ends with the connection.
    until_close: bool,
    /// The client was told that the oldest one's answer is the last.
    told: bool,
    /// What comes from the client is not for the application any more.
    lost: bool,
    /// The client has its last answer.
    closed: bool,
}

impl Http1 {
    pub(crate) fn new() -> Self {
        Self {
            requests: RequestReader::new(),
            answers: AnswerReader::new(),
            outstanding: VecDeque::new(),
            counting: 0,
            begun: false,
            whole: true,
            may_switch: false,
            opaque: false,
            ended: false,
            until_close: false,
            told: false,
            lost: false,
            closed: false,
        }
    }

    /// Whether the latest request is whole and none has begun after it.
    pub(crate) fn is_between_requests(&self) -> bool {
        self.whole || self.opaque
    }

    /// Whether answers are missing.
    pub(crate) fn is_waiting(&self) -> bool {
        !self.outstanding.is_empty()
    }

    /// Whether all that was asked is answered, and both sides may go on: what comes next begins a request, as on a new
    /// connection.
    pub(crate) fn is_between_exchanges(&self) -> bool {
        self.outstanding.is_empty() && self.requests.between_messages() && self.is_before_an_answer()
    }

    /// Whether nothing of the next answer has come, and one may come.
    pub(crate) fn is_before_an_answer(&self) -> bool {
        self.answers.between_messages() && !self.lost
    }

    /// Whether there is nothing but the beginning of a head.
    pub(crate) fn is_in_first_head(&self) -> bool {
        self.begun && self.outstanding.is_empty() && !self.lost
    }

    /// What the client still says is of no interest.
    pub(crate) fn ignore(&mut self) {
        (self.opaque, self.begun) = (true, false);
    }

    /// How many requests have no whole answer.
    pub(crate) fn outstanding(&self) -> u64 {
        self.outstanding.len() as u64
    }

    /// Whether an answer to a request has come to its last byte just now.
    pub(crate) fn has_whole_answer(&self) -> bool {
        self.ended && self.is_waiting()
    }

    /// How many application requests have no whole answer if the application ends now.
    pub(crate) fn without_answer(&self) -> u32 {
        let whole = self.until_close && self.outstanding.front().is_some_and(|oldest| oldest.counts);
        self.counting - u32::from(whole)
    }

    /// From now on nothing that the client sends is for the application.
    pub(crate) fn lose(&mut self) {
        self.lost = true;
    }

    /// Looks at what the client sent.
    pub(crate) fn client_said(&mut self, up: &mut HalfConnection, registration: &mut Registration) -> Said {
        while up.has_input() {
            self.lost |= self.told && self.is_between_requests();
            if self.opaque || self.waits_for_answers() {
                break;
            }
            match self.requests.front(up.input()) {
                Front::More => {
                    self.begun = up.input() != b"\r";
                    break;
                }
                Front::Blank { length } => self.take(up, length),
                Front::Head { length, head } => self.request(up, length, &head, registration),
                Front::Body { length, ends } => {
                    self.whole = ends;
                    if let Some(latest) = self.outstanding.back_mut() {
                        latest.waits = false;
                    }
                    self.take(up, length);
                }
                Front::Opaque => self.opaque = true,
            }
        }
        if self.opaque {
            self.begun = false;
            let all = up.input().len();
            self.take(up, all);
        }
        self.account(registration);
        if self.is_opaque() { Said::Opaque } else { Said::Enough }
    }

    /// The client has ended: a request that is not whole will never be.
    pub(crate) fn client_ended(&mut self, registration: &mut Registration) {
        if std::mem::take(&mut self.begun) && self.lost {
            add(&registration.shared.metrics.counters.raced);
        }
        self.account(registration);
    }

    /// Looks at what the application sent, up to the end of an answer. `more`: the client has sent more than was looked at.
    pub(crate) fn application_said(
        &mut self,
        down: &mut HalfConnection,
        registration: &mut Registration,
        more: bool,
    ) -> Said {
        while down.has_input() && !self.ended {
            match self.answers.front(down.input(), self.outstanding.front().map(|oldest| oldest.kind)) {
                Front::More => break,
                Front::Blank { length } => down.pass(length),
                Front::Head { length, head } if head.interim => down.pass(length),
                Front::Head { length, head } => {
                    if let Some(switch) = head.switches {
                        down.pass(length);
                        return Said::Switch(switch, self.counting > 0);
                    }
                    self.answer(down, length, registration, more);
                    self.ended = head.ends;
                    self.until_close = head.until_close;
                }
                Front::Body { length, ends } => {
                    down.pass(length);
                    self.ended = ends;
                }
                Front::Opaque => return Said::Opaque,
            }
        }
        Said::Enough
    }

    /// Everything that the application said has been handed to the kernel. Answers whether the client's connection is to be
    /// closed now: it was told so, and has its answer.
    pub(crate) fn flushed(&mut self, registration: &mut Registration) -> bool {
        if !std::mem::take(&mut self.ended) {
            return false;
        }
        if let Some(answered) = self.outstanding.pop_front() {
            self.counting -= u32::from(answered.counts);
        }
        self.closed = self.told && self.outstanding.is_empty();
        self.account(registration);
        self.closed
    }

    /// Whether nothing is understood any more.
    pub(crate) fn is_opaque(&self) -> bool {
        self.opaque && !self.lost && self.outstanding.is_empty()
    }

    fn waits_for_answers(&self) -> bool {
        self.whole && !self.lost && (self.may_switch || self.outstanding.len() >= AHEAD)
    }

    fn take(&self, up: &mut HalfConnection, length: usize) {
        if self.lost { up.skip(length) } else { up.pass(length) }
    }

    fn request(
        &mut self,
        up: &mut HalfConnection,
        length: usize,
        said: &RequestHead,
        registration: &Registration,
    ) {
        let bytes = up.input();
        let agent = said.user_agent.clone().map(|range| &bytes[range]);
        let counts =
            !is_discounted(&registration.shared.settings.discount, &bytes[said.target.clone()], agent);
        self.begun = false;
        self.whole = said.ends;
        let metrics = &registration.shared.metrics;
        match (self.lost, counts) {
            (true, true) => add(&metrics.counters.raced),
            (true, false) => {}
            (false, true) => registration.request(),
            (false, false) => add(&metrics.counters.discounted),
        }
        if !self.lost {
            let (kind, waits) = (said.kind, said.expects_continue);
            self.outstanding.push_back(Outstanding { kind, counts, waits });
            self.counting += u32::from(counts);
            self.may_switch = said.upgrade || said.kind == RequestKind::Connect;
        }
        self.take(up, length);
    }

    /// The head of a final answer.
    fn answer(&mut self, down: &mut HalfConnection, length: usize, registration: &Registration, more: bool) {
        let is_last = self.outstanding.len() == 1;
        if is_last {
            self.may_switch = false;
            if self.outstanding.front().is_some_and(|oldest| oldest.waits) {
                // Nobody can know whether its body will still come.
                self.requests.give_up();
            }
        }
        let another = self.opaque || (self.whole && more);
        if is_last && !another && registration.shared.is_announcing() {
            self.told = true;
            add(&registration.shared.metrics.counters.announced);
            down.put(|input, out| announce_close(&input[..length], out));
            down.skip(length);
        } else {
            down.pass(length);
        }
    }

    fn account(&self, registration: &mut Registration) {
        if self.lost || self.closed {
            return;
        }
        let in_flight = self.counting + u32::from(self.begun);
        let state = match (self.outstanding.is_empty() && !self.begun, self.opaque) {
            (false, _) => ConnectionState::Busy,
            (true, false) => ConnectionState::Kept,
            (true, true) => ConnectionState::Opaque,
        };
        registration.update(state, in_flight);
    }
}

#[cfg(test)]
mod tests;
