//! Client and server speak over a real socket; the driver behind it is played.

use tokio::sync::mpsc;

use super::client::{AskError, Client};
use super::protocol::{Event, Report, Request};
use super::server;
use crate::driver::{Answer, Command, Public};
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

#[tokio::test]
async fn a_refusal_says_why_and_the_connection_stays() {
    let mut stage = stage();
    let mut client = Client::connect(&stage.folder).await.unwrap();
    for why in ["no deploy is under way", "still none"] {
        client.ask(&Request::Abort).await.unwrap();
        let Some(Command::Abort { by, reply }) = stage.commands.recv().await else { panic!("not asked") };
        assert_eq!(by.uid, rustix::process::geteuid().as_raw(), "the kernel says who asks");
        reply.send(Err(why.to_owned())).unwrap();
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
    other.ask(&Request::Hurry).await.unwrap();
    assert!(matches!(stage.commands.recv().await, Some(Command::Hurry)));
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
