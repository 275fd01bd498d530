//! A change on its way along a path: which stages it has passed, and what showed that.

use super::{Direction, Millis, Path, PathSeen, Stage};
use crate::{Time, Wait, Why};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What ended a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EndedBy {
    /// It was seen to be over.
    Evidence,
    /// Its bound came.
    Bound,
    /// Whoever saw its end, a driver of another version, did not say.
    #[serde(other)]
    Unknown,
}

/// A stage that is over, for whoever tells of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageOver {
    /// The path.
    pub path: String,
    /// Its stage; `None` on a path without stages, which is over when its router shows the change.
    pub stage: Option<String>,
    /// What ended it.
    pub by: EndedBy,
    /// How long after the path's router took the change.
    pub after: Millis,
}

impl fmt::Display for StageOver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(stage) = &self.stage {
            write!(f, "stage {stage} of ")?;
        }
        let by = match self.by {
            EndedBy::Evidence => "evidence",
            EndedBy::Bound => "its bound",
            EndedBy::Unknown => "evidence or its bound",
        };
        write!(f, "path {} over by {by}", self.path)
    }
}

/// One change on its way along one path: when its router took it, and when and by what each stage was over.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub struct Propagation {
    /// Since when the router has not shown the change, while it does not.
    untaken: Option<Time>,
    told: Option<Time>,
    ends: Vec<(Time, EndedBy)>,
}

/// As it is written down: drivers that know nothing of `by` read and write the rest.
#[derive(Serialize, Deserialize)]
struct Written {
    untaken: Option<Time>,
    told: Option<Time>,
    ends: Vec<Time>,
    #[serde(default)]
    by: Vec<EndedBy>,
}

impl From<Written> for Propagation {
    fn from(Written { untaken, told, ends, by }: Written) -> Self {
        let by = by.into_iter().chain(std::iter::repeat(EndedBy::Unknown));
        Self { untaken, told, ends: ends.into_iter().zip(by).collect() }
    }
}

impl From<Propagation> for Written {
    fn from(Propagation { untaken, told, ends }: Propagation) -> Self {
        let (ends, by) = ends.into_iter().unzip();
        Self { untaken, told, ends, by }
    }
}

impl Propagation {
    /// Takes note of what was seen, and answers the wait that is left: `None` once the last client knows.
    pub fn observe(
        &mut self,
        path: &Path,
        way: Direction,
        seen: Option<&PathSeen>,
        now: Time,
    ) -> Option<Wait> {
        if !PathSeen::took(seen, way) {
            let since = *self.untaken.get_or_insert(now);
            // The router has not taken the change, or has lost it again: whatever was over is not over any more. Of one that
            // nobody has seen yet, that is not known: who takes a drain over has to ask it first.
            if seen.is_some() {
                *self = Self { untaken: Some(since), ..Self::default() };
            }
            return Some(Wait { why: Why::Router { path: path.name.clone() }, since, until: None });
        }
        self.untaken = None;
        let shown = |stage: &Stage| {
            stage.evidence.is_some() && seen.is_some_and(|seen| seen.evidence.contains(&stage.name))
        };
        let mut since = *self.told.get_or_insert(now);
        for (index, stage) in path.stages.iter().enumerate() {
            if let Some((end, _)) = self.ends.get(index) {
                since = *end;
                continue;
            }
            let until = stage.bounds(way).max.map(|max| since + max.0);
            let by_bound = until.filter(|until| *until <= now).map(|until| (until, EndedBy::Bound));
            let by_evidence = path.stages[index..].iter().any(shown).then_some((now, EndedBy::Evidence));
            if let Some(end) = by_bound.or(by_evidence) {
                self.ends.push(end);
                since = end.0;
            } else {
                let why = Why::Propagation {
                    path: path.name.clone(),
                    stage: stage.name.clone(),
                    setting: stage.setting.clone(),
                    evidence: stage.evidence.clone(),
                };
                return Some(Wait { why, since, until });
            }
        }
        None
    }

    /// When the last client knew; `None` while one may not, and while the router is not seen to have taken the change.
    pub fn over(&self, path: &Path) -> Option<Time> {
        (self.untaken.is_none() && self.ends.len() == path.stages.len())
            .then(|| self.ends.last().map(|(end, _)| *end).or(self.told))
            .flatten()
    }

    /// The stages that are over, in order.
    pub fn stages(&self, path: &Path) -> Vec<StageOver> {
        let Some(told) = self.told.filter(|_| self.untaken.is_none()) else { return Vec::new() };
        let over = |stage: Option<&Stage>, (end, by): (Time, EndedBy)| StageOver {
            path: path.name.clone(),
            stage: stage.map(|stage| stage.name.clone()),
            by,
            after: Millis(end - told),
        };
        if path.stages.is_empty() {
            return vec![over(None, (told, EndedBy::Evidence))];
        }
        path.stages.iter().zip(&self.ends).map(|(stage, end)| over(Some(stage), *end)).collect()
    }

    /// Of two drivers' notes of one change, the one that is further.
    #[must_use]
    pub fn further(self, other: Self) -> Self {
        let told = |one: &Self| one.told.unwrap_or(Time::from_millis(u64::MAX));
        let theirs = (told(&other), self.ends.len()) < (told(&self), other.ends.len());
        if theirs { other } else { self }
    }
}
