//! What became of each workload, in the order of the files: said last, where a reader of a long log looks.

use std::fmt;

use segue_manifest::inject::{Fate, Outcome, Told};

/// One line for each workload, and one with the counts. Empty if there is nothing to say.
pub(super) struct Summary<'o>(pub(super) &'o Outcome);

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fates = ["injected", "taken out", "left alone", "refused"];
        let mut counts = [0_usize; 4];
        for Told { object, fate } in &self.0.workloads {
            let kind = match fate {
                Fate::Injected => 0,
                Fate::TakenOut => 1,
                Fate::LeftAlone => 2,
                Fate::Refused(_) => 3,
            };
            counts[kind] += 1;
            write!(f, "{}: {object}", fates[kind])?;
            if let Fate::Refused(why) = fate {
                let own = format!("{object}: ");
                let why: Vec<_> =
                    why.iter().map(|one| one.message.strip_prefix(&own).unwrap_or(&one.message)).collect();
                write!(f, ", which stays as it was: {}", why.join("; "))?;
            }
            writeln!(f)?;
        }
        let counted = fates.iter().zip(counts).filter(|(_, count)| *count > 0);
        let counted: Vec<_> = counted.map(|(fate, count)| format!("{count} {fate}")).collect();
        f.write_str(&counted.join(", "))
    }
}
