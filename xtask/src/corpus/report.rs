//! What came of all, in counts.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use super::check::{Finding, How, Unit, Verdict};

/// The counts of one way of injecting, over files or over folders.
#[derive(Debug, Default)]
struct Counts {
    units: usize,
    objects: usize,
    workloads: usize,
    injected_workloads: usize,
    injected: usize,
    left_alone: usize,
    refused: usize,
    failed: usize,
    /// How many units each reason refused.
    reasons: BTreeMap<String, usize>,
    /// How many objects were left alone for each reason, where the unit was not refused.
    asides: BTreeMap<String, usize>,
    /// How many workloads each reason refused while others were injected.
    alone: BTreeMap<String, usize>,
}

/// All counts; each file is told as it comes.
#[derive(Debug)]
pub(super) struct Report {
    folder: PathBuf,
    all: bool,
    /// By whether it is a folder, and how it is injected.
    counts: BTreeMap<(bool, How), Counts>,
}

impl Report {
    pub(super) fn new(folder: &Path, all: bool) -> Self {
        Self { folder: folder.to_owned(), all, counts: BTreeMap::new() }
    }

    pub(super) fn failed(&self) -> usize {
        self.counts.values().map(|counts| counts.failed).sum()
    }

    pub(super) fn add(&mut self, unit: &Unit, how: How, finding: &Finding) {
        let counts = self.counts.entry((unit.is_folder(), how)).or_default();
        counts.units += 1;
        counts.objects += finding.objects;
        counts.workloads += finding.workloads;
        counts.injected_workloads += finding.injected;
        for reason in &finding.aside {
            *counts.asides.entry(kind_of(reason, &self.folder)).or_default() += 1;
        }
        for reason in &finding.refused {
            *counts.alone.entry(kind_of(reason, &self.folder)).or_default() += 1;
        }
        let said = match &finding.verdict {
            Verdict::Injected => {
                counts.injected += 1;
                "injected".to_owned()
            }
            Verdict::LeftAlone => {
                counts.left_alone += 1;
                "left alone".to_owned()
            }
            Verdict::Refused(reasons) => {
                counts.refused += 1;
                let mut kinds: Vec<_> = reasons.iter().map(|reason| kind_of(reason, &self.folder)).collect();
                kinds.sort();
                kinds.dedup();
                for kind in kinds {
                    *counts.reasons.entry(kind).or_default() += 1;
                }
                format!("refused: {}", reasons.join("; "))
            }
            Verdict::Failed(broken) => {
                counts.failed += 1;
                format!("FAILED: {broken}")
            }
        };
        if self.all || matches!(finding.verdict, Verdict::Failed(_)) {
            let path = unit.path().strip_prefix(&self.folder).unwrap_or(unit.path());
            println!("{}: {said}", [&path.display().to_string(), how.flags()].join(" ").trim_end());
        }
    }
}

/// A reason without the names and numbers of the case.
fn kind_of(reason: &str, folder: &Path) -> String {
    if reason.contains("kubectl kustomize") {
        return "Kustomize's: rendered first".to_owned();
    }
    let reason = reason.replace(&folder.display().to_string(), "");
    // An object's name stands before it: `Deployment shop/web: …`.
    let reason = match reason.split_once(": ") {
        Some((object, rest)) if object.split(' ').count() == 2 && object.starts_with(char::is_uppercase) => {
            rest
        }
        _ => &reason,
    };
    reason.chars().map(|letter| if letter.is_ascii_digit() { 'N' } else { letter }).take(100).collect()
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "| what | how | tried | objects | workloads | injected workloads | injected | left alone | refused | failed |"
        )?;
        writeln!(f, "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")?;
        for ((folder, how), counts) in &self.counts {
            let what = if *folder { "folders" } else { "files" };
            let how = if *how == How::Plain { "plain".to_owned() } else { format!("`{}`", how.flags()) };
            let Counts {
                units,
                objects,
                workloads,
                injected_workloads,
                injected,
                left_alone,
                refused,
                failed,
                ..
            } = counts;
            writeln!(
                f,
                "| {what} | {how} | {units} | {objects} | {workloads} | {injected_workloads} | {injected} | {left_alone} | {refused} | {failed} |"
            )?;
        }
        for ((folder, how), counts) in &self.counts {
            let units = if *folder { "folders" } else { "files" };
            let units = match how.flags() {
                "" => units.to_owned(),
                flags => format!("{units} with `{flags}`"),
            };
            list(f, &format!("Refused {units}"), &counts.reasons)?;
            list(f, &format!("Workloads refused beside others in {units}"), &counts.alone)?;
            list(f, &format!("Objects with pods that were left alone in {units}"), &counts.asides)?;
        }
        Ok(())
    }
}

/// Reasons, the most frequent one first.
fn list(f: &mut fmt::Formatter<'_>, title: &str, reasons: &BTreeMap<String, usize>) -> fmt::Result {
    if reasons.is_empty() {
        return Ok(());
    }
    writeln!(f, "\n{title}:\n")?;
    let mut reasons: Vec<_> = reasons.iter().collect();
    reasons.sort_by_key(|(reason, count)| (std::cmp::Reverse(**count), *reason));
    for (reason, count) in reasons {
        writeln!(f, "- {count}: {reason}")?;
    }
    Ok(())
}
