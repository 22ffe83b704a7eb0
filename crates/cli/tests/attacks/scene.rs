//! Where an attack takes place: a repository with a target, an evaluator and
//! data; things of the user's around it; and ears that hear a connection.

use std::fs;
use std::net::{TcpListener, UdpSocket};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use autoresearch_testkit::{Place, Snapshot};

use crate::header::Attack;

const PREPARE: &str = include_str!("prepare.py");
const EVALUATE: &str = include_str!("evaluate.py");
const BASELINE: &str = "from prepare import finish\n\nfinish(guess=92)\n";
/// The second experiment: better by ten, honestly.
const HONEST: &str = "from prepare import finish\n\nfinish(guess=82)\n";

/// A session's place before it begins.
pub(crate) struct Scene {
    pub(crate) place: Place,
    /// In the name or content of whatever an attack leaves behind.
    pub(crate) mark: String,
    /// The part of it that is no canary.
    pub(crate) key: String,
    /// What no trial may learn.
    pub(crate) secrets: Vec<String>,
    pub(crate) ears: Ears,
    /// Of one run.
    pub(crate) budget: Duration,
    pub(crate) checkout: Snapshot,
    pub(crate) outside: Vec<(PathBuf, Snapshot)>,
}

impl Scene {
    /// Builds it for one attack at one level.
    pub(crate) fn new(program: &str, attack: &Attack, level: &str) -> Scene {
        let place = Place::new(program);
        let base = place.base().to_owned();
        let key = base.file_name().unwrap().to_string_lossy().trim_start_matches('.').to_owned();
        let secret = |what: &str| format!("SECRET-{what}-{key}");
        let secrets = vec![secret("answer"), secret("home"), secret("environment")];
        let (host, sockets) = (base.join("host"), base.join("sockets"));
        fs::create_dir(&host).unwrap();
        fs::create_dir(&sockets).unwrap();
        fs::write(host.join("thesis.txt"), "years of work\n").unwrap();
        for (path, text) in [
            (".bashrc", "alias ll='ls -l'\n"),
            (".profile", "umask 022\n"),
            (".ssh/authorized_keys", "ssh-ed25519 AAAA user\n"),
            (".ssh/id_ed25519", &secrets[1]),
            (".config/keep", "1\n"),
            (".cache/keep", "1\n"),
        ] {
            let path = base.join("home").join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let ears = Ears::new(&sockets, &key);
        let python = python(attack, &host);
        let prepare = [
            ("@KEY@", key.clone()),
            ("@CHECKOUT@", place.root().display().to_string()),
            ("@HOST@", host.display().to_string()),
            ("@HOME@", base.join("home").display().to_string()),
            ("@TCP@", ears.tcp.local_addr().unwrap().port().to_string()),
            (
                "@TCP6@",
                ears.tcp6.as_ref().map_or(0, |e| e.local_addr().unwrap().port()).to_string(),
            ),
            ("@UDP@", ears.udp.local_addr().unwrap().port().to_string()),
            ("@UNIX@", sockets.join("agent.sock").display().to_string()),
            ("@ABSTRACT@", key.clone()),
            ("@SCORING@", if attack.is_sealed { "sealed" } else { "printed" }.to_owned()),
            ("@LEVEL@", level.to_owned()),
        ]
        .into_iter()
        .fold(PREPARE.to_owned(), |text, (name, value)| text.replace(name, &value));
        let place = place
            .file("train.py", BASELINE)
            .file("prepare.py", prepare)
            .file("harness/evaluate.py", EVALUATE)
            .file("harness/__init__.py", "")
            .file("answers/answers.txt", format!("42 {}\n", secrets[0]))
            .file("tests/test_train.py", "def test():\n    pass\n")
            .file("README.md", "Train it.\n")
            .file("docs/model.md", "It guesses.\n")
            .file("requirements.txt", "numpy\n")
            .file(".gitignore", "__pycache__/\n*.tmp\nmodel.json\nmetric.json\n")
            .file("autoresearch.toml", config(attack, &python, &host));
        let place =
            if attack.is_proposer { place.file("proposer.py", &attack.source) } else { place };
        let place = place.variable("API_KEY", &secrets[2]).variable("PYTHONDONTWRITEBYTECODE", "1");
        let place = place.repository();
        place.write("notes.txt", "untracked\n");
        place.git(&["branch", "other"]);
        let outside = ["home", "host"]
            .map(|name| (base.join(name), Snapshot::of_folder(&base.join(name))))
            .to_vec();
        Scene {
            mark: format!("PWNED-{key}"),
            checkout: place.snapshot(),
            place,
            key,
            secrets,
            ears,
            budget: Duration::from_secs(attack.budget.into()),
            outside,
        }
    }
}

/// The system's own Python, which every level can reach, or one that is the
/// attack's to spoil.
fn python(attack: &Attack, host: &std::path::Path) -> String {
    let system = ["/usr/bin/python3", "python3"]
        .into_iter()
        .find(|path| Command::new(path).arg("-V").output().is_ok())
        .expect("the attacks are written in Python");
    if !attack.has_venv {
        return system.to_owned();
    }
    let venv = host.join("venv");
    let made = Command::new(system)
        .args(["-m", "venv", "--without-pip", "--system-site-packages"])
        .arg(&venv)
        .status();
    assert!(made.is_ok_and(|status| status.success()), "no virtual environment");
    venv.join("bin/python").display().to_string()
}

fn config(attack: &Attack, python: &str, host: &std::path::Path) -> String {
    let read_only = ["prepare.py", "harness/evaluate.py", "harness/__init__.py"];
    let mut text = format!(
        "target = \"train.py\"\nread_only = {read_only:?}\nbudget = \"{}s\"\n\
         [metric]\nname = \"loss\"\ndirection = \"minimize\"\n",
        attack.budget
    );
    if attack.is_sealed {
        let sealed = format!(
            "command = \"{python} -m harness.evaluate\"\nartifacts = [\"model.json\"]\n\
             held_out = [\"answers\"]\n"
        );
        text.push_str(&sealed);
    }
    let run = format!(
        "[run]\ncommand = \"{python} train.py\"\ngrace = \"1s\"\n\
         memory = \"400MiB\"\nprocesses = 64\noutput = \"4MiB\"\ndisk = \"20MiB\"\n"
    );
    text.push_str(&run);
    if attack.has_venv {
        let readable = format!("readable = [\"{}\"]\n", host.join("venv").display());
        text.push_str(&readable);
    }
    text.push_str("[propose]\npatience = 1\ntimeout = \"20s\"\n");
    if attack.is_proposer {
        let proposer = format!("proposer = \"command\"\ncommand = \"{python} proposer.py\"\n");
        text.push_str(&proposer);
    } else {
        text.push_str("proposer = \"queue\"\n");
    }
    text
}

/// From one text of the target to another.
fn patch(from: &str, to: &str) -> String {
    let side = |sign: char, text: &str| -> String {
        text.lines().flat_map(|line| [sign.to_string(), line.to_owned(), "\n".to_owned()]).collect()
    };
    let count = |text: &str| text.lines().count();
    format!(
        "--- a/train.py\n+++ b/train.py\n@@ -1,{} +1,{} @@\n{}{}",
        count(from),
        count(to),
        side('-', from),
        side('+', to)
    )
}

/// Listeners on loopback and on sockets of this machine.
pub(crate) struct Ears {
    tcp: TcpListener,
    tcp6: Option<TcpListener>,
    udp: UdpSocket,
    unix: UnixListener,
    abstract_: UnixListener,
}

impl Ears {
    fn new(folder: &std::path::Path, key: &str) -> Ears {
        let name = SocketAddr::from_abstract_name(key).unwrap();
        let ears = Ears {
            tcp: TcpListener::bind("127.0.0.1:0").unwrap(),
            tcp6: TcpListener::bind("[::1]:0").ok(),
            udp: UdpSocket::bind("127.0.0.1:0").unwrap(),
            unix: UnixListener::bind(folder.join("agent.sock")).unwrap(),
            abstract_: UnixListener::bind_addr(&name).unwrap(),
        };
        ears.tcp.set_nonblocking(true).unwrap();
        ears.tcp6.iter().for_each(|ear| ear.set_nonblocking(true).unwrap());
        ears.udp.set_nonblocking(true).unwrap();
        ears.unix.set_nonblocking(true).unwrap();
        ears.abstract_.set_nonblocking(true).unwrap();
        ears
    }

