//! What a confined command can and cannot do.

use autoresearch_core::trial::{Exit, Protection};
use autoresearch_run::RunError;
use autoresearch_run::protection::offered;

use crate::lab::{CONFINED, Lab, local};

#[test]
fn this_machine_offers_all_ways() {
    let folder = tempfile::tempdir().unwrap();
    let offer = offered(&local(), folder.path());
    assert_eq!((&offer.sandboxed, &offer.restricted), (&Ok(()), &Ok(())));
    assert_eq!(offer.best(), Protection::Sandboxed);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn an_ordinary_command_runs_in_every_way() {
    for way in CONFINED {
        let report = Lab::sh("echo loss: 0.5; echo x > file; cat file").under(way).run();
        assert_eq!(
            (&report.exit, report.readings.metric),
            (&Exit::Code(0), Some(0.5)),
            "{way} {report:?}"
        );
        assert_eq!(report.tail, "loss: 0.5\nx", "{way}");
    }
}
