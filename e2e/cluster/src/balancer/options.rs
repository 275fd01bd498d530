//! What a stand-in load balancer is to be.

use std::time::Duration;

/// What it balances.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Requests, over upstream connections that it keeps and shares, as an ALB.
    Http,
    /// Connections, as an NLB.
    Tcp,
}

/// How it finds out whether a target is well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthCheck {
    /// Asked by GET; 200 is well.
    pub path: String,
    /// Asked here; `None`: where the requests go.
    pub port: Option<u16>,
    /// From one to the next.
    pub interval: Duration,
    /// So many in a row make a target well.
    pub rise: u32,
    /// So many in a row make it ill.
    pub fall: u32,
}

/// What a stand-in load balancer is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BalancerOptions {
    /// The Service whose endpoints are its targets, in the [`Api`](crate::Api)'s namespace.
    pub service: String,
    /// The Service's port by name, where it has several.
    pub port: Option<String>,
    /// Requests or connections.
    pub mode: Mode,
    /// From an endpoint's readiness until it is a target. It gets nothing before its health checks pass then.
    pub register: Duration,
    /// From an endpoint's leaving until no new request (or connection) goes there.
    pub deregister: Duration,
    /// From then on, how long what is open stays open.
    pub deregistration_delay: Duration,
    /// An idle connection, of a client or to a target, is closed after this time.
    pub idle: Duration,
    /// How targets are checked.
    pub health: HealthCheck,
}

impl BalancerOptions {
    /// An ALB with its defaults; deregistering takes 20 s, registering as long.
    pub fn alb(service: &str) -> Self {
        Self {
            service: service.to_owned(),
            port: None,
            mode: Mode::Http,
            register: Duration::from_secs(20),
            deregister: Duration::from_secs(20),
            deregistration_delay: Duration::from_mins(5),
            idle: Duration::from_mins(1),
            health: HealthCheck {
                path: "/health".to_owned(),
                port: None,
                interval: Duration::from_secs(15),
                rise: 2,
                fall: 2,
            },
        }
    }

    /// An NLB with its defaults; deregistering takes 120 s, registering 180 s.
    pub fn nlb(service: &str) -> Self {
        let alb = Self::alb(service);
        Self {
            mode: Mode::Tcp,
            register: Duration::from_mins(3),
            deregister: Duration::from_mins(2),
            idle: Duration::from_secs(350),
            health: HealthCheck { interval: Duration::from_secs(10), rise: 3, fall: 3, ..alb.health },
            ..alb
        }
    }

    /// The same with every lag divided by `by`: what a test has time for. The order of the lags stays what it is.
    #[must_use]
    pub fn shrunk(mut self, by: u32) -> Self {
        for time in [&mut self.register, &mut self.deregister, &mut self.deregistration_delay] {
            *time /= by;
        }
        self.health.interval = (self.health.interval / by).max(Duration::from_millis(100));
        self
    }
}
