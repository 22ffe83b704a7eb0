//! What a confined command sees of the machine: an allow list. All that it
//! needs of the system and of the user's installed packages, what its job
//! names, and none of the places where secrets lie.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

use super::installation::{Tracer, folders, in_shell};
use crate::Job;

/// The system: programs, libraries and how they are set up.
const SYSTEM: &[&str] = &[
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/etc",
    "/opt",
    "/nix",
    "/gnu",
    "/snap",
    "/sys",
    // NixOS; drivers of GPUs; certificates of some distributions.
    "/run/current-system",
    "/run/opengl-driver",
    "/run/nvidia-persistenced",
    "/var/lib/ca-certificates",
];
/// What is needed to find a host by its name.
const NAMES: &[&str] = &["/etc/resolv.conf", "/etc/hosts", "/run/systemd/resolve"];
/// Tools and caches in the home folder.
const AT_HOME: &[&str] = &[
    ".pyenv",
    ".rustup",
    ".cargo/bin",
    ".cargo/registry",
    ".cargo/git",
    ".nvm",
    ".julia",
    ".juliaup",
    ".conda",
    "miniconda3",
    "anaconda3",
    "miniforge3",
    "mambaforge",
    "micromamba",
    ".local/bin",
    ".local/lib",
    ".local/share/uv",
    ".local/share/mise",
    ".asdf",
    ".deno",
    ".bun",
    ".sdkman",
    "go/bin",
    "go/pkg",
    "R",
    ".nix-profile",
    ".local/state/nix",
    ".opam",
    ".ghcup",
    ".m2/repository",
    ".cache/huggingface",
    ".cache/torch",
    ".cache/uv",
    ".cache/pip",
    ".cache/kagglehub",
    ".cache/whisper",
    ".cache/clip",
    ".keras/datasets",
    ".keras/models",
    "nltk_data",
    "scikit_learn_data",
    "tensorflow_datasets",
];
/// Variables that name folders of installed things and of caches.
const VARIABLES: &[&str] = &[
    "VIRTUAL_ENV",
    "CONDA_PREFIX",
    "PYTHONHOME",
    "PYTHONPATH",
    "PYENV_ROOT",
    "LD_LIBRARY_PATH",
    "CUDA_HOME",
    "CUDA_PATH",
    "ROCM_PATH",
    "JAVA_HOME",
    "RUSTUP_HOME",
    "NODE_PATH",
    "R_LIBS",
    "JULIA_DEPOT_PATH",
    "HF_HOME",
    "HF_HUB_CACHE",
    "HF_DATASETS_CACHE",
    "TRANSFORMERS_CACHE",
    "TORCH_HOME",
    "UV_CACHE_DIR",
    "UV_PYTHON_INSTALL_DIR",
    "PIP_CACHE_DIR",
    "KERAS_HOME",
    "NLTK_DATA",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
];
/// Secrets of the user, below the home folder.
const SECRETS_AT_HOME: &[&str] = &[
    ".ssh",
    ".gnupg",
    ".aws",
    ".azure",
    ".kube",
    ".docker",
    ".netrc",
    ".pgpass",
    ".my.cnf",
    ".git-credentials",
    ".gitconfig",
    ".pypirc",
    ".npmrc",
    ".yarnrc.yml",
    ".config",
    ".kaggle",
    ".huggingface",
    ".cargo/credentials",
    ".cargo/credentials.toml",
    ".cache/huggingface/token",
    ".cache/huggingface/stored_tokens",
    ".local/share/keyrings",
    ".local/share/uv/credentials",
    ".mozilla",
    ".password-store",
    ".bash_history",
    ".zsh_history",
    ".python_history",
    ".conda/.condarc",
    ".m2/settings.xml",
    ".wandb",
    ".claude",
    ".claude.json",
    ".codex",
    ".gemini",
];
/// Secrets of the system. Who may not read them anyway needs not be kept from it.
const SECRETS: &[&str] = &[
    "/etc/shadow",
    "/etc/shadow-",
    "/etc/gshadow",
    "/etc/gshadow-",
    "/etc/sudoers",
    "/etc/sudoers.d",
    "/etc/security/opasswd",
    "/etc/ssl/private",
    "/etc/pki/tls/private",
    "/etc/krb5.keytab",
    "/etc/NetworkManager/system-connections",
    "/etc/wpa_supplicant",
    "/etc/wireguard",
    "/etc/openvpn",
    "/etc/ipsec.secrets",
    "/etc/letsencrypt",
    "/etc/kubernetes",
    "/etc/rancher",
    "/etc/ssh/ssh_host_rsa_key",
    "/etc/ssh/ssh_host_ecdsa_key",
    "/etc/ssh/ssh_host_ed25519_key",
    "/etc/ssh/ssh_host_dsa_key",
];

