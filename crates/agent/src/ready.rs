//! The startup probe: waits inside, so that the first one passes as soon as the agent has started and no period of the
//! kubelet is lost.

use crate::hook::client;
use crate::{clock, plan};
use std::process::ExitCode;
use std::time::Duration;

const AT_MOST: Duration = Duration::from_secs(9);
const AGAIN: Duration = Duration::from_millis(20);

pub(crate) async fn run() -> ExitCode {
    let port = match plan::told() {
        Ok(plan) => plan.control_port,
        Err(error) => {
            println!("segue-agent can't start: {error}");
            return ExitCode::FAILURE;
        }
    };
    let mut last = String::from("nothing answers on its port");
    let waits = async {
        loop {
            match client::get(port, "/ready").await {
                Ok((200, _)) => return,
                Ok((_, body)) => last = body,
                Err(error) => last = error.to_string(),
            }
            clock::sleep(AGAIN).await;
        }
    };
    if clock::at_most(AT_MOST, waits).await.is_some() {
        return ExitCode::SUCCESS;
    }
    println!("segue-agent on port {port} has not started: {}", last.trim());
    ExitCode::FAILURE
}
