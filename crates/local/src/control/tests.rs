//! Client and server speak over a real socket; the driver behind it is played.

use tokio::sync::mpsc;

use super::client::{AskError, Client};
use super::protocol::{Event, Report, Request, view_for_tests as view};
use super::server;
use crate::driver::{Answer, Command, Public, Refusal};
use crate::folder::{Folder, StateDir};
use crate::history::{Ended, What};

struct Stage {
    _place: tempfile::TempDir,
    folder: Folder,
    public: Public,
    commands: mpsc::Receiver<Command>,
}

/// A served socket; what is asked comes out of `commands`.
fn stage() -> Stage {
    let place = tempfile::tempdir().unwrap();
    let folder = StateDir::find(Some(place.path().to_owned())).unwrap().service("web");
    drop(folder.lock().unwrap());
    let (sender, commands) = mpsc::channel(8);
    let public = Public::new(sender, None);
    let listener = server::bind(&folder.control_socket()).unwrap();
    tokio::spawn(server::serve(listener, public.clone()));
    Stage { _place: place, folder, public, commands }
}

fn report(number: u64) -> Event {
    Event::Ended(Box::new(Report {
        number,
        name: "web".to_owned(),
        what: What::Deploy,
        ended: Ended::Reached,
        from: None,
        to: "v2".to_owned(),
        why: None,
        failing: None,
        cut: 0,
        cut_on: Vec::new(),
        took_ms: 1,
    }))
}

#[tokio::test]
async fn a_follower_hears_the_end_of_its_own_deploy_and_then_no_more() {
    let mut stage = stage();
    let mut client = Client::connect(&stage.folder).await.unwrap();
    client.ask(&Request::Follow).await.unwrap();
    let Some(Command::Follow { reply }) = stage.commands.recv().await else { panic!("not asked to follow") };
    // Of another deploy, and before the answer: both must reach it, and neither is the end.
    stage.public.tell(report(6));
    reply.send(Ok(Answer::UnderWay(7))).unwrap();
    stage.public.tell(report(7));
    assert_eq!(client.next().await.unwrap(), report(6));
    assert_eq!(client.next().await.unwrap(), report(7));
}

/// Asks to follow deploy 7, and leaves the server so far behind with what it is told that it asks whether 7 is under way.
async fn follow_too_slowly(stage: &mut Stage, told: impl IntoIterator<Item = Event>) -> (Client, Reply) {
    let mut client = Client::connect(&stage.folder).await.unwrap();
    client.ask(&Request::Follow).await.unwrap();
    let Some(Command::Follow { reply }) = stage.commands.recv().await else { panic!("not asked to follow") };
    reply.send(Ok(Answer::UnderWay(7))).unwrap();
    told.into_iter().for_each(|event| stage.public.tell(event));
    let Some(Command::Follow { reply }) = stage.commands.recv().await else { panic!("not asked again") };
    (client, reply)
}

type Reply = tokio::sync::oneshot::Sender<Result<Answer, Refusal>>;

/// More than are kept for who reads slowly.
const MANY: usize = 3000;

#[tokio::test]
async fn who_reads_too_slowly_hears_on_while_its_deploy_is_under_way() {
    let mut stage = stage();
    let (mut client, reply) = follow_too_slowly(&mut stage, vec![report(6); MANY]).await;
    reply.send(Ok(Answer::UnderWay(7))).unwrap();
    // It may fall behind more than once, and asks each time.
    let mut commands = stage.commands;
    tokio::spawn(async move {
        while let Some(Command::Follow { reply }) = commands.recv().await {
            reply.send(Ok(Answer::UnderWay(7))).unwrap();
        }
    });
    stage.public.tell(report(7));
    let mut heard = 0;
    while client.next().await.unwrap() != report(7) {
        heard += 1;
    }
    assert!((1..MANY).contains(&heard), "{heard}");
}

