//! The socket's end in `segue up`: checks who asks, passes it on to the driver, and tells what comes of it.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::sync::{broadcast, oneshot};

use super::protocol::{Event, Request};
use crate::driver::{Answer, Command, Public, Refusal};
use crate::history::Who;

/// Listens where nobody else does: the service's folder is locked, so what lies there is a dead one's.
pub fn bind(path: &Path) -> io::Result<UnixListener> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(path)?;
    fs::set_permissions(path, Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Serves clients for as long as the driver lives.
pub async fn serve(listener: UnixListener, public: Public) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let public = public.clone();
                tokio::spawn(async move {
                    if let Err(error) = client(stream, public).await {
                        tracing::debug!(%error, "a client of the control socket is gone");
                    }
                });
            }
            Err(error) => {
                tracing::warn!(%error, "the control socket takes nobody in");
                crate::clock::sleep(std::time::Duration::from_millis(100)).await;
            }
        }
    }
}

async fn client(stream: UnixStream, public: Public) -> io::Result<()> {
    let peer = stream.peer_cred()?;
    let own = rustix::process::geteuid().as_raw();
    let (read, write) = stream.into_split();
    let mut connection = Connection { lines: BufReader::new(read).lines(), write, public };
    if !may_ask(own, peer.uid()) {
        let why = format!("this service belongs to user {own}, not to user {}", peer.uid());
        return connection.say(&Event::Refused { why }).await;
    }
    let who = Who::of(peer.uid(), peer.pid());
    while let Some(line) = connection.lines.next_line().await? {
        match serde_json::from_str(&line) {
            Ok(request) => connection.answer(request, &who).await?,
            Err(error) => {
                let why = format!("this is not understood: {error}");
                connection.say(&Event::Refused { why }).await?;
            }
        }
    }
    Ok(())
}

/// Whom this service belongs to, and root.
fn may_ask(own: u32, peer: u32) -> bool {
    [own, 0].contains(&peer)
}

struct Connection {
    lines: Lines<BufReader<OwnedReadHalf>>,
    write: OwnedWriteHalf,
    public: Public,
}

impl Connection {
    async fn answer(&mut self, request: Request, who: &Who) -> io::Result<()> {
        let by = who.clone();
        match request {
            Request::Status => {
                let (reply, answer) = oneshot::channel();
                if self.public.ask(Command::View { reply }).await
                    && let Ok(view) = answer.await
                {
                    return self.say(&Event::View(Box::new(view))).await;
                }
                self.refuse_ended().await
            }
            Request::Watch => self.watch().await,
            Request::Deploy { spec } => self.deploy(who, |reply| Command::Deploy { spec, by, reply }).await,
            Request::Rollback => self.deploy(who, |reply| Command::Rollback { by, reply }).await,
            Request::Follow => self.deploy(who, |reply| Command::Follow { reply }).await,
            Request::Abort => self.deploy(who, |reply| Command::Abort { by, reply }).await,
            Request::Down => self.down(by).await,
            Request::Force => {
                self.public.ask(Command::Force).await;
                Ok(())
            }
        }
    }

    async fn say(&mut self, event: &Event) -> io::Result<()> {
        let mut line = serde_json::to_vec(event)?;
        line.push(b'\n');
        self.write.write_all(&line).await
    }

    async fn refuse_ended(&mut self) -> io::Result<()> {
        self.say(&Event::Refused { why: "`segue up` is ending".to_owned() }).await
    }

    async fn is_under_way(&self, number: u64) -> bool {
        let (reply, answer) = oneshot::channel();
        let asked = self.public.ask(Command::Follow { reply }).await;
        asked && matches!(answer.await, Ok(Ok(Answer::UnderWay(now))) if now == number)
    }

    async fn watch(&mut self) -> io::Result<()> {
        let mut views = self.public.views();
        self.public.ask_for_view().await;
        while views.changed().await.is_ok() {
            let view = views.borrow_and_update().clone();
            if let Some(view) = view {
                self.say(&Event::View(Box::new(view))).await?;
            }
        }
        Ok(())
    }

