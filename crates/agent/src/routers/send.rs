//! One call to a router, over a connection of its own.

use crate::clock;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::header::{HOST, HeaderValue};
use hyper::{Request, Uri};
use hyper_util::rt::TokioIo;
use segue_routing::{Answer, Call, Failure, Secret, Value};
use std::fmt::Display;
use tokio::net::TcpStream;

/// How long a secret may be, in bytes: a wrong path must not fill the memory.
const LONGEST_SECRET: u64 = 64 * 1024;

pub(super) async fn send(call: &Call) -> Result<Answer, Failure> {
    match clock::at_most(call.within, exchange(call)).await {
        Some(answer) => answer,
        None => Err(Failure::TooLong(call.within)),
    }
}

async fn exchange(call: &Call) -> Result<Answer, Failure> {
    let url = &call.request.url;
    let (host, port) = place(url)?;
    let request = request(call).await?;
    let stream = TcpStream::connect((host.as_str(), port)).await.map_err(|error| broke(&error))?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|error| broke(&error))?;
    let connection = tokio::task::spawn_local(connection);
    let answer = async {
        let response = sender.send_request(request).await.map_err(|error| broke(&error))?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, call.most).collect().await.map_err(|error| broke(&error))?;
        Ok(Answer { status: head.status, headers: head.headers, body: body.to_bytes().to_vec() })
    };
    let answer = answer.await;
    connection.abort();
    answer
}

fn broke(error: &impl Display) -> Failure {
    Failure::Broke(error.to_string())
}

fn not_sent(error: impl Display) -> Failure {
    Failure::NotSent(error.to_string())
}

/// The host and the port of a URL.
fn place(url: &Uri) -> Result<(String, u16), Failure> {
    match (url.scheme_str(), url.host()) {
        (Some("http"), Some(host)) => {
            Ok((host.trim_matches(['[', ']']).to_owned(), url.port_u16().unwrap_or(80)))
        }
        (Some("http"), None) => Err(not_sent(format!("{url} has no host"))),
        _ => Err(not_sent(format!("{url}: only http:// is spoken"))),
    }
}

async fn request(call: &Call) -> Result<Request<Full<Bytes>>, Failure> {
    let asked = &call.request;
    let authority = asked.url.authority().map_or("", |authority| authority.as_str());
    // What stands before an @ is a secret, and no host.
    let host = authority.rsplit('@').next().unwrap_or(authority);
    let path = asked.url.path_and_query().map_or("/", |path| path.as_str());
    let mut request = Request::builder().method(asked.method.clone()).uri(path).header(HOST, host);
    for (name, value) in &asked.headers {
        let mut header = HeaderValue::from_str(&words(value).await?)
            .map_err(|_| not_sent(format!("the value of header {name} can't be sent")))?;
        header.set_sensitive(matches!(value, Value::Secret { .. }));
        request = request.header(name, header);
    }
    let body = match &asked.body {
        Some(value) => Bytes::from(words(value).await?),
        None => Bytes::new(),
    };
    request.body(Full::new(body)).map_err(not_sent)
}

async fn words(value: &Value) -> Result<String, Failure> {
    match value {
        Value::Text(text) => Ok(text.clone()),
        Value::Secret { before, secret } => Ok(format!("{before}{}", read(secret).await?)),
    }
}

/// A secret as it is now: a file that was renewed is read anew.
async fn read(secret: &Secret) -> Result<String, Failure> {
    match secret {
        Secret::Variable(name) => {
            std::env::var(name).map_err(|_| not_sent(format!("the variable {name} of its secret is not set")))
        }
        Secret::File(path) => {
            let unreadable =
                |error: &dyn Display| not_sent(format!("its secret in {}: {error}", path.display()));
            let owned = path.clone();
            // A volume that hangs must not hold up the guard, which runs on this thread.
            let read = tokio::task::spawn_blocking(move || read_file(&owned)).await;
            let text = read.map_err(|error| unreadable(&error))?.map_err(|error| unreadable(&error))?;
            Ok(text.trim_end_matches(['\n', '\r']).to_owned())
        }
    }
}

fn read_file(path: &std::path::Path) -> std::io::Result<String> {
    use std::io::Read;
    let mut text = String::new();
    let read = std::fs::File::open(path)?.take(LONGEST_SECRET + 1).read_to_string(&mut text)?;
    if read as u64 > LONGEST_SECRET {
        return Err(std::io::Error::other(format!("it is longer than {LONGEST_SECRET} bytes")));
    }
    Ok(text)
}
