//! Where an agent answers a load balancer's health checks.

/// The port and the path on which an agent answers a load balancer's health checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AgentHealth {
    /// The agent's own port.
    pub port: u16,
}

/// The path of an agent's answer to a load balancer's health checks: it fails from the withdrawal on.
pub const LB_HEALTH: &str = "/segue/lb-health";