    /// Asks for a deploy, or to hear of one, and tells everything until its end.
    async fn deploy(
        &mut self,
        who: &Who,
        command: impl FnOnce(oneshot::Sender<Result<Answer, Refusal>>) -> Command,
    ) -> io::Result<()> {
        let _talk = self.public.talk().await;
        // Before asking, so that nothing of it is missed.
        let mut events = self.public.events();
        let mut views = self.public.views();
        let (reply, answer) = oneshot::channel();
        if !self.public.ask(command(reply)).await {
            return self.refuse_ended().await;
        }
        let number = match answer.await {
            Ok(Ok(Answer::UnderWay(number))) => number,
            Ok(Ok(Answer::NothingToDo(report))) => return self.say(&Event::Ended(report)).await,
            Ok(Err(refusal)) => return self.say(&Event::Refused { why: refusal.to_string() }).await,
            Err(_) => return self.refuse_ended().await,
        };
        let mut listens = true;
        loop {
            tokio::select! {
                event = events.recv() => match event {
                    Ok(event) => {
                        self.say(&event).await?;
                        if is_end(&event, number) {
                            return Ok(());
                        }
                    }
                    // A client that read too slowly has missed some; if its end was among them, no other will come.
                    Err(RecvError::Lagged(_)) if self.is_under_way(number).await => {}
                    Err(RecvError::Lagged(_)) => return self.tell_what_is_left(events, number).await,
                    Err(RecvError::Closed) => return self.refuse_ended().await,
                },
                Ok(()) = views.changed() => {
                    let view = views.borrow_and_update().clone();
                    if let Some(view) = view {
                        self.say(&Event::View(Box::new(view))).await?;
                    }
                }
                line = self.lines.next_line(), if listens => match line? {
                    None => listens = false,
                    Some(line) => if let Ok(Request::Abort) = serde_json::from_str(&line) {
                        let (reply, _) = oneshot::channel();
                        self.public.ask(Command::Abort { by: who.clone(), reply }).await;
                    },
                },
            }
        }
    }

    /// It is over, and this client has missed some: its end is among what is left, or among what it has missed.
    async fn tell_what_is_left(
        &mut self,
        mut events: broadcast::Receiver<Event>,
        number: u64,
    ) -> io::Result<()> {
        loop {
            match events.try_recv() {
                Ok(event) => {
                    self.say(&event).await?;
                    if is_end(&event, number) {
                        return Ok(());
                    }
                }
                Err(TryRecvError::Lagged(_)) => {}
                Err(TryRecvError::Empty | TryRecvError::Closed) => {
                    let why =
                        "it has ended, but this client read too slowly to hear how: `segue status` shows it";
                    return self.say(&Event::Refused { why: why.to_owned() }).await;
                }
            }
        }
    }

    async fn down(&mut self, by: Who) -> io::Result<()> {
        let _talk = self.public.talk().await;
        let mut events = self.public.events();
        let mut views = self.public.views();
        if !self.public.ask(Command::Down { by }).await {
            return self.refuse_ended().await;
        }
        loop {
            tokio::select! {
                event = events.recv() => match event {
                    Ok(event) => {
                        self.say(&event).await?;
                        if let Event::Down { .. } = event {
                            return Ok(());
                        }
                    }
                    Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return Ok(()),
                },
                Ok(()) = views.changed() => {
                    let view = views.borrow_and_update().clone();
                    if let Some(view) = view {
                        self.say(&Event::View(Box::new(view))).await?;
                    }
                }
                Ok(Some(line)) = self.lines.next_line() => {
                    if let Ok(Request::Force) = serde_json::from_str(&line) {
                        self.public.ask(Command::Force).await;
                    }
                }
            }
        }
    }
}

fn is_end(event: &Event, number: u64) -> bool {
    matches!(event, Event::Ended(report) if report.number == number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_owner_and_root_may_ask_and_nobody_else() {
        assert!(may_ask(1000, 1000) && may_ask(1000, 0) && may_ask(0, 0));
        assert!(!may_ask(1000, 1001) && !may_ask(0, 1000));
    }

    #[tokio::test]
    async fn what_cannot_be_taken_out_of_the_way_is_told_as_that() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("control.sock");
        drop(bind(&path).unwrap());
        drop(bind(&path).expect("a dead one's socket is in nobody's way"));
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert_eq!(bind(&path).unwrap_err().kind(), io::ErrorKind::IsADirectory);
    }
}
