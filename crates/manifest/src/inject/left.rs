//! What is refused of one object is that object's: it is left as it stands, byte by byte, and the rest goes on.
//!
//! Whoever meets such a refusal says so with [`Stuck::One`]; then everything is decided anew without that object, so that nothing
//! of the rest was made with it in mind.

use std::collections::BTreeMap;

use segue_yaml::{Diagnostic, Refusal, Stream, TextError};

use super::draft::Decisions;
use super::read::injected_plan;
use super::{Refused, record};
use crate::objects::{Address, Object};
use crate::ports::Ports;
use crate::rules::environment;
use crate::workload::World;

/// The objects that are left as they stand, in the order of the files, each with all that speaks against it.
pub(super) type Left = BTreeMap<Address, Vec<Diagnostic>>;

/// Why it does not go on.
#[derive(Debug)]
pub(super) enum Stuck {
    /// These objects can't be had; without them it goes on.
    At(Left),
    /// Nothing can be had.
    All(Refused),
}

impl Stuck {
    pub(super) fn one(address: Address, diagnostics: Vec<Diagnostic>) -> Self {
        Self::At(Left::from([(address, diagnostics)]))
    }
}

impl From<Refused> for Stuck {
    fn from(refused: Refused) -> Self {
        Self::All(refused)
    }
}

impl From<Refusal> for Stuck {
    fn from(refusal: Refusal) -> Self {
        Self::All(refusal.into())
    }
}

impl From<TextError> for Stuck {
    fn from(error: TextError) -> Self {
        Self::All(error.into())
    }
}

/// Tries until what is left over needs nothing more left out. Each try that fails names an object that none before has named.
pub(super) fn without_those<T>(
    mut attempt: impl FnMut(&Left) -> Result<T, Stuck>,
) -> Result<(T, Left), Refused> {
    let mut left = Left::new();
    loop {
        match attempt(&left) {
            Ok(done) => return Ok((done, left)),
            Err(Stuck::All(refused)) => return Err(refused),
            Err(Stuck::At(more)) => {
                let known = left.len();
                left.extend(more.clone());
                if left.len() == known {
                    return Err(Refused(more.into_values().flatten().collect()));
                }
            }
        }
    }
}

/// One object with the edits that it needs, its own and those of what stands around it.
#[derive(Debug)]
pub(super) struct Share {
    pub(super) address: Address,
    pub(super) decisions: Decisions,
    /// Of a Service in its second step: what each of its ports sent to before.
    pub(super) targets: BTreeMap<u16, u16>,
}

/// Makes the edits of all of them at once; where that fails, names those that can't be made alone either.
pub(super) fn apply(streams: &[Stream], shares: &[Share]) -> Result<Vec<Stream>, Stuck> {
    let refused = match make(streams, shares.iter()) {
        Ok(after) => return Ok(after),
        Err(refused) => refused,
    };
    // Each alone reads its file again: only for who is to be told.
    let alone = |share: &Share| Some((share.address.clone(), make(streams, [share].into_iter()).err()?.0));
    let at: Left = shares.iter().filter_map(alone).collect();
    Err(if at.is_empty() { Stuck::All(refused) } else { Stuck::At(at) })
}

fn make<'s>(streams: &[Stream], shares: impl Iterator<Item = &'s Share>) -> Result<Vec<Stream>, Refused> {
    let (mut all, mut targets) = (Decisions::default(), BTreeMap::new());
    for share in shares {
        all.take_edits(&share.decisions);
        if !share.targets.is_empty() {
            targets.insert(share.address.clone(), share.targets.clone());
        }
    }
    record::apply(streams, &all, &targets)
}

/// What a workload that stays injected as it stands needs of the objects around it; `None` if it was never injected.
pub(super) fn environment_of(
    world: &World,
    object: &Object,
    streams: &[Stream],
) -> Result<Option<Share>, Refused> {
    let Some(plan) = injected_plan(streams, object)? else { return Ok(None) };
    let workload = world.workload(object).map_err(|misshapen| Refused::of(streams, &misshapen))?;
    let Some(workload) = workload else { return Ok(None) };
    let mut decisions = Decisions::default();
    let ports = Ports::of_injected(plan, &workload.template.spec);
    decisions.take(streams, environment::policies(&workload, &ports, false));
    decisions.notes.clear();
    Ok(Some(Share { address: object.address.clone(), decisions, targets: BTreeMap::new() }))
}
