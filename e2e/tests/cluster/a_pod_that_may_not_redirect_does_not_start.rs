//! Where the init container may not write its rules the pod does not start, and says what is missing; the old ones serve on. A pod
//! that started past its guard would lose requests, and nobody would know why.

use anyhow::{Context, ensure};
use segue_cluster::wait::{self, LONG};

use crate::TestBed;
use crate::injected::{APPLICATION, Injected, REDIRECT, SHORT_REDIRECTED, inject, sample};
use crate::sample::SELECTOR;

/// What a policy of the cluster may take away without a word.
const CAPABILITY: &str = "NET_ADMIN";

pub(crate) fn holds(bed: &TestBed) {
    let web = Injected::up(bed, "may-not-redirect", &sample(1), SHORT_REDIRECTED);
    let old = web.pod();
    let injected = inject(&sample(1), SHORT_REDIRECTED);
    assert_eq!(injected.matches(CAPABILITY).count(), 1, "{injected}");
    web.api.apply(&injected.replace(CAPABILITY, "KILL")).unwrap();
    let said = wait::until("the new pod says what is missing", LONG, || {
        let pods = web.api.pods(SELECTOR)?;
        let new = pods.iter().find(|pod| pod.uid != old.uid).context("no new pod yet")?;
        let new = web.api.get(["pod", &new.name])?;
        let statuses = new["status"]["initContainerStatuses"].as_array().context("no container yet")?;
        let one = statuses.iter().find(|one| one["name"] == REDIRECT).context("not this container yet")?;
        let ended = ["state", "lastState"].map(|state| &one[state]["terminated"]);
        let ended = ended.into_iter().find(|ended| ended.is_object()).context("it has not ended yet")?;
        ensure!(ended["exitCode"] == 1, "{ended}");
        Ok(ended["message"].as_str().context("it says nothing")?.to_owned())
    })
    .unwrap();
    assert!(
        said.contains("\"event\":\"not-redirected\"") && said.contains("the capability NET_ADMIN"),
        "{said}"
    );
    let now = web.api.pod(&old.name).unwrap().unwrap();
    assert!(now.ready && now.deleted.is_none(), "{now:#?}");
    assert_eq!(web.get(&old, APPLICATION, "/").status, 200);

    web.api.apply(&injected).unwrap();
    let left = web.api.until_ready(SELECTOR, 1).unwrap().remove(0);
    assert_eq!(left.uid, old.uid, "a pod that had all it needs was replaced");
    web.remove();
}
