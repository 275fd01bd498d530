//! The user's own bounds, as `--bound STAGE=D`, `STAGE.join=D` or `STAGE.leave=D` give them.

use std::collections::BTreeMap;
use std::time::Duration;

use segue_core::path::{Bounds, Direction, Stage};

use super::stages::known_stages;

/// Bounds that replace defaults.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overrides(BTreeMap<String, Own>);

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Own {
    join: Option<Duration>,
    leave: Option<Duration>,
}

/// A bound that can't be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BoundError {
    /// No stage is called so.
    #[error("no stage is called `{name}`: write one of {}", names())]
    UnknownStage {
        /// What was asked for.
        name: String,
    },
    /// Neither `join` nor `leave`.
    #[error("`{stage}.{way}` is no bound: a stage has a bound for `join` and one for `leave`")]
    UnknownWay {
        /// The stage.
        stage: String,
        /// What was asked for.
        way: String,
    },
}

fn names() -> String {
    known_stages().map(|(name, ..)| name).collect::<Vec<_>>().join(", ")
}

impl Overrides {
    /// Takes a bound for `STAGE`, `STAGE.join` or `STAGE.leave`; of two for the same the last one counts.
    pub fn set(&mut self, what: &str, bound: Duration) -> Result<(), BoundError> {
        let (stage, way) = match what.split_once('.') {
            None => (what, None),
            Some((stage, "join")) => (stage, Some(Direction::Join)),
            Some((stage, "leave")) => (stage, Some(Direction::Leave)),
            Some((stage, way)) => {
                return Err(BoundError::UnknownWay { stage: stage.to_owned(), way: way.to_owned() });
            }
        };
        if !known_stages().any(|(name, ..)| name == stage) {
            return Err(BoundError::UnknownStage { name: stage.to_owned() });
        }
        let own = self.0.entry(stage.to_owned()).or_default();
        if way != Some(Direction::Leave) {
            own.join = Some(bound);
        }
        if way != Some(Direction::Join) {
            own.leave = Some(bound);
        }
        Ok(())
    }

    /// The stages that have a bound of the user's own.
    pub fn stages(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Whether the user has set this stage's bound for this way.
    pub fn sets(&self, stage: &str, way: Direction) -> bool {
        self.0.get(stage).is_some_and(|own| match way {
            Direction::Join => own.join.is_some(),
            Direction::Leave => own.leave.is_some(),
        })
    }

    /// Replaces a stage's bounds by the user's own.
    pub(super) fn apply(&self, stage: &mut Stage) {
        let Some(own) = self.0.get(&stage.name) else { return };
        if let Some(join) = own.join {
            stage.join = Bounds::at_most(join);
        }
        if let Some(leave) = own.leave {
            stage.leave = Bounds::at_most(leave);
        }
        stage.source = match (own.join, own.leave) {
            (Some(_), Some(_)) => "set by --bound".to_owned(),
            (Some(_), None) => format!("join set by --bound; leave {}", stage.source),
            _ => format!("leave set by --bound; join {}", stage.source),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paths::stages::KUBE_PROXY;

    fn bounds(sets: &[(&str, u64)]) -> (u64, u64, String) {
        let mut overrides = Overrides::default();
        for (what, seconds) in sets {
            overrides.set(what, Duration::from_secs(*seconds)).unwrap();
        }
        let mut stage = KUBE_PROXY.stage();
        overrides.apply(&mut stage);
        let seconds = |bounds: Bounds| bounds.max.unwrap().0.as_secs();
        (seconds(stage.join), seconds(stage.leave), stage.source)
    }

    #[test]
    fn a_bound_without_a_way_is_for_both_ways() {
        assert_eq!(bounds(&[("kube-proxy", 3)]), (3, 3, "set by --bound".to_owned()));
    }

    #[test]
    fn a_bound_for_one_way_leaves_the_other_and_its_source() {
        let (join, leave, source) = bounds(&[("kube-proxy.leave", 3)]);
        assert_eq!((join, leave), (15, 3));
        assert!(source.starts_with("leave set by --bound; join default:"), "{source}");
        assert_eq!(bounds(&[("kube-proxy", 9), ("kube-proxy.join", 3)]).0, 3);
        assert_eq!(bounds(&[("kube-proxy", 9), ("kube-proxy.join", 3)]).1, 9);
    }

    #[test]
    fn a_bound_for_another_stage_changes_nothing() {
        assert_eq!(bounds(&[("alb", 3)]).0, 15);
    }

    #[test]
    fn an_unknown_stage_is_refused_with_those_that_are_known() {
        let error = Overrides::default().set("kubeproxy", Duration::ZERO).unwrap_err().to_string();
        assert!(error.contains("`kubeproxy`") && error.contains("kube-proxy, dns, dns-client"), "{error}");
        let error = Overrides::default().set("alb.back", Duration::ZERO).unwrap_err().to_string();
        assert!(error.contains("`alb.back`") && error.contains("`leave`"), "{error}");
    }
}
