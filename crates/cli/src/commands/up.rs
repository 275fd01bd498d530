//! `segue up`: runs the instances of a spec behind the proxy, in the foreground, until it is told to end.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use segue_local::driver::{OpenError, Started};
use segue_local::folder::FolderError;
use segue_local::open_files::OpenFiles;
use segue_local::up::{Options, UpError, up};
use segue_supervisor::instance::Keeper;
use segue_supervisor::logs::{Follower, Line, Prefixes};
use tokio::sync::mpsc;

use crate::output;
use crate::service::{self, NO, Place};

/// Enough for the driver and for who talks to it: the proxy has threads of its own.
const THREADS: usize = 2;
/// How long the last lines of the instances may take to be printed.
const LAST_LINES: Duration = Duration::from_secs(1);

/// Run a program's instances behind the proxy, in the foreground
///
/// SIGTERM and SIGINT (and `segue down`) end it: what is in flight is finished, then the instances are stopped. A
/// second signal cuts what is in flight, a third one kills the instances. SIGHUP is ignored. If it is killed itself,
/// the instances go on running; `segue up` again takes them over.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The spec (see `segue schema`)
    #[arg(short, long, value_name = "FILE")]
    file: PathBuf,
    /// Roll instances of another spec, left behind by a killed `segue up`, to this one
    #[arg(long)]
    replace: bool,
    #[command(flatten)]
    place: Place,
}

pub(crate) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let spec = match service::spec(&args.file) {
        Ok(spec) => spec,
        Err(code) => return Ok(code),
    };
    crate::logging::init(tracing::Level::INFO);
    let open_files = OpenFiles::take();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(THREADS).enable_all().build()?;
    let state_dir = args.place.state_dir()?;
    runtime.block_on(async {
        let (sender, started) = mpsc::unbounded_channel();
        let printer = tokio::spawn(print(started));
        let keeper = Keeper::this_program();
        let (replace, output) = (args.replace, Some(sender));
        let ended = up(Options { state_dir, spec, replace, keeper, open_files, output }).await;
        match ended {
            Ok(_) => {
                // The keepers have ended, so every line is there to be printed; one that has not is not waited for.
                let _ = tokio::time::timeout(LAST_LINES, printer).await;
                Ok(ExitCode::SUCCESS)
            }
            Err(error) => {
                let no = matches!(
                    error,
                    UpError::Folder(FolderError::Busy { .. }) | UpError::Open(OpenError::OtherSpec { .. })
                );
                if !no {
                    return Err(error.into());
                }
                output::error(&error.into());
                Ok(NO.into())
            }
        }
    })
}

/// Prints what the instances say, each line with its instance before it.
async fn print(mut started: mpsc::UnboundedReceiver<Started>) {
    let (lines, mut to_print) = mpsc::channel(1024);
    let following = tokio::spawn(async move {
        while let Some(Started { id, dir, since }) = started.recv().await {
            let lines = lines.clone();
            tokio::spawn(async move {
                if let Err(error) = follow(&id, &dir, since, lines).await {
                    tracing::warn!(%error, "the log of {id} cannot be followed");
                }
            });
        }
    });
    let mut prefixes = Prefixes::new(output::stdout_has_color());
    while let Some((id, line)) = to_print.recv().await {
        if output::line(format_args!("{}", prefixes.render(&id, &line))).is_err() {
            // Nobody reads; the keepers keep it all.
            break;
        }
    }
    following.abort();
}

async fn follow(
    id: &str,
    dir: &std::path::Path,
    since: segue_supervisor::logs::Since,
    lines: mpsc::Sender<(String, Line)>,
) -> std::io::Result<()> {
    let mut follower = Follower::open(dir, since)?;
    while let Some(line) = follower.next().await? {
        if lines.send((id.to_owned(), line)).await.is_err() {
            return Ok(());
        }
    }
    Ok(())
}
