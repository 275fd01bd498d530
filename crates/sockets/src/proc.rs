//! `/proc/net`: the sockets where socket diagnostics are refused, and a counter that only lies there.
//!
//! The tables have one line per socket; addresses are written as the machine's own 32-bit words.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use crate::snapshot::{RawSocket, Sockets};

/// A folder with the kernel's tables.
#[derive(Debug)]
pub(crate) struct Tables {
    folder: PathBuf,
}

impl Tables {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Every TCP socket. The table of IPv6 may be missing, where the kernel has no IPv6.
    pub(crate) fn sockets(&self) -> Result<Sockets, (PathBuf, io::Error)> {
        let mut sockets = Sockets::default();
        for (name, needed) in [("tcp", true), ("tcp6", false)] {
            let file = self.folder.join(name);
            match std::fs::read_to_string(&file) {
                Ok(table) => read_table(&table, &mut sockets).map_err(|error| (file, error))?,
                Err(error) if !needed && error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err((file, error)),
            }
        }
        Ok(sockets)
    }

    /// How many connections were opened to this namespace.
    pub(crate) fn passive_opens(&self) -> Option<u64> {
        passive_opens(&std::fs::read_to_string(self.folder.join("snmp")).ok()?)
    }
}

/// Reads a table; its first line names the columns.
fn read_table(table: &str, sockets: &mut Sockets) -> io::Result<()> {
    for line in table.lines().skip(1).filter(|line| !line.trim().is_empty()) {
        let told = read_line(line).ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidData, format!("not a socket: {}", line.trim()))
        })?;
        sockets.add(told);
    }
    Ok(())
}

fn read_line(line: &str) -> Option<RawSocket> {
    let mut columns = line.split_ascii_whitespace().skip(1);
    let local = address(columns.next()?)?;
    let remote = address(columns.next()?)?;
    let state = u8::from_str_radix(columns.next()?, 16).ok()?;
    let (send, receive) = columns.next()?.split_once(':')?;
    // Timer, retransmissions, user, timeout.
    let inode: u64 = columns.nth(4)?.parse().ok()?;
    Some(RawSocket {
        local,
        remote,
        state,
        receive_queue: u32::from_str_radix(receive, 16).ok()?,
        send_queue: u32::from_str_radix(send, 16).ok()?,
        tells_backlog: false,
        inode: u32::try_from(inode).ok()?,
        cookie: 0,
        time_wait_left: None,
        traffic: None,
    })
}

fn address(column: &str) -> Option<SocketAddr> {
    let (words, port) = column.split_once(':')?;
    let word = |at: usize| Some(u32::from_str_radix(words.get(at..at + 8)?, 16).ok()?.to_ne_bytes());
    let address: IpAddr = match words.len() {
        8 => Ipv4Addr::from(word(0)?).into(),
        32 => {
            let mut bytes = [0; 16];
            for (index, chunk) in bytes.chunks_mut(4).enumerate() {
                chunk.copy_from_slice(&word(index * 8)?);
            }
            Ipv6Addr::from(bytes).into()
        }
        _ => return None,
    };
    Some(SocketAddr::new(address, u16::from_str_radix(port, 16).ok()?))
}

/// Finds the counter in `snmp`: one line of names, one of numbers.
fn passive_opens(snmp: &str) -> Option<u64> {
    let mut lines = snmp.lines().filter_map(|line| line.strip_prefix("Tcp:"));
    let (names, numbers) = (lines.next()?, lines.next()?);
    let column = names.split_ascii_whitespace().position(|name| name == "PassiveOpens")?;
    numbers.split_ascii_whitespace().nth(column)?.parse().ok()
}

#[cfg(test)]
mod tests;
