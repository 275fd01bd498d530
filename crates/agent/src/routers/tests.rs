//! What carries a router's calls, against real sockets; and a driver whose registry is slow, dead or right.

use super::{Routers, send::send};
use crate::clock;
use crate::driver::{Driver, Shared};
use crate::report::{DrainRequest, ReportedState};
use http::{HeaderName, Method, Uri};
use segue_core::Time;
use segue_core::drain;
use segue_core::path::{Bounds, Millis, Path, Stage};
use segue_core::pod::{Discount, FIRST_SCHEMA, PodPlan, Port, Protocol, RouterPlan};
use segue_guard::Guard;
use segue_routing::{Answer, Call, CallId, Failure, Goal, Request, Router, Says, Secret, Shows, Step, Value};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::Write;
use std::rc::Rc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Longer than any test waits for what comes.
const LONG: Duration = Duration::from_mins(1);

fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let done = tokio::task::LocalSet::new().block_on(&runtime, clock::at_most(LONG, test));
    done.expect("it hangs");
}

/// Comes true, however busy the machine is.
async fn until(mut what: impl FnMut() -> bool) {
    while !what() {
        clock::sleep(Duration::from_millis(5)).await;
    }
}

/// What a registry was asked, in order.
type Heard = Rc<RefCell<Vec<String>>>;

/// A registry on loopback that answers every request with what `answer` makes of it, or never where that is nothing.
async fn registry(answer: impl Fn(&str) -> Option<String> + 'static) -> (u16, Heard) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard = Heard::default();
    let (all, answer) = (Rc::clone(&heard), Rc::new(answer));
    tokio::task::spawn_local(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (all, answer) = (Rc::clone(&all), Rc::clone(&answer));
            tokio::task::spawn_local(async move {
                let mut request = Vec::new();
                while !whole(&request) {
                    let mut bytes = [0; 1024];
                    let read = stream.read(&mut bytes).await.unwrap_or(0);
                    request.extend_from_slice(&bytes[..read]);
                    if read == 0 {
                        break;
                    }
                }
                let request = String::from_utf8(request).unwrap();
                all.borrow_mut().push(request.clone());
                let Some(answer) = answer(&request) else { return std::future::pending().await };
                let _ = stream.write_all(answer.as_bytes()).await;
            });
        }
    });
    (port, heard)
}

fn whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    body.len() >= length.map_or(0, |length| length.parse().unwrap())
}

fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

fn call(method: Method, url: &str) -> Call {
    let request = Request { method, url: url.parse::<Uri>().unwrap(), headers: Vec::new(), body: None };
    Call { id: CallId(1), request, within: LONG, most: 100 }
}

/// A call to that port.
fn to(method: Method, port: u16, path: &str) -> Call {
    call(method, &format!("http://127.0.0.1:{port}{path}"))
}

#[test]
fn a_call_is_carried_with_its_headers_its_body_and_its_secret() {
    run(async {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"open sesame\n").unwrap();
        let (port, heard) = registry(|_| Some(ok("all right"))).await;
        let mut call = to(Method::PUT, port, "/apps/A/i-1?value=UP");
        let secret = Secret::File(file.path().to_owned());
        call.request.headers = vec![
            (HeaderName::from_static("accept"), Value::Text("application/json".to_owned())),
            (
                HeaderName::from_static("authorization"),
                Value::Secret { before: "Bearer ".to_owned(), secret: secret.clone() },
            ),
        ];
        call.request.body = Some(Value::Secret { before: "word=".to_owned(), secret });
        let answer = send(&call).await.unwrap();
        assert_eq!((answer.status.as_u16(), answer.body.as_slice()), (200, b"all right".as_slice()));
        assert_eq!(answer.headers["content-length"], "9");
        let heard = heard.borrow().concat();
        let (top, body) = heard.split_once("\r\n\r\n").unwrap();
        let mut lines: Vec<_> = top.lines().collect();
        assert_eq!(lines.remove(0), "PUT /apps/A/i-1?value=UP HTTP/1.1");
        lines.sort_unstable();
        let host = format!("host: 127.0.0.1:{port}");
        assert_eq!(
            lines,
            ["accept: application/json", "authorization: Bearer open sesame", "content-length: 16", &host]
        );
        assert_eq!(body, "word=open sesame");
    });
}

