//! System calls that no command of ours needs and an intruder would: denied
//! by a filter that the process and all that it starts keep. What is not named
//! here is allowed.

use std::collections::BTreeMap;

use autoresearch_core::trial::Protection;
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen as Width, SeccompCmpOp as Is,
    SeccompCondition as Condition, SeccompFilter, SeccompRule, TargetArch,
};

/// System calls, each with the arguments that are denied; none is any.
type Denied = BTreeMap<i64, Vec<SeccompRule>>;

/// The filters of a way to be confined, to be applied in any order.
///
/// # Errors
/// When this processor's system calls are not known.
pub(super) fn filters_for(
    protection: Protection,
    network: bool,
    landlock: i32,
) -> Result<Vec<BpfProgram>, String> {
    let build = || -> Result<Vec<BpfProgram>, BackendError> {
        let mut denied = denied()?;
        let is_restricted = protection == Protection::Restricted;
        denied.insert(libc::SYS_socket, other_families(is_restricted && !network)?);
        if is_restricted && landlock < 3 {
            // Landlock does not know yet that shortening is writing.
            denied.insert(libc::SYS_truncate, Vec::new());
            deny_truncating_readers(&mut denied)?;
        }
        let arch = TargetArch::try_from(std::env::consts::ARCH)?;
        let errno = SeccompAction::Errno(libc::EPERM.unsigned_abs());
        let filter = SeccompFilter::new(denied, SeccompAction::Allow, errno, arch)?;
        Ok(vec![filter.try_into()?, unknown()])
    };
    build().map_err(|error| format!("the filter of system calls cannot be made: {error}"))
}

/// The same on every processor (Linux 6.6); not in `libc` for all.
const SYS_FCHMODAT2: i64 = 452;

/// Input for the terminal (`TIOCSTI`), what `TIOCLINUX` does, another line
/// discipline (`TIOCSETD`), the console (`TIOCCONS`).
const TERMINAL: [u64; 4] = [0x5412, 0x541C, 0x5423, 0x541D];

/// Execution domains that take no protection away: Linux as it is, with 32 bits
/// or an old version's number, and the question which one it is.
const DOMAINS: [u64; 5] = [0, 0x8, 0x2_0000, 0x2_0008, 0xffff_ffff];

fn denied() -> Result<Denied, BackendError> {
    let mut denied: Denied = ALWAYS.iter().map(|call| (*call, Vec::new())).collect();
    let mut deny = |call, rules| {
        denied.insert(call, rules);
    };
    let flag = |at, bit: libc::c_int| masked(at, u64::from(bit.cast_unsigned()));

    // Namespaces, in which one would be root.
    let namespaces = [
        libc::CLONE_NEWNS,
        libc::CLONE_NEWCGROUP,
        libc::CLONE_NEWUTS,
        libc::CLONE_NEWIPC,
        libc::CLONE_NEWUSER,
        libc::CLONE_NEWPID,
        libc::CLONE_NEWNET,
    ];
    deny(
        libc::SYS_clone,
        namespaces
            .iter()
            .map(|bit| SeccompRule::new(vec![flag(0, *bit)?]))
            .collect::<Result<_, _>>()?,
    );
    deny(
        libc::SYS_ioctl,
        TERMINAL
            .iter()
            .map(|request| SeccompRule::new(vec![low(1, Is::Eq, *request)?]))
            .collect::<Result<_, _>>()?,
    );
    // Execution domains with less protection.
    deny(libc::SYS_personality, vec![none_of(0, &DOMAINS)?]);

    // Programs that run as their owner, for somebody outside to start.
    let set_id = [libc::S_ISUID, libc::S_ISGID].map(u64::from);
    let modes = |at| -> Result<Vec<SeccompRule>, BackendError> {
        set_id.iter().map(|bit| SeccompRule::new(vec![masked(at, *bit)?])).collect()
    };
    deny(libc::SYS_fchmod, modes(1)?);
    deny(libc::SYS_fchmodat, modes(2)?);
    deny(libc::SYS_mknodat, modes(2)?);
    let created = |flags, mode| -> Result<Vec<SeccompRule>, BackendError> {
        let mut rules = Vec::new();
        for creates in [libc::O_CREAT, libc::O_TMPFILE & !libc::O_DIRECTORY] {
            for bit in set_id {
                rules.push(SeccompRule::new(vec![flag(flags, creates)?, masked(mode, bit)?])?);
            }
        }
        Ok(rules)
    };
    deny(libc::SYS_openat, created(2, 3)?);
    #[cfg(target_arch = "x86_64")]
    {
        deny(libc::SYS_chmod, modes(1)?);
        deny(libc::SYS_mknod, modes(1)?);
        deny(libc::SYS_creat, modes(1)?);
        deny(libc::SYS_open, created(1, 2)?);
    }
    Ok(denied)
}

