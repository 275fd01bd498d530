//! What the port answers from, below everything that answers.

use crate::driver::Shared;
use crate::folder::HookConfig;
use std::cell::RefCell;
use std::rc::Rc;

/// What the port answers from.
pub(crate) struct Control {
    pub(crate) shared: Rc<Shared>,
    pub(crate) config: RefCell<Option<HookConfig>>,
    /// What the start still waits for; `None` once it has started.
    pub(crate) starting: RefCell<Option<String>>,
}

impl Control {
    pub(crate) fn new(shared: Rc<Shared>) -> Rc<Self> {
        let starting = RefCell::new(Some("the start".to_owned()));
        Rc::new(Self { shared, config: RefCell::new(None), starting })
    }

    /// The application's ports, once it has started.
    pub(crate) fn ports(&self) -> Option<Vec<u16>> {
        let config = self.config.borrow();
        Some(config.as_ref()?.plan.ports.iter().map(|port| port.application).collect())
    }

    /// From now on hooks are listened to and the startup probe passes.
    pub(crate) fn start(&self, config: HookConfig) {
        self.config.replace(Some(config));
        self.starting.replace(None);
    }
}
