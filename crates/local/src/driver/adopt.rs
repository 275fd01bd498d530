//! Where a driver begins: with what an earlier one left, or with nothing.

use segue_core::{InstanceId, Time, Version};
use segue_proxy::Pool;
use segue_supervisor::instance::{Adopted, Instance, Keeper};
use segue_supervisor::process;
use tokio::sync::mpsc::{self, UnboundedSender};

use super::Driver;
use super::act::Instances;
use super::audience::Audience;
use super::deploys::Deploys;
use super::error::OpenError;
use super::failures::Failures;
use super::fleet::Fleet;
use super::front::Front;
use super::plan::{Plan, Wish, plan};
use super::public::{Public, Started};
use super::records::Records;
use super::session::Session;
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
            records: Records::new(setup.folder, setup.held, state),
            instances: Instances {
                fleet: Fleet::new(),
                pool: setup.pool,
                keeper: setup.keeper,
                news: news_sender,
                public: public.clone(),
            },
            failures: Failures::default(),
            front: Front::default(),
            audience: Audience::new(public.clone(), setup.manager),
            session: Session { who, since, began: now },
            ending: None,
            news,
            commands,
        };
        if let Some(entry) = left_behind {
            tracing::warn!("{}", entry.why.as_deref().unwrap_or_default());
            driver.records.append(&entry);
        }
        for (instance, revision) in found {
            driver.instances.take_in(instance, revision, &driver.records);
        }
        driver.deploys().begin(plan, now);
        driver.records.remove_old_folders(&driver.instances.fleet);
        driver.records.persist();
        Ok((driver, public))
    }
}

impl Deploys<'_> {
    /// Takes up what there is to do.
    fn begin(&mut self, plan: Plan, now: Time) {
        match plan {
            Plan::Keep(work) => self.records.state.work = Some(*work),
            Plan::GoOn(mut work) => {
                work.rollout.resume(now);
                if let Some(deploy) = &work.deploy {
                    let to = self.records.state.label(&deploy.to);
                    tracing::info!("the {} to {to} that was under way goes on", deploy.what);
                }
                self.records.state.work = Some(*work);
            }
            Plan::Replace(mut work, spec) => {
                work.rollout.resume(now);
                self.records.state.work = Some(*work);
                self.interrupt(now);
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