#[test]
fn what_goes_wrong_with_a_call_is_said_and_never_the_secret() {
    run(async {
        let (hangs, _) = registry(|_| None).await;
        let (long, _) = registry(|_| Some(ok(&"x".repeat(101)))).await;
        let (just, _) = registry(|_| Some(ok(&"x".repeat(100)))).await;
        let gone = {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            listener.local_addr().unwrap().port()
        };
        let within = Duration::from_millis(50);
        let slow = Call { within, ..to(Method::GET, hangs, "/") };
        assert_eq!(send(&slow).await, Err(Failure::TooLong(within)));
        assert!(matches!(send(&to(Method::GET, long, "/")).await, Err(Failure::Broke(_))));
        assert_eq!(send(&to(Method::GET, just, "/")).await.unwrap().body.len(), 100);
        assert!(matches!(send(&to(Method::GET, gone, "/")).await, Err(Failure::Broke(_))));
        let secret = |secret| {
            let mut call = to(Method::GET, just, "/");
            let value = Value::Secret { before: String::new(), secret };
            call.request.headers = vec![(HeaderName::from_static("authorization"), value)];
            call
        };
        let mut two_lines = tempfile::NamedTempFile::new().unwrap();
        two_lines.write_all(b"hush\nhush").unwrap();
        let mut large = tempfile::NamedTempFile::new().unwrap();
        large.write_all(&vec![b'h'; 64 * 1024 + 1]).unwrap();
        for (call, why) in [
            (call(Method::GET, "https://registry/"), "https://registry/: only http:// is spoken"),
            (call(Method::GET, "/path"), "only http:// is spoken"),
            (
                secret(Secret::Variable("NO_SUCH_SECRET".to_owned())),
                "the variable NO_SUCH_SECRET of its secret is not set",
            ),
            (secret(Secret::File("/nowhere/secret".into())), "its secret in /nowhere/secret: No such file"),
            (secret(Secret::File(large.path().to_owned())), "longer than 65536 bytes"),
            (
                secret(Secret::File(two_lines.path().to_owned())),
                "the value of header authorization can't be sent",
            ),
        ] {
            match send(&call).await {
                Err(Failure::NotSent(said)) => {
                    assert!(said.contains(why) && !said.contains("hush"), "{said}");
                }
                other => panic!("{other:?}"),
            }
        }
    });
}

/// A router that has as many calls on its way as it is asked for, and is never content.
#[derive(Debug)]
struct Insatiable {
    port: u16,
    calls: u64,
    stepped: Rc<RefCell<u64>>,
}

impl Router for Insatiable {
    fn kind(&self) -> &'static str {
        "insatiable"
    }

    fn step(&mut self, _: Goal, now: Time) -> Step {
        *self.stepped.borrow_mut() += 1;
        let mut next = || {
            self.calls += 1;
            Call { id: CallId(self.calls), ..to(Method::GET, self.port, "/") }
        };
        let calls = (0..50).map(|_| next()).collect();
        Step { calls, again: Some(now) }
    }

    fn hear(&mut self, _: CallId, _: Result<Answer, Failure>, _: Time) {}

    fn says(&self) -> Says {
        Says::default()
    }
}

#[test]
fn a_router_that_asks_without_end_gets_sixteen_calls_at_once_and_no_more() {
    run(async {
        let (port, heard) = registry(|_| None).await;
        let stepped = Rc::default();
        let insatiable = Insatiable { port, calls: 0, stepped: Rc::clone(&stepped) };
        let routers = Routers::carried(vec![("p".to_owned(), Box::new(insatiable))], || {});
        until(|| heard.borrow().len() == 16).await;
        let (before, began) = (*stepped.borrow(), clock::now());
        until(|| *stepped.borrow() > before + 20).await;
        assert!(clock::now() - began >= Duration::from_millis(200), "ten milliseconds between two steps");
        assert_eq!(heard.borrow().len(), 16);
        drop(routers);
        let last = *stepped.borrow();
        clock::sleep(Duration::from_millis(50)).await;
        assert_eq!(*stepped.borrow(), last, "dropped, it is stepped no more");
    });
}

/// A router that tells its registry what it is told, and shows what that answered.
#[derive(Debug)]
struct Simple {
    port: u16,
    goal: Option<Goal>,
    says: Says,
    calls: u64,
}

impl Simple {
    fn boxed(port: u16) -> Box<dyn Router> {
        Box::new(Self { port, goal: None, says: Says::default(), calls: 0 })
    }
}

