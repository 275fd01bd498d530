//! Starting a process as another user.
//!
//! In Linux credentials belong to a thread. One that lives for the spawn alone takes the user's, the process that it
//! starts inherits them, and no other thread ever had them: all by safe calls, the supplementary groups too.

use std::io;
use std::path::PathBuf;
use std::process::{Child, Command};

use rustix::process::{Gid, Uid};
use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};
use serde::{Deserialize, Serialize};

/// A user, looked up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The name, or the number if it has none.
    pub name: String,
    /// The user's number.
    pub uid: u32,
    /// The main group's number.
    pub gid: u32,
    /// All groups' numbers, the main group's too.
    pub groups: Vec<u32>,
    /// The home folder, if the user has a name.
    pub home: Option<PathBuf>,
}

/// Starts the command as that user. The program is looked up and the folder entered with the user's own rights.
pub(super) fn spawn_as(user: &User, mut command: Command) -> io::Result<Child> {
    let (uid, gid) = (Uid::from_raw(user.uid), Gid::from_raw(user.gid));
    let groups: Vec<Gid> = user.groups.iter().copied().map(Gid::from_raw).collect();
    let spawner = std::thread::Builder::new().name("spawn".to_owned()).spawn(move || {
        // The groups first and the user last: after that nothing else may be changed.
        set_thread_groups(&groups)?;
        set_thread_res_gid(gid, gid, gid)?;
        set_thread_res_uid(uid, uid, uid)?;
        command.spawn()
    })?;
    spawner.join().unwrap_or_else(|_| Err(io::Error::other("the thread that starts it panicked")))
}