/// What there is to see, and what may be done to it. All paths are free of
/// links but for the last part of `protected` and `hidden`, and exist.
#[derive(Default)]
pub(crate) struct View {
    /// The home folder, and that it is to be an empty one.
    pub(crate) home: Option<PathBuf>,
    pub(crate) has_own_home: bool,
    pub(crate) has_own_tmp: bool,
    pub(crate) readable: BTreeSet<PathBuf>,
    pub(crate) writable: BTreeSet<PathBuf>,
    pub(crate) protected: BTreeSet<PathBuf>,
    pub(crate) hidden: BTreeSet<PathBuf>,
    /// Links outside of all these by which they are reached: where, and to what.
    pub(crate) links: BTreeMap<PathBuf, PathBuf>,
    pub(super) tracer: Tracer,
}

impl View {
    /// What a job may see.
    pub(crate) fn of(job: &Job, environment: &BTreeMap<OsString, OsString>) -> View {
        let wish = &job.confinement;
        let mut view = View::default();
        let home = environment.get(OsStr::new("HOME")).map(PathBuf::from);
        view.home = home.filter(|home| home.is_absolute()).map(|home| view.resolved(&home));
        let home = view.home.clone();

        for path in &wish.writable {
            if let Some(path) = view.seen(path) {
                view.writable.insert(path);
            }
        }
        for path in &wish.readable {
            view.show(path);
        }
        let named: BTreeSet<PathBuf> = view.readable.clone();
        let covers =
            |path: &Path| named.iter().chain(&view.writable).any(|root| path.starts_with(root));
        view.has_own_home =
            home.as_deref().is_some_and(|home| home != Path::new("/") && !covers(home));
        view.has_own_tmp = !covers(Path::new("/tmp"));

        for path in SYSTEM.iter().map(Path::new).filter(|path| !is_empty(path)) {
            view.show(path);
        }
        if wish.network {
            for path in NAMES {
                view.show(Path::new(path));
            }
        }
        let is_broad = |path: &Path| is_broad(path, home.as_deref());
        for program in [job.command.first().map(String::as_str), in_shell(&job.command)] {
            let program = program.map(OsStr::new);
            for folder in folders(program, &job.directory, environment, &view.tracer, &is_broad) {
                view.show(&folder);
            }
        }
        // A file that the command names, as `sh /opt/tools/run.sh`.
        for word in job.command.iter().map(Path::new).filter(|word| word.is_absolute()) {
            if word.is_file() {
                view.show(word);
            }
        }
        for name in VARIABLES {
            let Some(value) = environment.get(OsStr::new(name)) else { continue };
            for path in std::env::split_paths(value) {
                if path.is_absolute() && !is_broad(&view.tracer.trace(&path).1) {
                    view.show(&path);
                }
            }
        }
        if let Some(home) = &home {
            for name in AT_HOME {
                view.show(&home.join(name));
            }
        }
        view.protected = wish.protected.iter().filter_map(|path| view.entry(path)).collect();
        view.hide(&wish.hidden, &named, home.as_deref());
        view.tidy();
        view
    }

