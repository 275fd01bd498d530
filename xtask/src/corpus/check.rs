//! One file, or one folder as a whole, through inject and back.

use std::path::{Path, PathBuf};

use anyhow::Context;
use segue_manifest::files;
use segue_manifest::inject::{Options, Outcome, Refused, inject, undo};
use segue_manifest::notes::Rule;
use segue_manifest::objects::{Object, objects};
use segue_yaml::{Stream, parse};
use serde_json::Value;

use super::meant::{self, values};
use super::reader::Reader;

/// What is said of objects that are left alone as a whole.
const ASIDE: [Rule; 6] = [
    Rule::EndsByItself,
    Rule::RunAsHook,
    Rule::MadeByOther,
    Rule::UnknownKind,
    Rule::PartOfWorkload,
    Rule::NoTemplate,
];

/// What is named on the command line.
#[derive(Debug, Clone)]
pub(super) enum Unit {
    /// A file alone.
    File(PathBuf),
    /// A folder as a whole.
    Folder(PathBuf),
}

/// The way in which it is injected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum How {
    Plain,
    Guard,
    Redirect,
}

/// What came of it.
#[derive(Debug, Clone)]
pub(super) enum Verdict {
    /// All of it held.
    Injected,
    /// Nothing was to be changed.
    LeftAlone,
    /// Nothing was changed, for these reasons.
    Refused(Vec<String>),
    /// A promise was broken.
    Failed(String),
}

/// What came of a unit, and what was in it.
#[derive(Debug)]
pub(super) struct Finding {
    pub(super) verdict: Verdict,
    pub(super) objects: usize,
    pub(super) workloads: usize,
    pub(super) injected: usize,
    /// Why objects with pods were left alone, once for each.
    pub(super) aside: Vec<String>,
    /// Why workloads were refused that did not hinder the others.
    pub(super) refused: Vec<String>,
}

impl Finding {
    fn of(verdict: Verdict) -> Self {
        Self { verdict, objects: 0, workloads: 0, injected: 0, aside: Vec::new(), refused: Vec::new() }
    }

    pub(super) fn panicked() -> Self {
        Self::of(Verdict::Failed("it panicked".to_owned()))
    }
}

impl How {
    pub(super) const ALL: [Self; 3] = [Self::Plain, Self::Guard, Self::Redirect];

    /// The flags that ask for it.
    pub(super) fn flags(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Guard => "--guard",
            Self::Redirect => "--guard --redirect",
        }
    }

    fn options(self) -> Options {
        Options { guard: self != Self::Plain, redirect: self == Self::Redirect, ..Options::default() }
    }
}

impl Unit {
    pub(super) fn path(&self) -> &Path {
        match self {
            Self::File(path) | Self::Folder(path) => path,
        }
    }

    pub(super) fn is_folder(&self) -> bool {
        matches!(self, Self::Folder(_))
    }
}

/// Tries one, in every way. An error is one of the trial itself.
pub(super) fn unit(unit: &Unit, reader: &mut Reader) -> anyhow::Result<[Finding; 3]> {
    let before = match read(unit, reader)? {
        Ok(before) => before,
        Err(verdict) => return Ok(How::ALL.map(|_| Finding::of(verdict.clone()))),
    };
    let found = objects(&before).unwrap_or_default();
    let count = || Finding {
        verdict: Verdict::LeftAlone,
        objects: found.len(),
        workloads: found.iter().filter(|object| object.kind.template().is_some()).count(),
        injected: 0,
        aside: Vec::new(),
        refused: Vec::new(),
    };
    let mut findings = How::ALL.map(|_| count());
    for (finding, how) in findings.iter_mut().zip(How::ALL) {
        let options = how.options();
        finding.verdict = match inject(&before, &options) {
            Ok(outcome) => {
                let aside = outcome.notes.iter().filter(|note| ASIDE.contains(&note.rule));
                finding.aside = aside.map(|note| note.text.clone()).collect();
                finding.refused = outcome.refused().map(|diagnostic| diagnostic.message.clone()).collect();
                if outcome.changed > 0 {
                    finding.injected = injected(&outcome);
                }
                match held(&before, &outcome, &options, reader)? {
                    Ok(()) if outcome.changed == 0 => Verdict::LeftAlone,
                    Ok(()) => Verdict::Injected,
                    Err(broken) => Verdict::Failed(broken),
                }
            }
            Err(Refused(reasons)) => {
                Verdict::Refused(reasons.into_iter().map(|reason| reason.message).collect())
            }
        };
    }
    Ok(findings)
}

