//! A pod's two folders, its agent and its hooks.

use super::until;
use segue_core::drain;
use segue_core::path::{Bounds, Millis, Path, Stage};
use segue_core::pod::{Discount, FIRST_SCHEMA, PodPlan, Port, Protocol};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const PROGRAM: &str = env!("CARGO_BIN_EXE_segue-agent");

/// A port that nobody has at the moment.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// How many times slower than a quiet machine this one starts a program just now: in a drain of a pod several are started.
fn slower() -> u32 {
    const QUIET_MS: u64 = 20;
    let began = super::since_boot();
    let _ = Command::new(PROGRAM).arg("--help").stdout(Stdio::null()).stderr(Stdio::null()).status();
    u32::try_from((super::since_boot() - began) / QUIET_MS).unwrap_or(1).clamp(1, 20)
}

pub(crate) struct Pod {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) plan: PodPlan,
    agent: Option<Child>,
}

pub(crate) struct Hook(pub(crate) Child);

impl Pod {
    /// One path of one second, a quiet window of 200 ms, ten seconds for all; longer as far as the machine is busy.
    pub(crate) fn new(application: u16, guarded: bool) -> Self {
        let slower = slower();
        let bounds = Bounds::at_most(Duration::from_secs(1) * slower);
        let stage = Stage {
            name: "kube-proxy".to_owned(),
            join: bounds,
            leave: bounds,
            source: "a test".to_owned(),
            setting: "--bound kube-proxy".to_owned(),
            evidence: None,
        };
        let millis = |millis| Millis(Duration::from_millis(millis));
        let plan = PodPlan {
            schema: FIRST_SCHEMA,
            routers: BTreeMap::new(),
            drain: drain::Plan {
                paths: vec![Path { name: "service".to_owned(), stages: vec![stage] }],
                quiet: Some(millis(200)),
                longest_request: Some(millis(3_000 * u64::from(slower))),
                linger: guarded.then(|| millis(500)),
                deadline: Duration::from_secs(10) * slower,
                stop_grace: Duration::from_secs(2),
            },
            ports: vec![Port {
                name: None,
                application,
                guard: guarded.then(free_port),
                redirect: None,
                protocol: Protocol::Auto,
            }],
            control_port: free_port(),
            idle_after: millis(500),
            websocket_grace: millis(100),
            max_connections: 100,
            discount: Discount { paths: vec!["/health".to_owned()], user_agents: Vec::new() },
        };
        Self { folder: tempfile::tempdir().unwrap(), plan, agent: None }
    }

    pub(crate) fn guard_port(&self) -> u16 {
        self.plan.ports[0].guard.unwrap()
    }

