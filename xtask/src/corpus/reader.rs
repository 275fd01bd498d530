//! The second reader: kubectl's decoder in a small Go program, asked over pipes.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, ensure};
use serde::Deserialize;
use serde_json::Value;

use crate::command::{root, succeed};

/// What it read of a text.
#[derive(Debug)]
pub(crate) struct Seen {
    /// Its documents, the empty ones left out.
    pub(crate) documents: Vec<Value>,
    /// Why it read no further.
    pub(crate) error: Option<String>,
}

#[derive(Deserialize)]
struct Answer {
    documents: Vec<Value>,
    error: Option<String>,
}

/// Builds the program, where Go's own cache does not have it, and says where it is.
pub(crate) fn build() -> anyhow::Result<PathBuf> {
    let program = root().join("target/corpus-reader");
    let mut go = Command::new(segue_cluster::go()?);
    go.args(["build", "-mod=readonly", "-trimpath", "-buildvcs=false", "-o"]).arg(&program).arg(".");
    succeed(go.current_dir(root().join("xtask/reader")))?;
    Ok(program)
}

/// The program at work; its end of stdin ends it.
pub(crate) struct Reader {
    child: Child,
    asks: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Reader {
    pub(crate) fn start(program: &Path) -> anyhow::Result<Self> {
        let mut child = Command::new(program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot run {}", program.display()))?;
        let asks = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().context("the reader has no output")?);
        Ok(Self { child, asks, answers })
    }

    pub(crate) fn read(&mut self, text: &str) -> anyhow::Result<Seen> {
        let asks = self.asks.as_mut().context("the reader has no input")?;
        writeln!(asks, "{}", Value::from(text))?;
        asks.flush()?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        ensure!(line.ends_with('\n'), "the reader has ended");
        Ok(match serde_json::from_str::<Answer>(&line) {
            Ok(Answer { mut documents, error }) => {
                documents.retain(|document| !document.is_null());
                Seen { documents, error }
            }
            // Go takes halves of characters, and numbers beyond all measure, in what it calls JSON.
            Err(ours) => {
                Seen { documents: Vec::new(), error: Some(format!("what it read is no JSON to us: {ours}")) }
            }
        })
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.asks = None;
        // It has read the end of its input.
        let _ = self.child.wait();
    }
}
