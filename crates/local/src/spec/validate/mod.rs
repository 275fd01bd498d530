//! The values: each looked at by itself, then those that must fit each other. All that is wrong is said, not the first alone.

mod combinations;
mod process;
mod values;

use std::collections::BTreeMap;
use std::ops::Range;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use segue_supervisor::keeper::User;
use segue_yaml::{Diagnostic, Diagnostics, SourceFile};
use sha1::{Digest, Sha1};

use super::raw::RawSpec;
use super::surroundings::Surroundings;
use super::{Command, Spec};

const SECOND: Duration = Duration::from_secs(1);

/// The spec, if nothing stops it, and all that was found.
pub(super) fn validate(
    raw: &RawSpec,
    file: &Arc<SourceFile>,
    surroundings: &Surroundings,
) -> (Option<Spec>, Diagnostics) {
    let mut validator = Validator { file, surroundings, found: Diagnostics::default() };
    let spec = validator.spec(raw);
    if let Some(spec) = &spec {
        validator.combinations(raw, spec);
    }
    (spec, validator.found)
}

struct Validator<'a> {
    file: &'a Arc<SourceFile>,
    surroundings: &'a Surroundings,
    found: Diagnostics,
}

impl Validator<'_> {
    /// Every value is looked at before the first that is wrong ends it.
    fn spec(&mut self, raw: &RawSpec) -> Option<Spec> {
        let name = self.name(raw.name.as_ref());
        let listen = self.listen(&raw.listen);
        let replicas = self.count(raw.replicas.as_ref(), "replicas", 1000, 1);
        let env = self.env(raw.env.as_ref(), raw.env_file.as_ref());
        let command = self.command(&raw.command, env.as_ref());
        let cwd = self.cwd(raw.cwd.as_ref());
        let user = all_or_none(raw.user.as_ref().map(|user| self.user(user)));
        let tls = all_or_none(raw.tls.as_ref().map(|tls| self.tls(tls)));
        let ready = self.ready(raw.ready.as_ref());
        let stop = self.stop(raw.stop.as_ref());
        let strategy = self.strategy(raw.strategy.as_ref().and_then(|strategy| strategy.rolling.as_ref()));
        let log = self.log(raw.log.as_ref());
        let limits = self.limits(raw.limits.as_ref());
        let longest_request = self.duration(raw.longest_request.as_ref(), 30 * SECOND);
        let drain_deadline = self.duration(raw.drain_deadline.as_ref(), 60 * SECOND);
        let websocket_grace = self.duration(raw.websocket_grace.as_ref(), Duration::ZERO);
        let progress_deadline = self.positive(raw.progress_deadline.as_ref(), 600 * SECOND);
        let version = all_or_none(raw.version.as_ref().map(|version| self.version(version)));
        let (command, env, cwd, user) = (command?, env?, cwd?, user?);
        Some(Spec {
            name: name?,
            listen: listen?,
            tls: tls?,
            replicas: replicas?,
            version: version?.unwrap_or_else(|| hash(&command, &env, &cwd, user.as_ref())),
            command,
            env,
            cwd,
            user,
            ready: ready?,
            longest_request: longest_request?,
            drain_deadline: drain_deadline?,
            websocket_grace: websocket_grace?,
            stop: stop?,
            progress_deadline: progress_deadline?,
            strategy: strategy?,
            log: log?,
            limits: limits?,
        })
    }

    /// Notes what is wrong, and is nothing: so that `return self.wrong(…)` reads as it does.
    fn wrong<T>(&mut self, span: &Range<usize>, diagnostic: Diagnostic) -> Option<T> {
        self.found.push(diagnostic.at(self.file, span.clone()));
        None
    }
}

/// `None` if what is there is wrong; `Some(None)` if nothing is there.
#[expect(clippy::option_option, reason = "absent and wrong are two things")]
fn all_or_none<T>(value: Option<Option<T>>) -> Option<Option<T>> {
    match value {
        Some(Some(value)) => Some(Some(value)),
        Some(None) => None,
        None => Some(None),
    }
}

/// The version of what says none: short, and the same for the same command, environment, folder and user, as long as
/// neither the program's file nor one that the command names was written anew.
fn hash(command: &Command, env: &BTreeMap<String, String>, cwd: &Path, user: Option<&User>) -> String {
    let named = command.words.iter().skip(1).map(|word| cwd.join(word));
    let files = [command.program.clone()].into_iter().chain(named);
    let written: Vec<_> = files
        .filter_map(|file| std::fs::metadata(file).ok())
        .filter(std::fs::Metadata::is_file)
        .map(|file| (file.len(), file.mtime(), file.mtime_nsec()))
        .collect();
    let user = user.map(|user| (user.uid, user.gid));
    let text = serde_json::json!([command, env, cwd, user, written]).to_string();
    let [a, b, c, d, ..] = <[u8; 20]>::from(Sha1::digest(text.as_bytes()));
    format!("{:08x}", u32::from_be_bytes([a, b, c, d]))
}
