//! What a confined command can and cannot do: real attempts, by real processes.

use std::fs;
use std::net::{TcpListener, UdpSocket};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixListener};

use autoresearch_core::trial::{Exit, Protection};
use autoresearch_run::protection::offered;
use autoresearch_run::{Executor as _, Report, RunError};

use crate::lab::{CONFINED, Lab, WAYS, local};

/// Says what comes of each attempt: `no` and the error, or `yes`.
const TRY: &str = "\
import os, socket, sys, ctypes
def attempt(name, act):
    try: act()
    except (OSError, ValueError) as error: print(name, 'no', getattr(error, 'errno', error))
    else: print(name, 'yes')
libc = ctypes.CDLL(None, use_errno=True)
def call(*arguments):
    if libc.syscall(*arguments) < 0: raise OSError(ctypes.get_errno(), 'x')
";

fn attempts(script: &str) -> Lab {
    Lab::python(&format!("{TRY}{script}"))
}

/// The names of the attempts that succeeded; those that did not were made.
fn succeeded(report: &Report) -> Vec<&str> {
    assert_eq!(report.exit, Exit::Code(0), "{}", report.tail);
    report.tail.lines().filter_map(|line| line.strip_suffix(" yes")).collect()
}

#[test]
fn this_machine_offers_all_ways() {
    let folder = tempfile::tempdir().unwrap();
    let offer = offered(&local(), folder.path());
    assert_eq!((&offer.sandboxed, &offer.restricted), (&Ok(()), &Ok(())));
    assert_eq!(offer.best(), Protection::Sandboxed);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn an_ordinary_command_runs_in_every_way() {
    for way in CONFINED {
        let report = Lab::sh("echo loss: 0.5; echo x > file; cat file").under(way).run();
        assert_eq!((&report.exit, report.readings.metric), (&Exit::Code(0), Some(0.5)));
        assert_eq!((report.tail.as_str(), &report.tampered), ("loss: 0.5\nx", &None), "{way}");
    }
}

#[test]
fn a_way_that_does_not_work_is_an_error_and_never_less() {
    let lab = Lab::sh("true").under(Protection::Sandboxed).with(|job| {
        // Bubblewrap cannot mount below a file.
        job.confinement.hidden = vec![job.directory.join("file/x")];
        job.confinement.writable.push("/proc/1/fd".into());
    });
    let error = lab.finish(&mut *lab.start()).unwrap_err();
    assert!(
        matches!(error, RunError::Confine { protection: Protection::Sandboxed, .. }),
        "{error:?}"
    );
    assert!(error.to_string().contains("bwrap"), "{error}");
}

fn with_evaluator() -> Lab {
    let lab = attempts(
        "\
attempt('write', lambda: open('a/b/eval.py', 'w').write('x'))
attempt('append', lambda: open('a/b/eval.py', 'a').write('x'))
attempt('truncate', lambda: os.truncate('a/b/eval.py', 0))
attempt('remove', lambda: os.remove('a/b/eval.py'))
attempt('replace', lambda: (open('new', 'w').write('x'), os.replace('new', 'a/b/eval.py')))
attempt('rename', lambda: os.rename('a/b/eval.py', 'moved'))
attempt('rename folder', lambda: os.rename('a/b', 'c'))
attempt('rename top', lambda: os.rename('a', 'd'))
attempt('link', lambda: os.link('a/b/eval.py', 'link'))
attempt('chmod', lambda: os.chmod('a/b/eval.py', 0o777))
attempt('touch', lambda: os.utime('a/b/eval.py', (1, 1)))
attempt('read', lambda: open('a/b/eval.py').read())
attempt('beside', lambda: open('a/b/other.py', 'w').write('x'))
",
    );
    fs::create_dir_all(lab.path("a/b")).unwrap();
    fs::write(lab.path("a/b/eval.py"), "the truth").unwrap();
    let eval = lab.path("a/b/eval.py");
    lab.with(|job| job.confinement.protected = vec![eval])
}

#[test]
fn in_a_sandbox_a_protected_file_stays_as_it_is_whatever_is_tried() {
    let lab = with_evaluator().under(Protection::Sandboxed);
    let report = lab.run();
    assert_eq!(succeeded(&report), ["read", "beside"]);
    assert_eq!(report.tampered, None);
    assert_eq!(fs::read_to_string(lab.path("a/b/eval.py")).unwrap(), "the truth");
}

#[test]
fn what_cannot_be_prevented_is_noticed() {
    for way in [Protection::Unprotected, Protection::Restricted] {
        let tampered = with_evaluator().under(way).run().tampered.unwrap();
        assert!(tampered.contains("a/b/eval.py"), "{tampered}");
        let swap = "mv a d; mkdir -p a/b; echo x > a/b/eval.py; rm -r a; mv d a";
        let lab = Lab::sh(swap).under(way);
        fs::create_dir_all(lab.path("a/b")).unwrap();
        fs::write(lab.path("a/b/eval.py"), "the truth").unwrap();
        let eval = lab.path("a/b/eval.py");
        let lab = lab.with(|job| job.confinement.protected = vec![eval]);
        assert_eq!(lab.run().tampered.as_deref(), Some("`a` was moved"), "{way}");
    }
}

#[test]
fn importing_a_protected_module_is_no_tampering() {
    for way in WAYS {
        let lab = Lab::python("import sys; sys.path.insert(0, '.'); import tools.eval").under(way);
        fs::create_dir(lab.path("tools")).unwrap();
        fs::write(lab.path("tools/eval.py"), "x = 1\n").unwrap();
        let tools = [lab.path("tools"), lab.path("tools/eval.py")];
        let report = lab.with(|job| job.confinement.protected = tools.into()).run();
        assert_eq!((report.exit, report.tampered), (Exit::Code(0), None), "{way}");
    }
}

#[test]
fn nothing_is_read_or_written_beyond_what_is_allowed() {
    for way in CONFINED {
        let outside = tempfile::tempdir_in("/var/lib").or_else(|_| tempfile::tempdir()).unwrap();
        let at = outside.path().display();
        fs::write(outside.path().join("secret"), "secret").unwrap();
        fs::create_dir(outside.path().join("data")).unwrap();
        fs::write(outside.path().join("data/x"), "x").unwrap();
        let lab = attempts(&format!(
            "\
attempt('read', lambda: open('{at}/secret').read())
attempt('list', lambda: os.listdir('{at}').index('secret'))
attempt('shadow', lambda: open('/etc/shadow').read().index(':'))
attempt('system', lambda: open('/usr/new', 'w'))
attempt('etc', lambda: open('/etc/new', 'w'))
attempt('truncate', lambda: os.truncate('/etc/hostname', 0))
attempt('write data', lambda: open('{at}/data/x', 'w'))
attempt('data', lambda: open('{at}/data/x').read())
attempt('home', lambda: os.listdir(os.path.expanduser('~/.ssh')))
attempt('temporary', lambda: __import__('tempfile').NamedTemporaryFile().write(b'x'))
attempt('password', lambda: open('/etc/passwd').read())
"
        ))
        .under(way);
        let home = tempfile::tempdir_in("/var/lib").or_else(|_| tempfile::tempdir()).unwrap();
        fs::create_dir(home.path().join(".ssh")).unwrap();
        let data = outside.path().join("data");
        let lab = lab.with(|job| {
            job.confinement.readable = vec![data, "/no/where".into()];
            job.environment.insert("HOME".into(), home.path().to_str().unwrap().into());
        });
        assert_eq!(succeeded(&lab.run()), ["data", "temporary", "password"], "{way}");
    }
}

#[test]
fn what_is_hidden_in_the_worktree_is_not_read_in_a_sandbox() {
    let lab = Lab::sh("cat .git; ls folder; echo x > .git; echo x > folder/x; echo end")
        .under(Protection::Sandboxed);
    fs::write(lab.path(".git"), "secret\n").unwrap();
    fs::create_dir(lab.path("folder")).unwrap();
    fs::write(lab.path("folder/secret"), "").unwrap();
    let hidden = vec![lab.path(".git"), lab.path("folder")];
    let lab = lab.with(|job| job.confinement.hidden = hidden);
    let tail = lab.run().tail;
    assert!(!tail.contains("secret") && tail.ends_with("end"), "{tail}");
    assert_eq!(fs::read_to_string(lab.path(".git")).unwrap(), "secret\n");
}

#[test]
fn no_socket_of_the_machine_is_reached() {
    for way in CONFINED {
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        udp.set_nonblocking(true).unwrap();
        let name = format!("autoresearch-{}-{way}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        let _abstract = UnixListener::bind_addr(&address).unwrap();
        let outside = tempfile::tempdir().unwrap();
        let path = outside.path().join("socket");
        let _path = UnixListener::bind(&path).unwrap();
        let report = attempts(&format!(
            "\
attempt('tcp', lambda: socket.create_connection(('127.0.0.1', {})))
attempt('udp', lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', {})))
attempt('abstract', lambda: socket.socket(socket.AF_UNIX).connect('\\0{name}'))
attempt('path', lambda: socket.socket(socket.AF_UNIX).connect('{}'))
attempt('vsock', lambda: socket.socket(40, socket.SOCK_STREAM))
attempt('packet', lambda: socket.socket(17, socket.SOCK_RAW))
",
            tcp.local_addr().unwrap().port(),
            udp.local_addr().unwrap().port(),
            path.display(),
        ))
        .under(way)
        .run();
        let mut reached = succeeded(&report);
        // In a sandbox, the loopback of nobody else.
        reached.retain(|what| *what != "udp" || way == Protection::Restricted);
        // Landlock learns of sockets with a path in version 9.
        reached.retain(|what| *what != "path" || way == Protection::Sandboxed);
        assert_eq!(reached, Vec::<&str>::new(), "{way}");
        assert!(udp.recv(&mut [0; 8]).is_err(), "{way}");
    }
}

#[test]
fn with_the_network_allowed_a_listener_is_reached() {
    for way in CONFINED {
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = tcp.local_addr().unwrap().port();
        let connect =
            format!("attempt('tcp', lambda: socket.create_connection(('127.0.0.1', {port})))");
        let lab = attempts(&connect).under(way).with(|job| job.confinement.network = true);
        assert_eq!(succeeded(&lab.run()), ["tcp"], "{way}");
    }
}

#[test]
fn calls_that_lead_out_are_denied() {
    for way in CONFINED {
        let report = attempts(
            "\
CLONE_NEWUSER = 0x10000000
attempt('unshare', lambda: call(272, CLONE_NEWUSER))
attempt('clone', lambda: call(56, CLONE_NEWUSER | 17, 0, 0, 0, 0))
attempt('clone3', lambda: call(435, 0, 0))
attempt('x32', lambda: call(0x40000000 | 39))
attempt('ptrace', lambda: call(101, 16, os.getppid(), 0, 0))
attempt('mount', lambda: call(165, 0, b'/tmp', b'tmpfs', 0, 0))
attempt('chroot', lambda: os.chroot('.'))
attempt('io_uring', lambda: call(425, 1, 0))
attempt('keyctl', lambda: call(250, 0, -3, 0))
attempt('bpf', lambda: call(321, 0, 0, 0))
attempt('set-uid', lambda: os.chmod(sys.argv[0] if os.path.exists(sys.argv[0]) else '.', 0o4755))
attempt('set-uid file', lambda: os.open('new', os.O_CREAT | os.O_WRONLY, 0o4755))
attempt('personality', lambda: call(135, 0x0400000))
attempt('signal', lambda: os.kill(os.getppid() if os.getppid() > 1 else 1 << 21, 0))
attempt('memory', lambda: open(f'/proc/{os.getppid()}/mem', 'rb'))
attempt('environment', lambda: open(f'/proc/{os.getppid()}/environ', 'rb').read())
attempt('files', lambda: os.readlink(f'/proc/{os.getppid()}/fd/1'))
attempt('own', lambda: open('/proc/self/environ').read())
attempt('group', lambda: os.chmod('.', 0o755))
",
        )
        .under(way)
        .run();
        let tail = &report.tail;
        assert_eq!(succeeded(&report), ["own", "group"], "{way} {tail}");
        assert!(tail.contains("clone3 no 38") && tail.contains("x32 no 38"), "{tail}");
    }
}

#[test]
fn a_sandbox_shows_only_its_own_processes() {
    let script = "import os; print(sorted(int(p) for p in os.listdir('/proc') if p.isdigit()) == [1, os.getpid()], os.getuid() != 0)";
    assert_eq!(Lab::python(script).under(Protection::Sandboxed).run().tail, "True True");
}

#[test]
fn workers_that_share_memory_run_in_every_way() {
    let script = "\
import multiprocessing as mp
from multiprocessing import shared_memory
def square(x): return x * x
if __name__ == '__main__':
    for method in ['fork', 'spawn', 'forkserver']:
        with mp.get_context(method).Pool(2) as pool: print(sum(pool.map(square, range(10))))
    block = shared_memory.SharedMemory(create=True, size=1 << 20); block.close(); block.unlink()
    with mp.Manager() as manager: print(len(manager.list([1])))
    import asyncio; print(asyncio.run(asyncio.sleep(0, 7)))
";
    for way in CONFINED {
        let lab = Lab::command(&["python3", "main.py"]).under(way);
        fs::write(lab.path("main.py"), script).unwrap();
        assert_eq!(lab.run().tail, "285\n285\n285\n1\n7", "{way}");
    }
}

#[test]
fn a_data_loader_of_torch_with_workers_runs_in_every_way() {
    let python = "/usr/bin/python3";
    let has = std::process::Command::new(python).args(["-c", "import torch"]).output();
    if !has.is_ok_and(|output| output.status.success()) {
        return;
    }
    let script = "\
import torch
from torch.utils.data import DataLoader, TensorDataset
if __name__ == '__main__':
    loader = DataLoader(TensorDataset(torch.arange(64.).reshape(32, 2)), batch_size=4, num_workers=2)
    model = torch.nn.Linear(2, 1)
    for (x,) in loader: model(x).sum().backward()
    print(int(sum(x.sum() for (x,) in loader)))
";
    for way in CONFINED {
        let lab = Lab::command(&[python, "main.py"]).under(way);
        fs::write(lab.path("main.py"), script).unwrap();
        assert!(lab.run().tail.ends_with("2016"), "{way}: {}", lab.run().tail);
    }
}

#[test]
fn secrets_of_the_environment_stay_outside_unless_they_are_wanted() {
    for way in WAYS {
        let leaky = autoresearch_run::Local::new(
            "/usr/bin/env",
            ["A_TOKEN=1", "B_TOKEN=2", env!("CARGO_BIN_EXE_supervisor-for-tests"), "supervise"],
        );
        let run = |keep| {
            let lab = Lab::sh("echo ${A_TOKEN-none} ${B_TOKEN-none}").under(way).with(|job| {
                job.confinement.keep_secrets = keep;
                job.environment.insert("B_TOKEN".into(), "3".into());
            });
            lab.finish(&mut *leaky.start(&lab.job).unwrap()).unwrap().tail
        };
        assert_eq!((run(false).as_str(), run(true).as_str()), ("none 3", "1 3"), "{way}");
    }
}

#[test]
fn a_file_that_the_command_names_is_there_and_its_neighbours_are_not() {
    let elsewhere = tempfile::tempdir().unwrap();
    let script = elsewhere.path().join("run.sh");
    fs::write(&script, "cat \"$0\" > /dev/null && ls \"$(dirname \"$0\")\"").unwrap();
    fs::write(elsewhere.path().join("other"), "").unwrap();
    for way in CONFINED {
        let lab = Lab::sh("true").under(way);
        let named = lab.with(|job| job.command = vec!["sh".into(), script.display().to_string()]);
        let report = named.run();
        assert!(!report.tail.contains("other") || way == Protection::Restricted, "{way}");
        assert!(!report.tail.contains("No such file"), "{way}: {}", report.tail);
    }
}

#[test]
fn a_file_that_is_not_there_inside_is_named_with_the_remedy() {
    for way in CONFINED {
        let outside = tempfile::tempdir_in("/var/lib").or_else(|_| tempfile::tempdir()).unwrap();
        let file = outside.path().join("x.csv");
        fs::write(&file, "").unwrap();
        let report = Lab::sh(&format!("cat {}", file.display())).under(way).run();
        let hint = report.hint.unwrap();
        assert!(hint.contains("x.csv") && hint.contains("run.readable"), "{way} {hint}");
    }
}

#[test]
fn a_directory_that_is_not_there_inside_is_named_with_the_remedy() {
    let outside = tempfile::tempdir().unwrap();
    let lab = Lab::sh("true").under(Protection::Sandboxed);
    let why = lab.with(|job| job.directory = outside.path().to_owned()).run().exit;
    assert!(matches!(&why, Exit::NotStarted(why) if why.contains("run.readable")), "{why:?}");
}
