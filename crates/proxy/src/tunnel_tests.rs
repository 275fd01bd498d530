//! Tests of the end of an upgraded connection, without sockets below its two directions.

use super::*;
use segue_wire::websocket::{Opcode, encode};
use tokio::io::DuplexStream;
use tokio::net::{TcpListener, TcpStream};

/// A WebSocket that is to end, and the other end of its client's socket.
async fn to_end() -> (Talk, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let operation = Arc::new(Operation::new(Phase::Upgraded));
    operation.judge(Verdict::GoAway, operation.since());
    (Talk::new(operation, Socket::new(client)), listener.accept().await.unwrap().0)
}

/// Reads the close frame, doing meanwhile what the sweep does.
async fn close_of(talk: &Talk, client: &mut DuplexStream) -> Vec<u8> {
    let mut head = [0; 2];
    {
        let mut reading = pin!(client.read_exact(&mut head));
        while clock::within(clock::TICK, reading.as_mut()).await.is_none() {
            clock::tick();
            talk.operation.wake();
        }
    }
    let mut payload = vec![0; usize::from(head[1])];
    client.read_exact(&mut payload).await.unwrap();
    [&head[..], &payload].concat()
}

fn text(length: usize) -> Vec<u8> {
    let mut frame = Vec::new();
    encode(Opcode::Text, &vec![b'x'; length], None, &mut frame);
    frame
}

#[tokio::test]
async fn behind_the_close_the_server_is_heard_to_its_end_and_nothing_of_it_is_passed_on() {
    let (talk, _socket) = to_end().await;
    let (mut server, from) = tokio::io::duplex(64);
    let (mut client, to) = tokio::io::duplex(1024);
    let tracker = Tracker::new(Rules::any_extension(Sender::Server));
    let down = down(&talk, from, to, BytesMut::from(&text(10)[..]), Some(tracker));
    let story = async {
        let mut before = vec![0; text(10).len()];
        client.read_exact(&mut before).await.unwrap();
        assert_eq!(before, text(10));
        let mut close = Vec::new();
        Close { code: code::GOING_AWAY, reason: "going away".to_owned() }.encode(None, &mut close);
        assert_eq!(close_of(&talk, &mut client).await, close);
        // Far more than there is room for: it is taken.
        server.write_all(&text(10_000)).await.unwrap();
        drop(server);
        let mut after = Vec::new();
        client.read_to_end(&mut after).await.unwrap();
        assert!(after.is_empty());
    };
    let both = async { tokio::join!(down, story) };
    clock::within(Duration::from_secs(20), both).await.unwrap().0.unwrap();
}

#[tokio::test]
async fn what_the_server_has_said_already_comes_before_the_close() {
    while clock::tick() < 200 {
        clock::sleep(clock::TICK).await;
    }
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let from = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (mut server, _) = listener.accept().unwrap();
    let (talk, _socket) = to_end().await;
    talk.operation.forgive();
    let (mut client, to) = tokio::io::duplex(1024);
    let tracker = Tracker::new(Rules::any_extension(Sender::Server));
    let mut down = pin!(down(&talk, from, to, BytesMut::new(), Some(tracker)));
    for say_and_end in [false, true] {
        // Without a turn of the runtime in between, it does not know yet what the kernel has.
        if say_and_end {
            std::io::Write::write_all(&mut server, &text(10)).unwrap();
            talk.operation.judge(Verdict::GoAway, talk.operation.since());
        }
        let polled =
            std::future::poll_fn(|context| Poll::Ready(down.as_mut().poll(context).is_pending())).await;
        assert!(polled);
    }
    tokio::task::yield_now().await;
    let story = async {
        let mut first = vec![0; text(10).len()];
        client.read_exact(&mut first).await.unwrap();
        assert_eq!(first, text(10));
        assert_eq!(close_of(&talk, &mut client).await[0], 0x88);
    };
    let both = async {
        tokio::select! {
            _ = down => unreachable!("the server has not ended"),
            () = story => {}
        }
    };
    clock::within(Duration::from_secs(20), both).await.unwrap();
}
