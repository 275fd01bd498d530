//! Every request as one line, for other programs.

use std::fmt::Write as _;

use crate::fate::Fate;
use crate::report::Report;

impl Report {
    /// One line per record: all requests if they were kept, else the drops. Times in seconds since the beginning.
    pub fn csv(&self) -> String {
        let mut out = String::from(
            "shape,number,planned,sent,ended,fate,status,version,local,remote,requests_before,cause\n",
        );
        for record in self.ledger.records().unwrap_or(self.ledger.losses()) {
            let seconds = |time: std::time::Duration| format!("{:.6}", time.as_secs_f64());
            let end = &record.end;
            let fate = match end.fate {
                Fate::Ok => "ok".to_owned(),
                Fate::Dropped(kind) => kind.name(),
                Fate::Unsent(cause) => cause.to_string(),
            };
            let connection = end.connection;
            // Writing to a string can't fail.
            let _ = writeln!(
                out,
                "{},{},{},{},{},{fate},{},{},{},{},{},{}",
                quoted(self.shapes.get(record.shape).map_or("", String::as_str)),
                record.number,
                seconds(record.planned),
                record.sent.map(seconds).unwrap_or_default(),
                seconds(end.at),
                end.status.map(|status| status.to_string()).unwrap_or_default(),
                quoted(end.version.as_deref().unwrap_or_default()),
                connection.map(|connection| connection.local.to_string()).unwrap_or_default(),
                connection.map(|connection| connection.remote.to_string()).unwrap_or_default(),
                connection.map(|connection| connection.before.to_string()).unwrap_or_default(),
                quoted(end.cause.as_deref().unwrap_or_default()),
            );
        }
        out
    }
}

fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}