#[tokio::test]
async fn who_reads_too_slowly_hears_the_end_if_it_has_not_missed_it() {
    let mut stage = stage();
    let told = vec![report(6); MANY].into_iter().chain([report(7), report(8)]);
    let (mut client, reply) = follow_too_slowly(&mut stage, told).await;
    reply.send(Err(Refusal::NoDeploy)).unwrap();
    while client.next().await.unwrap() != report(7) {}
    // It is asked no more of it, and may be asked for something else.
    client.ask(&Request::Force).await.unwrap();
    assert!(matches!(stage.commands.recv().await, Some(Command::Force)));
}

#[tokio::test]
async fn who_has_missed_the_end_is_told_that() {
    // Another is under way by then, or none, or the driver has ended.
    for answer in [Some(Ok(Answer::UnderWay(8))), Some(Err(Refusal::NoDeploy)), None] {
        let mut stage = stage();
        let told = [report(7)].into_iter().chain(vec![report(8); MANY]);
        let (mut client, reply) = follow_too_slowly(&mut stage, told).await;
        match answer {
            Some(answer) => reply.send(answer).unwrap(),
            None => drop(reply),
        }
        let refused = loop {
            match client.next().await {
                Ok(event) => assert_eq!(event, report(8)),
                Err(refused) => break refused,
            }
        };
        assert!(refused.to_string().contains("read too slowly"), "{refused}");
    }
}

#[tokio::test]
async fn how_it_is_is_told_once_or_for_as_long_as_somebody_looks() {
    let mut stage = stage();
    let mut client = Client::connect(&stage.folder).await.unwrap();
    let mut commands = stage.commands;
    let answers = tokio::spawn(async move {
        let Some(Command::View { reply }) = commands.recv().await else { panic!("not asked") };
        reply.send(view(1)).unwrap();
        commands
    });
    assert_eq!(client.status().await.unwrap(), view(1));
    stage.commands = answers.await.unwrap();
    client.ask(&Request::Watch).await.unwrap();
    assert!(matches!(stage.commands.recv().await, Some(Command::View { .. })), "it is shown at once");
    for serving in [1, 2] {
        stage.public.show(view(serving));
        assert_eq!(client.next().await.unwrap(), Event::View(Box::new(view(serving))));
    }
}

#[tokio::test]
async fn whoever_asks_a_driver_that_has_ended_is_told_so() {
    let stage = stage();
    drop(stage.commands);
    for request in [Request::Status, Request::Rollback, Request::Down] {
        let mut client = Client::connect(&stage.folder).await.unwrap();
        client.ask(&request).await.unwrap();
        let refused = client.next().await.unwrap_err();
        assert!(matches!(&refused, AskError::Refused(why) if why == "`segue up` is ending"), "{refused}");
    }
}

#[tokio::test]
async fn down_is_told_to_its_end_and_may_be_forced() {
    let mut stage = stage();
    let mut client = Client::connect(&stage.folder).await.unwrap();
    client.ask(&Request::Down).await.unwrap();
    let Some(Command::Down { by }) = stage.commands.recv().await else { panic!("not asked") };
    assert_eq!(by.uid, rustix::process::geteuid().as_raw());
    stage.public.tell(report(1));
    client.ask(&Request::Force).await.unwrap();
    assert!(matches!(stage.commands.recv().await, Some(Command::Force)));
    stage.public.tell(Event::Down { cut: 3 });
    assert_eq!(client.next().await.unwrap(), report(1));
    assert_eq!(client.next().await.unwrap(), Event::Down { cut: 3 });
}

/// A server that says something to whom it meets, and hangs up; having read nothing of what that one said.
async fn hangs_up_on(place: &std::path::Path, says: &[u8], after: bool) -> Client {
    use std::io::Write;
    let folder = StateDir::find(Some(place.to_owned())).unwrap().service("web");
    drop(folder.lock().unwrap());
    let listener = std::os::unix::net::UnixListener::bind(folder.control_socket()).unwrap();
    let mut client = Client::connect(&folder).await.unwrap();
    if after {
        client.ask(&Request::Status).await.unwrap();
    }
    let (mut stream, _) = listener.accept().unwrap();
    stream.write_all(says).unwrap();
    client
}

