//! `segue up`: the listener, the proxy, the control socket and the driver of one service, from start to end.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::time::Duration;

use segue_proxy::{Config, Pool, PoolConfig, Tls, TlsError};
use segue_supervisor::instance::Keeper;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::UnboundedSender;

use crate::clock;
use crate::control::server;
use crate::driver::{Command, Driver, OpenError, Public, Setup, Started};
use crate::folder::{Folder, FolderError, Held, StateDir};
use crate::history::Who;
use crate::notify::Manager;
use crate::open_files::OpenFiles;
use crate::spec::{Spec, Strategy};

/// How many connections may wait to be accepted; the kernel has its own limit.
const BACKLOG: i32 = 4096;
/// How long clients may take to hear that everything has ended.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// How long a killed `up` may take to let go of what it held.
const LETS_GO: Duration = Duration::from_millis(500);
/// How often it is looked whether it has.
const LOOK: Duration = Duration::from_millis(10);

/// What `up` needs.
#[derive(Debug)]
pub struct Options {
    /// Where state is kept.
    pub state_dir: StateDir,
    /// What shall run.
    pub spec: Spec,
    /// Whether instances of another spec may be rolled to this one.
    pub replace: bool,
    /// How keepers are started.
    pub keeper: Keeper,
    /// How many files this process may have open.
    pub open_files: OpenFiles,
    /// Who hears of every instance, to print what it says.
    pub output: Option<UnboundedSender<Started>>,
}

