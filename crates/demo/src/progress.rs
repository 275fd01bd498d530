//! Where what goes on is told: whoever runs the demo knows how to show it.

/// One line for the state of the moment, and lines that stay. Dropped when there is nothing more to tell.
pub trait Progress {
    /// The state of the moment, in the place of the one before.
    fn now(&mut self, text: &str);
    /// Something that stays.
    fn say(&mut self, text: &str);
}
