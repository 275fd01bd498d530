//! What is run: the command, its environment, its folder, its user; and the files that the spec names.

use std::collections::BTreeMap;
use std::path::PathBuf;

use segue_supervisor::keeper::User;
use segue_yaml::{Diagnostic, SourceFile};

use super::Validator;
use crate::spec::at::At;
use crate::spec::command::{self, FindError, ReplaceError};
use crate::spec::raw::RawTls;
use crate::spec::text::Text;
use crate::spec::{Command, Tls, decode, env_file};

impl Validator<'_> {
    pub(super) fn command(
        &mut self,
        raw: &At<Vec<At<Text>>>,
        env: Option<&BTreeMap<String, String>>,
    ) -> Option<Command> {
        let Some(program) = raw.value.first() else {
            let wrong = Diagnostic::error("`command` is empty");
            return self.wrong(&raw.span, wrong.help("for example `command: [./server, --port, $PORT]`"));
        };
        for word in &raw.value {
            if word.value.0.contains('\0') {
                let wrong = Diagnostic::error("an argument cannot hold a zero byte").help("leave it out");
                self.found.push(wrong.at(self.file, word.span.clone()));
            }
            if let Err(error) = command::replace(&word.value.0, "") {
                let help = match &error {
                    ReplaceError::Unknown(name) => {
                        format!("write `$${name}` if it is meant as it stands; {}", command::ALLOWED)
                    }
                    ReplaceError::Alone => command::ALLOWED.to_owned(),
                };
                self.found
                    .push(Diagnostic::error(error.to_string()).at(self.file, word.span.clone()).help(help));
            }
        }
        let path = env.and_then(|env| env.get("PATH")).unwrap_or(&self.surroundings.path);
        let found = command::find(&program.value.0, &self.surroundings.base, path);
        match found {
            Ok(found) => {
                let words = raw.value.iter().map(|word| word.value.0.clone()).collect();
                Some(Command { program: found, words })
            }
            Err(error) => {
                let help = match &error {
                    FindError::Missing(_) => "a path is relative to this file".to_owned(),
                    FindError::NotExecutable(file) => format!("`chmod +x {}`", file.display()),
                    FindError::NotInPath { path, .. } => {
                        format!("looked for in {path}; write a path with a `/` for a file elsewhere")
                    }
                };
                self.wrong(&program.span, Diagnostic::error(format!("cannot run this: {error}")).help(help))
            }
        }
    }

    pub(super) fn env(
        &mut self,
        raw: Option<&BTreeMap<At<String>, At<Text>>>,
        file: Option<&At<Text>>,
    ) -> Option<BTreeMap<String, String>> {
        let mut env = match file {
            Some(file) => self.env_file(file),
            None => Some(BTreeMap::new()),
        };
        for (name, value) in raw.into_iter().flatten() {
            let problem = match name.value.as_str() {
                "PORT" => Some(("`PORT` is set by Segue, to each instance's own port", "leave it out")),
                other if !env_file::is_name(other) => Some((
                    "this is not the name of a variable",
                    "a name has letters, digits and _, and does not begin with a digit",
                )),
                _ if value.value.0.contains('\0') => {
                    Some(("a variable cannot hold a zero byte", "leave it out"))
                }
                _ => None,
            };
            if let Some((message, help)) = problem {
                env = self.wrong(&name.span, Diagnostic::error(message).help(help));
            } else if let Some(env) = &mut env {
                env.insert(name.value.clone(), value.value.0.clone());
            }
        }
        env
    }

    fn env_file(&mut self, raw: &At<Text>) -> Option<BTreeMap<String, String>> {
        let path = self.surroundings.path_of(&raw.value.0);
        let text = std::fs::read(&path).map_err(|error| plain(&error)).and_then(|text| decode::text(&text));
        let text = match text {
            Ok(text) => text,
            Err(why) => {
                let wrong = Diagnostic::error(format!("cannot read {}: {why}", path.display()));
                return self.wrong(&raw.span, wrong.help("`envFile` is relative to this file"));
            }
        };
        match env_file::parse(&SourceFile::new(&path, text)) {
            Ok(mut env) => {
                // It is set for each instance, whatever the file says for other uses.
                env.remove("PORT");
                Some(env)
            }
            Err(found) => {
                self.found.extend(found);
                None
            }
        }
    }

    pub(super) fn cwd(&mut self, raw: Option<&At<Text>>) -> Option<PathBuf> {
        let Some(raw) = raw else { return Some(self.surroundings.base.clone()) };
        let path = self.surroundings.path_of(&raw.value.0);
        if path.is_dir() {
            return Some(path);
        }
        let what = if path.exists() { "is not a folder" } else { "does not exist" };
        let wrong = Diagnostic::error(format!("the folder {} {what}", path.display()));
        self.wrong(&raw.span, wrong.help("`cwd` is relative to this file"))
    }

    pub(super) fn user(&mut self, raw: &At<Text>) -> Option<User> {
        let user = match self.surroundings.accounts.find(&raw.value.0) {
            Ok(user) => user,
            Err(error) => {
                let help = "a name or a number, and a group after a colon: `www-data`, `1000:1000`";
                return self.wrong(&raw.span, Diagnostic::error(error.to_string()).help(help));
            }
        };
        if self.surroundings.uid != 0 && self.surroundings.uid != user.uid {
            let wrong = Diagnostic::error(format!("only root can run an application as {}", user.name));
            return self.wrong(&raw.span, wrong.help("run segue as root, or leave `user` out"));
        }
        Some(user)
    }

    pub(super) fn tls(&mut self, raw: &RawTls) -> Option<Tls> {
        let cert = self.readable_file(&raw.cert, "BEGIN CERTIFICATE", "a certificate chain");
        let key = self.readable_file(&raw.key, "PRIVATE KEY", "a private key");
        Some(Tls { cert: cert?, key: key? })
    }

    /// A PEM file that holds what it should, as far as its text shows.
    fn readable_file(&mut self, raw: &At<Text>, marker: &str, what: &str) -> Option<PathBuf> {
        let path = self.surroundings.path_of(&raw.value.0);
        let wrong = match std::fs::read_to_string(&path) {
            Ok(text) if text.contains(marker) => return Some(path),
            Ok(_) => format!("{} does not hold {what}", path.display()),
            Err(error) => format!("cannot read {}: {}", path.display(), plain(&error)),
        };
        self.wrong(
            &raw.span,
            Diagnostic::error(wrong).help(format!("{what} in PEM format; the path is relative to this file")),
        )
    }
}

/// The system's own words, without the number.
fn plain(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
        std::io::ErrorKind::InvalidData => "it is not UTF-8 text".to_owned(),
        _ => error.to_string().split(" (os error").next().unwrap_or_default().to_owned(),
    }
}