/// Why a service cannot be brought up.
#[derive(Debug, thiserror::Error)]
pub enum UpError {
    /// Its folder, or another `up`.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// What an earlier one left.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The address that clients use.
    #[error("cannot listen on {address}: {}", listen_error(.source))]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The certificate.
    #[error("{cert}: {source}", cert = cert.display())]
    Tls {
        /// Its file.
        cert: PathBuf,
        /// Why.
        source: TlsError,
    },
    /// A file of the certificate.
    #[error("{path}: {source}", path = path.display())]
    Pem {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The control socket.
    #[error("cannot make the control socket {path}: {source}", path = path.display())]
    Control {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Signals or the service manager.
    #[error("cannot set up this process: {0}")]
    Process(#[source] io::Error),
}

fn listen_error(source: &io::Error) -> String {
    match source.kind() {
        io::ErrorKind::AddrInUse => "another process listens there already".to_owned(),
        io::ErrorKind::AddrNotAvailable => "this machine has no such address".to_owned(),
        io::ErrorKind::PermissionDenied => {
            "not allowed (ports below 1024 need CAP_NET_BIND_SERVICE)".to_owned()
        }
        _ => source.to_string(),
    }
}

/// Brings a service up and keeps it up until it is told to end; answers how many requests the end cut.
pub async fn up(options: Options) -> Result<u64, UpError> {
    let Options { state_dir, spec, replace, keeper, open_files, output } = options;
    let keeper = Keeper { open_files: open_files.given, ..keeper };
    let folder = state_dir.service(&spec.name);
    let held = lock(&folder).await?;
    // All that may be refused comes before anything is touched that runs.
    let listener = listen(spec.listen)?;
    let mut config = config(&spec)?;
    let mut pool = pool_config(&spec);
    keep_within(open_files, &spec, &mut config, &mut pool);
    let manager = Manager::of_environment().map_err(UpError::Process)?;
    let signals = Signals::take().map_err(UpError::Process)?;
    let socket = folder.control_socket();
    let setup = Setup {
        folder: folder.clone(),
        held,
        pool: Pool::new(pool),
        spec: Some(spec),
        replace,
        keeper,
        manager,
        output,
    };
    let (mut driver, public) = Driver::open(setup).await?;
    let address = driver.listen_on(listener, config).map_err(UpError::Process)?;
    let control =
        server::bind(&socket).map_err(|source| UpError::Control { path: socket.clone(), source })?;
    tracing::info!("{} listens on {address}", folder.name());
    let others =
        [tokio::spawn(server::serve(control, public.clone())), tokio::spawn(signals.pass_on(public.clone()))];
    let cut = driver.run().await;
    public.talks_end(LAST_WORDS).await;
    for other in others {
        other.abort();
    }
    clean_up(&folder);
    Ok(cut)
}

/// Ends the instances of a service that nobody drives; answers how many requests that cut.
pub async fn down_without_up(folder: Folder, keeper: Keeper) -> Result<u64, UpError> {
    let held = lock(&folder).await?;
    let setup = Setup {
        folder: folder.clone(),
        held,
        spec: None,
        replace: false,
        keeper,
        pool: Pool::default(),
        manager: Manager::default(),
        output: None,
    };
    let signals = Signals::take().map_err(UpError::Process)?;
    let (driver, public) = Driver::open(setup).await?;
    public.ask(Command::Down { by: Who::own() }).await;
    let force = tokio::spawn(signals.force(public));
    let cut = driver.run().await;
    force.abort();
    clean_up(&folder);
    Ok(cut)
}

/// A predecessor that was killed this very moment may not have let go yet.
async fn lock(folder: &Folder) -> Result<Held, FolderError> {
    let until = clock::now() + LETS_GO;
    loop {
        match folder.lock() {
            Err(FolderError::Busy { .. }) if clock::now() < until => clock::sleep(LOOK).await,
            ended => return ended,
        }
    }
}

/// What tells of a living `up`; that it is not there is no error.
fn clean_up(folder: &Folder) {
    let _ = std::fs::remove_file(folder.control_socket());
    let _ = std::fs::remove_file(folder.in_flight_file());
}

fn listen(address: SocketAddr) -> Result<TcpListener, UpError> {
    let failed = |source| UpError::Listen { address, source };
    let listener = TcpListener::bind(address).map_err(failed)?;
    // Listening again only makes the queue longer.
    rustix::net::listen(&listener, BACKLOG).map_err(|error| failed(error.into()))?;
    Ok(listener)
}

fn config(spec: &Spec) -> Result<Config, UpError> {
    let mut config =
        Config { websocket_grace: spec.websocket_grace, version_header: true, ..Config::default() };
    let (limits, asked) = (&mut config.limits, &spec.limits);
    let count = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
    limits.connections = asked.max_connections.map_or(limits.connections, |most| count(most.into()));
    limits.header_bytes = asked.header_size.map_or(limits.header_bytes, count);
    limits.head = asked.header_timeout.unwrap_or(limits.head);
    limits.body = asked.body_timeout.unwrap_or(limits.body);
    limits.connect = asked.connect_timeout.unwrap_or(limits.connect);
    limits.answer = asked.answer_timeout.or(limits.answer);
    limits.idle = asked.idle_timeout.unwrap_or(limits.idle);
    if let Some(tls) = &spec.tls {
        let read = |path: &PathBuf| {
            std::fs::read(path).map_err(|source| UpError::Pem { path: path.clone(), source })
        };
        let loaded = Tls::from_pem(&read(&tls.cert)?, &read(&tls.key)?);
        config.tls = Some(loaded.map_err(|source| UpError::Tls { cert: tls.cert.clone(), source })?);
    }
    Ok(config)
}

fn pool_config(spec: &Spec) -> PoolConfig {
    let default = PoolConfig::default();
    PoolConfig { idle: spec.limits.upstream_idle_timeout.unwrap_or(default.idle), ..default }
}

/// Clients may not use up what instances and commands need.
fn keep_within(open_files: OpenFiles, spec: &Spec, config: &mut Config, pool: &mut PoolConfig) {
    let Strategy::Rolling { surge, .. } = spec.strategy;
    let instances = spec.replicas.get() + surge;
    let Some(clients) = open_files.clients(instances) else { return };
    let asked = config.limits.connections;
    if clients >= asked {
        return;
    }
    config.limits.connections = clients;
    pool.idle_connections = pool.idle_connections.min((clients / instances as usize).max(1));
    tracing::warn!(
        "at most {clients} clients at once are served, not the {asked} of limits.maxConnections: this process may \
         have no more than {} open files (`ulimit -Hn`, systemd's LimitNOFILE)",
        open_files.most.unwrap_or_default()
    );
}

/// The signals that mean something to `up`.
struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
    hang_up: tokio::signal::unix::Signal,
}

impl Signals {
    fn take() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// The first one is `down`; the second cuts what is in flight, the third kills.
    async fn pass_on(mut self, public: Public) {
        self.next().await;
        if public.ask(Command::Down { by: Who::own() }).await {
            self.force(public).await;
        }
    }

    async fn force(mut self, public: Public) {
        loop {
            self.next().await;
            if !public.ask(Command::Force).await {
                return;
            }
        }
    }

    /// A terminal that is closed does not end the service.
    async fn next(&mut self) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => return,
                _ = self.hang_up.recv() => tracing::info!("SIGHUP is ignored: `segue deploy -f FILE` brings another spec"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::client::Client;
    use crate::control::protocol::{Event, Request};

    const DOCS: &str = include_str!("../../../docs/proxy.md");

    fn spec(place: &std::path::Path, limits: &str) -> Spec {
        let file = place.join("web.yaml");
        std::fs::write(&file, format!("listen: :0\ncommand: [/bin/true]\nlimits: {{ {limits} }}\n")).unwrap();
        Spec::load(&file).map_err(|found| found.render(false)).unwrap().spec
    }

    fn all_of(spec: &Spec) -> String {
        format!("{:?} {:?}", config(spec).unwrap().limits, pool_config(spec))
    }

    #[test]
    fn each_limit_changes_something_and_the_documented_default_nothing() {
        let place = tempfile::tempdir().unwrap();
        let plain = all_of(&spec(place.path(), ""));
        let rows = DOCS.lines().skip_while(|line| !line.starts_with("| key | default")).skip(2);
        let mut keys = 0;
        for row in rows.take_while(|line| line.starts_with('|')) {
            let cells: Vec<&str> = row.split('|').map(str::trim).collect();
            let (key, default) = (cells[1].trim_matches('`'), cells[2].replace([',', ' '], ""));
            let other = match key {
                "maxConnections" => "77",
                "headerSize" => "77KiB",
                _ => "77s",
            };
            let same = |value: &str| all_of(&spec(place.path(), &format!("{key}: {value}"))) == plain;
            assert!(!same(other), "{key} changes nothing");
            assert!(default == "none" || same(&default), "{key} is not {default} by default");
            keys += 1;
        }
        assert_eq!(keys, 8);
    }

    #[test]
    fn a_websocket_gets_the_grace_of_the_spec_and_every_answer_names_its_version() {
        let place = tempfile::tempdir().unwrap();
        let config =
            config(&Spec { websocket_grace: Duration::from_secs(77), ..spec(place.path(), "") }).unwrap();
        assert_eq!(config.websocket_grace, Duration::from_secs(77));
        assert!(config.version_header);
    }

    #[tokio::test]
    async fn a_predecessor_has_a_moment_to_let_go_and_no_more() {
        let place = tempfile::tempdir().unwrap();
        let folder = StateDir::find(Some(place.path().to_owned())).unwrap().service("web");
        let held = folder.lock().unwrap();
        let waits = tokio::spawn({
            let folder = folder.clone();
            async move { lock(&folder).await }
        });
        tokio::task::yield_now().await;
        assert!(!waits.is_finished());
        drop(held);
        let _held = waits.await.unwrap().unwrap();
        assert!(matches!(lock(&folder).await, Err(FolderError::Busy { .. })));
    }

    #[tokio::test]
    async fn instances_begin_with_what_up_was_given_and_nothing_tells_of_an_up_that_has_ended() {
        let _alone = SIGNALS.lock().await;
        let place = tempfile::tempdir().unwrap();
        let state_dir = StateDir::find(Some(place.path().join("state"))).unwrap();
        let folder = state_dir.service("web");
        let launch = place.path().join("launch");
        // A keeper that shows what it was told, and then ends.
        let script = format!("cp \"$0\"/launch.json {0}.part; mv {0}.part {0}", launch.display());
        let keeper = Keeper {
            program: "/bin/sh".into(),
            arguments: vec!["-c".into(), script.into()],
            open_files: None,
        };
        let open_files = OpenFiles { given: Some(77), most: Some(1000) };
        let spec = spec(place.path(), "");
        let up =
            tokio::spawn(up(Options { state_dir, spec, replace: false, keeper, open_files, output: None }));
        while !launch.exists() {
            assert!(!up.is_finished(), "{:?}", up.await);
            clock::sleep(LOOK).await;
        }
        let told: segue_supervisor::keeper::Launch =
            serde_json::from_slice(&std::fs::read(launch).unwrap()).unwrap();
        assert_eq!((told.id.as_str(), told.open_files), ("web-1", Some(77)));
        let mut client = Client::connect(&folder).await.unwrap();
        client.ask(&Request::Down).await.unwrap();
        while !matches!(client.next().await.unwrap(), Event::Down { cut: 0 }) {}
        assert_eq!(up.await.unwrap().unwrap(), 0);
        assert!(!folder.control_socket().exists() && !folder.in_flight_file().exists());
    }

    #[test]
    fn what_keeps_it_from_listening_is_said_in_words() {
        let said = |errno: rustix::io::Errno| listen_error(&errno.into());
        assert_eq!(said(rustix::io::Errno::ADDRINUSE), "another process listens there already");
        assert_eq!(said(rustix::io::Errno::ADDRNOTAVAIL), "this machine has no such address");
        assert!(said(rustix::io::Errno::ACCESS).starts_with("not allowed (ports below 1024"));
        assert!(said(rustix::io::Errno::NOBUFS).contains("No buffer space"));
    }

    /// Signals reach all of this process.
    static SIGNALS: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

    #[tokio::test]
    async fn the_first_signal_ends_it_politely_the_next_ones_force_it_and_a_closed_terminal_does_neither() {
        let _alone = SIGNALS.lock().await;
        let (sender, mut commands) = tokio::sync::mpsc::channel(8);
        let passed = tokio::spawn(Signals::take().unwrap().pass_on(Public::new(sender, None)));
        let raise = |signal| rustix::process::kill_process(rustix::process::getpid(), signal).unwrap();
        raise(rustix::process::Signal::HUP);
        clock::sleep(LOOK).await;
        assert!(commands.try_recv().is_err());
        raise(rustix::process::Signal::TERM);
        assert!(matches!(commands.recv().await, Some(Command::Down { by }) if by == Who::own()));
        for signal in [rustix::process::Signal::INT, rustix::process::Signal::TERM] {
            assert!(commands.try_recv().is_err());
            raise(signal);
            assert!(matches!(commands.recv().await, Some(Command::Force)));
        }
        // Nobody is there any more.
        drop(commands);
        raise(rustix::process::Signal::TERM);
        passed.await.unwrap();
    }

    #[test]
    fn clients_are_capped_to_what_the_open_files_carry_and_never_raised() {
        let place = tempfile::tempdir().unwrap();
        let capped = |limits: &str, most: u64| {
            let spec = spec(place.path(), limits);
            let (mut config, mut pool) = (config(&spec).unwrap(), pool_config(&spec));
            keep_within(OpenFiles { given: None, most: Some(most) }, &spec, &mut config, &mut pool);
            (config.limits.connections, pool.idle_connections)
        };
        let (clients, idle) = capped("", 1000);
        assert!((200..333).contains(&clients), "{clients}");
        // One instance, and one more while it is replaced.
        assert_eq!(idle, clients / 2);
        assert_eq!(capped("maxConnections: 5", 1000).0, 5);
        assert_eq!(capped("", 1_000_000).0, 10_000);
    }
}
