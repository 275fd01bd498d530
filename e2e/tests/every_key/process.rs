//! What is run, and how it is looked at.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::process::Command;
use std::time::Duration;

use segue_e2e::{Service, Status, client, wait};

use super::one::{Case, One, about, impatient, serving};

pub(crate) const CASES: &[Case] = &[
    ("name", name),
    ("listen", listen),
    ("replicas", replicas),
    ("command", command),
    ("version", version),
    ("env", env),
    ("envFile", env_file),
    ("cwd", cwd),
    ("user", user),
    ("tls.cert", certificate),
    ("tls.key", key),
    ("ready.http", ready_http),
    ("ready.tcp", ready_tcp),
    ("ready.interval", ready_interval),
    ("ready.timeout", ready_timeout),
    ("ready.threshold", ready_threshold),
    ("log.maxSize", log_size),
    ("log.keep", log_keep),
];

fn name() {
    let one = One::new();
    let _up = one.place.up(&one.spec("v1", "name: shop"));
    wait::until("it has that name", wait::LONG, || Status::ask(&one.place, "shop"));
}

fn listen() {
    let service = serving("");
    assert_eq!(client::get(service.listen, "/").status, 200);
    let elsewhere = One::new();
    let on = elsewhere.listen.port();
    // On all addresses, so on another of this machine than 127.0.0.1 too.
    let service = elsewhere.serves(&format!("listen: :{on}"));
    assert_eq!(client::get(([127, 0, 0, 2], on).into(), "/").status, 200);
    assert_eq!(service.status().0["listen"], format!("0.0.0.0:{on}"));
}

fn replicas() {
    serving("replicas: 3").assert_settled("v1", 3);
}

fn command() {
    let service = serving("command: [python3, app.py, a b, $PORT, $$x, \"*\"]");
    let about = about(&service);
    let port = &about["environment"]["PORT"];
    assert_eq!(about["arguments"], serde_json::json!(["a b", port, "$x", "*"]));
}

fn version() {
    assert_eq!(client::get(serving("").listen, "/").version(), Some("v1"));
}

fn env() {
    let service = serving("env: { COLOUR: blue }");
    assert_eq!(about(&service)["environment"]["COLOUR"], "blue");
}

fn env_file() {
    let one = One::new();
    one.place.write("app.env", "COLOUR='dark green'\nPORT=1\n");
    let service = one.serves("envFile: app.env");
    assert_eq!(about(&service)["environment"]["COLOUR"], "dark green");
}

fn cwd() {
    let one = One::new();
    let folder = one.place.folder().join("below");
    std::fs::create_dir(&folder).unwrap();
    let service = one.serves("cwd: below\ncommand: [python3, ../app.py]");
    assert_eq!(about(&service)["folder"], folder.canonicalize().unwrap().to_str().unwrap());
}

