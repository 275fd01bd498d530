//! Small servers and clients on real sockets, blocking and with time limits, so that a test is a plain story.

pub(crate) mod http;
pub(crate) mod http2;
pub(crate) mod origin;

use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use segue_proxy::{Config, Pool, PoolConfig, Proxy};

/// No wait in a test is longer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A pool of these instances, named a, b, c and so on, all admitted.
pub(crate) fn pool_of(addresses: &[SocketAddr]) -> Pool {
    pool_with(PoolConfig::default(), addresses)
}

pub(crate) fn pool_with(config: PoolConfig, addresses: &[SocketAddr]) -> Pool {
    let pool = Pool::new(config);
    for (name, address) in ('a'..).zip(addresses) {
        pool.add(&name.to_string(), *address, &format!("v-{name}"));
        pool.admit(&name.to_string());
    }
    pool
}

/// One worker, so that tests that look at reuse of connections see one idle pool.
pub(crate) fn config() -> Config {
    Config { workers: Some(1), ..Config::default() }
}

pub(crate) fn start(pool: &Pool, config: Config) -> Proxy {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    Proxy::start(listener, pool.clone(), config).unwrap()
}

/// Whether this process runs this test alone. If not, one that does has run it.
pub(crate) fn alone(test: &str) -> bool {
    const ALONE: &str = "SEGUE_TEST_ALONE";
    let alone = std::env::var_os(ALONE).is_some();
    if !alone {
        let program = std::env::current_exe().unwrap();
        let status = std::process::Command::new(program).args(["--exact", test]).env(ALONE, "1").status();
        assert!(status.unwrap().success());
    }
    alone
}

/// Waits until `condition` holds; fails the test if it never does.
pub(crate) fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let limit = now() + PATIENCE;
    while !condition() {
        assert!(now() < limit, "never came: {what}");
        pause(Duration::from_millis(5));
    }
}

#[expect(clippy::disallowed_methods, reason = "the tests' one clock")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

#[expect(clippy::disallowed_methods, reason = "the tests' one clock")]
pub(crate) fn pause(duration: Duration) {
    std::thread::sleep(duration);
}

/// Runs a future of the proxy's handle to its end.
pub(crate) fn wait<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}
