//! A deploy watched to its end, whoever began it: shown live, taken back at Ctrl-C, and its result told.

#![expect(clippy::format_push_string, reason = "a few lines for people, built once")]

use std::process::ExitCode;

use segue_local::control::client::{AskError, Client};
use segue_local::control::protocol::{Event, Failing, Report, Request};
use segue_local::folder::Folder;
use segue_local::history::Ended;
use tokio::signal::unix::{SignalKind, signal};

use super::live::Live;
use super::{Format, NO, rows};
use crate::output::{self, outln};

/// What Ctrl-C means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Interrupt {
    /// Take it back; a second one leaves it going.
    Abort,
    /// Leave it going.
    Leave,
}

/// What comes while a deploy is watched.
enum Heard {
    Said(Result<Event, AskError>),
    /// The user's Ctrl-C, or a SIGTERM.
    Interrupted,
}

/// Asks for a deploy, or to hear of one, and watches it to its end.
pub(crate) async fn deploy(
    folder: &Folder,
    request: &Request,
    interrupt: Interrupt,
    format: Format,
) -> anyhow::Result<ExitCode> {
    let mut client = Client::connect(folder).await?;
    let mut interrupts = signal(SignalKind::interrupt())?;
    let mut terminations = signal(SignalKind::terminate())?;
    client.ask(request).await?;
    let mut live = Live::on_stderr();
    let mut leave = interrupt == Interrupt::Leave;
    loop {
        let heard = tokio::select! {
            said = client.next() => Heard::Said(said),
            _ = interrupts.recv() => Heard::Interrupted,
            _ = terminations.recv() => Heard::Interrupted,
        };
        match heard {
            Heard::Interrupted if leave => {
                live.end();
                eprintln!("left going: `segue deploy {} --follow` shows it again", folder.name());
                return Ok(NO.into());
            }
            Heard::Interrupted => {
                leave = true;
                live.line("taking it back; once more leaves it going");
                client.ask(&Request::Abort).await?;
            }
            Heard::Said(Ok(Event::Ended(report))) => {
                live.end();
                told(&report, format)?;
                return Ok(if as_asked(request, report.ended) { ExitCode::SUCCESS } else { NO.into() });
            }
            Heard::Said(Ok(event)) => live.event(&event),
            Heard::Said(Err(AskError::Refused(why))) => {
                live.end();
                output::error(&anyhow::anyhow!("{why}"));
                return Ok(NO.into());
            }
            Heard::Said(Err(error)) => {
                live.end();
                return Err(error.into());
            }
        }
    }
}

/// Prints how it ended.
fn told(report: &Report, format: Format) -> anyhow::Result<()> {
    match format {
        Format::Json => {
            let mut json = serde_json::to_value(report)?;
            json["schema"] = 1.into();
            outln!("{json:#}")?;
        }
        Format::Text => output::write(text(report).as_bytes())?,
    }
    Ok(())
}

/// Whoever takes a deploy back is content when it has gone back; everybody else, when it has not.
fn as_asked(request: &Request, ended: Ended) -> bool {
    match ended {
        Ended::Reached | Ended::NothingToDo => !matches!(request, Request::Abort),
        Ended::WentBack => matches!(request, Request::Abort),
        Ended::Stuck | Ended::Interrupted => false,
    }
}

fn text(report: &Report) -> String {
    let Report { name, what, from, to, .. } = report;
    let from = from.as_deref().unwrap_or("nothing");
    let took = rows::length(std::time::Duration::from_millis(report.took_ms));
    let mut text = match report.ended {
        Ended::Reached => format!("{name}: {what} of {to} done in {took}: every instance runs it\n"),
        Ended::WentBack => format!("{name}: {what} of {to} failed; went back to {from} in {took}\n"),
        Ended::Stuck => {
            format!("{name}: {what} of {to} failed, and going back to {from} is stuck after {took}\n")
        }
        Ended::Interrupted => format!("{name}: {what} of {to} was interrupted after {took}\n"),
        Ended::NothingToDo => format!(
            "{name}: nothing to do: {to} is what runs, with these very settings (a changed program under the same \
             `version` is not noticed: give it another)\n"
        ),
    };
    if let Some(why) = &report.why {
        text += &format!("  why: {why}\n");
    }
    if let Some(Failing { id, how, last_lines }) = &report.failing {
        text += &format!("  {id}: {how}\n");
        if !last_lines.is_empty() {
            text += &format!("  the last that {id} wrote:\n");
            text.extend(last_lines.iter().map(|line| format!("    {line}\n")));
        }
    }
    let cut = report.cut_on.iter().map(|cut| format!("{} on {}", cut.requests, cut.instance));
    let cut_on: Vec<String> = cut.collect();
    if report.cut > 0 {
        let requests = rows::requests(report.cut);
        text += &format!("  {requests} cut, in flight when an instance ended: {}\n", cut_on.join(", "));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use segue_local::history::{Cut, What};

    #[test]
    fn a_failed_deploy_says_why_and_shows_what_the_instance_said() {
        let report = Report {
            number: 3,
            name: "web".to_owned(),
            what: What::Deploy,
            ended: Ended::WentBack,
            from: Some("v1".to_owned()),
            to: "v2".to_owned(),
            why: Some("instances of version v2 ended by themselves 3 times".to_owned()),
            failing: Some(Failing {
                id: "web-6".to_owned(),
                how: "exited with code 70".to_owned(),
                last_lines: vec!["no such table: users".to_owned()],
            }),
            cut: 2,
            cut_on: vec![Cut { instance: "web-1".to_owned(), requests: 2 }],
            took_ms: 2300,
        };
        insta::assert_snapshot!(text(&report), @r"
        web: deploy of v2 failed; went back to v1 in 2.3 s
          why: instances of version v2 ended by themselves 3 times
          web-6: exited with code 70
          the last that web-6 wrote:
            no such table: users
          2 requests cut, in flight when an instance ended: 2 on web-1
        ");
    }
}
