//! Which Python a run command uses, and where its packages lie, found without
//! starting it.
//!
//! Sources: PEP 405 (`pyvenv.cfg`), PEP 376 and 427 (`.dist-info`), the `site`
//! module of `CPython`, Debian's `dist-packages`, conda's `conda-meta`.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};

use autoresearch_run::platform;

/// Where a command's programs are looked up.
#[derive(Clone, Debug)]
pub(crate) struct Lookup {
    command: Vec<String>,
    root: PathBuf,
    path: OsString,
    home: Option<PathBuf>,
}

/// A Python that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Python {
    /// As far as files tell it: `3.11.2` or `3.11`.
    pub(crate) version: String,
    /// Folders that may hold packages, the first wins.
    pub(crate) packages: Vec<PathBuf>,
}

impl Lookup {
    /// Of `command`, run in a checkout like that at `root`, with this `PATH`
    /// and home.
    pub(crate) fn new(
        command: &[String],
        root: &Path,
        path: &OsStr,
        home: Option<&Path>,
    ) -> Lookup {
        Lookup {
            command: command.to_vec(),
            root: root.to_owned(),
            path: path.to_owned(),
            home: home.map(Path::to_owned),
        }
    }

    /// The program of a name as a shell would find it.
    pub(crate) fn program(&self, name: &str) -> Option<PathBuf> {
        if name.contains('/') {
            return Some(self.root.join(name)).filter(|path| path.is_file());
        }
        std::env::split_paths(&self.path)
            .filter(|folder| folder.is_absolute())
            .filter_map(|folder| match folder.file_name() {
                Some(last) if last == "shims" => self.behind_shim(folder.parent()?, name),
                _ => Some(folder.join(name)),
            })
            .find(|path| path.is_file())
    }

    /// What a shim of pyenv in `place` stands for; `None` where that is the next
    /// on the path, or not to be known.
    fn behind_shim(&self, place: &Path, name: &str) -> Option<PathBuf> {
        let chosen = |file: PathBuf| fs::read_to_string(file).ok();
        let text =
            chosen(self.root.join(".python-version")).or_else(|| chosen(place.join("version")))?;
        let version = text.split_whitespace().next().filter(|version| *version != "system")?;
        Some(place.join("versions").join(version).join("bin").join(name))
    }

    /// The Python of the command, or that of the checkout, or the first on the
    /// path.
    fn interpreter(&self) -> Option<PathBuf> {
        let find = |name: &str| self.program(name);
        let words = platform::interpreter(&self.command, &find, &platform::first_line).ok();
        // More words than one start a launcher that knows its own Python.
        let named =
            words.filter(|words| words.len() == 1).and_then(|words| self.program(&words[0]));
        let local = || Some(self.root.join(".venv/bin/python")).filter(|python| python.is_file());
        named.or_else(local).or_else(|| self.program("python3"))
    }

    /// The Python of the command and its packages.
    pub(crate) fn find(&self) -> Option<Python> {
        let interpreter = self.interpreter()?;
        let mut python = installed(&interpreter)?;
        if let Some(home) = &self.home {
            let own = home.join(".local/lib");
            python.packages.extend(versions_in(&own, &python.version));
        }
        Some(python)
    }
}

fn installed(interpreter: &Path) -> Option<Python> {
    let prefix = interpreter.parent()?.parent()?;
    if let Ok(settings) = fs::read_to_string(prefix.join("pyvenv.cfg")) {
        let value = |key: &str| {
            settings.lines().find_map(|line| {
                let (name, value) = line.split_once('=')?;
                (name.trim() == key).then(|| value.trim().to_owned())
            })
        };
        let version = value("version").or_else(|| value("version_info")).unwrap_or_default();
        let mut packages = versions_in(&prefix.join("lib"), &version);
        if value("include-system-site-packages").is_some_and(|v| v == "true")
            && let Some(home) = value("home")
            && let Some(base) = installed(&Path::new(&home).join("python3"))
        {
            packages.extend(base.packages);
        }
        return Some(Python { version, packages });
    }
    let real = interpreter.canonicalize().ok()?;
    let name = real.file_name()?.to_string_lossy();
    let version = name.trim_start_matches(|c: char| !c.is_ascii_digit()).to_owned();
    let prefix = real.parent()?.parent()?;
    let lib = prefix.join("lib");
    let mut packages = vec![prefix.join("conda-meta")];
    if prefix == Path::new("/usr") {
        packages.extend(versions_in(Path::new("/usr/local/lib"), &version));
        packages.push(lib.join("python3/dist-packages"));
    }
    packages.extend(versions_in(&lib, &version));
    packages.retain(|folder| folder.is_dir());
    Some(Python { version, packages })
}

