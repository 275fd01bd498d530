//! The container's own hook, run after the drain as the kubelet would have run it.

use super::client;
use crate::arguments::UserHook;
use crate::clock;
use crate::log::{self, Event};
use http_body_util::Empty;
use hyper::Request;
use hyper::header::HOST;
use serde_json::json;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};
use tokio::net::TcpStream;

pub(crate) async fn run(user_hook: UserHook) -> ExitCode {
    match user_hook {
        UserHook::None => {}
        UserHook::Sleep(duration) => clock::sleep(duration).await,
        UserHook::HttpGet { url, headers } => {
            if let Err(error) = get(&url, &headers).await {
                log::say_in_the_container(Event::UserHook, json!({ "url": url, "error": error }));
                return ExitCode::FAILURE;
            }
        }
        // In this process's place: its exit code and its output are the hook's.
        UserHook::Command(words) => {
            if let Some((program, arguments)) = words.split_first() {
                let error = Command::new(program).args(arguments).exec();
                let program = program.to_string_lossy();
                log::say_in_the_container(
                    Event::UserHook,
                    json!({ "command": program, "error": error.to_string() }),
                );
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}

/// A GET whose status does not matter, as for the kubelet.
async fn get(url: &str, headers: &[(String, String)]) -> Result<(), String> {
    let uri: hyper::Uri = url.parse().map_err(|error| format!("{error}"))?;
    let host = uri.host().ok_or("no host")?.trim_matches(['[', ']']).to_owned();
    let authority = uri.authority().map(ToString::to_string).unwrap_or_default();
    let mut request =
        Request::get(uri.path_and_query().map_or("/", |path| path.as_str())).header(HOST, authority);
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let request = request.body(Empty::<bytes::Bytes>::new()).map_err(|error| error.to_string())?;
    let address: std::net::IpAddr = host.parse().map_err(|_| format!("{host} is no IP address"))?;
    let stream = TcpStream::connect((address, uri.port_u16().unwrap_or(80)))
        .await
        .map_err(|error| error.to_string())?;
    client::exchange(stream, request).await.map(drop).map_err(|error| error.to_string())
}
