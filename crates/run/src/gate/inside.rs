//! The inner side: a network of its own with nothing in it but the doors, and
//! who comes to them is handed out.

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::net::{IpAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};

use super::Doors;
use crate::sys;

/// The doors, open.
pub(crate) struct Gate {
    listeners: Vec<TcpListener>,
    /// To the supervisor.
    out: OwnedFd,
}

impl Gate {
    /// Leaves whatever network this process is in for one of its own, and opens
    /// the doors there. To be called before the process gives up its rights, of
    /// which it needs those over networks, and while it has one thread.
    ///
    /// # Errors
    /// What does not work, and what to do.
    pub(crate) fn open(doors: &Doors, out: OwnedFd) -> Result<Gate, String> {
        let failed = |error: io::Error| {
            format!(
                "single hosts cannot be opened for it ({error}); a security module may forbid it (as AppArmor's profile `unpriv_bwrap`): give `bwrap` a profile of its own, or all of the network to proposers with `propose.network = true`"
            )
        };
        sys::leave_network().map_err(failed)?;
        let mut listeners = Vec::new();
        for place in &doors.0 {
            if let IpAddr::V4(address) = place.ip()
                && !address.is_loopback()
            {
                sys::adopt_address(listeners.len(), address).map_err(failed)?;
            }
            let listener = match TcpListener::bind(place) {
                // A kernel without IPv6 has no such place, and nobody looks there.
                Err(_) if place.is_ipv6() => TcpListener::bind(("127.0.0.1", 0)),
                listener => listener,
            };
            let listener = listener.map_err(failed)?;
            listener.set_nonblocking(true).map_err(failed)?;
            listeners.push(listener);
        }
        Ok(Gate { listeners, out })
    }

    /// What to wait for.
    pub(crate) fn awaited(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.listeners.iter().map(|listener| listener.as_fd())
    }

    /// Hands out who has come. Whoever cannot be handed out is turned away.
    pub(crate) fn attend(&self) {
        for (number, listener) in (0_u16..).zip(&self.listeners) {
            while let Ok((caller, _)) = listener.accept() {
                let _ = self.hand_out(number, &caller);
            }
        }
    }

    fn hand_out(&self, number: u16, caller: &TcpStream) -> rustix::io::Result<usize> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        let files = [caller.as_fd()];
        control.push(SendAncillaryMessage::ScmRights(&files));
        let text = number.to_le_bytes();
        sendmsg(
            &self.out,
            &[IoSlice::new(&text)],
            &mut control,
            SendFlags::DONTWAIT | SendFlags::NOSIGNAL,
        )
    }
}
