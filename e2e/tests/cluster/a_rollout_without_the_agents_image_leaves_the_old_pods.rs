//! Where the agent's image cannot be had, the new pod never starts and says why; the old ones serve on until the image is
//! the right one again.

use anyhow::{Context, ensure};
use segue_cluster::wait::{self, LONG};

use crate::TestBed;
use crate::injected::{AGENT, GUARD, Injected, SHORT, inject, sample};
use crate::sample::SELECTOR;

const NOWHERE: &[&str] = &["--agent-image", "registry.invalid/segue-agent:none"];

pub(crate) fn holds(bed: &TestBed) {
    let web = Injected::up(bed, "no-image", &sample(1), SHORT);
    let old = web.pod();
    web.api.apply(&inject(&sample(1), &[SHORT, NOWHERE].concat())).unwrap();
    wait::until("the new pod says that its image is missing", LONG, || {
        let pods = web.api.pods(SELECTOR)?;
        let new = pods.iter().find(|pod| pod.uid != old.uid).context("no new pod yet")?;
        let reason = new.container(AGENT)?.reason.clone().unwrap_or_default();
        ensure!(["ErrImagePull", "ImagePullBackOff"].contains(&reason.as_str()), "{new:#?}");
        Ok(())
    })
    .unwrap();
    let now = web.api.pod(&old.name).unwrap().unwrap();
    assert!(now.ready && now.deleted.is_none(), "{now:#?}");
    assert_eq!(web.status(&old)["state"], "serving");
    assert_eq!(web.get(&old, GUARD, "/").status, 200);

    web.api.apply(&inject(&sample(1), SHORT)).unwrap();
    let left = web.api.until_ready(SELECTOR, 1).unwrap().remove(0);
    assert_eq!(left.uid, old.uid, "a pod that had all it needs was replaced");
    web.remove();
}
