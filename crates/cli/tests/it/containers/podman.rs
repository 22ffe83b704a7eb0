//! Podman with storage of its own, an image of the machine's own files, and no
//! network: whether and how it works here.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::{Lab, Tool, lab_in};
use crate::toy::place;

/// What every run needs in a poor place: no network, limits that need no rights.
const RUN: &str = "--network none --ulimit nofile=1024:1024 --ulimit nproc=4096:4096";

/// A lab with podman, or why there is none.
pub(super) fn podman(options: &str, proposals: fn(&str) -> Vec<String>) -> Result<Lab, String> {
    let (place, shared) = lab_in(place(), proposals);
    let storage = place.base().join("podman");
    fs::create_dir(&storage).unwrap();
    let mut tried = Vec::new();
    for runtime in ["crun", "runc"] {
        let tool = words(&storage, runtime);
        match try_out(&tool, &storage) {
            Ok(()) => {
                let shown = shared.display();
                let wrap = format!(
                    "{} run {RUN} {options} -v {shown}:{shown} -v .:/work -w /work autoresearch-test",
                    tool.join(" ")
                );
                return Ok(Lab { place, shared, wrap, tool: Tool::Podman(tool) });
            }
            Err(why) => tried.push(format!("with {runtime}: {}", why.trim())),
        }
        remove_all(&tool);
    }
    Err(tried.join("; "))
}

fn words(storage: &Path, runtime: &str) -> Vec<String> {
    let mut words = vec!["podman".to_owned()];
    for (flag, folder) in [("--root", "root"), ("--runroot", "run"), ("--tmpdir", "tmp")] {
        words.extend([flag.to_owned(), storage.join(folder).display().to_string()]);
    }
    let more = ["--storage-driver", "vfs", "--events-backend", "file", "--runtime", runtime];
    words.extend(more.map(str::to_owned));
    words.extend(["--cgroup-manager".to_owned(), "cgroupfs".to_owned()]);
    words
}

fn try_out(tool: &[String], storage: &Path) -> Result<(), String> {
    let archive = storage.join("image.tar");
    if !archive.exists() {
        image(&storage.join("image"), &archive)?;
    }
    run(tool, &["import", archive.to_str().unwrap(), "autoresearch-test"])?;
    let mut words = vec!["run", "--rm"];
    words.extend(RUN.split(' '));
    words.extend(["autoresearch-test", "sh", "-c", "exec sleep 0"]);
    run(tool, &words).map(drop)
}

pub(super) fn remove_all(tool: &[String]) {
    let _ = run(tool, &["rm", "--all", "--force"]);
}

fn run(tool: &[String], more: &[&str]) -> Result<String, String> {
    let output = Command::new(&tool[0])
        .args(&tool[1..])
        .args(more)
        .output()
        .map_err(|error| format!("{}: {error}", tool[0]))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

/// An image of this machine's `sh` and `sleep` with the libraries they need.
fn image(folder: &Path, archive: &Path) -> Result<(), String> {
    for empty in ["bin", "tmp", "proc", "dev", "etc", "sys", "work"] {
        fs::create_dir_all(folder.join(empty)).unwrap();
    }
    for program in ["sh", "sleep"] {
        let path = Path::new("/bin").join(program).canonicalize().map_err(|e| e.to_string())?;
        fs::copy(&path, folder.join("bin").join(program)).map_err(|e| e.to_string())?;
        let listed = Command::new("ldd").arg(&path).output().map_err(|e| e.to_string())?;
        let text = String::from_utf8_lossy(&listed.stdout).into_owned();
        for library in text.split_whitespace().filter(|word| word.starts_with('/')) {
            let to = folder.join(library.trim_start_matches('/'));
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::copy(library, to).map_err(|e| e.to_string())?;
        }
    }
    let status =
        Command::new("tar").arg("-C").arg(folder).arg("-cf").arg(archive).arg(".").status();
    if status.is_ok_and(|status| status.success()) { Ok(()) } else { Err("no tar".to_owned()) }
}