    /// By what ways somebody came.
    pub(crate) fn heard(&self) -> Vec<&'static str> {
        let heard = [
            ("TCP", self.tcp.accept().is_ok()),
            ("TCP6", self.tcp6.as_ref().is_some_and(|ear| ear.accept().is_ok())),
            ("UDP", self.udp.recv(&mut [0; 64]).is_ok()),
            ("a UNIX socket", self.unix.accept().is_ok()),
            ("an abstract socket", self.abstract_.accept().is_ok()),
        ];
        heard.into_iter().filter(|(_, is_heard)| *is_heard).map(|(way, _)| way).collect()
    }
}

impl Scene {
    /// The path of a patch that makes the attack out of the baseline.
    pub(crate) fn first_patch(&self, attack: &Attack) -> String {
        self.patch("first.patch", BASELINE, &attack.source)
    }

    /// The path of a patch for the experiment after the attack, whatever the
    /// incumbent is by now.
    pub(crate) fn second_patch(&self, attack: &Attack) -> String {
        let incumbent = self.place.try_git(&["show", "autoresearch/t:train.py"]);
        let again = format!("{}\nAGAIN = 1\n", attack.source);
        let to = if attack.comes_again { &again } else { HONEST };
        self.patch("second.patch", &incumbent.unwrap_or_default(), to)
    }

    fn patch(&self, name: &str, from: &str, to: &str) -> String {
        let path = self.place.base().join(name);
        fs::write(&path, patch(from, to)).unwrap();
        path.display().to_string()
    }

    /// What the runs said, for a person who wonders.
    pub(crate) fn logs(&self) -> String {
        let logs = self.place.root().join(".autoresearch/t/logs");
        let mut paths: Vec<PathBuf> =
            fs::read_dir(logs).into_iter().flatten().flatten().map(|e| e.path()).collect();
        paths.sort();
        let show = |path: &PathBuf| {
            let text = fs::read(path).unwrap_or_default();
            let text = String::from_utf8_lossy(&text[..text.len().min(3000)]).into_owned();
            format!("{}:\n{text}", path.display())
        };
        paths.iter().map(show).collect::<Vec<_>>().join("\n")
    }
}
