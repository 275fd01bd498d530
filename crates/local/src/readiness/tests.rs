//! Answers of every kind, and what is made of several of them.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

const SHORT: Duration = Duration::from_millis(300);
const LONG: Duration = Duration::from_secs(20);

/// A server that gives every request the same answer, and then keeps the connection open if it is to.
async fn serve(answer: &'static [u8], keep_open: bool) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let address = listener.local_addr().expect("has an address");
    tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(answer).await;
            if keep_open {
                open.push(stream);
            }
        }
    });
    address
}

async fn get(answer: &'static [u8], keep_open: bool, timeout: Duration) -> Result<(), String> {
    let check = Check::Http { path: "/health".to_owned() };
    ask(&check, serve(answer, keep_open).await, timeout).await.map_err(|error| error.to_string())
}

#[tokio::test]
async fn success_and_redirection_are_ready() {
    for answer in [
        &b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"[..],
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nlocation: /login\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\n\r\nold",
    ] {
        assert_eq!(get(answer, false, LONG).await, Ok(()));
    }
}

#[tokio::test]
async fn any_other_status_is_told() {
    let error = get(b"HTTP/1.1 500 Oh\r\ncontent-length: 0\r\n\r\n", false, LONG).await;
    assert_eq!(error, Err("GET /health answered 500".to_owned()));
    let error = get(b"HTTP/1.1 404 No\r\ncontent-length: 0\r\n\r\n", false, LONG).await;
    assert_eq!(error, Err("GET /health answered 404".to_owned()));
}

#[tokio::test]
async fn a_body_that_never_ends_does_not_hold_it_up() {
    let endless = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n";
    assert_eq!(get(endless, true, LONG).await, Ok(()));
}

#[tokio::test]
async fn an_answer_that_never_comes_is_told_with_the_time_it_had() {
    assert_eq!(get(b"", true, SHORT).await, Err("GET /health: no answer within 300ms".to_owned()));
    assert_eq!(
        get(b"HTTP/1.1 200", true, SHORT).await,
        Err("GET /health: no answer within 300ms".to_owned())
    );
}

#[tokio::test]
async fn an_answer_that_is_none_is_told() {
    assert_eq!(get(b"", false, LONG).await, Err("GET /health: closed without an answer".to_owned()));
    assert_eq!(
        get(b"SSH-2.0-x\r\n\r\n", false, LONG).await,
        Err("GET /health: the answer is not HTTP/1.1".to_owned())
    );
}

#[tokio::test]
async fn a_port_that_nobody_listens_on_is_told() {
    let closed = TcpListener::bind("127.0.0.1:0").await.expect("binds").local_addr().expect("has an address");
    for check in [Check::Tcp, Check::Http { path: "/".to_owned() }] {
        let error = ask(&check, closed, LONG).await.expect_err("refused");
        assert_eq!(error.to_string(), "connection refused: nothing listens on its port yet");
    }
}

#[tokio::test]
async fn a_connection_is_enough_where_that_is_asked() {
    assert!(ask(&Check::Tcp, serve(b"", true).await, LONG).await.is_ok());
}

fn belief(threshold: u32) -> Belief {
    let first = Readiness::NotReady { why: "first".to_owned() };
    Belief::new(first, NonZeroU32::new(threshold).expect("not 0"))
}

fn bad(why: &str) -> Result<(), NotReady> {
    Err(NotReady::Answer(why.to_owned()))
}

#[test]
fn as_many_answers_in_a_row_as_the_threshold_says_change_the_belief() {
    let mut belief = belief(2);
    let heard = [Ok(()), bad("a"), Ok(()), Ok(()), bad("b"), Ok(()), bad("c"), bad("d"), bad("d")];
    let ready: Vec<bool> = heard
        .into_iter()
        .map(|answer| {
            belief.hear(answer);
            belief.now == Readiness::Ready
        })
        .collect();
    assert_eq!(ready, [false, false, false, true, true, true, true, false, false]);
}

#[test]
fn of_one_that_was_not_asked_yet_nothing_is_believed_before_the_threshold() {
    let threshold = NonZeroU32::new(2).expect("not 0");
    let mut good = Belief::new(Readiness::Unknown, threshold);
    assert_eq!([good.hear(Ok(())), good.hear(Ok(()))], [false, true]);
    assert_eq!(good.now, Readiness::Ready);
    let mut mixed = Belief::new(Readiness::Unknown, threshold);
    assert_eq!([mixed.hear(bad("a")), mixed.hear(Ok(())), mixed.hear(bad("b"))], [false; 3]);
    assert_eq!(mixed.now, Readiness::Unknown);
    assert!(mixed.hear(bad("b")));
}

#[test]
fn a_new_reason_is_told_at_once_and_an_old_one_not_again() {
    let mut belief = belief(3);
    let changes = [bad("a"), bad("a"), bad("b"), Ok(()), bad("b")].map(|answer| belief.hear(answer));
    assert_eq!(changes, [true, false, true, false, false]);
    assert_eq!(belief.now, Readiness::NotReady { why: "b".to_owned() });
}

#[test]
fn what_segue_itself_lacks_says_nothing_of_an_instance_that_is_ready() {
    let ours = || unreached(&io::Error::from_raw_os_error(Errno::MFILE.raw_os_error()));
    let mut belief = belief(1);
    assert!(belief.hear(Err(ours())));
    let why = "it could not be asked: Too many open files (os error 24)".to_owned();
    assert_eq!(belief.now, Readiness::NotReady { why });
    assert!(belief.hear(Ok(())));
    assert!(!belief.hear(Err(ours())) && !belief.hear(Err(ours())));
    assert_eq!(belief.now, Readiness::Ready);
    assert!(belief.hear(bad("a")));
}

#[tokio::test]
async fn it_is_asked_on_after_it_was_ready() {
    let address = serve(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", false).await;
    let ready = Ready {
        check: Check::Http { path: "/".to_owned() },
        interval: Duration::from_millis(20),
        timeout: LONG,
        threshold: NonZeroU32::MIN,
    };
    let mut probe = Probe::start(&ready, address);
    while probe.now() != Readiness::Ready {
        probe.changed().await;
    }
    drop(probe);
    // A server of its own that ends after its first answer.
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let mut probe = Probe::start(&ready, listener.local_addr().expect("has an address"));
    let (mut stream, _) = listener.accept().await.expect("is asked");
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.expect("answers");
    while probe.changed().await != Readiness::Ready {}
    drop((listener, stream));
    assert!(matches!(probe.changed().await, Readiness::NotReady { .. }));
}

#[tokio::test]
async fn one_that_is_not_wanted_any_more_is_asked_no_more() {
    let address = serve(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", false).await;
    let probe = Probe::start(&Ready::default(), address);
    let mut believed = probe.subscribe();
    drop(probe);
    let ended = async { while believed.changed().await.is_ok() {} };
    tokio::time::timeout(LONG, ended).await.expect("nobody asks any more");
}

#[test]
fn while_nobody_listens_it_is_asked_more_often_and_then_ever_less() {
    let interval = Duration::from_millis(100);
    let ms = Duration::from_millis;
    let unreached = Err(NotReady::Unreached(String::new()));
    assert_eq!(pauses(ms(10), &unreached, interval), (ms(10), ms(20)));
    assert_eq!(pauses(ms(80), &unreached, interval), (ms(80), interval));
    for answer in [Ok(()), bad("a")] {
        assert_eq!(pauses(ms(10), &answer, interval), (interval, interval));
    }
}
