//! A sandbox's namespaces and mounts, as arguments of bubblewrap (`bwrap`).

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::fd::RawFd;
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};

use super::view::View;

/// Devices of GPUs and their like, by how their names begin.
const DEVICES: &[&str] = &["nvidia", "kfd", "dri", "dxg", "accel"];
/// Who the command is inside when the engine runs as root. To the machine it
/// stays root without any of root's rights, and new files are root's.
const ORDINARY: &str = "1000";

/// An installed bubblewrap.
pub(crate) struct Bubblewrap {
    pub(crate) program: PathBuf,
    /// Whether it is as old as 0.6: without `--size` and `--disable-userns`.
    is_old: bool,
}

impl Bubblewrap {
    /// Looks for it where the supervisor's programs are.
    ///
    /// # Errors
    /// That it is not there, and what to do.
    pub(crate) fn find(path: Option<&OsStr>) -> Result<Bubblewrap, String> {
        let folders = path.map(|path| std::env::split_paths(path).collect::<Vec<_>>());
        folders
            .into_iter()
            .flatten()
            .chain(["/usr/bin", "/usr/local/bin", "/bin"].map(PathBuf::from))
            .filter(|folder| folder.is_absolute())
            .map(|folder| folder.join("bwrap"))
            .find(|program| program.is_file())
            .map(|program| Bubblewrap { is_old: !knows(&program, b"disable-userns"), program })
            .ok_or_else(|| {
                "bubblewrap (`bwrap`) is not installed; install the package `bubblewrap`".to_owned()
            })
    }

    /// All arguments before the program that is to run inside. `private` is the
    /// folder with the job's `tmp` and `home`; without one both are in memory.
    /// `names` is what `/etc/hosts` is to say where single hosts are open.
    pub(crate) fn arguments(
        &self,
        view: &View,
        private: Option<&Path>,
        network: bool,
        shared_memory: u64,
        names: Option<RawFd>,
    ) -> Vec<OsString> {
        let mut arguments = Arguments::default();
        arguments.add(["--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts"]);
        arguments.add(["--unshare-cgroup-try", "--die-with-parent", "--as-pid-1"]);
        arguments.add(["--cap-drop", "ALL"]);
        if names.is_some() {
            // The first process makes a network of its own, with doors on ports
            // that not everybody may have, and gives all of this up.
            for right in ["CAP_SYS_ADMIN", "CAP_NET_ADMIN", "CAP_NET_BIND_SERVICE", "CAP_SETPCAP"] {
                arguments.add(["--cap-add", right]);
            }
        }
        if !network {
            arguments.add(["--unshare-net"]);
        }
        if !self.is_old {
            arguments.add(["--disable-userns"]);
        }
        if rustix::process::geteuid().is_root() {
            arguments.add(["--uid", ORDINARY, "--gid", ORDINARY]);
        }
        arguments.add(["--proc", "/proc", "--dev", "/dev"]);
        // Root's files there need no power of root to be written, only its
        // identity, which the mapped user keeps outside; bubblewrap itself
        // covers them only where their folders look writable.
        for settings in ["/proc/sys", "/proc/irq", "/proc/bus", "/proc/fs", "/proc/acpi"] {
            arguments.add(["--ro-bind-try", settings, settings]);
        }
        if !self.is_old {
            arguments.add(["--size", &shared_memory.to_string()]);
        }
        arguments.add(["--perms", "1777", "--tmpfs", "/dev/shm"]);
        for device in devices() {
            arguments.on("--dev-bind-try", &device);
        }
        // Folders in memory are made and gone in no time; what is downloaded
        // into the home folder may be too much for it.
        let home = private.filter(|_| network);
        for (path, mount) in mounts(view) {
            match mount {
                Mount::Own("home") if home.is_none() => self.in_memory(&mut arguments, &path),
                mount => arguments.mount(&path, &mount, private),
            }
        }
        if let Some(names) = names {
            let place = Path::new("/etc/hosts");
            let real = place.canonicalize().unwrap_or_else(|_| place.to_owned());
            arguments.add(["--ro-bind-data", &names.to_string()]);
            arguments.0.push(real.into());
        }
        arguments.add(["--chdir", "/", "--"]);
        arguments.0
    }