/// The texts of a unit, read by us as kubectl reads them; else what is to be said of it.
fn read(unit: &Unit, reader: &mut Reader) -> anyhow::Result<Result<Vec<Stream>, Verdict>> {
    let inputs = [unit.path().to_owned()];
    let files = files::refuse_kustomize(&inputs).and_then(|()| files::read(&inputs, || Ok(Vec::new())));
    let files = match files {
        Ok(files) => files,
        Err(error) => return Ok(Err(Verdict::Refused(vec![error.to_string()]))),
    };
    let (mut streams, mut unreadable) = (Vec::new(), Vec::new());
    for file in &files {
        match parse(&file.name, &file.text) {
            Ok(stream) => streams.push(stream),
            Err(error) => {
                let seen = reader.read(&file.text)?;
                if seen.error.is_none() && !error.0.message.contains("Helm template") {
                    let broken = format!("kubectl reads {}: {}", file.name, error.0.message);
                    return Ok(Err(Verdict::Failed(broken)));
                }
                unreadable.push(error.0.message.clone());
            }
        }
    }
    if !unreadable.is_empty() {
        return Ok(Err(Verdict::Refused(unreadable)));
    }
    Ok(alike(&streams, reader)?.map(|()| streams).map_err(Verdict::Failed))
}

/// How many workloads were given the agent.
fn injected(outcome: &Outcome) -> usize {
    let streams = outcome.texts.iter().filter_map(|text| parse("injected", text).ok()).collect::<Vec<_>>();
    objects(&streams).unwrap_or_default().iter().filter(|object| is_injected(object)).count()
}

fn is_injected(object: &Object) -> bool {
    object.kind.template().is_some()
        && object.meta.annotation(segue_manifest::inject::RECORD_ANNOTATION).is_some()
}

/// What must hold of an outcome.
fn held(
    before: &[Stream],
    outcome: &Outcome,
    options: &Options,
    reader: &mut Reader,
) -> anyhow::Result<Result<(), String>> {
    let same = |texts: &[String]| before.iter().zip(texts).all(|(stream, text)| stream.text() == text);
    if outcome.changed == 0 {
        let held = same(&outcome.texts).then_some(());
        return Ok(held.ok_or_else(|| "nothing was injected, and yet the text differs".to_owned()));
    }
    let mut after = Vec::new();
    for (stream, text) in before.iter().zip(&outcome.texts) {
        match parse(stream.name(), text) {
            Ok(stream) => after.push(stream),
            Err(error) => return Ok(Err(format!("the result can't be read: {}", error.0.message))),
        }
    }
    match inject(&after, options) {
        Ok(again) if again.texts == outcome.texts => {}
        Ok(_) => return Ok(Err("injecting again changes it".to_owned())),
        Err(Refused(reasons)) => {
            return Ok(Err(format!("refused when injected again: {}", reasons[0].message)));
        }
    }
    match undo(&after, false) {
        Ok(back) if same(&back.texts) => {}
        Ok(_) => return Ok(Err("undo does not give the input".to_owned())),
        Err(Refused(reasons)) => return Ok(Err(format!("undo is refused: {}", reasons[0].message))),
    }
    for (old, new) in before.iter().zip(&after) {
        if let Some(strange) = meant::strange(old, new) {
            return Ok(Err(format!("{strange} differs, which is nothing to inject")));
        }
    }
    match alike(&after, reader)? {
        Ok(()) => joined(&outcome.texts, reader),
        Err(broken) => Ok(Err(broken)),
    }
}

/// Whether kubectl reads these texts as we do; what it can't read is no fault of ours.
fn alike(streams: &[Stream], reader: &mut Reader) -> anyhow::Result<Result<(), String>> {
    for stream in streams {
        let seen = reader.read(stream.text())?;
        let ours = as_lines(stream);
        if seen.error.is_none() && !meant::equal(&seen.documents, &ours) {
            let place = meant::first_difference(&seen.documents, &ours);
            return Ok(Err(format!("kubectl reads {place} otherwise")));
        }
    }
    Ok(Ok(()))
}

/// Whether kubectl reads all texts printed behind each other as it reads each of them.
fn joined(texts: &[String], reader: &mut Reader) -> anyhow::Result<Result<(), String>> {
    if texts.len() < 2 {
        return Ok(Ok(()));
    }
    let mut expected = Vec::new();
    for text in texts {
        let seen = reader.read(text)?;
        if seen.error.is_some() {
            return Ok(Ok(()));
        }
        expected.extend(seen.documents);
    }
    let seen = reader.read(&files::one_stream(texts)).context("the joined stream")?;
    Ok(match seen.error {
        Some(error) => Err(format!("kubectl can't read the files as one stream: {error}")),
        None if !meant::equal(&seen.documents, &expected) => {
            let place = meant::first_difference(&seen.documents, &expected);
            Err(format!("as one stream kubectl reads {place} otherwise"))
        }
        None => Ok(()),
    })
}

/// The documents as we read them where the last line has an end: kubectl gives it one.
fn as_lines(stream: &Stream) -> Vec<Value> {
    if stream.text().ends_with('\n') {
        return values(stream);
    }
    let ended = parse(stream.name(), &format!("{}\n", stream.text()));
    ended.map_or_else(|_| values(stream), |ended| values(&ended))
}
