//! The rules of inject, each against whole manifests.

mod agent;
mod apart;
mod around;
mod docs;
mod foreign;
mod grace;
mod hooks;
mod join;
mod left;
mod live;
mod policies;
mod ports;
mod properties;
mod quotas;
mod record;
mod redirect;
mod refuse;
mod rolled;
mod said;
mod second;
mod shapes;
mod strategy;
mod targets;
mod whole;

use segue_yaml::{Diagnostic, Stream, parse};
use serde_json::Value;

use super::{Options, Outcome, Refused, inject, undo};

/// A Deployment `web` of one container `web`, with more lines where a test wants them.
#[derive(Default)]
struct Web {
    /// In the container.
    container: &'static str,
    /// In the pod's `spec`.
    pod: &'static str,
    /// In the template's `metadata`.
    meta: &'static str,
    /// In the Deployment's `spec`.
    own: &'static str,
    /// Another kind.
    kind: Option<&'static str>,
}

/// A container's port named `http`.
const HTTP: &str = "ports:\n- {name: http, containerPort: 8080}";

/// A Service `web` that names its targetPort.
const NAMED: &str = "\
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: http}]}
";

/// A Service `web` with a numeric targetPort.
const NUMERIC: &str = "\
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
";

impl Web {
    fn yaml(&self) -> String {
        let kind = self.kind.unwrap_or("Deployment");
        let api = if kind == "Rollout" { "argoproj.io/v1alpha1" } else { "apps/v1" };
        format!(
            "apiVersion: {api}\nkind: {kind}\nmetadata:\n  name: web\nspec:\n  selector: {{matchLabels: {{app: web}}}}\n{}  template:\n    \
             metadata:\n      labels: {{app: web}}\n{}    spec:\n      containers:\n      - name: web\n        image: web\n{}{}",
            indented(2, self.own),
            indented(6, self.meta),
            indented(8, self.container),
            indented(6, self.pod),
        )
    }

    /// Behind such a Service.
    fn behind(&self, service: &str) -> String {
        format!("{}---\n{service}", self.yaml())
    }
}

fn indented(by: usize, lines: &str) -> String {
    lines.lines().flat_map(|line| [" ".repeat(by), line.to_owned(), "\n".to_owned()]).collect()
}

fn streams(text: &str) -> Vec<Stream> {
    vec![parse("app.yaml", text).unwrap()]
}

fn with(text: &str, options: &Options) -> Result<Outcome, Refused> {
    inject(&streams(text), options)
}

fn guarded() -> Options {
    Options { guard: true, ..Options::default() }
}

/// With the pods' own network leading to the guard.
fn redirected() -> Options {
    Options { redirect: true, ..guarded() }
}

/// What injecting came to.
struct Injected {
    text: String,
    notes: String,
    documents: Vec<Value>,
}

impl Injected {
    fn of(text: &str, options: &Options) -> Self {
        let outcome = with(text, options).unwrap_or_else(|refused| panic!("{refused}"));
        let notes = outcome.notes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        let text = outcome.texts.concat();
        let documents = streams(&text)[0].documents().iter().map(|one| one.json().clone()).collect();
        Self { text, notes, documents }
    }

    fn at(&self, document: usize, pointer: &str) -> Option<&Value> {
        self.documents[document].pointer(pointer)
    }

    /// Below the first document's pod.
    fn pod(&self, pointer: &str) -> Option<&Value> {
        self.at(0, &format!("/spec/template/spec{pointer}"))
    }

    fn number(&self, pointer: &str) -> Option<u64> {
        self.at(0, pointer)?.as_u64()
    }

    /// The agent's container.
    fn agent(&self) -> &Value {
        let init = self.pod("/initContainers").unwrap().as_array().unwrap();
        init.iter().find(|one| one["name"] == "segue-agent").unwrap()
    }

    /// The plan that the agent is told.
    fn plan(&self) -> segue_core::pod::PodPlan {
        segue_core::pod::PodPlan::read(self.agent()["env"][0]["value"].as_str().unwrap()).unwrap()
    }

    fn says(&self, words: &str) {
        assert!(self.notes.contains(words), "no note says `{words}`:\n{}", self.notes);
    }

    fn is_silent_on(&self, words: &str) {
        assert!(!self.notes.contains(words), "a note says `{words}`:\n{}", self.notes);
    }
}

/// Why it was refused: the first reason.
fn refused(text: &str, options: &Options) -> Diagnostic {
    with(text, options).expect_err("it was injected").0.remove(0)
}

/// Undone again.
fn undone(text: &str) -> Outcome {
    undo(&streams(text), false).unwrap_or_else(|refused| panic!("{refused}"))
}

/// The line of its place.
fn line_of(diagnostic: &Diagnostic) -> usize {
    diagnostic.line_and_column().expect("it has a place").0
}
