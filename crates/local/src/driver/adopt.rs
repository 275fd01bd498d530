//! Where a driver begins: with what an earlier one left, or with nothing.

use std::collections::BTreeMap;

use segue_core::{InstanceId, Time, Version};
use segue_proxy::Pool;
use segue_supervisor::instance::{Adopted, Instance, Keeper};
use segue_supervisor::logs::Since;
use segue_supervisor::process;
use tokio::sync::mpsc::{self, UnboundedSender};

use super::background::InBackground;
use super::error::OpenError;
use super::fleet::{Fleet, Life, Member, Running};
use super::plan::{Plan, Wish, plan};
use super::{Driver, Public, Started};
use crate::clock;
use crate::folder::{Folder, Held, instance_number};
use crate::history::{Ended, Entry, What, Who};
use crate::in_flight;
use crate::notify::Manager;
use crate::spec::Spec;
use crate::state::State;

/// How many commands may wait for the driver.
const COMMANDS: usize = 64;

/// What a driver needs.
#[derive(Debug)]
pub struct Setup {
    /// Where it keeps its state.
    pub folder: Folder,
    /// That it alone does.
    pub held: Held,
    /// What shall run; none to end what runs.
    pub spec: Option<Spec>,
    /// Whether instances of another spec may be rolled to this one.
    pub replace: bool,
    /// How keepers are started.
    pub keeper: Keeper,
    /// The instances that the proxy knows.
    pub pool: Pool,
    /// Who is told when it is ready.
    pub manager: Manager,
    /// Who hears of every instance, to print what it says.
    pub output: Option<UnboundedSender<Started>>,
}

impl Driver {
    /// Takes over what runs; answers the driver and its outside.
    pub async fn open(setup: Setup) -> Result<(Self, Public), OpenError> {
        let boot_id = process::boot_id().map_err(OpenError::Boot)?;
        let mut state = State::recover(&setup.folder, &boot_id)?;
        let now = clock::now();
        let since = clock::wall();
        let who = Who::own();
        let left_behind = left_behind(&setup.folder, &state, &boot_id, &who);
        if state.boot_id != boot_id {
            state.reboot(&boot_id);
        }
        let found = adopt(&setup.folder, &mut state, setup.spec.as_ref()).await?;
        let runs: Vec<_> = found.iter().map(|(instance, revision)| (instance.id(), revision)).collect();
        let wish = Wish { name: setup.folder.name(), spec: setup.spec, replace: setup.replace };
        let plan = plan(wish, &mut state, &runs, now)?;

        let (news_sender, news) = mpsc::unbounded_channel();
        let (command_sender, commands) = mpsc::channel(COMMANDS);
        let public = Public::new(command_sender, setup.output);
        let mut driver = Self {
            folder: setup.folder,
            _held: setup.held,
            state,
            written: None,
            unwritten: None,
            keeper: setup.keeper,
            pool: setup.pool,
            listen: None,
            listener: None,
            front: None,
            fleet: Fleet::new(),
            news,
            news_sender,
            commands,
            public: public.clone(),
            manager: setup.manager,
            since,
            began: now,
            who,
            restarts: 0,
            last_crash: None,
            failing: None,
            in_background: InBackground::default(),
            shown: BTreeMap::new(),
            announced: false,
            ending: None,
        };
        if let Some(entry) = left_behind {
            tracing::warn!("{}", entry.why.as_deref().unwrap_or_default());
            driver.append(&entry);
        }
        driver.take_in(found);
        driver.begin(plan, now);
        driver.remove_old_folders();
        driver.persist();
        Ok((driver, public))
    }