fn user() {
    let one = One::new();
    if !rustix::process::geteuid().is_root() {
        let ended = one.place.run(&["up", "-f", &one.spec("v1", "user: root").to_string_lossy()]);
        ended.assert_code(2);
        return ended.assert_says(&["only root"]);
    }
    // Whom the folder is not for must not be stopped by that.
    std::fs::set_permissions(one.place.folder(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let python = Command::new("python3").args(["-c", "import sys; print(sys.executable)"]).output().unwrap();
    let python = String::from_utf8(python.stdout).unwrap();
    let python = if python.starts_with("/root") { "/usr/bin/python3" } else { python.trim() };
    let service = one.serves(&format!("user: \"1234:2345\"\ncommand: [{python}, app.py]"));
    let about = about(&service);
    assert_eq!((about["user"].as_u64(), about["group"].as_u64()), (Some(1234), Some(2345)));
}

/// A service with a certificate of its own, and what a client says that trusts this certificate and no other.
fn with_certificate(trusts_it: bool) -> std::process::Output {
    let one = One::new();
    let folder = one.place.folder().to_owned();
    let make = |name: &str| {
        let (key, cert) = (folder.join(format!("{name}.key")), folder.join(format!("{name}.pem")));
        let made = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"])
            .args(["-subj", "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"])
            .args(["-keyout".as_ref(), key.as_os_str(), "-out".as_ref(), cert.as_os_str()])
            .output();
        assert!(made.unwrap().status.success());
        cert
    };
    let own = make("own");
    let trusted = if trusts_it { own } else { make("other") };
    let service = one.serves("tls: { cert: own.pem, key: own.key }");
    let asked = Command::new("curl")
        .args(["-sS", "--noproxy", "*", "--cacert"])
        .arg(trusted)
        .arg(format!("https://{}/about", service.listen))
        .output();
    asked.unwrap()
}

fn certificate() {
    let right = with_certificate(true);
    assert!(right.status.success() && right.stdout.starts_with(b"{"), "{right:?}");
    assert!(!with_certificate(false).status.success(), "any certificate would do");
}

fn key() {
    let one = One::new();
    let script = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=t -keyout $1.key -out $1.pem";
    for name in ["one", "two"] {
        let made =
            Command::new("sh").args(["-c", script, "sh", name]).current_dir(one.place.folder()).output();
        assert!(made.unwrap().status.success());
    }
    // It is that key and no other: one that does not fit is refused.
    let spec = one.spec("v1", "tls: { cert: one.pem, key: two.key }");
    let ended = one.place.run(&["up", "-f", &spec.to_string_lossy()]);
    ended.assert_code(2);
    ended.assert_says(&["one.pem"]);
    one.serves("tls: { cert: one.pem, key: one.key }");
}

/// Waits until it is known why the only instance does not serve.
fn until_not_ready(one: &One, lines: &str, why: &str) {
    let mut up = one.place.up(&one.spec("v1", lines));
    wait::until("it is said why it is not ready", wait::LONG, || {
        up.process().assert_running();
        let status = Status::ask(&one.place, "web")?.0;
        if status.to_string().contains(why) { Ok(()) } else { Err(format!("{status:#}")) }
    });
    let said = up.process().said();
    assert!(!said.contains("is serving"), "{said}");
}

fn ready_http() {
    until_not_ready(&One::new(), "ready: { http: /health }\nenv: { HEALTH: bad }", "500");
}

fn ready_tcp() {
    serving("ready: { tcp: true }\nenv: { HEALTH: bad }");
}

fn ready_interval() {
    let service = serving("ready: { http: /health, interval: 1h, threshold: 1 }");
    // Many times the default.
    wait::pass(Duration::from_secs(2));
    assert_eq!(about(&service)["checks"], 1);
}

fn ready_timeout() {
    let lines = "ready: { http: /health, interval: 20ms, timeout: 200ms }\nenv: { HEALTH: slow }";
    until_not_ready(&One::new(), lines, "no answer within 200ms");
}

fn ready_threshold() {
    // Good three times, and never again: with the default of two it would have served.
    let lines = "ready: { http: /health, interval: 20ms, threshold: 4 }\nenv: { HEALTH: thrice }";
    until_not_ready(&One::new(), lines, "500");
    // Three are enough for three, if only for a moment.
    let one = One::new();
    let lines = "ready: { http: /health, interval: 20ms, threshold: 3 }\nenv: { HEALTH: thrice }";
    let mut up = one.place.up(&one.spec("v1", lines));
    wait::until_true("it served", wait::LONG, || up.process().said().contains("is serving"));
}

/// The log's files once the server has said so many lines of about 110 bytes.
fn logged(lines: &str, count: usize) -> Vec<u64> {
    let service = serving(lines);
    let mut client = impatient(&service);
    client.get(&format!("/say/{count}"));
    client.answer();
    let (_, place) = Service::down(service);
    let folder = place.state_dir().join("web/instances/web-1/log");
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().metadata().unwrap().size());
    files.collect()
}

fn log_size() {
    let files = logged("log: { maxSize: 16KiB, keep: 100 }", 1000);
    assert!(files.len() > 5 && files.iter().all(|size| *size <= 16 << 10), "{files:?}");
}

fn log_keep() {
    let files = logged("log: { maxSize: 16KiB, keep: 2 }", 1000);
    assert_eq!(files.len(), 2, "{files:?}");
}
