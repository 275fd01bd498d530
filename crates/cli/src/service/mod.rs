//! What the commands of one machine share: which service is meant, its spec, and how it is shown.

pub(crate) mod live;
pub(crate) mod plan;
pub(crate) mod rows;
pub(crate) mod talk;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use segue_local::control::protocol::Phase;
use segue_local::folder::{Folder, StateDir};
use segue_local::inspect::inspect;
use segue_local::spec::Spec;

use crate::output;

/// Exit code: the answer is no.
pub(crate) const NO: u8 = 1;
/// Exit code: wrong use or broken input.
pub(crate) const WRONG: u8 = 2;

/// Where state is kept.
#[derive(Debug, clap::Args)]
pub(crate) struct Place {
    /// Where state is kept [default: $XDG_RUNTIME_DIR/segue, for root /run/segue]
    #[arg(long, value_name = "DIR")]
    state_dir: Option<PathBuf>,
}

/// How a result is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// For people
    Text,
    /// For scripts: stable
    Json,
}

impl Place {
    /// The folder of all services.
    pub(crate) fn state_dir(&self) -> anyhow::Result<StateDir> {
        Ok(StateDir::find(self.state_dir.clone())?)
    }

    /// The service of this name; without one, the only one that runs, or else the only one that there is.
    pub(crate) fn service(&self, name: Option<&str>) -> anyhow::Result<Folder> {
        let state_dir = self.state_dir()?;
        let services = state_dir.services()?;
        if let Some(name) = name {
            let known = services.iter().find(|service| service.name() == name).cloned();
            return known.with_context(|| unknown(name, &services, &state_dir));
        }
        let running: Vec<_> = services.iter().filter(|service| runs(service)).cloned().collect();
        match (running.as_slice(), services.as_slice()) {
            ([only], _) | ([], [only]) => Ok(only.clone()),
            ([], []) => bail!("no service was ever up here ({})", state_dir.path().display()),
            ([], several) => bail!("no service is up; several are known, say which: {}", names(several)),
            (several, _) => bail!("several services run, say which: {}", names(several)),
        }
    }
}

/// Whether somebody drives it, or instances of it are left. What cannot be looked at may well run.
fn runs(service: &Folder) -> bool {
    let driven = service.driven_by().map_or(true, |pid| pid.is_some());
    driven || inspect(service).map_or(true, |view| view.state != Phase::Down)
}

fn unknown(name: &str, services: &[Folder], state_dir: &StateDir) -> String {
    let others = match services {
        [] => "none was ever up".to_owned(),
        services => format!("known: {}", names(services)),
    };
    format!("no service `{name}` in {}; {others}", state_dir.path().display())
}

fn names(services: &[Folder]) -> String {
    services.iter().map(Folder::name).collect::<Vec<_>>().join(", ")
}

/// Reads a spec; warnings and errors are drawn on stderr. With errors, the code to exit with.
pub(crate) fn spec(file: &Path) -> Result<Spec, ExitCode> {
    let color = output::stderr_has_color();
    let draw = |text: String| {
        // Nobody is left to be told if stderr is closed.
        let _ = writeln!(io::stderr(), "{text}\n");
    };
    match Spec::load(file) {
        Ok(loaded) => {
            if !loaded.warnings.is_empty() {
                draw(loaded.warnings.render(color));
            }
            Ok(loaded.spec)
        }
        Err(diagnostics) => {
            draw(diagnostics.render(color));
            Err(ExitCode::from(WRONG))
        }
    }
}

/// Runs what waits on one thread: enough for a command that talks to one socket.
pub(crate) fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work)
}