    /// The instances that still run become this driver's.
    fn take_in(&mut self, found: Vec<(Instance, Version)>) {
        for (instance, revision) in found {
            let id = InstanceId::from(instance.id());
            let (port, pid) = (instance.port(), instance.pid());
            let known = self.state.revision(&revision).map(|known| known.spec.clone());
            let label =
                known.as_ref().map_or_else(|| instance.version().to_owned(), |spec| spec.version.clone());
            tracing::info!(pid, port, version = label, "{id} still runs and is adopted");
            self.pool.add(id.as_str(), instance.address(), &label);
            self.public.started(&self.folder, id.as_str(), Since::Now);
            let ready = known.or_else(|| self.state.revisions.last().map(|known| known.spec.clone()));
            let ready = ready.map(|spec| spec.ready).unwrap_or_default();
            let life = Life::Running(Running::watch(instance, &ready, self.news_sender.clone()));
            let (signalled, served, unkept) = (None, false, false);
            let member = Member { revision, label, port, signalled, served, unkept, life };
            self.fleet.insert(id, member);
        }
    }

    fn begin(&mut self, plan: Plan, now: Time) {
        match plan {
            Plan::Keep(work) => self.state.work = Some(*work),
            Plan::GoOn(mut work) => {
                work.rollout.resume(now);
                if let Some(deploy) = &work.deploy {
                    let to = self.state.label(&deploy.to);
                    tracing::info!("the {} to {to} that was under way goes on", deploy.what);
                }
                self.state.work = Some(*work);
            }
            Plan::Replace(mut work, spec) => {
                work.rollout.resume(now);
                self.state.work = Some(*work);
                self.interrupt_deploy(now);
                if let Err(why) = self.deploy(*spec, What::Deploy, Who::own(), now) {
                    tracing::error!("not replaced: {why}");
                }
            }
        }
    }
}

/// Finds what still runs. The state forgets what does not.
async fn adopt(
    folder: &Folder,
    state: &mut State,
    spec: Option<&Spec>,
) -> Result<Vec<(Instance, Version)>, OpenError> {
    let mut found = Vec::new();
    for id in folder.instance_ids()? {
        state.next_instance = state.next_instance.max(instance_number(&id) + 1);
        match Instance::adopt(&folder.instance(&id)).await {
            Ok(Adopted::Running(instance)) => {
                let known = state.instances.get(&InstanceId::from(id.as_str())).cloned();
                let revision = known.unwrap_or_else(|| state.recognise(instance.launch(), spec));
                found.push((instance, revision));
            }
            Ok(Adopted::Ended(exit)) => {
                if state.instances.contains_key(&InstanceId::from(id.as_str())) {
                    tracing::warn!("{id} has ended meanwhile: it {exit}");
                }
            }
            Ok(Adopted::Never) => {}
            Err(error) => tracing::error!(%error, "{id}: cannot find out whether it runs"),
        }
    }
    let runs: Vec<&str> = found.iter().map(|(instance, _)| instance.id()).collect();
    state.instances.retain(|id, _| runs.contains(&id.as_str()));
    for (instance, revision) in &found {
        state.instances.insert(instance.id().into(), revision.clone());
    }
    Ok(found)
}

/// What there is to say of a driver that ended without a word, if one did.
fn left_behind(folder: &Folder, state: &State, boot_id: &str, by: &Who) -> Option<Entry> {
    let work = state.work.as_ref()?;
    let reading = in_flight::read(folder);
    let cut = reading.map_or(0, |reading| reading.in_flight);
    let why = if state.boot_id == boot_id {
        format!(
            "the earlier `segue up` was killed with {cut} request{} in flight, as counted at most {} ms before",
            if cut == 1 { "" } else { "s" },
            in_flight::EVERY.as_millis()
        )
    } else {
        "the machine was started anew: nothing of what ran before is left".to_owned()
    };
    let label = state.label(&work.current);
    Some(Entry {
        at: clock::wall(),
        what: What::Killed,
        by: by.clone(),
        from: Some(label),
        to: None,
        revision: None,
        ended: Ended::Interrupted,
        why: Some(why),
        cut,
        cut_on: Vec::new(),
        took_ms: 0,
    })
}
