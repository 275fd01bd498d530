//! What the driver tells the outside: events as they happen, and how everything is for whoever looks.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use segue_core::Time;
use segue_supervisor::logs::Since;
use tokio::sync::{OwnedRwLockReadGuard, RwLock, broadcast, mpsc, watch};

use super::command::Command;
use crate::clock;
use crate::control::protocol::{Event, View};
use crate::folder::Folder;

/// How many events a slow listener may be behind.
const BEHIND: usize = 1024;

/// An instance whose output can be followed from here on.
#[derive(Debug, Clone)]
pub struct Started {
    /// Its name.
    pub id: String,
    /// Its folder.
    pub dir: PathBuf,
    /// From where on.
    pub since: Since,
}

/// The driver's outside: clones reach the same driver.
#[derive(Debug, Clone)]
pub struct Public {
    commands: mpsc::Sender<Command>,
    events: broadcast::Sender<Event>,
    view: Arc<watch::Sender<Option<View>>>,
    output: Option<mpsc::UnboundedSender<Started>>,
    /// Held for reading by those who tell a client how something ends.
    talks: Arc<RwLock<()>>,
}

// === impl Public ===

impl Public {
    /// The outside of a driver that takes its commands from the other end; `output` hears of every instance.
    pub(crate) fn new(
        commands: mpsc::Sender<Command>,
        output: Option<mpsc::UnboundedSender<Started>>,
    ) -> Self {
        let (events, _) = broadcast::channel(BEHIND);
        let (view, _) = watch::channel(None);
        Self { commands, events, view: Arc::new(view), output, talks: Arc::default() }
    }

    /// Asks the driver for something; false if it has ended.
    pub async fn ask(&self, command: Command) -> bool {
        self.commands.send(command).await.is_ok()
    }

    /// Every event from now on.
    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.events.subscribe()
    }

    /// How everything is, as long as somebody looks.
    pub fn views(&self) -> watch::Receiver<Option<View>> {
        self.view.subscribe()
    }

    /// While the answer lives, [`Public::talks_end`] waits.
    pub async fn talk(&self) -> OwnedRwLockReadGuard<()> {
        Arc::clone(&self.talks).read_owned().await
    }

    /// Waits until every client was told how what it asked for ended, so long at most.
    pub async fn talks_end(&self, most: Duration) {
        if tokio::time::timeout(most, self.talks.write()).await.is_err() {
            tracing::debug!("a client did not listen to the end");
        }
    }

    /// Makes the driver show how everything is to those who have just begun to look.
    pub async fn ask_for_view(&self) {
        let (reply, _) = tokio::sync::oneshot::channel();
        self.ask(Command::View { reply }).await;
    }

    pub(super) fn is_watched(&self) -> bool {
        self.view.receiver_count() > 0
    }

    pub(crate) fn show(&self, view: View) {
        self.view.send_if_modified(|shown| {
            let other = shown.as_ref() != Some(&view);
            if other {
                *shown = Some(view);
            }
            other
        });
    }

    pub(crate) fn tell(&self, event: Event) {
        // Nobody need listen.
        let _ = self.events.send(event);
    }

    /// Tells a line of something that has just happened.
    pub(super) fn note(&self, text: String, now: Time) {
        self.tell(Event::Note { at: clock::wall_at(now, now), text });
    }

    pub(super) fn started(&self, folder: &Folder, id: &str, since: Since) {
        if let Some(output) = &self.output {
            // Who printed it may have gone; the service goes on.
            let _ = output.send(Started { id: id.to_owned(), dir: folder.instance(id), since });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::protocol::view_for_tests as view;

    #[test]
    fn who_looks_is_shown_what_has_changed_and_the_same_not_again() {
        let public = Public::new(mpsc::channel(1).0, None);
        assert!(!public.is_watched());
        let mut views = public.views();
        assert!(public.is_watched());
        for (serving, changes) in [(1, true), (1, false), (2, true), (2, false)] {
            public.show(view(serving));
            assert_eq!(views.has_changed().unwrap(), changes, "{serving}");
            assert_eq!(views.borrow_and_update().as_ref().unwrap().serving, serving);
        }
        drop(views);
        assert!(!public.is_watched());
    }

    #[tokio::test]
    async fn who_asks_a_driver_that_has_ended_is_told_so() {
        let (sender, commands) = mpsc::channel(1);
        let public = Public::new(sender, None);
        assert!(public.ask(Command::Force).await);
        drop(commands);
        assert!(!public.ask(Command::Force).await);
    }
}
