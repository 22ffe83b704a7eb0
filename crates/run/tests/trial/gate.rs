//! From a sandbox some hosts can be reached, and nothing else.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::sync::{Arc, Mutex};

use autoresearch_core::trial::{Exit, Protection};
use autoresearch_run::RunError;

use crate::lab::Lab;

/// A server of this machine; its port. Each caller is served by a thread.
fn server(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let serve = Arc::new(serve);
    std::thread::spawn(move || {
        for caller in listener.incoming().flatten() {
            let serve = Arc::clone(&serve);
            std::thread::spawn(move || serve(caller));
        }
    });
    port
}

/// Says how much it was sent, once it was all sent.
fn counting(mut caller: TcpStream) {
    let mut all = Vec::new();
    if caller.read_to_end(&mut all).is_ok() {
        let _ = write!(caller, "got {} {}", all.len(), all.last().copied().unwrap_or_default());
    }
}

fn gated(script: &str, hosts: &[String]) -> Lab {
    Lab::python(script).under(Protection::Sandboxed).with(|job| {
        job.confinement.hosts = hosts.to_vec();
        job.environment.insert("HTTPS_PROXY".into(), String::new());
    })
}

#[test]
fn a_named_host_is_reached_and_either_side_may_end_first() {
    const SCRIPT: &str = r"
import socket, sys
def ask(host):
    s = socket.create_connection((host, int(sys.argv[1])))
    s.sendall(b'x' * 5_000_000 + b'\7')
    s.shutdown(socket.SHUT_WR)
    print(host, s.makefile().read())
ask('localhost')
ask('127.0.0.1')
";
    let port = server(counting);
    let lab = gated(SCRIPT, &[format!("localhost:{port}")])
        .with(|job| job.command.push(port.to_string()));
    let report = lab.run();
    assert_eq!(report.tail, "localhost got 5000001 7\n127.0.0.1 got 5000001 7");

    // A server that speaks first and ends.
    let port = server(|mut caller| drop(caller.write_all(&vec![b'y'; 3_000_000])));
    let script = format!(
        "import socket; print(len(socket.create_connection(('127.0.0.1', {port})).makefile().read()))"
    );
    assert_eq!(gated(&script, &[format!("127.0.0.1:{port}")]).run().tail, "3000000");
}

#[test]
fn many_can_be_connected_at_once() {
    const SCRIPT: &str = r"
import socket, sys
all = [socket.create_connection(('localhost', int(sys.argv[1]))) for _ in range(50)]
for n, s in enumerate(all):
    s.sendall(b'z' * n)
    s.shutdown(socket.SHUT_WR)
print(sum(int(s.makefile().read().split()[1]) for s in all))
";
    let port = server(counting);
    let lab = gated(SCRIPT, &[format!("localhost:{port}")])
        .with(|job| job.command.push(port.to_string()));
    assert_eq!(lab.run().tail, (0..50).sum::<u32>().to_string());
}

/// Also that a name is known inside, on a port that is root's.
#[test]
fn where_there_is_a_proxy_it_is_asked_for_the_host_and_for_no_other() {
    const SCRIPT: &str = r"
import os, socket
print(socket.gethostbyname('api.example.com'), os.environ.get('HTTPS_PROXY'))
s = socket.create_connection(('api.example.com', 443))
s.sendall(b'hello')
print(s.recv(5).decode())
try:
    print(socket.gethostbyname('other.example.com'))
except OSError as error:
    print('unknown')
";
    let asked = Arc::new(Mutex::new(String::new()));
    let heard = Arc::clone(&asked);
    let proxy = server(move |mut caller| {
        let mut text = Vec::new();
        let mut byte = [0];
        while !text.ends_with(b"\r\n\r\n") && caller.read_exact(&mut byte).is_ok() {
            text.push(byte[0]);
        }
        heard.lock().unwrap().push_str(&String::from_utf8_lossy(&text));
        let mut word = [0; 5];
        let _ = caller.write_all(b"HTTP/1.1 200 fine\r\nX: y\r\n\r\n");
        if caller.read_exact(&mut word).is_ok() {
            word.reverse();
            let _ = caller.write_all(&word);
        }
    });
    let lab = gated(SCRIPT, &["api.example.com:443".to_owned()]).with(|job| {
        let place = format!("http://me:secret@127.0.0.1:{proxy}");
        job.environment.insert("HTTPS_PROXY".into(), place);
    });
    assert_eq!(lab.run().tail, "127.1.0.1 None\nolleh\nunknown");
    let expected = "CONNECT api.example.com:443 HTTP/1.1\r\nHost: api.example.com:443\r\nProxy-Authorization: Basic bWU6c2VjcmV0\r\n\r\n";
    assert_eq!(*asked.lock().unwrap(), expected);
}

/// What an intruder tries; a word for each way out that was found.
const ATTACK: &str = r"
import ctypes, os, socket, struct, sys
other, allowed, abstract, outer = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4]
def tries(name, attempt):
    try:
        attempt()
        print('OUT', name)
    except OSError as error:
        pass