impl Router for Simple {
    fn kind(&self) -> &'static str {
        "simple"
    }

    fn step(&mut self, goal: Goal, _: Time) -> Step {
        if self.goal == Some(goal) {
            return Step::default();
        }
        self.goal = Some(goal);
        self.calls += 1;
        let path = format!("/{goal:?}");
        let call = Call { id: CallId(self.calls), ..to(Method::PUT, self.port, &path) };
        Step { calls: vec![call], again: None }
    }

    fn hear(&mut self, call: CallId, answer: Result<Answer, Failure>, _: Time) {
        if call != CallId(self.calls) {
            return;
        }
        match answer {
            Ok(_) => {
                self.says.shows = match self.goal {
                    Some(Goal::Leave) => Shows::Withdrawn,
                    Some(Goal::Deregister) => Shows::Gone,
                    _ => Shows::Admitted,
                };
            }
            Err(failure) => self.says.trouble = Some(failure.to_string()),
        }
    }

    fn says(&self) -> Says {
        self.says.clone()
    }
}

#[test]
fn a_registry_that_was_to_forget_the_pod_is_not_asked_to_take_it_back() {
    run(async {
        let (port, heard) = registry(|_| Some(ok(""))).await;
        let routers = Routers::carried(vec![("p".to_owned(), Simple::boxed(port))], || {});
        routers.tell("p", Goal::Deregister);
        until(|| routers.gone().contains("p")).await;
        routers.tell("p", Goal::Join);
        routers.tell("another", Goal::Join);
        assert_eq!(routers.report()[0].told, Goal::Deregister);
        assert_eq!(heard.borrow().len(), 1);
    });
}

/// A plan with a path through a registry and one without, of 100 ms each.
pub(crate) fn plan(ports: Vec<Port>) -> PodPlan {
    let bounds = Bounds::at_most(Duration::from_millis(100));
    let stage = Stage {
        name: "cache".to_owned(),
        join: bounds,
        leave: bounds,
        source: "a test".to_owned(),
        setting: "a setting".to_owned(),
        evidence: None,
    };
    let path = |name: &str| Path { name: name.to_owned(), stages: vec![stage.clone()] };
    PodPlan {
        schema: FIRST_SCHEMA,
        drain: drain::Plan {
            paths: vec![path("registry"), path("service")],
            quiet: None,
            longest_request: None,
            linger: None,
            deadline: LONG,
            stop_grace: Duration::from_secs(1),
        },
        routers: BTreeMap::new(),
        ports,
        control_port: 1,
        idle_after: Millis(Duration::from_secs(1)),
        websocket_grace: Millis(Duration::from_secs(1)),
        max_connections: 100,
        discount: Discount::default(),
    }
}

fn routers(registry: u16, shared: &Rc<Shared>) -> Routers {
    let service = segue_routing::of(&RouterPlan::None);
    let both = vec![("registry".to_owned(), Simple::boxed(registry)), ("service".to_owned(), service)];
    Routers::carried(both, shared.waker())
}

#[test]
fn a_registry_leaves_with_the_drain_and_forgets_the_pod_at_its_end_alone() {
    run(async {
        let (port, heard) = registry(|_| Some(ok(""))).await;
        let asked = |heard: &Heard| -> Vec<String> {
            heard.borrow().iter().map(|request| request.split(' ').nth(1).unwrap().to_owned()).collect()
        };
        let shared = Shared::new();
        let driver = Driver::new(plan(Vec::new()), None, routers(port, &shared), Rc::clone(&shared));
        tokio::task::spawn_local(driver.run());
        until(|| asked(&heard) == ["/Join"]).await;
        let hook = shared.ask(DrainRequest::default(), clock::now());
        let lines = shared.lines();
        let report = || lines.borrow().as_ref().map(|line| line.report.clone());
        until(|| lines.borrow().as_ref().is_some_and(|line| line.released)).await;
        assert_eq!(asked(&heard), ["/Join", "/Leave"]);
        let released = report().unwrap();
        let left: Vec<_> = released.stages.iter().map(|stage| stage.path.as_str()).collect();
        assert_eq!(left, ["registry", "service"]);
        let shown: Vec<_> =
            released.routers.iter().map(|router| (router.router, router.told, router.says.shows)).collect();
        assert_eq!(
            shown,
            [("simple", Goal::Leave, Shows::Withdrawn), ("none", Goal::Leave, Shows::Withdrawn)]
        );
        assert_eq!((released.routers[0].answered, released.routers[0].failed), (2, 0));
        drop(hook);
        shared.end();
        shared.ended().await;
        assert_eq!(asked(&heard), ["/Join", "/Leave", "/Deregister"]);
        assert_eq!(report().unwrap().state, ReportedState::Ending);
    });
}

