//! What is left of an instance's process group once its main process has ended.

use std::io;

use rustix::process::Signal;

use crate::process::{self, Handle, Identity};

/// A group that starts new processes as fast as they are ended is given up after so many looks.
const LOOKS: u32 = 20;

/// The processes that are left of the group, those that have ended but are not collected left out. They are told from a
/// foreign group that may have the number by now: by the keeper's session, and because none can be older than the main
/// process was.
pub(crate) fn members(main: Identity, session: i32) -> io::Result<Vec<Identity>> {
    process::find(|stat| {
        stat.group == main.pid
            && stat.session == session
            && stat.start_time >= main.start_time
            && !stat.ended()
    })
}

/// Ends them one by one, each looked at again before it is signalled.
pub(crate) fn kill_members(main: Identity, session: i32) -> io::Result<()> {
    for _ in 0..LOOKS {
        let members = members(main, session)?;
        if members.is_empty() {
            return Ok(());
        }
        for member in members {
            if let Some(handle) = Handle::open(member)? {
                handle.signal(Signal::KILL)?;
            }
        }
    }
    Err(io::Error::other("its process group starts new processes as fast as they are ended"))
}
