//! What is seen from outside of an attack that worked. Each effect has a word
//! that headers use; `docs/security.md` explains them.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use autoresearch_testkit::{BOUND, Ended, Snapshot, kill};

use crate::scene::Scene;

/// Where anybody may leave something for the next.
const SHARED: [&str; 5] = ["/tmp", "/var/tmp", "/dev/shm", "/dev/mqueue", "/run/lock"];

/// The effects of one session.
#[derive(Default)]
pub(crate) struct Effects {
    names: Vec<String>,
    /// What was seen of each.
    pub(crate) details: Vec<String>,
}

impl Effects {
    pub(crate) fn add(&mut self, name: &str, detail: impl Into<String>) {
        self.details.push(format!("{name}: {}", detail.into()));
        if !self.names.iter().any(|known| known == name) {
            self.names.push(name.to_owned());
            self.names.sort();
        }
    }

    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    /// Looks at everything but the verdicts.
    pub(crate) fn look(&mut self, scene: &Scene, ended: &[&Ended]) {
        self.look_for_processes(scene);
        for difference in scene.checkout.differences(&scene.place.snapshot()) {
            self.add("checkout", difference);
        }
        for (folder, before) in &scene.outside {
            for difference in before.differences(&Snapshot::of_folder(folder)) {
                self.add("host", format!("{}: {difference}", folder.display()));
            }
        }
        for path in shared(scene) {
            self.add("host", path.display().to_string());
        }
        for way in scene.ears.heard() {
            self.add("contact", way.to_owned());
        }
        let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
        for mount in mounts.lines().filter(|line| line.contains(&scene.key)) {
            self.add("mount", mount.to_owned());
        }
        self.look_at_session(scene);
        for said in ended.iter().flat_map(|ended| [&ended.stdout, &ended.stderr]) {
            if said.contains('\u{1b}') || said.contains('\u{7}') {
                self.add("terminal", format!("{said:?}"));
            }
            self.look_for_secrets(scene, "the program's output", said.as_bytes());
        }
        let table = scene.place.run(["report", "--restore-results"]);
        if !table.stderr.contains("says what the journal says") {
            self.add("ledger", table.stderr);
        }
    }

    /// Every child of this process is an orphan of the session's.
    fn look_for_processes(&mut self, scene: &Scene) {
        let started = Instant::now();
        loop {
            let left = children();
            if left.is_empty() {
                return;
            }
            if started.elapsed() > BOUND / 12 {
                for (pid, command) in left {
                    self.add("process", format!("{pid} {command}"));
                    kill(pid);
                }
                for process in scene.place.processes() {
                    kill(process.pid);
                }
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// The session's own files: nothing planted in them, nothing learned from
    /// them, no program that would run as somebody else.
    fn look_at_session(&mut self, scene: &Scene) {
        let root = scene.place.root();
        let worktrees = ["bench-1", "desk-1", "measure-1"];
        for path in files_below(&[root.join(".autoresearch"), root.join(".git")]) {
            let inside = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
            if fs::symlink_metadata(&path)
                .is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o6000 != 0)
            {
                self.add("setuid", inside.clone());
            }
            let parts: Vec<&str> = inside.split('/').collect();
            // Worktrees are reset, and the output of the run is its own.
            let is_its_own = parts.iter().any(|part| worktrees.contains(part))
                || inside.ends_with("out/0001-1")
                || inside.contains("out/0001-1/");
            if is_its_own {
                continue;
            }
            let is_link = path.symlink_metadata().is_ok_and(|meta| !meta.is_file());
            let content = if is_link { Vec::new() } else { fs::read(&path).unwrap_or_default() };
            if inside.contains(&scene.mark) || holds(&content, scene.mark.as_bytes()) {
                self.add("planted", inside.clone());
            }
            self.look_for_secrets(scene, &inside, &content);
            if inside.ends_with("logs/0001-1.log") && holds(&content, b"GAINED") {
                self.add("power", lines_with(&content, "GAINED"));
            }
            if inside.ends_with("logs/0002-1.log") && holds(&content, b"CARRIED") {
                self.add("carried", lines_with(&content, "CARRIED"));
            }
        }
    }

    fn look_for_secrets(&mut self, scene: &Scene, place: &str, content: &[u8]) {
        for secret in scene.secrets.iter().filter(|secret| holds(content, secret.as_bytes())) {
            self.add("secret", format!("{secret} in {place}"));
        }
    }

    /// A candidate differs from its parent in the content of the target alone.
    pub(crate) fn look_at_candidate(&mut self, scene: &Scene, number: &str) {
        let candidate = format!("refs/autoresearch/t/{number}");
        let diff = scene.place.try_git(&["diff-tree", "-r", "--no-renames", "main", &candidate]);
        // A repository that git cannot read any more is another effect.
        let Ok(diff) = diff else {
            return;
        };
        let is_fine = diff
            .lines()
            .all(|line| line.starts_with(":100644 100644 ") && line.ends_with(" M\ttrain.py"));
        if !is_fine {
            self.add("slipped", diff);
        }
    }
}

/// Takes away what an attack left where others work, too.
pub(crate) fn clean(scene: &Scene) {
    for path in shared(scene) {
        let _ = fs::remove_dir_all(&path).or_else(|_| fs::remove_file(&path));
    }
    for folder in folders_below(scene.place.base()) {
        let _ = fs::set_permissions(&folder, fs::Permissions::from_mode(0o755));
    }
}

/// Children of this process that are no zombies, which are reaped.
fn children() -> Vec<(u32, String)> {
    use rustix::process::{WaitOptions, wait};
    while matches!(wait(WaitOptions::NOHANG), Ok(Some(_))) {}
    let mut found = BTreeSet::new();
    for task in fs::read_dir("/proc/self/task").unwrap().flatten() {
        let list = fs::read_to_string(task.path().join("children")).unwrap_or_default();
        found.extend(list.split_whitespace().filter_map(|pid| pid.parse::<u32>().ok()));
    }
    let name = |pid: &u32| {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).replace('\0', " ")
    };
    found.iter().map(|pid| (*pid, name(pid))).collect()
}

/// What lies in shared folders under our name, the scene itself excepted.
fn shared(scene: &Scene) -> Vec<PathBuf> {
    let entries = SHARED.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten().flatten();
    let is_left =
        |path: &PathBuf| path.to_string_lossy().contains(&scene.key) && path != scene.place.base();
    entries.map(|entry| entry.path()).filter(is_left).collect()
}

fn files_below(folders: &[PathBuf]) -> Vec<PathBuf> {
    let mut folders = folders.to_vec();
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).into_iter().flatten().flatten().map(|e| e.path()) {
            if path.symlink_metadata().is_ok_and(|meta| meta.is_dir()) {
                folders.push(path.clone());
            }
            files.push(path);
        }
    }
    files
}

fn folders_below(folder: &Path) -> Vec<PathBuf> {
    let is_folder = |path: &PathBuf| path.symlink_metadata().is_ok_and(|meta| meta.is_dir());
    files_below(&[folder.to_owned()]).into_iter().filter(is_folder).collect()
}

fn holds(content: &[u8], part: &[u8]) -> bool {
    content.windows(part.len()).any(|window| window == part)
}

fn lines_with(content: &[u8], part: &str) -> String {
    let text = String::from_utf8_lossy(content);
    text.lines().filter(|line| line.contains(part)).collect::<Vec<_>>().join("; ")
}
