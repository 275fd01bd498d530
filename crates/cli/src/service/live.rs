//! Something under way, shown while it goes on: redrawn in place on a terminal, else one line for each change.

use std::io;

use indicatif::ProgressBar;
use jiff::Timestamp;
use segue_local::control::protocol::{Changed, Event, View};

use super::rows;
use crate::{clock, output};

/// Shows on stderr: stdout is for the result. The view is taken away when this is dropped.
pub(crate) struct Live(ProgressBar);

impl Live {
    pub(crate) fn on_stderr() -> Self {
        Self(output::live("{msg}"))
    }

    /// Shows what was said.
    pub(crate) fn event(&mut self, event: &Event) {
        match event {
            Event::View(view) => self.draw(view),
            Event::Changed(changed) => self.line(&change(changed)),
            Event::Note { text, .. } => self.line(text),
            Event::Refused { .. } | Event::Ended(_) | Event::Down { .. } => {}
        }
    }

    /// A line that stays.
    pub(crate) fn line(&mut self, text: &str) {
        let at = clock::wall();
        self.0.suspend(|| output::note(format_args!("{}  {text}", at.strftime("%H:%M:%S%.3f"))));
    }

    /// Takes the view away: what comes now is the result.
    pub(crate) fn end(&mut self) {
        self.0.finish_and_clear();
    }

    fn draw(&mut self, view: &View) {
        if self.0.is_hidden() {
            return;
        }
        let size = rustix::termios::tcgetwinsize(io::stderr()).ok();
        let (columns, rows) = size.map_or((80, 24), |size| (size.ws_col.max(20), size.ws_row.max(3)));
        let lines = picture(view, clock::wall().timestamp(), usize::from(columns) - 1, usize::from(rows) - 1);
        self.0.set_message(lines.join("\n"));
    }
}

fn change(changed: &Changed) -> String {
    let Changed { id, version, state, why, .. } = changed;
    let why = why.as_deref().map(|why| format!(": {why}")).unwrap_or_default();
    format!("{id}  {version}  {}{why}", state.name())
}

/// The view as lines that are no wider and no more than the terminal has.
fn picture(view: &View, now: Timestamp, columns: usize, most: usize) -> Vec<String> {
    let head = match &view.deploy {
        Some(deploy) => rows::deploy(deploy, now),
        None => rows::summary(view, now),
    };
    let mut lines = vec![head];
    // A narrow terminal keeps what matters most: who, what, and why it waits.
    let shown: &[usize] = if columns < 70 { &[0, 2, 7] } else { &[0, 1, 2, 3, 5, 7] };
    let cells: Vec<[String; 8]> = std::iter::once(rows::HEAD.map(str::to_owned))
        .chain(view.instances.iter().map(|instance| rows::instance(instance, now)))
        .collect();
    let width = |column: usize| cells.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    for row in &cells {
        let cell = |column: &usize| format!("{:width$}", row[*column], width = width(*column));
        lines.push(shown.iter().map(cell).collect::<Vec<_>>().join("  ").trim_end().to_owned());
    }
    if lines.len() > most {
        let hidden = lines.len() - most + 1;
        lines.truncate(most - 1);
        lines.push(format!("… and {hidden} more"));
    }
    lines.into_iter().map(|line| line.chars().take(columns).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use segue_local::control::protocol::{InstanceView, Phase, ProxyView, State};

    fn view(count: u16) -> View {
        let instance = |number: u16| InstanceView {
            id: format!("web-{number}"),
            version: "v1".to_owned(),
            revision: "v1".into(),
            state: State::Serving,
            pid: Some(1000 + i32::from(number)),
            port: 20000 + number,
            in_flight: 1,
            requests: 20,
            failed: 0,
            stages: Vec::new(),
            wait: None,
        };
        View {
            name: "web".to_owned(),
            state: Phase::Steady,
            pid: Some(1),
            since: None,
            listen: Some("127.0.0.1:80".to_owned()),
            version: Some("v1".to_owned()),
            replicas: count.into(),
            serving: count.into(),
            restarts: 0,
            deploy: None,
            instances: (1..=count).map(instance).collect(),
            proxy: ProxyView::default(),
            history: Vec::new(),
        }
    }

    #[test]
    fn the_picture_is_never_wider_or_longer_than_the_terminal() {
        for (columns, rows) in [(20, 3), (40, 10), (200, 50)] {
            let lines = picture(&view(30), Timestamp::UNIX_EPOCH, columns, rows);
            assert!(lines.len() <= rows, "{rows}: {lines:?}");
            assert!(lines.iter().all(|line| line.chars().count() <= columns), "{columns}: {lines:?}");
        }
    }

    #[test]
    fn columns_stand_under_their_heads() {
        let lines = picture(&view(10), Timestamp::UNIX_EPOCH, 100, 50);
        assert_eq!(lines[0], "web: steady, v1, 10 of 10 serving, on 127.0.0.1:80");
        assert_eq!(lines[1], "INSTANCE  VERSION  STATE    PID   IN FLIGHT  WAITS FOR");
        assert_eq!(lines[11], "web-10    v1       serving  1010  1");
    }
}
