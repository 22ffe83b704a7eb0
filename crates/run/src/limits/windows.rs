//! The counterpart of a control group on Windows: a job object, which ends with
//! its last handle and takes every process in it along. For a supervisor there;
//! the rest of this crate is for Unix so far.
//!
//! See Microsoft's "Job Objects" (`winnt.h`). A limit on memory makes allocations
//! fail, one on processes makes `CreateProcess` fail: neither ends the job, and
//! whoever holds it looks at what it used.
#![expect(unsafe_code, reason = "the functions of the system have no safe wrapper")]

use std::io;
use std::os::windows::io::{AsRawHandle as _, FromRawHandle as _, OwnedHandle};
use std::process::Child;
use std::ptr;

use windows_sys::Win32::System::JobObjects::{
    AssignProcessToJobObject, CreateJobObjectW, JOB_OBJECT_LIMIT_ACTIVE_PROCESS,
    JOB_OBJECT_LIMIT_DIE_ON_UNHANDLED_EXCEPTION, JOB_OBJECT_LIMIT_JOB_MEMORY,
    JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE, JOBOBJECT_EXTENDED_LIMIT_INFORMATION,
    JobObjectExtendedLimitInformation, QueryInformationJobObject, SetInformationJobObject,
    TerminateJobObject,
};

use crate::Limits;

/// Bytes of the structure that both ways of asking take.
const SIZE: u32 = size_of::<JOBOBJECT_EXTENDED_LIMIT_INFORMATION>() as u32;

/// All processes of one trial. Dropping it kills them.
#[derive(Debug)]
pub struct JobObject(OwnedHandle);

impl JobObject {
    /// An empty job with the limits on memory and processes.
    ///
    /// # Errors
    /// When the system refuses it.
    pub fn new(limits: &Limits) -> io::Result<JobObject> {
        // SAFETY: neither attributes nor a name are given, as is allowed.
        let handle = unsafe { CreateJobObjectW(ptr::null(), ptr::null()) };
        if handle.is_null() {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the handle is new, and nobody else closes it.
        let job = JobObject(unsafe { OwnedHandle::from_raw_handle(handle) });
        let mut information = JOBOBJECT_EXTENDED_LIMIT_INFORMATION::default();
        let basic = &mut information.BasicLimitInformation;
        // Without the second, a crash would wait for a person to close a window.
        basic.LimitFlags =
            JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE | JOB_OBJECT_LIMIT_DIE_ON_UNHANDLED_EXCEPTION;
        if let Some(processes) = limits.processes {
            basic.LimitFlags |= JOB_OBJECT_LIMIT_ACTIVE_PROCESS;
            basic.ActiveProcessLimit = u32::try_from(processes).unwrap_or(u32::MAX);
        }
        if let Some(memory) = limits.memory {
            basic.LimitFlags |= JOB_OBJECT_LIMIT_JOB_MEMORY;
            information.JobMemoryLimit = usize::try_from(memory).unwrap_or(usize::MAX);
        }
        // SAFETY: the pointer is to a live structure of the size that is given.
        let done = unsafe {
            SetInformationJobObject(
                job.0.as_raw_handle(),
                JobObjectExtendedLimitInformation,
                (&raw const information).cast(),
                SIZE,
            )
        };
        if done == 0 { Err(io::Error::last_os_error()) } else { Ok(job) }
    }

    /// Takes in a process that was started suspended (`CREATE_SUSPENDED`), so
    /// that what it starts is in the job as well.
    ///
    /// # Errors
    /// When it has ended, or is in a job that does not let it go.
    pub fn take(&self, child: &Child) -> io::Result<()> {
        // SAFETY: both handles are open for as long as they are borrowed.
        let done =
            unsafe { AssignProcessToJobObject(self.0.as_raw_handle(), child.as_raw_handle()) };
        if done == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    /// The most memory that all processes together had committed, in bytes.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn peak_memory(&self) -> io::Result<u64> {
        let mut information = JOBOBJECT_EXTENDED_LIMIT_INFORMATION::default();
        // SAFETY: the pointer is to a live structure of the size that is given;
        // nobody needs to know how much of it was filled.
        let done = unsafe {
            QueryInformationJobObject(
                self.0.as_raw_handle(),
                JobObjectExtendedLimitInformation,
                (&raw mut information).cast(),
                SIZE,
                ptr::null_mut(),
            )
        };
        if done == 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(information.PeakJobMemoryUsed as u64)
    }

    /// Kills every process in it.
    ///
    /// # Errors
    /// When the system refuses it.
    pub fn kill(&self) -> io::Result<()> {
        // SAFETY: the handle is open.
        let done = unsafe { TerminateJobObject(self.0.as_raw_handle(), 1) };
        if done == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }
}
