//! Values that are right by themselves, and do not fit each other.

use std::ops::Range;

use segue_supervisor::duration::format;
use segue_yaml::Diagnostic;

use super::Validator;
use crate::spec::raw::RawSpec;
use crate::spec::{Spec, Strategy};

impl Validator<'_> {
    pub(super) fn combinations(&mut self, raw: &RawSpec, spec: &Spec) {
        self.floor(raw, spec);
        self.deadlines(raw, spec);
        let explicit =
            raw.ready.as_ref().and_then(|ready| ready.interval.as_ref().zip(ready.timeout.as_ref()));
        if let Some((_, timeout)) = explicit.filter(|_| spec.ready.timeout > spec.ready.interval) {
            let (interval, most) = (format(spec.ready.interval), format(spec.ready.timeout));
            let message = format!(
                "a check that gets no answer holds the next one up: it comes after {most}, not {interval}"
            );
            self.found.push(
                Diagnostic::warning(message)
                    .at(self.file, timeout.span.clone())
                    .help("a `timeout` that is not longer than `interval`"),
            );
        }
    }

    fn floor(&mut self, raw: &RawSpec, spec: &Spec) {
        let Strategy::Rolling { surge, unavailable } = spec.strategy;
        let rolling = raw.strategy.as_ref().and_then(|strategy| strategy.rolling.as_ref());
        let surge_span = rolling.and_then(|rolling| rolling.surge.as_ref()).map(|at| at.span.clone());
        let unavailable_span =
            rolling.and_then(|rolling| rolling.unavailable.as_ref()).map(|at| at.span.clone());
        if surge == 0 && unavailable == 0 {
            let span = surge_span.or(unavailable_span).unwrap_or(0..0);
            let wrong =
                Diagnostic::error("with `surge: 0` and `unavailable: 0` nothing could ever be replaced");
            let help =
                "`surge: 1` (one more runs meanwhile), or `unavailable: 1` (one fewer serves meanwhile)";
            self.wrong::<()>(&span, wrong.help(help));
        } else if unavailable >= spec.replicas.get() {
            let span: Range<usize> = unavailable_span.unwrap_or(0..0);
            let all = spec.replicas;
            let wrong = Diagnostic::error(format!(
                "with `unavailable: {unavailable}` none of {all} need serve meanwhile"
            ));
            let help = match all.get() {
                1 => "`unavailable: 0`, or more replicas".to_owned(),
                all => format!("at most `unavailable: {}`", all - 1),
            };
            self.wrong::<()>(&span, wrong.help(help));
        }
    }

    fn deadlines(&mut self, raw: &RawSpec, spec: &Spec) {
        let span =
            |keys: [Option<&Range<usize>>; 2]| keys.into_iter().flatten().next().cloned().unwrap_or(0..0);
        let drain = raw.drain_deadline.as_ref().map(|at| &at.span);
        let deadline = format(spec.drain_deadline);
        if spec.longest_request > spec.drain_deadline {
            let longest = format(spec.longest_request);
            let at = span([raw.longest_request.as_ref().map(|at| &at.span), drain]);
            self.found.push(
                Diagnostic::warning(format!(
                    "a request that takes its {longest} is cut {deadline} after a drain began"
                ))
                .at(self.file, at)
                .help(format!("`drainDeadline: {longest}` or more")),
            );
        }
        if spec.websocket_grace > spec.drain_deadline {
            let at = span([raw.websocket_grace.as_ref().map(|at| &at.span), drain]);
            let message =
                format!("WebSockets are cut at `drainDeadline` ({deadline}) before they are asked to go");
            let warning = Diagnostic::warning(message).at(self.file, at);
            self.found.push(warning.help("a `websocketGrace` shorter than `drainDeadline`"));
        }
        if spec.progress_deadline < spec.drain_deadline {
            let progress = format(spec.progress_deadline);
            let at = span([raw.progress_deadline.as_ref().map(|at| &at.span), drain]);
            let message =
                format!("an upgrade goes back after {progress}, though one drain alone may take {deadline}");
            let warning = Diagnostic::warning(message).at(self.file, at);
            self.found.push(warning.help(format!("a `progressDeadline` longer than {deadline}")));
        }
    }
}
