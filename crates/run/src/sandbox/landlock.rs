//! Landlock: which files may be read, run and changed, kept by the kernel for
//! the process and all that it starts. Source: the kernel's
//! `Documentation/userspace-api/landlock.rst`.

use std::fs;

use autoresearch_core::trial::Protection;
use landlock::{
    ABI, Access as _, AccessFs, BitFlags, PathBeneath, PathFd, Ruleset, RulesetAttr as _,
    RulesetCreated, RulesetCreatedAttr as _, RulesetError, Scope,
};

use super::plan::{Plan, Raw};
use crate::sys;

/// The rules of a plan, to be put into force by `restrict_self`. `None` where a
/// sandbox has to do without: on a kernel that lacks Landlock, or whose Landlock
/// would forbid to move a file from one folder to another (before 5.19).
///
/// # Errors
/// Why the command cannot be confined, and what to do.
pub(super) fn rules_of(plan: &Plan) -> Result<Option<RulesetCreated>, String> {
    let abi = abi_of(sys::landlock_version());
    let is_alone = plan.protection == Protection::Restricted;
    if abi == ABI::Unsupported && is_alone {
        return Err("this kernel has no Landlock; it takes Linux 5.13 with `landlock` among the security modules (`lsm=` on the kernel's command line)".to_owned());
    }
    if abi < ABI::V2 && !is_alone {
        return Ok(None);
    }
    let fails = |error: RulesetError| format!("Landlock refuses the rules: {error}");
    rules(plan, abi, is_alone).map(Some).map_err(fails)
}

fn rules(plan: &Plan, abi: ABI, is_alone: bool) -> Result<RulesetCreated, RulesetError> {
    let (read, all) = (AccessFs::from_read(abi), AccessFs::from_all(abi));
    // What a sandbox does not show need not be forbidden; its devices are few,
    // and its sockets are its own.
    let handled =
        if is_alone { all } else { all & !read & !(AccessFs::IoctlDev | AccessFs::ResolveUnix) };
    let mut ruleset = Ruleset::default().handle_access(handled)?;
    let scope = Scope::from_all(abi);
    if !scope.is_empty() {
        ruleset = ruleset.scope(scope)?;
    }
    let mut created = ruleset.create()?;
    if is_alone {
        created = allow(created, &plan.readable, read)?;
    }
    allow(created, &plan.writable, handled)
}

/// What does not exist, or cannot be seen, is passed over.
fn allow(
    mut rules: RulesetCreated,
    paths: &[Raw],
    access: BitFlags<AccessFs>,
) -> Result<RulesetCreated, RulesetError> {
    // What can be done to something that is no folder.
    let of_file = AccessFs::from_file(ABI::V9);
    for path in paths {
        let Ok(fd) = PathFd::new(path.path()) else { continue };
        let is_folder = fs::metadata(path.path()).is_ok_and(|metadata| metadata.is_dir());
        let access = if is_folder { access } else { access & of_file };
        rules = rules.add_rule(PathBeneath::new(fd, access))?;
    }
    Ok(rules)
}

fn abi_of(version: i32) -> ABI {
    match version {
        ..=0 => ABI::Unsupported,
        1 => ABI::V1,
        2 => ABI::V2,
        3 => ABI::V3,
        4 => ABI::V4,
        5 => ABI::V5,
        6 => ABI::V6,
        7 => ABI::V7,
        8 => ABI::V8,
        9.. => ABI::V9,
    }
}