#[test]
fn a_restart_joins_the_registry_again() {
    run(async {
        let application = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = Port {
            name: None,
            application: application.local_addr().unwrap().port(),
            guard: None,
            redirect: None,
            protocol: Protocol::Tcp,
        };
        let (registry, heard) = registry(|_| Some(ok(""))).await;
        let shared = Shared::new();
        let driver = Driver::new(plan(vec![port]), None, routers(registry, &shared), Rc::clone(&shared));
        tokio::task::spawn_local(driver.run());
        let hook = shared.ask(DrainRequest::default(), clock::now());
        let lines = shared.lines();
        until(|| lines.borrow().as_ref().is_some_and(|line| line.released)).await;
        drop(hook);
        // It listens on, longer than it had to stop: another container was restarted.
        until(|| lines.borrow().as_ref().is_some_and(|line| line.report.state == ReportedState::Serving))
            .await;
        until(|| heard.borrow().last().is_some_and(|last| last.starts_with("PUT /Join "))).await;
        drop(application);
    });
}

/// An application behind a guard, and the guard's port.
async fn guarded() -> (PodPlan, Guard, u16) {
    let application = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = application.local_addr().unwrap().port();
    tokio::task::spawn_local(async move {
        while let Ok((mut stream, _)) = application.accept().await {
            tokio::task::spawn_local(async move {
                let mut bytes = [0; 1024];
                while stream.read(&mut bytes).await.is_ok_and(|read| read > 0) {
                    let _ = stream.write_all(ok("ok").as_bytes()).await;
                }
            });
        }
    });
    let guard_port = {
        let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
        free.local_addr().unwrap().port()
    };
    let guard = Some(guard_port);
    let plan =
        plan(vec![Port { name: None, application: port, guard, redirect: None, protocol: Protocol::Http }]);
    let guard = segue_guard::bind(crate::limits::settings(&plan)).await.unwrap().serve();
    (plan, guard, guard_port)
}

async fn get(port: u16) {
    let mut client = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    client.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    let mut bytes = [0; 1024];
    let read = client.read(&mut bytes).await.unwrap();
    assert!(String::from_utf8_lossy(&bytes[..read]).starts_with("HTTP/1.1 200 OK"));
}

#[test]
fn requests_make_a_pod_that_serves_look_no_more_often() {
    run(async {
        let (plan, guard, port) = guarded().await;
        let shared = Shared::new();
        let routers = Routers::of(&plan, shared.waker());
        tokio::task::spawn_local(Driver::new(plan, Some(guard), routers, Rc::clone(&shared)).run());
        let mut lines = shared.lines();
        let looks = Rc::new(RefCell::new(0));
        let counted = Rc::clone(&looks);
        tokio::task::spawn_local(async move {
            while lines.changed().await.is_ok() {
                *counted.borrow_mut() += 1;
            }
        });
        until(|| *looks.borrow() > 0).await;
        let began = clock::now();
        for _ in 0..50 {
            get(port).await;
            // Two looks have at least this between them.
            clock::sleep(Duration::from_millis(10)).await;
        }
        // Every two seconds, and at the beginning.
        let most = 3 + (clock::now() - began).as_secs() / 2;
        assert!(*looks.borrow() <= most, "{} in {:?}", looks.borrow(), clock::now() - began);
    });
}

#[test]
fn a_registry_that_never_answers_holds_up_its_own_drain_and_neither_the_guard_nor_the_hooks() {
    run(async {
        let (plan, guard, guard_port) = guarded().await;
        let (registry, heard) = registry(|_| None).await;
        let shared = Shared::new();
        let driver = Driver::new(plan, Some(guard), routers(registry, &shared), Rc::clone(&shared));
        tokio::task::spawn_local(driver.run());
        let began = clock::now();
        let _hook = shared.ask(DrainRequest::default(), began);
        let lines = shared.lines();
        let waits = || lines.borrow().as_ref().and_then(|line| line.report.why.clone()).unwrap_or_default();
        until(|| waits() == "the router of path registry to take the change").await;
        for _ in 0..200 {
            get(guard_port).await;
        }
        // A hook that asks hears of it at once, and of the other path, which is over.
        let mut told = shared.lines();
        told.mark_unchanged();
        shared.wake();
        told.changed().await.unwrap();
        let line = told.borrow().clone().unwrap();
        assert!(!line.released && line.report.hooks == 1, "{line:?}");
        until(|| lines.borrow().as_ref().is_some_and(|line| line.report.stages.len() == 1)).await;
        assert_eq!(heard.borrow().len(), 2, "the join and the leave, and neither again");
    });
}
