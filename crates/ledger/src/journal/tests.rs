use super::*;
use autoresearch_core::experiment::{CommitId, Rerun};
use autoresearch_core::judge::Ruling;
use autoresearch_core::proposal::Fingerprint;
use autoresearch_core::session::{Event, Purpose, State};
use autoresearch_core::trial::{Exit, Trial};

fn record(seq: u64, event: Event) -> Record {
    Record { seq, at: Timestamp(1000 + i64::try_from(seq).unwrap()), event }
}

/// An engine that was killed while it made the file.
#[test]
fn a_file_without_tables_is_no_journal() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    Journal::connect(&path, OpenFlags::default()).unwrap().tune().unwrap();
    assert!(path.metadata().unwrap().len() > 0);
    for opened in [Journal::open(&path), Journal::open_read_only(&path)] {
        assert!(matches!(opened.err(), Some(JournalError::Missing { .. })));
    }
}

#[test]
fn what_is_appended_is_read_back_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let mut journal = Journal::create(&path).unwrap();
    let records = [record(1, Event::Resumed), record(2, Event::Settled { number: 3 })];
    journal.append(&records, None).unwrap();
    drop(journal);
    let journal = Journal::open(&path).unwrap();
    assert_eq!(journal.last_seq(), 2);
    let mut seen = Vec::new();
    journal.replay(|record| seen.push(record)).unwrap();
    assert_eq!(seen, records);
    assert_eq!(State::replay(&seen).last_seq(), 2);
    assert!(matches!(Journal::create(&path), Err(JournalError::Exists { .. })));
}

#[test]
fn a_place_is_never_written_twice() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = Journal::create(&folder.path().join("journal.db")).unwrap();
    journal.append(&[record(1, Event::Resumed)], None).unwrap();
    let twice = [record(2, Event::Resumed), record(1, Event::Resumed)];
    assert!(journal.append(&twice, None).is_err());
    let mut count = 0;
    journal.replay(|_| count += 1).unwrap();
    assert_eq!(count, 1, "a failed append leaves nothing");
}

#[test]
fn rubbish_is_an_error_that_names_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    assert!(matches!(Journal::open(&path), Err(JournalError::Missing { .. })));
    std::fs::write(&path, "this is no database, whatever its name says").unwrap();
    let error = Journal::open(&path).unwrap_err().to_string();
    assert!(error.contains("journal.db"), "{error}");
    std::fs::write(&path, "").unwrap();
    assert!(Journal::open(&path).is_err());
}

#[test]
fn an_unreadable_row_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let mut journal = Journal::create(&path).unwrap();
    journal.append(&[record(1, Event::Resumed)], None).unwrap();
    journal.connection.execute("INSERT INTO event VALUES (2, 0, '{\"flown\":1}')", []).unwrap();
    let error = journal.replay(|_| ()).unwrap_err().to_string();
    assert!(error.contains("row 2") && error.contains("flown"), "{error}");
}

#[test]
fn a_run_after_the_verdict_is_archived_and_changes_no_figure() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = Journal::create(&folder.path().join("journal.db")).unwrap();
    let measured = |metric| Trial { metric: Some(metric), ..Trial::ended(1, Exit::Code(0)) };
    let mut experiment = Experiment {
        number: 4,
        parent: CommitId("a".into()),
        commit: Some(CommitId("b".into())),
        hypothesis: "h".into(),
        category: Category::Other,
        proposer: "p".into(),
        fingerprint: Fingerprint(1),
        settings: None,
        files: Vec::new(),
        code_lines: 3,
        trials: vec![measured(2.0)],
        reruns: Vec::new(),
        relief: None,
        checks: Vec::new(),
        trusts: None,
        ruling: Some(Ruling::baseline()),
        expected: Some("lower by 0.01".into()),
        spent: autoresearch_core::spent::Spent::default(),
        proposers: Vec::new(),
        noise: None,
        proposed_at: Timestamp(1),
        settled_at: Some(Timestamp(2)),
    };
    journal.append(&[record(1, Event::Settled { number: 4 })], Some(&experiment)).unwrap();
    let before = journal.entry(4).unwrap().unwrap();
    journal.connection.execute("UPDATE experiment SET rule = 'trusted'", []).unwrap();
    let purpose = Purpose::Verification;
    experiment.reruns.push(Rerun { number: 2, purpose, trial: measured(9.0) });
    journal.append(&[record(2, Event::Resumed)], Some(&experiment)).unwrap();
    assert_eq!(journal.experiment(4).unwrap().unwrap(), experiment);
    let mut each = Vec::new();
    journal.each(|settled| each.push(settled)).unwrap();
    assert_eq!(each, [experiment]);
    let after = journal.entry(4).unwrap().unwrap();
    assert_eq!(after.expected.as_deref(), Some("lower by 0.01"));
    assert_eq!(after, Entry { rule: Rule::Trusted, ..before });
}

#[test]
fn messages_wait_for_the_engine() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let journal = Journal::create(&path).unwrap();
    Journal::open(&path).unwrap().post(&Message::Stop { now: true }).unwrap();
    let inbox = journal.inbox().unwrap();
    assert_eq!(inbox[0].1, Some(Message::Stop { now: true }));
    journal.discard(inbox[0].0).unwrap();
    assert!(journal.inbox().unwrap().is_empty());
}
