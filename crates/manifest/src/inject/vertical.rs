//! Whether a vertical autoscaler may give the agent other requests and limits than it needs.

use super::draft::Draft;
use crate::names::AGENT;
use crate::notes::Rule;
use crate::objects::{Kind, Object, VerticalAutoscaler};

/// Tells of each autoscaler that may. Those of today pass native sidecars by, unless they are told to look at them.
pub(super) fn tell(draft: &mut Draft, objects: &[Object]) {
    let workload = draft.workload.object;
    let beside = objects.iter().filter(|object| object.shares_namespace(workload));
    for object in beside.filter(|object| object.kind == Kind::VerticalAutoscaler) {
        if VerticalAutoscaler::of(object, workload).is_some_and(|one| one.may_size(AGENT)) {
            let words = (
                workload.to_string(),
                format!(
                    "it may size the agent too, where it looks at native sidecars (feature gate NativeSidecar), and a limit that is too low \
                     ends the agent: give it a containerPolicy of its own, containerName: {AGENT} with mode: \"Off\""
                ),
            );
            draft.decisions.note(Rule::VerticalAutoscaler, object, words);
        }
    }
}