    fn in_memory(&self, arguments: &mut Arguments, path: &Path) {
        if !self.is_old {
            arguments.add(["--size", HOME_IN_MEMORY]);
        }
        arguments.0.extend(["--perms", "0700", "--tmpfs"].map(OsString::from));
        arguments.0.push(path.into());
    }
}

/// Bytes that a home folder in memory may hold.
const HOME_IN_MEMORY: &str = "1073741824";

/// What is at a path.
#[derive(Debug, PartialEq)]
enum Mount<'a> {
    /// The job's own folder of this name.
    Own(&'static str),
    Link(&'a Path),
    Readable,
    Writable,
    /// Nothing to be seen.
    Covered,
}

/// Everything in the order in which it has to be done: folders before what
/// lies in them.
fn mounts(view: &View) -> BTreeMap<PathBuf, Mount<'_>> {
    let mut mounts = BTreeMap::new();
    if let Some(home) = view.home.as_ref().filter(|_| view.has_own_home) {
        mounts.insert(home.clone(), Mount::Own("home"));
    }
    if view.has_own_tmp {
        mounts.insert("/tmp".into(), Mount::Own("tmp"));
        let other = Path::new("/var/tmp");
        let mut places = view.readable.iter().chain(&view.writable).chain(view.links.keys());
        // Nothing can be mounted behind a link.
        let is_free = !places.any(|place| place.starts_with(other))
            && view.home.as_ref().is_none_or(|home| !home.starts_with(other));
        let mount = if is_free { Mount::Link(Path::new("/tmp")) } else { Mount::Own("tmp") };
        mounts.insert(other.into(), mount);
    }
    for (at, target) in &view.links {
        mounts.insert(at.clone(), Mount::Link(target));
    }
    // A folder that something protected lies in could be renamed, and another
    // put in its place. A place where something is mounted cannot.
    for path in &view.protected {
        for folder in path.ancestors().skip(1).take_while(|folder| view.is_changeable(folder)) {
            mounts.insert(folder.to_owned(), Mount::Writable);
        }
    }
    mounts.extend(view.readable.iter().map(|path| (path.clone(), Mount::Readable)));
    mounts.extend(view.writable.iter().map(|path| (path.clone(), Mount::Writable)));
    let no_link = |path: &&PathBuf| !path.is_symlink();
    let protected = view.protected.iter().filter(|path| view.is_changeable(path)).filter(no_link);
    mounts.extend(protected.map(|path| (path.clone(), Mount::Readable)));
    mounts.extend(view.hidden.iter().filter(no_link).map(|path| (path.clone(), Mount::Covered)));
    mounts
}

pub(crate) fn devices() -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir("/dev") else { return Vec::new() };
    entries
        .flatten()
        .filter(|entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            DEVICES.iter().any(|start| name.starts_with(start))
                && entry.file_type().is_ok_and(|t| t.is_char_device() || t.is_dir())
        })
        .map(|entry| entry.path())
        .collect()
}

#[derive(Default)]
struct Arguments(Vec<OsString>);

impl Arguments {
    fn add<const N: usize>(&mut self, words: [&str; N]) {
        self.0.extend(words.map(OsString::from));
    }

    /// An option whose source and place are the same.
    fn on(&mut self, option: &str, path: &Path) {
        self.bind(option, path, path);
    }

    fn bind(&mut self, option: &str, source: &Path, path: &Path) {
        self.0.extend([option.into(), source.into(), path.into()]);
    }

