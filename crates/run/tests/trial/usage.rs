//! What a trial is said to have used.

use autoresearch_core::trial::Exit;

use crate::lab::{Lab, WAYS};

#[test]
fn memory_of_a_child_process_is_seen() {
    for way in WAYS {
        let lab = Lab::python(
            "import os, time\n\
         if os.fork() == 0:\n    block = b'x' * 200_000_000\n    time.sleep(0.3)\n    os._exit(0)\n\
         os.wait()",
        )
        .under(way);
        let peak = lab.run().usage.peak_memory.0;
        assert!((200_000_000..400_000_000).contains(&peak), "{peak}");
    }
}

#[test]
fn memory_of_processes_side_by_side_adds_up() {
    let lab = Lab::python(
        "import os\n\
         read, write = os.pipe()\n\
         for _ in range(3):\n    if os.fork() == 0:\n        block = b'x' * 60_000_000\n        os.write(write, b'.')\n        os.read(0, 1)\n        import time; time.sleep(0.6)\n        os._exit(0)\n\
         for _ in range(3): os.wait()",
    );
    let peak = lab.run().usage.peak_memory.0;
    assert!((180_000_000..400_000_000).contains(&peak), "{peak}");
}

#[test]
fn cpu_time_of_the_whole_tree_is_counted_even_of_killed_orphans() {
    for way in WAYS {
        let burn = "end = time.process_time() + 0.2\nwhile time.process_time() < end: pass";
        let lab = Lab::python(&format!(
        "import os, time\n\
         if os.fork() == 0:\n    os.setsid()\n    exec('''{burn}''')\n    open('ready', 'w').close()\n    time.sleep(1000)\n\
         {burn}\n\
         while not os.path.exists('ready'): time.sleep(0.01)"
    )).under(way);
        let report = lab.run();
        assert_eq!((report.exit, report.strays), (Exit::Code(0), 1));
        assert!(report.usage.cpu_seconds >= 0.4, "{:?}", report.usage);
        assert!(report.usage.wall_seconds >= 0.2, "{:?}", report.usage);
    }
}

#[test]
fn running_out_of_memory_is_told_from_failing() {
    let lab = Lab::python("raise MemoryError('no room')");
    assert_eq!(lab.run().out_of_memory.as_deref(), Some("MemoryError: no room"));
    let lab = Lab::python("raise ValueError('MemoryErrors are for others')");
    assert_eq!(lab.run().out_of_memory, None);
}

#[test]
fn a_program_that_recovered_did_not_run_out_of_memory() {
    let lab = Lab::sh("echo MemoryError; echo loss: 1");
    assert_eq!(lab.run().out_of_memory, None);
    let lab = Lab::sh("echo MemoryError");
    assert_eq!(lab.run().out_of_memory.as_deref(), Some("MemoryError"));
}
