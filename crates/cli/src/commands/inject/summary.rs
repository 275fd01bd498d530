//! What became of each workload, in the order of the files: said last, where a reader of a long log looks.

use std::fmt;

use segue_manifest::inject::{Fate, Outcome, Told};
use segue_yaml::Diagnostic;

/// One line for each workload, and one with the counts. Empty if there is nothing to say.
pub(super) struct Summary<'o>(pub(super) &'o Outcome);

const FATES: [&str; 4] = ["injected", "taken out", "left alone", "refused"];

fn kind(fate: &Fate) -> usize {
    match fate {
        Fate::Injected => 0,
        Fate::TakenOut => 1,
        Fate::LeftAlone => 2,
        Fate::Refused(_) => 3,
    }
}

/// How many were injected, taken out, left alone and refused.
pub(super) fn counts(outcome: &Outcome) -> [usize; 4] {
    let mut counts = [0; 4];
    for told in &outcome.workloads {
        counts[kind(&told.fate)] += 1;
    }
    counts
}

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Told { object, fate, .. } in &self.0.workloads {
            write!(f, "{}: {object}", FATES[kind(fate)])?;
            if let Fate::Refused(why) = fate {
                let own = |one: &Diagnostic| one.subject.as_ref() == Some(object);
                let why = why.iter().map(|one| if own(one) { one.what() } else { one.message.as_str() });
                let why: Vec<_> = why.collect();
                write!(f, ", which stays as it was: {}", why.join("; "))?;
            }
            writeln!(f)?;
        }
        let counted = FATES.iter().zip(counts(self.0)).filter(|(_, count)| *count > 0);
        let counted: Vec<_> = counted.map(|(fate, count)| format!("{count} {fate}")).collect();
        f.write_str(&counted.join(", "))
    }
}