const ALWAYS: &[i64] = &[
    // What is mounted where.
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_open_tree,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    // Other namespaces.
    libc::SYS_setns,
    libc::SYS_unshare,
    // Other processes' memory and files.
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_pidfd_getfd,
    libc::SYS_kcmp,
    // Files without a path, which no rule about paths sees.
    libc::SYS_open_by_handle_at,
    // Parts of the kernel that are known for their holes.
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_fanotify_init,
    libc::SYS_vhangup,
    libc::SYS_nfsservctl,
    // The machine itself.
    libc::SYS_kexec_load,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_reboot,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_adjtimex,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_quotactl,
    libc::SYS_acct,
    libc::SYS_syslog,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_kexec_file_load,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_iopl,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_ioperm,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_modify_ldt,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_uselib,
];

/// Sockets of any but these families: some, as `AF_VSOCK`, leave every
/// namespace, most are seldom used parts of the kernel.
fn other_families(only_unix: bool) -> Result<Vec<SeccompRule>, BackendError> {
    let ours = [libc::AF_UNIX, libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK];
    let ours = if only_unix { &ours[..1] } else { &ours[..] };
    let ours: Vec<u64> = ours.iter().map(|family| u64::from(family.cast_unsigned())).collect();
    Ok(vec![none_of(0, &ours)?])
}

/// `O_TRUNC` of a file that is opened for reading only shortens it all the same.
fn deny_truncating_readers(denied: &mut Denied) -> Result<(), BackendError> {
    let rule = |flags| -> Result<SeccompRule, BackendError> {
        let access = u64::from(libc::O_ACCMODE.cast_unsigned());
        let truncates = u64::from(libc::O_TRUNC.cast_unsigned());
        SeccompRule::new(vec![
            masked(flags, truncates)?,
            low(flags, Is::MaskedEq(access), u64::from(libc::O_RDONLY.cast_unsigned()))?,
        ])
    };
    denied.entry(libc::SYS_openat).or_default().push(rule(2)?);
    #[cfg(target_arch = "x86_64")]
    denied.entry(libc::SYS_open).or_default().push(rule(1)?);
    Ok(())
}

/// That an argument, of which the kernel looks at the lower half, compares so.
fn low(at: u8, is: Is, value: u64) -> Result<Condition, BackendError> {
    Condition::new(at, Width::Dword, is, value)
}

/// That an argument has these bits.
fn masked(at: u8, bits: u64) -> Result<Condition, BackendError> {
    low(at, Is::MaskedEq(bits), bits)
}

/// That an argument is none of these values.
fn none_of(at: u8, values: &[u64]) -> Result<SeccompRule, BackendError> {
    SeccompRule::new(values.iter().map(|value| low(at, Is::Ne, *value)).collect::<Result<_, _>>()?)
}

/// Says of some system calls that they are unknown, so that callers take the
/// older call: these have their arguments in memory, where no filter looks. On
/// x86-64 also of the second set of numbers that there is for all calls (x32).
fn unknown() -> BpfProgram {
    const CALLS: [i64; 3] = [libc::SYS_clone3, libc::SYS_openat2, SYS_FCHMODAT2];
    const X32: u32 = 0x4000_0000;
    let step = |code: u32, jt, jf, k| {
        let code = u16::try_from(code).unwrap_or_default();
        seccompiler::sock_filter { code, jt, jf, k }
    };
    let equal = libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K;
    let number = |call: i64| u32::try_from(call).unwrap_or_default();
    // The number of the call is the first field of `seccomp_data`. Whoever
    // jumps, jumps behind `ALLOW`.
    let mut program = vec![step(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, 0)];
    for (left, call) in (1..=3).rev().zip(CALLS) {
        program.push(step(equal, left + 1, 0, number(call)));
    }
    let from = if cfg!(target_arch = "x86_64") { X32 } else { u32::MAX };
    program.push(step(libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K, 1, 0, from));
    let unknown = libc::SECCOMP_RET_ERRNO | libc::ENOSYS.unsigned_abs();
    program.push(step(libc::BPF_RET | libc::BPF_K, 0, 0, libc::SECCOMP_RET_ALLOW));
    program.push(step(libc::BPF_RET | libc::BPF_K, 0, 0, unknown));
    program
}
