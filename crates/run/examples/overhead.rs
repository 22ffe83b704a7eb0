//! What a supervised command costs over a bare one, in every way to be confined
//! that this machine offers, taken in turns; and how fast a sandbox's gate is.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use autoresearch_core::trial::Protection;
use autoresearch_run::protection::offered;
use autoresearch_run::{
    CONFINE, Confinement, Executor as _, Job, Limits, Local, LogLimit, SUPERVISE, Talk, confine,
    supervise,
};

const ROUNDS: usize = 200;
/// Asked to read from a port, as fast as it can.
const READ: &str = "__read";
const BYTES: usize = 1 << 30;
/// Longer than the supervisor before it takes to be gone, as any real run is.
const PAUSE: [&str; 2] = ["sleep", "0.05"];

#[expect(clippy::print_stdout, reason = "a bench tells a person")]
fn main() -> Result<ExitCode, Box<dyn Error>> {
    match std::env::args().nth(1).as_deref() {
        Some(SUPERVISE) => return Ok(ExitCode::from(u8::try_from(supervise())?)),
        Some(READ) => return read(),
        Some(CONFINE) => return Ok(ExitCode::from(u8::try_from(confine())?)),
        _ => {}
    }
    let folder = tempfile::tempdir()?;
    let worktree = folder.path().join("worktree");
    std::fs::create_dir_all(worktree.join("evaluation/data"))?;
    for file in ["evaluation/eval.py", "tokenizer.json", "uv.lock", "pyproject.toml", ".git"] {
        std::fs::write(worktree.join(file), "")?;
    }
    let job = |protection, hosts: &[String]| Job {
        id: "overhead/".into(),
        command: PAUSE.map(Into::into).into(),
        directory: worktree.clone(),
        environment: BTreeMap::new(),
        stdin: None,
        talk: Talk::None,
        deadline_seconds: 60.0,
        grace_seconds: 1.0,
        quota: None,
        allowance_seconds: 0.0,
        cpus: Vec::new(),
        take: autoresearch_core::metric::Take::Last,
        log: folder.path().join("log"),
        log_limit: LogLimit::default(),
        limits: Limits::default(),
        confinement: Confinement {
            protection,
            writable: vec![worktree.clone()],
            protected: ["evaluation", "tokenizer.json", "uv.lock", "pyproject.toml"]
                .map(|name| worktree.join(name))
                .into(),
            hidden: vec![worktree.join(".git")],
            private: Some(folder.path().join("private")),
            hosts: hosts.to_vec(),
            ..Confinement::default()
        },
        container: None,
        source: Some(autoresearch_core::metric::Source::Printed { name: "loss".into() }),
        series: None,
        wanted: Vec::new(),
        result: folder.path().join("result.json"),
    };
    let local = Local::new(std::env::current_exe()?, ["__supervise"]);
    let start = Instant::now();
    let offer = offered(&local, folder.path());
    println!("what is offered: {:?} in {:.2?}", offer, start.elapsed());
    let host = ["api.example.com:443".to_owned()];
    let mut ways: Vec<(Protection, &[String])> = vec![
        (Protection::Unprotected, &[]),
        (Protection::Restricted, &[]),
        (Protection::Sandboxed, &[]),
        (Protection::Sandboxed, &host),
    ];
    ways.retain(|(way, _)| offer.has(*way).is_ok());
    let mut bare = Vec::new();
    let mut supervised = vec![Vec::new(); ways.len()];
    for _ in 0..ROUNDS {
        let start = Instant::now();
        Command::new(PAUSE[0]).arg(PAUSE[1]).status()?;
        bare.push(start.elapsed());
        for ((way, hosts), times) in ways.iter().zip(&mut supervised) {
            let start = Instant::now();
            local.start(&job(*way, hosts))?.wait(Duration::MAX)?;
            times.push(start.elapsed());
        }
    }
    let bare = median(bare);
    println!("bare {bare:.2?}");
    for ((way, hosts), times) in ways.iter().zip(supervised) {
        let time = median(times);
        let gate = if hosts.is_empty() { "" } else { " with a gate" };
        println!("{way}{gate} {time:.2?}: {:.2?} more", time.saturating_sub(bare));
    }
    if offer.has(Protection::Sandboxed).is_ok() {
        let host = [format!("localhost:{}", serve()?)];
        for is_open in [true, false, true, false] {
            let mut job = job(Protection::Sandboxed, &host);
            job.command = vec![
                std::env::current_exe()?.display().to_string(),
                READ.to_owned(),
                host[0].clone(),
            ];
            job.confinement.network = is_open;
            let report = local.start(&job)?.wait(Duration::MAX)?.ok_or("it still runs")?;
            let how = if is_open { "over loopback" } else { "through the gate" };
            println!("{how} {}", report.tail);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// A server that sends all bytes to whoever comes; its port.
fn serve() -> Result<u16, Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    std::thread::spawn(move || {
        let piece = vec![7; 1 << 20];
        for mut caller in listener.incoming().flatten() {
            for _ in 0..BYTES / piece.len() {
                let _ = caller.write_all(&piece);
            }
        }
    });
    Ok(port)
}

#[expect(clippy::print_stdout, reason = "a bench tells a person")]
fn read() -> Result<ExitCode, Box<dyn Error>> {
    let host = std::env::args().nth(2).ok_or("read from where?")?;
    let start = Instant::now();
    let mut stream = TcpStream::connect(host)?;
    let mut piece = vec![0; 1 << 18];
    let mut all = 0;
    loop {
        match stream.read(&mut piece)? {
            0 => break,
            n => all += n,
        }
    }
    let speed = all as f64 / start.elapsed().as_secs_f64() / 1e9;
    println!("{speed:.2} GB/s of {all} bytes");
    Ok(ExitCode::SUCCESS)
}
