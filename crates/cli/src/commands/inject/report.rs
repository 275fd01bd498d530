//! All that there is to say, for machines: docs/inject.md has its keys.

use segue_manifest::inject::{Fate, Outcome, Refused, Told};
use segue_manifest::notes::{Note, Urgency};
use segue_yaml::{Diagnostic, Stream};
use serde_json::{Value, json};

use super::summary::counts;

/// What came of it. `written`: the manifests were; else this is only what would come of it.
pub(super) fn of(outcome: &Outcome, streams: &[Stream], written: bool) -> Value {
    let refusals = distinct(outcome.refused());
    let findings: Vec<_> =
        refusals.map(refusal).chain(outcome.notes.iter().map(|one| note(one, streams))).collect();
    let workloads: Vec<_> = outcome.workloads.iter().map(|one| workload(one, streams)).collect();
    json!({
        "schema": 1,
        "refused": false,
        "written": written,
        "objects": outcome.objects,
        "changed": outcome.changed,
        "counts": counted(outcome),
        "workloads": workloads,
        "findings": findings,
    })
}

/// Nothing was written, for these reasons. `outcome`: what would have come of it otherwise, where that is known.
pub(super) fn refused(refused: &Refused, outcome: Option<(&Outcome, &[Stream])>) -> Value {
    let mut report = if let Some((outcome, streams)) = outcome {
        of(outcome, streams, false)
    } else {
        let mut report = of(&Outcome::default(), &[], false);
        report["findings"] = distinct(refused.0.iter()).map(refusal).collect();
        report
    };
    report["refused"] = true.into();
    report
}

fn counted(outcome: &Outcome) -> Value {
    let [injected, taken_out, left_alone, refused] = counts(outcome);
    json!({"injected": injected, "taken_out": taken_out, "left_alone": left_alone, "refused": refused})
}

fn workload(told: &Told, streams: &[Stream]) -> Value {
    let (fate, why) = match &told.fate {
        Fate::Injected => ("injected", &[][..]),
        Fate::TakenOut => ("taken-out", &[][..]),
        Fate::LeftAlone => ("left-alone", &[][..]),
        Fate::Refused(why) => ("refused", why.as_slice()),
    };
    let spot = told.origin.spot(streams);
    json!({
        "object": told.object,
        "fate": fate,
        "file": spot.as_ref().map(|spot| spot.file.as_str()),
        "line": spot.as_ref().map(|spot| spot.line),
        "column": spot.as_ref().map(|spot| spot.column),
        "why": why.iter().map(refusal).collect::<Vec<_>>(),
    })
}

fn note(note: &Note, streams: &[Stream]) -> Value {
    let spot = note.spot(streams);
    let urgency = note.rule.urgency();
    json!({
        "rule": note.rule.id(),
        "urgency": urgency.id(),
        "severity": severity(urgency),
        "object": note.object,
        "file": spot.as_ref().map(|spot| spot.file.as_str()),
        "line": spot.as_ref().map(|spot| spot.line),
        "column": spot.as_ref().map(|spot| spot.column),
        "detail": note.detail,
        "message": note.message(),
        "fix": null,
    })
}

fn refusal(diagnostic: &Diagnostic) -> Value {
    let place = diagnostic.line_and_column();
    let urgency = Urgency::Refused;
    json!({
        "rule": diagnostic.rule,
        "urgency": urgency.id(),
        "severity": severity(urgency),
        "object": diagnostic.subject,
        "file": diagnostic.file(),
        "line": place.map(|(line, _)| line),
        "column": place.map(|(_, column)| column),
        "detail": null,
        "message": diagnostic.what(),
        "fix": diagnostic.help,
    })
}

/// As compilers and linters rank what they find.
fn severity(urgency: Urgency) -> &'static str {
    match urgency {
        Urgency::Refused => "error",
        Urgency::ToDo | Urgency::NoPromise => "warning",
        Urgency::WorthKnowing => "info",
    }
}

/// Each once: one object may stand in the way of several.
fn distinct<'d>(all: impl Iterator<Item = &'d Diagnostic>) -> impl Iterator<Item = &'d Diagnostic> {
    let mut seen: Vec<&Diagnostic> = Vec::new();
    for diagnostic in all {
        if !seen.contains(&diagnostic) {
            seen.push(diagnostic);
        }
    }
    seen.into_iter()
}
