//! `segue logs`: what the instances wrote; read from their folders, so it needs no `segue up`.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::bail;
use segue_local::folder::Folder;
use segue_supervisor::logs::{Follower, Line, Prefixes, Since};
use tokio::sync::mpsc;

use crate::clock;
use crate::output::{self, outln};
use crate::service::{self, Place};

/// How often it is looked for new instances.
const LOOK: Duration = Duration::from_millis(200);

/// Show what the instances of a service wrote, also of the last ones that ended
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The service; needed where several are known
    name: Option<String>,
    /// Go on showing what they write, new instances too
    #[arg(long, short)]
    follow: bool,
    /// Only this instance
    #[arg(long, value_name = "ID")]
    instance: Option<String>,
    /// Only the last lines of each instance
    #[arg(long, short = 'n', value_name = "N")]
    lines: Option<usize>,
    #[command(flatten)]
    place: Place,
}

pub(crate) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let folder = args.place.service(args.name.as_deref())?;
    if let Some(id) = &args.instance {
        let known = folder.instance_ids()?;
        if !known.contains(id) {
            bail!("no instance `{id}` (any more); there are logs of {}", known.join(", "));
        }
    }
    let since = args.lines.map_or(Since::Start, Since::Last);
    service::block_on(async {
        if args.follow {
            follow(&folder, args.instance.as_deref(), since).await
        } else {
            show(&args, &folder, since)
        }
    })?;
    Ok(ExitCode::SUCCESS)
}

fn wanted(folder: &Folder, only: Option<&str>) -> anyhow::Result<Vec<String>> {
    let mut ids = folder.instance_ids()?;
    ids.retain(|id| only.is_none_or(|only| only == id));
    Ok(ids)
}

fn show(args: &Args, folder: &Folder, since: Since) -> anyhow::Result<()> {
    let mut prefixes = Prefixes::new(output::stdout_has_color());
    for id in wanted(folder, args.instance.as_deref())? {
        let mut follower = Follower::open(&folder.instance(&id), since)?;
        while let Some(line) = follower.read_next()? {
            outln!("{}", prefixes.render(&id, &line))?;
        }
        if let Some(line) = follower.take_rest() {
            outln!("{}", prefixes.render(&id, &line))?;
        }
    }
    Ok(())
}

async fn follow(folder: &Folder, only: Option<&str>, since: Since) -> anyhow::Result<()> {
    let (sender, mut lines) = mpsc::channel(1024);
    let mut known = BTreeSet::new();
    let mut since = since;
    let mut prefixes = Prefixes::new(output::stdout_has_color());
    loop {
        for id in wanted(folder, only)? {
            if known.insert(id.clone()) {
                let (dir, sender) = (folder.instance(&id), sender.clone());
                tokio::spawn(async move {
                    if let Err(error) = pass_on(&id, dir, since, sender).await {
                        eprintln!("{id}: {error}");
                    }
                });
            }
        }
        // Those that come later are shown from their beginning.
        since = Since::Start;
        let look_again = clock::sleep(LOOK);
        tokio::pin!(look_again);
        loop {
            tokio::select! {
                Some((id, line)) = lines.recv() => outln!("{}", prefixes.render(&id, &line))?,
                () = &mut look_again => break,
            }
        }
    }
}

async fn pass_on(
    id: &str,
    dir: PathBuf,
    since: Since,
    lines: mpsc::Sender<(String, Line)>,
) -> std::io::Result<()> {
    let mut follower = Follower::open(&dir, since)?;
    while let Some(line) = follower.next().await? {
        if lines.send((id.to_owned(), line)).await.is_err() {
            return Ok(());
        }
    }
    Ok(())
}
