//! Startup, readiness and liveness probes find of a redirected application what they find without Segue: one that does not listen yet,
//! one that is dead, one that hangs. `httpGet` comes through the guard; `tcpSocket` asks the agent, for the guard would always answer.
//! Each pod stands beside the same one without Segue.

use anyhow::{Context, ensure};
use jiff::{SignedDuration, Timestamp};
use rustix::process::Signal;
use segue_cluster::wait::{self, LONG};
use segue_cluster::{Api, Pod};
use serde_json::{Value, json};

use crate::TestBed;
use crate::injected::{SHORT_REDIRECTED, inject, sample};
use crate::sample::Sample;

/// What the application is like, and which probes ask it.
const CASES: [(&str, &[&str], &[&str]); 3] = [
    ("late", &["--start-delay", "8s"], &["startupProbe", "readinessProbe", "livenessProbe"]),
    ("dead", &["--start-delay", "10m"], &["livenessProbe"]),
    ("hangs", &[], &["readinessProbe"]),
];

/// With Segue, and without.
const BOTH: [bool; 2] = [false, true];

pub(crate) fn holds(bed: &TestBed) {
    let api = bed.cluster().api.new_namespace("probes").unwrap();
    let kinds = [
        ("http", json!({"httpGet": {"path": "/health", "port": 8080}}), false),
        ("tcp", json!({"tcpSocket": {"port": "http"}}), true),
    ];
    for (kind, handler, _) in &kinds {
        for (case, arguments, probes) in CASES {
            for redirected in BOTH {
                let sample = asked(&name(kind, case, redirected), arguments, probes, handler);
                let objects = if redirected {
                    inject(&sample, SHORT_REDIRECTED)
                } else {
                    format!("{}\n---\n{}\n", sample.deployment, sample.service)
                };
                api.apply(&objects).unwrap();
            }
        }
    }
    for (kind, _, takes_connections) in &kinds {
        for redirected in BOTH {
            let one = |case| move |api: &Api| pod(api, &name(kind, case, redirected));
            let (late, dead, hangs) = (one("late"), one("dead"), one("hangs"));
            until(&api, "it listens", &late, |pod, app| {
                ensure!(app["started"] == true && pod.ready && app["restartCount"] == 0);
                let waited = waited(&api, pod, app)?;
                ensure!(waited >= LATE, "ready {waited:?} after its start, before it listened");
                Ok(())
            });
            until(&api, "it is dead", &dead, |_, app| {
                ensure!(app["restartCount"].as_u64() >= Some(1));
                Ok(())
            });
            until(&api, "it is there", &hangs, |pod, _| {
                ensure!(pod.ready);
                Ok(())
            });
            let hanging = hangs(&api).unwrap().0;
            bed.cluster().container_process(&hanging, "app").unwrap().signal(Signal::STOP);
            if *takes_connections {
                continue;
            }
            until(&api, "it hangs", &hangs, |pod, _| {
                ensure!(!pod.ready);
                Ok(())
            });
        }
    }
    // The kernel takes connections for one that hangs; several periods have passed since.
    for redirected in BOTH {
        let (hanging, _) = pod(&api, &name("tcp", "hangs", redirected)).unwrap();
        wait::pass(PERIODS);
        assert!(hanging.ready, "{hanging:#?}");
    }
    api.run(["delete", "namespace", "probes", "--wait=false"]).unwrap();
}

/// The application's delay, less what is lost to whole seconds.
const LATE: SignedDuration = SignedDuration::from_secs(7);

/// From the application's start until it was ready.
fn waited(api: &Api, pod: &Pod, app: &Value) -> anyhow::Result<SignedDuration> {
    let time = |value: &Value| anyhow::Ok(value.as_str().context("no time")?.parse::<Timestamp>()?);
    let status = api.get(["pod", &pod.name])?["status"].clone();
    let mut conditions = status["conditions"].as_array().context("no conditions")?.iter();
    let ready = conditions.find(|one| one["type"] == "Ready").context("no such condition")?;
    Ok(time(&ready["lastTransitionTime"])?.duration_since(time(&app["state"]["running"]["startedAt"])?))
}

/// Longer than it takes a probe of these pods to fail for good.
const PERIODS: std::time::Duration = std::time::Duration::from_secs(12);

fn name(kind: &str, case: &str, redirected: bool) -> String {
    format!("{kind}-{case}-{}", if redirected { "redirected" } else { "plain" })
}

/// The sample under a name of its own, asked by these probes.
fn asked(name: &str, arguments: &[&str], probes: &[&str], handler: &Value) -> Sample {
    let mut sample = sample(1);
    let container = sample.container();
    let all = [&["--port", "8080", "--host", "0.0.0.0", "--rude"], arguments].concat();
    container["args"] = json!(all);
    container["readinessProbe"] = Value::Null;
    for probe in probes {
        let threshold = if *probe == "startupProbe" { 60 } else { 3 };
        container[*probe] = json!({"periodSeconds": 1, "timeoutSeconds": 2, "failureThreshold": threshold});
        container[*probe].as_object_mut().unwrap().extend(handler.as_object().unwrap().clone());
    }
    for object in [&mut sample.deployment, &mut sample.service] {
        object["metadata"]["name"] = name.into();
    }
    sample.deployment["spec"]["selector"]["matchLabels"]["app"] = name.into();
    sample.deployment["spec"]["template"]["metadata"]["labels"]["app"] = name.into();
    sample.service["spec"]["selector"]["app"] = name.into();
    sample
}

/// The only pod of that name, and its application's status.
fn pod(api: &Api, name: &str) -> anyhow::Result<(Pod, Value)> {
    let pod = api.pods(&format!("app={name}"))?.pop().context("no pod yet")?;
    let status = api.get(["pod", &pod.name])?;
    Ok((pod, status["status"]["containerStatuses"][0].clone()))
}

#[track_caller]
fn until(
    api: &Api,
    what: &str,
    look: &impl Fn(&Api) -> anyhow::Result<(Pod, Value)>,
    is: impl Fn(&Pod, &Value) -> anyhow::Result<()>,
) {
    wait::until(what, LONG, || {
        let (pod, app) = look(api)?;
        is(&pod, &app).with_context(|| format!("{}: {app}", pod.name))
    })
    .unwrap();
}