    pub(crate) fn command(&self, word: &str) -> Command {
        let mut command = Command::new(PROGRAM);
        command
            .arg(word)
            .env("SEGUE_SHARED", self.folder.path())
            .env("SEGUE_STATE", self.folder.path())
            .env("SEGUE_PLAN", serde_json::to_string(&self.plan).unwrap())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Starts the agent and waits as the startup probe does.
    pub(crate) fn start(&mut self) {
        self.agent = Some(self.command("run").stderr(self.log()).spawn().unwrap());
        Self::until_ready(self.command("ready"));
    }

    /// The startup probe passes, or the test ends with what it said.
    fn until_ready(mut probe: Command) {
        let said = probe.output().unwrap();
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stdout));
    }

    /// The same with another plan than the test's own.
    pub(crate) fn start_with(&mut self, plan: &str) {
        let mut run = self.command("run");
        self.agent = Some(run.env("SEGUE_PLAN", plan).stderr(self.log()).spawn().unwrap());
        let mut probe = self.command("ready");
        probe.env("SEGUE_PLAN", plan);
        Self::until_ready(probe);
    }

    /// Starts the agent with such a limit of file descriptors, as the shell's `ulimit` sets it.
    pub(crate) fn start_with_descriptors(&mut self, limit: &str) {
        let run = self.command("run");
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("ulimit {limit}; exec {PROGRAM} run")]);
        shell.envs(run.get_envs().filter_map(|(name, value)| Some((name, value?))));
        self.agent =
            Some(shell.stdin(Stdio::null()).stdout(Stdio::null()).stderr(self.log()).spawn().unwrap());
        Self::until_ready(self.command("ready"));
    }

    /// The agent's log, of all its runs.
    fn log(&self) -> std::fs::File {
        let path = self.folder.path().join("agent.log");
        std::fs::OpenOptions::new().create(true).append(true).open(path).unwrap()
    }

    /// Every line of the agent's log.
    pub(crate) fn said(&self) -> Vec<Value> {
        lines(&std::fs::read_to_string(self.folder.path().join("agent.log")).unwrap_or_default())
    }

    /// The value of a metric; `None` where there is none of that name and labels.
    pub(crate) fn metric(&self, name: &str) -> Option<f64> {
        let (code, page) = self.ask("GET /metrics");
        assert_eq!(code, 200, "{page}");
        let value = |line: &str| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok();
        page.lines().find_map(value)
    }

    pub(crate) fn until_metric(&self, name: &str, value: f64) {
        until(&format!("{name} is {value}"), || self.metric(name) == Some(value));
    }

    pub(crate) fn kill(&mut self) {
        let mut agent = self.agent.take().unwrap();
        agent.kill().unwrap();
        agent.wait().unwrap();
    }

    pub(crate) fn agent(&mut self) -> &mut Child {
        self.agent.as_mut().unwrap()
    }

    /// What the agent wrote down of what it carries.
    pub(crate) fn carried(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("carried")).unwrap_or_default()
    }

    /// Starts the hook as the kubelet does: the program in the shared folder.
    pub(crate) fn hook(&self, own: &[&str]) -> Hook {
        let mut command = Command::new(self.folder.path().join("segue-agent"));
        command.arg("hook").args(own).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Hook(command.spawn().unwrap())
    }

    /// A request to the agent's port: the status code and the body.
    pub(crate) fn ask(&self, request: &str) -> (u16, String) {
        exchange(self.plan.control_port, request)
    }

    /// One line of what the agent tells a waiting hook.
    pub(crate) fn line(&self) -> Value {
        self.line_of("")
    }

    /// The same to a hook that says this as it asks.
    pub(crate) fn line_of(&self, asked: &str) -> Value {
        self.lines(asked).next().unwrap()
    }

    /// All that it tells one.
    pub(crate) fn lines_to_the_end(&self) -> Vec<Value> {
        self.lines("").collect()
    }

    fn lines(&self, asked: &str) -> impl Iterator<Item = Value> {
        let hook = std::fs::read(self.folder.path().join("hook.json")).unwrap();
        let hook: Value = serde_json::from_slice(&hook).unwrap();
        let token = hook["token"].as_str().unwrap();
        let mut stream = TcpStream::connect(("127.0.0.1", self.plan.control_port)).unwrap();
        write!(
            stream,
            "POST /segue/drain HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Bearer {token}\r\nContent-Length: {}\r\n\r\n{asked}",
            asked.len()
        )
        .unwrap();
        let lines = BufReader::new(stream).lines().map(Result::unwrap);
        lines.filter(|line| line.starts_with('{')).map(|line| serde_json::from_str(&line).unwrap())
    }

    pub(crate) fn status(&self) -> Value {
        let (code, body) = self.ask("GET /status");
        assert_eq!(code, 200, "{body}");
        serde_json::from_str(&body).unwrap()
    }

    pub(crate) fn state(&self) -> String {
        self.status()["state"].as_str().unwrap().to_owned()
    }

    pub(crate) fn until_state(&self, state: &str) {
        until(&format!("the pod is {state}"), || self.state() == state);
    }
}

impl Drop for Pod {
    fn drop(&mut self) {
        if let Some(mut agent) = self.agent.take() {
            let _ = agent.kill();
            let _ = agent.wait();
        }
    }
}

impl Hook {
    /// Whether it has a connection: to the agent, which alone it makes one to.
    pub(crate) fn has_connected(&self) -> bool {
        let files = std::fs::read_dir(format!("/proc/{}/fd", self.0.id())).unwrap();
        let mut targets = files.filter_map(|file| std::fs::read_link(file.ok()?.path()).ok());
        targets.any(|target| target.to_string_lossy().starts_with("socket:"))
    }

    /// As one that gets no time of the processor.
    pub(crate) fn stop(&mut self) {
        self.signal(rustix::process::Signal::STOP);
    }

    pub(crate) fn go_on(&mut self) {
        self.signal(rustix::process::Signal::CONT);
    }

    fn signal(&self, signal: rustix::process::Signal) {
        rustix::process::kill_process(rustix::process::Pid::from_child(&self.0), signal).unwrap();
    }

    pub(crate) fn waits(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }

    pub(crate) fn returns(&mut self) -> (i32, String) {
        until("the hook returns", || !self.waits());
        let code = self.0.wait().unwrap().code().unwrap();
        let mut said = String::new();
        self.0.stdout.take().unwrap().read_to_string(&mut said).unwrap();
        self.0.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        (code, said)
    }
}

impl Drop for Hook {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The lines of JSON in a log.
pub(crate) fn lines(log: &str) -> Vec<Value> {
    log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// One request on one connection.
pub(crate) fn exchange(port: u16, request: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    write!(stream, "{request} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let code = answer.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
    let body = answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default();
    (code, body)
}
