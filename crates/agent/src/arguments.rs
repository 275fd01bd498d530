//! The arguments, read by hand: the agent is small, and its callers are manifests.

use segue_redirect::{Redirect, Redirects};
use std::ffi::OsString;
use std::time::Duration;

const COMMANDS: &str = "run, hook, ready and redirect";

pub(crate) const HELP: &str = "\
segue-agent: the drain of one pod

  segue-agent run                       the sidecar; its plan is in SEGUE_PLAN
  segue-agent hook [OWN]                what a container runs before it is stopped: waits for the drain, then runs OWN:
      -- COMMAND [ARGUMENT]...            a command
      --http-get URL [--header 'N: V']... a GET, whatever its status
      --sleep SECONDS                     a sleep
  segue-agent ready                     waits until the sidecar has started, at most 10 s
  segue-agent redirect FROM:TO...       once, before all: TCP that comes from outside for port FROM is led to the guard's
                                        port TO. Takes root with the capability NET_ADMIN
  segue-agent --version | --help
";

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Command {
    Run,
    Hook(UserHook),
    Ready,
    Redirect(Redirects),
    Help,
    Version,
}

/// The container's own hook, which runs after the drain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum UserHook {
    None,
    Command(Vec<OsString>),
    HttpGet { url: String, headers: Vec<(String, String)> },
    Sleep(Duration),
}

pub(crate) fn parse(words: impl Iterator<Item = OsString>) -> Result<Command, String> {
    let words: Vec<OsString> = words.collect();
    let Some((command, rest)) = words.split_first() else {
        return Err(format!("a command is missing: there are {COMMANDS}"));
    };
    let alone = |command| {
        rest.first()
            .map_or(Ok(command), |word| Err(format!("unexpected argument {}", word.to_string_lossy())))
    };
    match command.to_str() {
        Some("run") => alone(Command::Run),
        Some("ready") => alone(Command::Ready),
        Some("redirect") => redirects(rest).map(Command::Redirect),
        Some("--help" | "-h" | "help") => Ok(Command::Help),
        Some("--version" | "-V") => Ok(Command::Version),
        Some("hook") => user_hook(rest).map(Command::Hook),
        _ => Err(format!("unknown command {}: there are {COMMANDS}", command.to_string_lossy())),
    }
}

fn redirects(words: &[OsString]) -> Result<Redirects, String> {
    let all = words.iter().map(|word| word.to_string_lossy().parse::<Redirect>());
    all.collect::<Result<Vec<_>, _>>().and_then(Redirects::of).map_err(|error| error.to_string())
}

fn user_hook(words: &[OsString]) -> Result<UserHook, String> {
    match words.first().and_then(|word| word.to_str()) {
        None if words.is_empty() => Ok(UserHook::None),
        Some("--") if words.len() > 1 => Ok(UserHook::Command(words[1..].to_vec())),
        Some("--") => Err("a command after --".to_owned()),
        Some("--http-get") => http_get(&words[1..]),
        Some("--sleep") => match words {
            [_, seconds] => seconds
                .to_str()
                .and_then(|text| text.strip_suffix('s').unwrap_or(text).parse().ok())
                .map(|seconds| UserHook::Sleep(Duration::from_secs(seconds)))
                .ok_or_else(|| format!("--sleep takes whole seconds, not {}", seconds.to_string_lossy())),
            _ => Err("--sleep takes seconds".to_owned()),
        },
        _ => Err(format!("unexpected argument {}", words[0].to_string_lossy())),
    }
}

fn http_get(words: &[OsString]) -> Result<UserHook, String> {
    let mut words = words.iter().map(|word| word.to_str().ok_or("arguments are UTF-8"));
    let url = words.next().ok_or("--http-get takes a URL")??.to_owned();
    if !url.starts_with("http://") {
        return Err(format!("--http-get takes a URL that begins with http://, not {url}"));
    }
    let mut headers = Vec::new();
    while let Some(word) = words.next() {
        match word? {
            "--header" => {
                let header = words.next().ok_or("--header takes 'NAME: VALUE'")??;
                let (name, value) = header.split_once(':').ok_or("--header takes 'NAME: VALUE'")?;
                headers.push((name.trim().to_owned(), value.trim().to_owned()));
            }
            other => return Err(format!("unexpected argument {other}")),
        }
    }
    Ok(UserHook::HttpGet { url, headers })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Result<Command, String> {
        parse(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn a_hook_keeps_the_containers_own_as_it_was() {
        let command = ["sh", "-c", "--help"].map(OsString::from).to_vec();
        assert_eq!(words("hook -- sh -c --help"), Ok(Command::Hook(UserHook::Command(command))));
        assert_eq!(words("hook"), Ok(Command::Hook(UserHook::None)));
        assert_eq!(words("hook --sleep 5s"), Ok(Command::Hook(UserHook::Sleep(Duration::from_secs(5)))));
        assert_eq!(words("hook --sleep 5"), words("hook --sleep 5s"));
        let header = |line: &str| {
            parse(
                ["hook", "--http-get", "http://127.0.0.1:1/x", "--header", line]
                    .map(OsString::from)
                    .into_iter(),
            )
        };
        let headers = vec![("X-A".to_owned(), "b: c".to_owned())];
        let url = "http://127.0.0.1:1/x".to_owned();
        assert_eq!(header("X-A: b: c"), Ok(Command::Hook(UserHook::HttpGet { url, headers })));
        assert!(header("X-A").is_err());
    }

    #[test]
    fn each_command_has_its_word_and_help_and_version_their_usual_ones() {
        for (line, command) in [
            ("run", Command::Run),
            ("ready", Command::Ready),
            ("--help", Command::Help),
            ("-h", Command::Help),
            ("help", Command::Help),
            ("--version", Command::Version),
            ("-V", Command::Version),
        ] {
            assert_eq!(words(line), Ok(command), "{line}");
        }
    }

    #[test]
    fn redirects_are_checked_before_anything_is_done() {
        let Ok(Command::Redirect(redirects)) = words("redirect 8080:15180 80:15181") else {
            panic!("refused")
        };
        assert_eq!(
            redirects.iter().map(|one| one.to_string()).collect::<Vec<_>>(),
            ["80:15181", "8080:15180"]
        );
        assert!(words("redirect http:15180").unwrap_err().contains("write it as 8080:15180"));
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for line in [
            "",
            "walk",
            "run fast",
            "hook fast",
            "hook --",
            "hook --sleep",
            "hook --sleep soon",
            "hook --http-get",
            "hook --http-get https://a/",
            "hook --http-get http://a/ b",
            "redirect",
            "redirect 8080",
            "redirect 8080:15180 8080:15181",
        ] {
            assert!(words(line).is_err(), "{line}");
        }
    }
}