#[tokio::test]
async fn who_is_hung_up_on_reads_why_if_that_was_said() {
    let place = tempfile::tempdir().unwrap();
    let refusal = b"{\"event\":\"refused\",\"why\":\"not yours\"}\n";
    let mut client = hangs_up_on(place.path(), refusal, false).await;
    client.ask(&Request::Status).await.expect("why is still to be read");
    assert!(matches!(client.next().await.unwrap_err(), AskError::Refused(why) if why == "not yours"));

    let place = tempfile::tempdir().unwrap();
    let mut client = hangs_up_on(place.path(), b"", true).await;
    let gone = client.next().await.unwrap_err();
    assert!(matches!(gone, AskError::Gone), "{gone}");

    let place = tempfile::tempdir().unwrap();
    let mut client = hangs_up_on(place.path(), b"\xff\n", false).await;
    let broken = client.next().await.unwrap_err();
    assert!(matches!(broken, AskError::Io { .. }), "{broken}");
}

#[tokio::test]
async fn a_refusal_says_why_and_the_connection_stays() {
    let mut stage = stage();
    let mut client = Client::connect(&stage.folder).await.unwrap();
    for refusal in [Refusal::NoDeploy, Refusal::NothingRuns] {
        client.ask(&Request::Abort).await.unwrap();
        let Some(Command::Abort { by, reply }) = stage.commands.recv().await else { panic!("not asked") };
        assert_eq!(by.uid, rustix::process::geteuid().as_raw(), "the kernel says who asks");
        let why = refusal.to_string();
        reply.send(Err(refusal)).unwrap();
        assert!(matches!(client.next().await.unwrap_err(), AskError::Refused(said) if said == why));
    }
}

#[tokio::test]
async fn an_abort_on_the_way_reaches_the_driver_and_a_lost_client_asks_for_nothing() {
    let mut stage = stage();
    let mut client = Client::connect(&stage.folder).await.unwrap();
    client.ask(&Request::Rollback).await.unwrap();
    let Some(Command::Rollback { reply, .. }) = stage.commands.recv().await else { panic!("not asked") };
    reply.send(Ok(Answer::UnderWay(1))).unwrap();
    client.ask(&Request::Abort).await.unwrap();
    assert!(matches!(stage.commands.recv().await, Some(Command::Abort { .. })));
    drop(client);
    // Whoever comes next is the next to be heard of: the lost client asked for nothing.
    let mut other = Client::connect(&stage.folder).await.unwrap();
    other.ask(&Request::Force).await.unwrap();
    assert!(matches!(stage.commands.recv().await, Some(Command::Force)));
}

#[tokio::test]
async fn what_is_not_understood_is_refused() {
    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
    let stage = stage();
    let mut stream = tokio::net::UnixStream::connect(stage.folder.control_socket()).await.unwrap();
    stream.write_all(b"{\"ask\":\"dance\"}\n\xff\xfe\n").await.unwrap();
    let mut lines = BufReader::new(stream).lines();
    let line = lines.next_line().await.unwrap().unwrap();
    assert!(line.contains("refused") && line.contains("dance"), "{line}");
}

#[tokio::test]
async fn nobody_there_is_told_apart_from_an_error() {
    let stage = stage();
    let other = StateDir::find(Some(stage.folder.path().to_owned())).unwrap().service("other");
    assert!(
        matches!(Client::connect(&other).await.unwrap_err(), AskError::NotUp { name } if name == "other")
    );
}

#[tokio::test]
async fn while_somebody_is_told_how_it_ends_the_talks_go_on() {
    let stage = stage();
    let talk = stage.public.talk().await;
    let public = stage.public.clone();
    let ended = tokio::spawn(async move { public.talks_end(std::time::Duration::from_hours(1)).await });
    tokio::task::yield_now().await;
    assert!(!ended.is_finished());
    drop(talk);
    ended.await.unwrap();
    // Who does not listen holds nothing up for longer than that.
    let _talk = stage.public.talk().await;
    stage.public.talks_end(std::time::Duration::ZERO).await;
}