    fn mount(&mut self, path: &Path, mount: &Mount<'_>, private: Option<&Path>) {
        match (mount, private) {
            (Mount::Own(name), Some(private)) => self.bind("--bind", &private.join(name), path),
            (Mount::Own(_), None) => self.0.extend(["--tmpfs".into(), path.into()]),
            (Mount::Link(target), _) => self.bind("--symlink", target, path),
            (Mount::Readable, _) => self.on("--ro-bind", path),
            (Mount::Writable, _) => self.on("--bind", path),
            (Mount::Covered, _) if path.is_dir() => {
                self.add(["--perms", "0555", "--tmpfs"]);
                self.0.extend([path.into(), "--remount-ro".into(), path.into()]);
            }
            // A device cannot be opened there: as good as nothing.
            (Mount::Covered, _) => self.bind("--ro-bind", Path::new("/dev/null"), path),
        }
    }
}

/// Whether a program has these words in it; to ask it would cost another start.
fn knows(program: &Path, words: &[u8]) -> bool {
    fs::read(program).is_ok_and(|bytes| memchr::memmem::find(&bytes, words).is_some())
}

/// What a person can do about a bubblewrap that said this and ended.
pub(crate) fn remedy_for(said: &str) -> String {
    let said = said.trim();
    let remedy = if said.contains("RTM_NEWADDR") || said.contains("setting up uid map") {
        "AppArmor forbids it: give `/usr/bin/bwrap` a profile with `userns,` or set `kernel.apparmor_restrict_unprivileged_userns=0`"
    } else if said.contains("namespace") {
        "allow user namespaces: `sysctl kernel.unprivileged_userns_clone=1 user.max_user_namespaces=10000`; in a container, start it with `--security-opt seccomp=unconfined --security-opt apparmor=unconfined`"
    } else if said.contains("/ slave") || said.contains("proc") || said.contains("pivot_root") {
        "the container that this runs in forbids it: start it with `--security-opt seccomp=unconfined --security-opt apparmor=unconfined --security-opt systempaths=unconfined`"
    } else {
        "see whether `bwrap --ro-bind / / true` works"
    };
    if said.is_empty() {
        format!("bubblewrap ended without a word; {remedy}")
    } else {
        format!("bubblewrap says `{said}`; {remedy}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mounts_come_after_the_folders_they_lie_in_and_the_stricter_wins() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().canonicalize().unwrap();
        fs::create_dir_all(at.join("w/a/b")).unwrap();
        for file in ["w/a/b/eval.py", "w/.git"] {
            fs::write(at.join(file), "").unwrap();
        }
        let view = View {
            home: Some(at.clone()),
            has_own_home: true,
            writable: [at.join("w")].into(),
            protected: [at.join("w/a/b/eval.py"), at.join("w/.git")].into(),
            hidden: [at.join("w/.git")].into(),
            ..View::default()
        };
        let mounts: Vec<_> = mounts(&view).into_iter().collect();
        let expected = [
            (at.clone(), Mount::Own("home")),
            (at.join("w"), Mount::Writable),
            (at.join("w/.git"), Mount::Covered),
            (at.join("w/a"), Mount::Writable),
            (at.join("w/a/b"), Mount::Writable),
            (at.join("w/a/b/eval.py"), Mount::Readable),
        ];
        assert_eq!(mounts, expected);
    }

    /// As they are said by bubblewrap 0.8 on Ubuntu 24.04 and in Docker.
    #[test]
    fn what_bubblewrap_says_leads_to_a_remedy() {
        let apparmor = "bwrap: loopback: Failed RTM_NEWADDR: Operation not permitted";
        assert!(remedy_for(apparmor).contains("apparmor_restrict_unprivileged_userns"));
        let docker = "bwrap: Failed to make / slave: Permission denied";
        assert!(remedy_for(docker).contains("security-opt"));
        let disabled = "bwrap: No permissions to create new namespace, likely because the kernel does not allow non-privileged user namespaces.";
        assert!(remedy_for(disabled).contains("max_user_namespaces"));
    }
}
