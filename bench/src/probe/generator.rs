//! Running a load generator and reading, once it has ended, what it used.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, bail, ensure};
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
use serde::Serialize;
use serde_json::Value;

/// The version of vegeta that is built where none is installed.
const VEGETA: &str = "github.com/tsenart/vegeta/v12@v12.13.0";

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Generator {
    Segue,
    Vegeta,
    Oha,
}

/// One run of one generator.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Ran {
    pub(super) requests: u64,
    /// Of what was planned.
    pub(super) sent: f64,
    pub(super) cpu_us: f64,
    /// From planned to sent, where the generator tells it.
    pub(super) lag_p99_us: Option<f64>,
    pub(super) lag_max_us: Option<f64>,
}

/// Where the generators are.
pub(super) struct Tools {
    own: PathBuf,
    vegeta: PathBuf,
    oha: Option<PathBuf>,
}

impl Tools {
    pub(super) fn find() -> anyhow::Result<Self> {
        let own = std::env::current_exe()?;
        Ok(Self { vegeta: vegeta(&own)?, own, oha: installed("oha") })
    }

    pub(super) fn generators(&self) -> Vec<Generator> {
        let mut all = vec![Generator::Segue, Generator::Vegeta];
        all.extend(self.oha.as_ref().map(|_| Generator::Oha));
        all
    }

    pub(super) fn run(
        &self,
        generator: Generator,
        url: &str,
        rate: u32,
        seconds: u64,
    ) -> anyhow::Result<Ran> {
        let planned = u64::from(rate) * seconds;
        let (rate_flag, duration) = (rate.to_string(), format!("{seconds}s"));
        let mut command = match generator {
            Generator::Segue => {
                let mut command = Command::new(&self.own);
                command.args(["probe-load", url, &rate_flag, &seconds.to_string()]);
                command
            }
            Generator::Vegeta => {
                let targets =
                    std::env::temp_dir().join(format!("segue-bench-targets-{}", std::process::id()));
                fs::write(&targets, format!("GET {url}\n"))?;
                let mut command = Command::new(&self.vegeta);
                command.args(["attack", "-rate", &rate_flag, "-duration", &duration]);
                command.arg("-targets").arg(targets);
                command
            }
            Generator::Oha => {
                let mut command = Command::new(self.oha.as_ref().context("oha is not installed")?);
                command.args(["-z", &duration, "-q", &rate_flag, "-c", "64", "--latency-correction"]);
                command.args(["--no-tui", "--output-format", "json", url]);
                command
            }
        };
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let (output, cpu_us) = watch(command.spawn()?).with_context(|| format!("running {generator:?}"))?;
        let (requests, lag) = match generator {
            Generator::Segue => {
                let json: Value = serde_json::from_slice(&output)?;
                ensure!(json["dropped"] == 0, "segue probe: {json}");
                let lag = |key: &str| json["lag_ms"][key].as_f64().map(|millis| millis * 1000.0);
                (json["requests"].as_u64().unwrap_or(0), (lag("p99"), lag("max")))
            }
            Generator::Vegeta => (self.count_vegeta(&output)?, (None, None)),
            Generator::Oha => {
                let json: Value = serde_json::from_slice(&output)?;
                (json["statusCodeDistribution"]["200"].as_u64().unwrap_or(0), (None, None))
            }
        };
        ensure!(requests > 0, "{generator:?} sent nothing");
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        let (cpu_us, sent) = (cpu_us as f64 / requests as f64, requests as f64 / planned as f64);
        Ok(Ran { requests, sent, cpu_us, lag_p99_us: lag.0, lag_max_us: lag.1 })
    }

    /// What vegeta's own report says of the results that it wrote, in a process that is not measured.
    fn count_vegeta(&self, results: &[u8]) -> anyhow::Result<u64> {
        let file = std::env::temp_dir().join(format!("segue-bench-results-{}", std::process::id()));
        fs::write(&file, results)?;
        let output = Command::new(&self.vegeta).args(["report", "-type=json"]).arg(&file).output()?;
        fs::remove_file(&file)?;
        let json: Value = serde_json::from_slice(&output.stdout)?;
        json["status_codes"]["200"].as_u64().context("none of vegeta's requests was answered")
    }
}

/// Reads all that a child writes, waits for its end, and reads the CPU time (in µs) that it used before it is gone.
fn watch(mut child: Child) -> anyhow::Result<(Vec<u8>, u64)> {
    let mut output = Vec::new();
    if let Some(mut stdout) = child.stdout.take() {
        std::io::Read::read_to_end(&mut stdout, &mut output)?;
    }
    waitid(WaitId::Pid(Pid::from_child(&child)), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT)?;
    let stat = fs::read_to_string(format!("/proc/{}/stat", child.id()))?;
    let status = child.wait()?;
    if !status.success() {
        bail!("it ended with {status}");
    }
    // The fields behind the name, which is in parentheses and may hold anything.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = fields[11].parse::<u64>()? + fields[12].parse::<u64>()?;
    Ok((output, ticks * 1_000_000 / rustix::param::clock_ticks_per_second()))
}

/// Vegeta as installed, or built once beside this program's own target folder.
fn vegeta(own: &Path) -> anyhow::Result<PathBuf> {
    if let Some(path) = installed("vegeta") {
        return Ok(path);
    }
    let folder = own.parent().and_then(Path::parent).context("this program has no folder")?.join("rivals");
    let path = folder.join("vegeta");
    if !path.is_file() {
        eprintln!("building {VEGETA}");
        let built = Command::new("go").args(["install", VEGETA]).env("GOBIN", &folder).status();
        ensure!(built.is_ok_and(|status| status.success()), "vegeta can't be built: is Go installed?");
    }
    Ok(path)
}

fn installed(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}
