//! What instances said: their log folders followed, and their lines shown with a prefix.

mod follower;
mod prefix;

pub use follower::{Follower, Line, Since};
pub use prefix::Prefixes;
