//! The three usual ways to upgrade, each done as well as it can be done.
//!
//! At most one instance more than serve runs at any moment, as it is for Segue. The balancer learns of everything by
//! its health checks.

use segue_probe::MarkKind;

use crate::balancer::{Balancer, Registered, healthy};
use crate::clock;
use crate::fleet::{Instance, Ports};
use crate::marks::Marks;
use crate::settings::Settings;

/// A fleet behind a balancer.
pub(crate) struct Scene {
    settings: Settings,
    balancer: Balancer,
    marks: Marks,
    ports: Ports,
    members: Vec<Member>,
}

struct Member {
    instance: Instance,
    registered: Registered,
}

/// What happens between the replacement's joining and the old instance's SIGTERM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Before {
    /// Nothing.
    Nothing,
    /// Its health check begins to fail, and a fixed time passes.
    Sleep,
}

impl Scene {
    /// Version 1 serves, and the balancer knows it.
    pub(crate) async fn open(settings: &Settings, marks: Marks) -> anyhow::Result<Self> {
        let mut scene = Self {
            balancer: Balancer::start(settings)?,
            settings: settings.clone(),
            marks,
            ports: Ports::new(),
            members: Vec::new(),
        };
        let mut members = Vec::new();
        for number in 1..=settings.replicas {
            members.push(scene.launch("v1", number)?);
        }
        for member in &mut members {
            member.joined().await?;
        }
        scene.members = members;
        Ok(scene)
    }

    pub(crate) fn address(&self) -> std::net::SocketAddr {
        self.balancer.address()
    }

    /// All old ones end, then the new ones start in their places: what a restart does.
    pub(crate) async fn stop_then_start(&mut self) -> anyhow::Result<()> {
        for member in &mut self.members {
            member.instance.stop().await?;
            self.marks.mark(MarkKind::Stopped, &member.instance.id, member.instance.version);
        }
        for (member, number) in self.members.iter_mut().zip(1..) {
            let id = format!("v2-{number}");
            member.instance = Instance::start(id, "v2", member.instance.address, &self.settings)?;
        }
        for member in &mut self.members {
            member.listens().await?;
            member.joined().await?;
            self.marks.mark(MarkKind::Ready, &member.instance.id, member.instance.version);
        }
        Ok(())
    }

    /// One by one: the new one starts and joins, then the old one ends.
    pub(crate) async fn roll(&mut self, before: Before) -> anyhow::Result<()> {
        for number in 1..=self.members.len() {
            let mut new = self.launch("v2", number)?;
            new.joined().await?;
            let mut old = std::mem::replace(&mut self.members[number - 1], new);
            if before == Before::Sleep {
                old.instance.fail_health()?;
                clock::sleep(self.settings.sleep).await;
            }
            old.instance.stop().await?;
            self.marks.mark(MarkKind::Stopped, &old.instance.id, old.instance.version);
            // The balancer finds out by itself; until then it may still try.
            let mut registered = old.registered;
            tokio::spawn(async move { registered.left().await });
        }
        Ok(())
    }

    fn launch(&mut self, version: &'static str, number: usize) -> anyhow::Result<Member> {
        let address = self.ports.take()?;
        let id = format!("{version}-{number}");
        let instance = Instance::start(id, version, address, &self.settings)?;
        let registered = self.balancer.register(&instance.id, address, version, &self.marks);
        Ok(Member { instance, registered })
    }
}

impl Member {
    /// Resolves when the balancer sends requests to it; an error if it ends before.
    async fn joined(&mut self) -> anyhow::Result<()> {
        tokio::select! {
            () = self.registered.joined() => Ok(()),
            error = self.instance.ended() => Err(error),
        }
    }

    /// Resolves when it answers; an error if it ends before.
    async fn listens(&mut self) -> anyhow::Result<()> {
        let address = self.instance.address;
        let answers = async {
            while !healthy(address).await {
                clock::sleep(std::time::Duration::from_millis(20)).await;
            }
        };
        tokio::select! {
            () = answers => Ok(()),
            error = self.instance.ended() => Err(error),
        }
    }
}