/// Folders of packages of a Python `version` (as `3.11.2`; none is any) below
/// `lib`.
fn versions_in(lib: &Path, version: &str) -> Vec<PathBuf> {
    let minor: Vec<&str> = version.splitn(3, '.').take(2).collect();
    let wanted = format!("python{}", minor.join("."));
    let mut found = Vec::new();
    for entry in fs::read_dir(lib).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name == wanted || (version.is_empty() && name.starts_with("python3.")) {
            for folder in ["site-packages", "dist-packages"] {
                found.push(entry.path().join(folder));
            }
        }
    }
    found.retain(|folder| folder.is_dir());
    found.sort();
    found
}

/// Name and version of an installed package by the name of its metadata, as
/// `torch-2.1.0.dist-info`.
pub(crate) fn package(file: &str) -> Option<(String, String)> {
    let (name, version) = if let Some(stem) =
        file.strip_suffix(".dist-info").or_else(|| file.strip_suffix(".egg-info"))
    {
        stem.split_once('-')?
    } else {
        // conda: `<name>-<version>-<build>.json`.
        file.strip_suffix(".json")?.rsplit_once('-')?.0.rsplit_once('-')?
    };
    let version = version.split_once("-py").map_or(version, |(version, _)| version);
    Some((name.to_lowercase().replace(['_', '\t'], "-"), version.replace('\t', " ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_is_named_by_its_metadata() {
        let found = |file: &str| package(file).map(|(name, version)| format!("{name} {version}"));
        assert_eq!(found("torch-2.1.0+cpu.dist-info").as_deref(), Some("torch 2.1.0+cpu"));
        assert_eq!(
            found("Typing_Extensions-4.1.dist-info").as_deref(),
            Some("typing-extensions 4.1")
        );
        assert_eq!(found("foo-1.0-py3.11.egg-info").as_deref(), Some("foo 1.0"));
        assert_eq!(
            found("cuda-toolkit-11.8.0-h37_11.json").as_deref(),
            Some("cuda-toolkit 11.8.0")
        );
        assert_eq!(found("numpy"), None);
        assert_eq!(found("README.json"), None);
    }

    #[test]
    fn a_shim_stands_for_the_version_that_is_chosen() {
        let root = tempfile::tempdir().unwrap();
        let place = root.path().join(".pyenv");
        for folder in
            ["shims", "versions/3.12.1/bin", "versions/3.12.1/lib/python3.12/site-packages"]
        {
            fs::create_dir_all(place.join(folder)).unwrap();
        }
        fs::write(place.join("shims/python3"), "").unwrap();
        fs::write(place.join("versions/3.12.1/bin/python3.12"), "").unwrap();
        let python = place.join("versions/3.12.1/bin/python3");
        std::os::unix::fs::symlink("python3.12", &python).unwrap();
        let command = ["python3".to_owned()];
        let lookup = Lookup::new(&command, root.path(), place.join("shims").as_os_str(), None);
        assert_eq!(lookup.find(), None, "no version is chosen");
        fs::write(place.join("version"), "3.12.1\n").unwrap();
        let site = place.join("versions/3.12.1/lib/python3.12/site-packages");
        assert_eq!(lookup.find().unwrap().packages, [site.canonicalize().unwrap()]);
    }

    #[test]
    fn the_python_of_a_launcher_is_the_one_that_its_first_line_names() {
        let root = tempfile::tempdir().unwrap();
        let bin = root.path().join("env/bin");
        fs::create_dir_all(&bin).unwrap();
        fs::create_dir_all(root.path().join("env/lib/python3.9/site-packages")).unwrap();
        fs::write(bin.join("python3"), "").unwrap();
        fs::write(bin.join("torchrun"), format!("#!{}\n", bin.join("python3").display())).unwrap();
        fs::write(root.path().join("env/pyvenv.cfg"), "version = 3.9.1\n").unwrap();
        let command = ["torchrun".to_owned(), "train.py".to_owned()];
        let lookup = Lookup::new(&command, root.path(), bin.as_os_str(), None);
        let python = lookup.find().unwrap();
        assert_eq!(python.version, "3.9.1");
        assert_eq!(python.packages, [root.path().join("env/lib/python3.9/site-packages")]);
    }
}
