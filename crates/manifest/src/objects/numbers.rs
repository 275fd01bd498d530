//! The numbers by which pods are counted and rolled. They are read here and there, where one in quotes would be taken for none:
//! the API server refuses that, so it is refused before anything is computed.

use segue_yaml::Pointer;
use serde_json::Value;

use super::{Kind, Object, ShapeError};

impl Object {
    /// Whether its numbers are such; `Err` names the first that is none.
    pub fn check_numbers(&self) -> Result<(), ShapeError> {
        // Whole numbers, and where maxSurge and maxUnavailable stand.
        let (whole, shares): (&[&str], &[&str]) = match self.kind {
            Kind::Deployment => {
                (&["replicas", "minReadySeconds", "progressDeadlineSeconds"], &["strategy.rollingUpdate"])
            }
            Kind::Rollout => {
                (&["replicas", "minReadySeconds", "progressDeadlineSeconds"], &["strategy.canary"])
            }
            Kind::StatefulSet => (
                &["replicas", "minReadySeconds", "updateStrategy.rollingUpdate.partition"],
                &["updateStrategy.rollingUpdate"],
            ),
            Kind::DaemonSet => (&["minReadySeconds"], &["updateStrategy.rollingUpdate"]),
            Kind::ReplicaSet => (&["replicas", "minReadySeconds"], &[]),
            Kind::Autoscaler if self.kind_name == "ScaledObject" => {
                (&["minReplicaCount", "maxReplicaCount"], &[])
            }
            Kind::Autoscaler => (&["minReplicas", "maxReplicas"], &[]),
            _ => return Ok(()),
        };
        for way in whole {
            self.check(way, is_whole, "a whole number from 0 to 2147483647, without quotes")?;
        }
        for share in
            shares.iter().flat_map(|above| ["maxSurge", "maxUnavailable"].map(|key| format!("{above}.{key}")))
        {
            let right = "a whole number without quotes, or a percentage such as 25%";
            self.check(&share, |value| is_whole(value) || is_percentage(value), right)?;
        }
        Ok(())
    }

    fn check(&self, way: &str, is_right: impl Fn(&Value) -> bool, right: &str) -> Result<(), ShapeError> {
        let at = Pointer::keys(std::iter::once("spec").chain(way.split('.')));
        match self.value(&at) {
            None | Some(Value::Null) => Ok(()),
            Some(value) if is_right(value) => Ok(()),
            Some(value) => Err(ShapeError::of(at, value, right)),
        }
    }
}

fn is_whole(value: &Value) -> bool {
    value.as_i64().is_some_and(|number| (0..=i64::from(i32::MAX)).contains(&number))
}

fn is_percentage(value: &Value) -> bool {
    let digits = value.as_str().and_then(|text| text.strip_suffix('%')).unwrap_or_default();
    !digits.is_empty() && digits.chars().all(|digit| digit.is_ascii_digit())
}