    fn hide(&mut self, wished: &[PathBuf], named: &BTreeSet<PathBuf>, home: Option<&Path>) {
        let secrets = SECRETS.iter().map(PathBuf::from);
        let secrets = secrets.filter(|path| access(path, Access::READ_OK).is_ok());
        let at_home =
            home.into_iter().flat_map(|home| SECRETS_AT_HOME.iter().map(|p| home.join(p)));
        let secrets: Vec<PathBuf> = secrets
            .chain(at_home)
            // Who names one means it.
            .filter(|path| {
                !named.contains(path) && !self.writable.iter().any(|w| path.starts_with(w))
            })
            .collect();
        self.hidden = wished
            .iter()
            .chain(&secrets)
            .filter_map(|path| self.entry(path))
            .filter(|path| self.is_seen(path))
            .collect();
    }

    /// A path whose last part may be a link, the others not; if it exists.
    fn entry(&self, path: &Path) -> Option<PathBuf> {
        let name = path.file_name()?;
        let path = self.tracer.trace(path.parent()?).1.join(name);
        path.symlink_metadata().is_ok().then_some(path)
    }

    /// Whether a path, free of links, is one that a command sees as it is.
    pub(crate) fn is_seen(&self, path: &Path) -> bool {
        self.readable.iter().chain(&self.writable).any(|root| path.starts_with(root))
    }

    /// Whether a command may change what lies at a path that it sees.
    pub(crate) fn is_changeable(&self, path: &Path) -> bool {
        self.writable.iter().any(|root| path.starts_with(root))
    }

    /// The readable places without what is hidden: folders in which something
    /// is are replaced by what else is in them.
    pub(crate) fn readable_but_hidden(&self) -> Vec<PathBuf> {
        let mut shown = Vec::new();
        let mut todo: Vec<PathBuf> = self.readable.iter().cloned().collect();
        while let Some(path) = todo.pop() {
            if self.hidden.iter().any(|hidden| path.starts_with(hidden)) {
                continue;
            }
            if !self.hidden.iter().any(|hidden| hidden.starts_with(&path)) {
                shown.push(path);
            } else if let Ok(entries) = fs::read_dir(&path) {
                todo.extend(entries.flatten().map(|entry| entry.path()));
            }
        }
        shown
    }

    fn show(&mut self, path: &Path) {
        if let Some(path) = self.seen(path) {
            self.readable.insert(path);
        }
    }

    /// Where a path leads to, if it exists; the links on the way are kept.
    fn seen(&mut self, path: &Path) -> Option<PathBuf> {
        path.is_absolute().then(|| self.resolved(path)).filter(|path| path.exists())
    }

    fn resolved(&mut self, path: &Path) -> PathBuf {
        let (links, end) = self.tracer.trace(path);
        self.links.extend(links);
        end
    }

    /// Leaves out what is part of something else.
    fn tidy(&mut self) {
        let outer = self.readable.clone();
        let writable = self.writable.clone();
        self.readable.retain(|path| {
            // A writable place between the two would cover the outer one.
            let nearest =
                path.ancestors().skip(1).find(|p| outer.contains(*p) || writable.contains(*p));
            !writable.contains(path) && nearest.is_none_or(|p| writable.contains(p))
        });
        self.writable.retain(|path| {
            let nearest =
                path.ancestors().skip(1).find(|p| outer.contains(*p) || writable.contains(*p));
            nearest.is_none_or(|p| !writable.contains(p))
        });
        let links = std::mem::take(&mut self.links);
        self.links = links.into_iter().filter(|(at, _)| !self.is_seen(at)).collect();
    }
}

/// Too much to be shown because some program lies in it.
fn is_broad(path: &Path, home: Option<&Path>) -> bool {
    const BROAD: &[&str] = &[
        "/", "/home", "/root", "/tmp", "/var", "/var/tmp", "/run", "/mnt", "/media", "/dev",
        "/proc", "/srv",
    ];
    BROAD.iter().any(|broad| path == Path::new(broad))
        || home.is_some_and(|home| {
            home.starts_with(path)
                || [".local", ".config", ".cache", ".cargo"]
                    .iter()
                    .any(|name| path == home.join(name))
                || SECRETS_AT_HOME.iter().any(|name| path.starts_with(home.join(name)))
        })
}

/// As `/opt` often is: to show it would cost time for nothing.
fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none())
}