def tcp(host, port, family=socket.AF_INET):
    s = socket.socket(family)
    s.settimeout(2)
    s.connect((host, port))
    s.sendall(b'?')
    if not s.recv(1):
        raise OSError
for host in ['127.0.0.1', '127.0.0.2', '127.1.0.1', '0.0.0.0', outer]:
    tries(f'tcp {host}', lambda: tcp(host, other))
tries('tcp6', lambda: tcp('::1', other, socket.AF_INET6))
tries('outer address of what is allowed', lambda: tcp(outer, allowed))
tries('another port', lambda: tcp('127.0.0.1', 22))
def udp():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.connect(('192.0.2.1', 53))
    s.send(b'?')
tries('udp', udp)
tries('raw', lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1))
tries('packet', lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW))
tries('abstract', lambda: socket.socket(socket.AF_UNIX).connect('\0' + abstract))
for flag in [0x40000000, 0x10000000]:
    tries(f'namespace {flag:x}', lambda: ctypes.CDLL(None).unshare(flag) and (_ for _ in ()).throw(OSError()))
tries('low port', lambda: socket.socket().bind(('127.0.0.1', 81)))
for fd in range(3, 256):
    tries(f'inherited {fd}', lambda: os.fstat(fd))
tries('files of the first process', lambda: os.readlink('/proc/1/fd/0'))
tries('memory of the first process', lambda: open('/proc/1/mem', 'rb'))
tries('pidfd_getfd', lambda: ctypes.CDLL(None).syscall(438, os.pidfd_open(1), 3, 0) >= 0 or (_ for _ in ()).throw(OSError()))
print(open('/proc/self/status').read().split('CapEff:')[1].split()[0], open('/proc/self/status').read().split('CapBnd:')[1].split()[0])
tcp('127.0.0.1', allowed)
print('allowed')
";

#[test]
fn nothing_else_is_reached_by_whatever_an_intruder_tries() {
    let answer = |mut caller: TcpStream| {
        let mut byte = [0];
        if caller.read_exact(&mut byte).is_ok() {
            let _ = caller.write_all(b"!");
            let _ = caller.shutdown(Shutdown::Both);
        }
    };
    let (other, allowed) = (server(answer), server(answer));
    let name = format!("autoresearch-test-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).unwrap();
    let _listener = UnixListener::bind_addr(&address).unwrap();
    // An address of this machine that is not loopback, if it has one.
    let probe = std::net::UdpSocket::bind("0.0.0.0:0").unwrap();
    let outer = probe.connect("192.0.2.1:9").and_then(|()| probe.local_addr());
    let outer = outer.map_or_else(|_| "127.0.0.3".to_owned(), |address| address.ip().to_string());
    let lab = gated(ATTACK, &[format!("127.0.0.1:{allowed}")])
        .with(|job| job.command.extend([other.to_string(), allowed.to_string(), name, outer]));
    let report = lab.run();
    assert_eq!(report.tail, "0000000000000000 0000000000000000\nallowed", "{}", lab.log());

    // The attempts are no empty ones: without protection they get out.
    let lab = lab.with(|job| {
        job.confinement.protection = Protection::Unprotected;
        job.confinement.private = None;
    });
    lab.run();
    let log = lab.log();
    for way in ["tcp 127.0.0.1", "abstract"] {
        assert!(log.contains(&format!("OUT {way}")), "{log}");
    }
}

#[test]
fn a_host_that_cannot_be_reached_is_named_and_a_caller_is_not_left_waiting() {
    let port = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let script = format!("import socket; socket.create_connection(('localhost', {port})).recv(1)");
    let report = gated(&script, &[format!("localhost:{port}")]).run();
    assert_eq!(report.exit, Exit::Code(1));
    assert!(report.tail.contains("ConnectionResetError"), "{}", report.tail);
    let hint = report.hint.unwrap();
    assert!(hint.starts_with(&format!("`localhost:{port}` could not be reached: ")), "{hint}");
}

#[test]
fn a_connection_that_hangs_does_not_hold_the_end_up() {
    let port = server(|mut caller| drop(caller.read_to_end(&mut Vec::new())));
    let script = format!(
        "import socket, os, time; s = socket.create_connection(('localhost', {port})); os.fork() or time.sleep(1000)"
    );
    let report = gated(&script, &[format!("localhost:{port}")]).run();
    assert_eq!((report.exit, report.strays), (Exit::Code(0), 1));
}

#[test]
fn what_is_no_host_is_refused_before_anything_starts() {
    let lab = gated("print('started')", &["https://api.example.com".to_owned()]);
    let error = lab.finish(&mut *lab.start()).unwrap_err();
    assert!(
        matches!(&error, RunError::BadJob { why } if why.contains("without a scheme")),
        "{error}"
    );
}
