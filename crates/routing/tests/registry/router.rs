//! The router: it looks every second, and tells the registry again whenever it shows something else than is wanted.

use http::{Method, StatusCode, Uri};
use segue_core::Time;
use segue_routing::{Answer, Call, CallId, Failure, Goal, Request, Router, Says, Shows, Step};
use std::time::Duration;

const AGAIN: Duration = Duration::from_secs(1);
const WITHIN: Duration = Duration::from_secs(3);

#[derive(Debug, Default)]
pub(crate) struct Registrar {
    goal: Goal,
    says: Says,
    calls: u64,
    /// The call that is on its way, and whether its answer will be what is shown.
    outstanding: Option<(CallId, bool)>,
    due: Option<Time>,
    /// Whether to tell it before it is looked at again.
    tell: bool,
}

impl Registrar {
    fn call(&mut self, method: Method, path: &'static str, looks: bool) -> Call {
        self.calls += 1;
        let id = CallId(self.calls);
        self.outstanding = Some((id, looks));
        let request = Request { method, url: Uri::from_static(path), headers: Vec::new(), body: None };
        Call { id, request, within: WITHIN, most: 100 }
    }

    fn wanted(&self) -> Shows {
        match self.goal {
            Goal::Join => Shows::Admitted,
            Goal::Leave => Shows::Withdrawn,
            Goal::Deregister => Shows::Gone,
        }
    }
}

impl Router for Registrar {
    fn kind(&self) -> &'static str {
        "test"
    }

    fn step(&mut self, goal: Goal, now: Time) -> Step {
        if goal != self.goal {
            self.goal = goal;
            self.says.evidence.clear();
            // An answer that is on its way says nothing of this goal.
            self.outstanding = None;
            self.due = None;
            self.tell = true;
        }
        if self.outstanding.is_some() || self.due.is_some_and(|due| due > now) {
            return Step { calls: Vec::new(), again: self.due };
        }
        let call = if std::mem::take(&mut self.tell) {
            let (method, path) = match self.goal {
                Goal::Join => (Method::PUT, "/in"),
                Goal::Leave => (Method::PUT, "/out"),
                Goal::Deregister => (Method::DELETE, "/"),
            };
            self.call(method, path, false)
        } else {
            self.call(Method::GET, "/", true)
        };
        Step { calls: vec![call], again: None }
    }

    fn hear(&mut self, call: CallId, answer: Result<Answer, Failure>, now: Time) {
        let Some((_, looks)) = self.outstanding.take_if(|(id, _)| *id == call) else { return };
        let trouble = match answer {
            Err(failure) => Some(failure.to_string()),
            Ok(answer) if answer.status != StatusCode::OK => Some(format!("it answered {}", answer.status)),
            Ok(answer) if looks => self.read(&answer.body),
            Ok(_) => None,
        };
        // What was told is looked at next, and what failed after a while.
        self.due = (looks || trouble.is_some()).then_some(now + AGAIN);
        self.tell = self.says.shows != self.wanted() && (looks || trouble.is_some());
        self.says.trouble = trouble;
    }

    fn says(&self) -> Says {
        self.says.clone()
    }
}

impl Registrar {
    fn read(&mut self, body: &[u8]) -> Option<String> {
        let text = String::from_utf8_lossy(body);
        let (shows, cached) = text.split_once(' ').unwrap_or((&*text, ""));
        self.says.shows = match shows {
            "in" => Shows::Admitted,
            "out" => Shows::Withdrawn,
            "none" => Shows::Gone,
            other => return Some(format!("it answered {other:?}")),
        };
        self.says.evidence = (cached == "cached").then(|| "cache".to_owned()).into_iter().collect();
        None
    }
}
