//! `segue down`: drains a service and ends all of it.

use std::process::ExitCode;

use segue_local::control::client::{AskError, Client};
use segue_local::control::protocol::{Event, Request};
use segue_local::folder::Folder;
use segue_local::inspect::inspect;
use segue_local::up::down_without_up;
use segue_supervisor::instance::Keeper;
use tokio::signal::unix::{SignalKind, signal};

use crate::output::outln;
use crate::service::live::Live;
use crate::service::{self, NO, Place, rows};

/// Drain a service and end all of it
///
/// The listener closes, what is in flight is finished, then the instances are stopped. Ctrl-C cuts what is in flight, a
/// second one kills the instances. Where `segue up` was killed, its instances are ended by this command itself.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The service; needed where several are known
    name: Option<String>,
    #[command(flatten)]
    place: Place,
}

pub(crate) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let folder = args.place.service(args.name.as_deref())?;
    service::block_on(down(&folder))
}

async fn down(folder: &Folder) -> anyhow::Result<ExitCode> {
    let name = folder.name();
    let mut client = match Client::connect(folder).await {
        Ok(client) => client,
        Err(AskError::NotUp { .. }) => return down_orphans(folder).await,
        Err(error) => return Err(error.into()),
    };
    let mut interrupts = signal(SignalKind::interrupt())?;
    client.ask(&Request::Down).await?;
    let mut live = Live::on_stderr();
    loop {
        tokio::select! {
            event = client.next() => match event {
                Ok(Event::Down { cut }) => {
                    live.end();
                    outln!("{name}: down{}", cut_line(cut))?;
                    return Ok(ExitCode::SUCCESS);
                }
                Ok(event) => live.event(&event),
                Err(error) => {
                    live.end();
                    return Err(error.into());
                }
            },
            _ = interrupts.recv() => {
                live.line("hurrying: what is in flight is cut; once more kills the instances");
                client.ask(&Request::Force).await?;
            }
        }
    }
}

/// `segue up` is gone: this command takes over what it left, and ends it by the same rules.
async fn down_orphans(folder: &Folder) -> anyhow::Result<ExitCode> {
    let name = folder.name();
    let left = inspect(folder)?.instances.len();
    if left == 0 {
        outln!("{name}: nothing runs")?;
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("{name}: `segue up` is gone; {left} instance(s) that it left are ended from here");
    crate::logging::init(tracing::Level::INFO);
    match down_without_up(folder.clone(), Keeper::this_program()).await {
        Ok(cut) => {
            outln!("{name}: down{}", cut_line(cut))?;
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            crate::output::error(&error.into());
            Ok(NO.into())
        }
    }
}

fn cut_line(cut: u64) -> String {
    if cut == 0 { String::new() } else { format!("; {} cut", rows::requests(cut)) }
}
