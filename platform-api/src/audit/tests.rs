//! What the chain promises, over files that were really written.

use super::*;
use jiff::Timestamp;
use proptest::prelude::*;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use uuid::Uuid;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;
const LARGE: u64 = 1 << 30;

fn event(number: usize, outcome: Outcome) -> Event {
    Event {
        request: format!("request-{number}"),
        principal: "User::\"ada\"".to_owned(),
        action: "Action::\"update\"".to_owned(),
        resource: format!("Environment::\"shop-{number}\""),
        decision: Decision {
            allowed: true,
            policies: vec!["owner-may".to_owned()],
        },
        operation: Some(Uuid::from_u128(number as u128)),
        outcome,
        etag_before: Some("\"a\"".to_owned()),
        etag_after: None,
    }
}

fn done() -> Outcome {
    Outcome::Answered {
        begun: None,
        status: 202,
        code: None,
    }
}

fn open(directory: &Path, rotate_at: u64) -> Result<Log, AuditError> {
    let settings = Settings {
        directory: directory.to_owned(),
        rotate_at,
    };
    Log::open(&settings, NOW)
}

fn append(log: &Log, number: usize, outcome: Outcome) -> Head {
    Runtime::new()
        .expect("a runtime")
        .block_on(log.append(NOW, event(number, outcome)))
        .expect("the record is written")
}

/// A log of a start and so many records; its files and its heads.
fn written(records: usize, rotate_at: u64) -> (TempDir, Vec<PathBuf>, Vec<Head>) {
    let folder = tempfile::tempdir().expect("a folder");
    let log = open(folder.path(), rotate_at).expect("a new log");
    let heads = (0..records)
        .map(|number| append(&log, number, done()))
        .collect();
    drop(log);
    let files = files::list(folder.path()).expect("its files");
    (folder, files, heads)
}

fn broken(files: &[PathBuf], anchors: &[Anchor]) -> Broken {
    match verify(files, anchors) {
        Err(AuditError::Broken(broken)) => broken,
        other => panic!("the chain was to be broken: {other:?}"),
    }
}

#[test]
fn records_follow_each_other_and_the_head_is_the_last_receipt() {
    let (_folder, files, heads) = written(20, LARGE);
    let verified = verify(&files, &heads).expect("it holds");
    assert_eq!(verified.records, 21);
    assert_eq!(verified.first, 1);
    assert_eq!(Some(&verified.head), heads.last());
}

#[test]
fn the_chain_goes_on_in_the_next_file_and_over_a_restart() {
    let (folder, files, heads) = written(20, 2_000);
    assert!(files.len() > 3, "only {} files", files.len());
    let log = open(folder.path(), 2_000).expect("a restart");
    let after = append(&log, 20, done());
    drop(log);
    assert_eq!(after.seq, 23, "20 records, two starts, and this one");
    let files = files::list(folder.path()).expect("its files");
    let verified = verify(&files, &heads).expect("it holds");
    assert_eq!(verified.head, after);
}

#[test]
fn older_files_may_be_put_away_if_an_anchor_holds_the_rest_to_them() {
    let (_folder, files, heads) = written(20, 2_000);
    let rest = &files[2..];
    let Break::Beheaded { first } = broken(rest, &[]).found else {
        panic!("nothing proves where it begins");
    };
    let before = heads
        .iter()
        .find(|head| head.seq == first - 1)
        .expect("a receipt");
    verify(rest, std::slice::from_ref(before)).expect("it follows its anchor");
    let wrong = Head {
        hash: Hash::of(b"something else"),
        ..before.clone()
    };
    assert_eq!(broken(rest, &[wrong]).found, Break::Chain { seq: first });
}

#[test]
fn a_missing_file_is_found() {
    let (_folder, mut files, _) = written(20, 2_000);
    files.remove(1);
    assert!(matches!(broken(&files, &[]).found, Break::Number { .. }));
}

#[test]
fn an_end_that_was_cut_off_is_found_by_an_anchor_only() {
    let (_folder, files, heads) = written(5, LARGE);
    let text = fs::read_to_string(&files[0]).expect("the file");
    let kept: String = text.split_inclusive('\n').take(4).collect();
    fs::write(&files[0], kept).expect("the file is cut");
    verify(&files, &[]).expect("what is left is a chain");
    assert_eq!(
        broken(&files, &heads).found,
        Break::Truncated { last: 4, anchor: 6 }
    );
}

#[test]
fn a_log_that_was_written_anew_is_found_by_an_anchor_only() {
    let (_folder, _, heads) = written(5, LARGE);
    let folder = tempfile::tempdir().expect("a folder");
    let forged = open(folder.path(), LARGE).expect("a new log");
    for number in [0, 1, 7, 3, 4] {
        append(&forged, number, done());
    }
    drop(forged);
    let files = files::list(folder.path()).expect("its files");
    verify(&files, &[]).expect("it is a chain");
    assert_eq!(
        broken(&files, &heads).found,
        Break::Rewritten { seq: 4 },
        "the first record that differs is number 4: the start and two records are the same"
    );
}

#[test]
fn a_torn_record_is_cut_off_and_the_next_start_says_so() {
    let (folder, files, _) = written(3, LARGE);
    let whole = fs::read(&files[0]).expect("the file");
    for torn in [&b"{"[..], &whole[..200]] {
        let torn = torn.split(|byte| *byte == b'\n').next().expect("a part");
        let mut file = fs::OpenOptions::new()
            .append(true)
            .open(&files[0])
            .expect("the file");
        file.write_all(torn).expect("half a record");
        assert_eq!(broken(&files, &[]).found, Break::Torn);
        drop(open(folder.path(), LARGE).expect("it recovers"));
        verify(&files, &[]).expect("it holds again");
        let text = fs::read_to_string(&files[0]).expect("the file");
        let last = text.lines().last().expect("a line");
        assert!(
            last.contains(&format!("\"torn_bytes\":{}", torn.len())),
            "{last}"
        );
    }
}

#[test]
fn a_log_of_nothing_but_a_torn_record_begins_anew() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, _) = files::create(folder.path(), 1).expect("a file");
    fs::write(&path, "{\"seq\":1,\"ti").expect("half a record");
    drop(open(folder.path(), LARGE).expect("it recovers"));
    assert_eq!(verify(&[path], &[]).expect("it holds").records, 1);
}

#[test]
fn a_write_that_was_not_answered_is_named_by_the_next_start_and_not_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = open(folder.path(), LARGE).expect("a new log");
    let answered = append(&log, 1, Outcome::Begun);
    let interrupted = append(&log, 2, Outcome::Begun);
    append(
        &log,
        1,
        Outcome::Answered {
            begun: Some(answered.seq),
            status: 200,
            code: None,
        },
    );
    drop(log);
    for expected in [vec![interrupted.seq], vec![]] {
        drop(open(folder.path(), LARGE).expect("a restart"));
        let files = files::list(folder.path()).expect("its files");
        let text = fs::read_to_string(files.last().expect("a file")).expect("the file");
        let last = text.lines().last().expect("a line");
        let expected = serde_json::to_string(&expected).expect("JSON");
        assert!(
            last.contains(&format!("\"interrupted\":{expected}")),
            "{last}"
        );
    }
}

#[test]
fn a_log_that_is_broken_is_not_written_on() {
    let (folder, files, _) = written(3, LARGE);
    let text = fs::read_to_string(&files[0]).expect("the file");
    fs::write(&files[0], text.replacen("ada", "eve", 1)).expect("an edit");
    match open(folder.path(), LARGE) {
        Err(AuditError::Broken(Broken { line, found, .. })) => {
            assert_eq!((line, found), (2, Break::Edited));
        }
        other => panic!("it was to be refused: {other:?}"),
    }
}

#[test]
fn a_second_writer_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let _first = open(folder.path(), LARGE).expect("a new log");
    assert!(matches!(
        open(folder.path(), LARGE),
        Err(AuditError::Taken { .. })
    ));
}

#[test]
fn many_writers_at_once_make_one_chain() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = open(folder.path(), 50_000).expect("a new log");
    let runtime = Runtime::new().expect("a runtime");
    let mut seen: Vec<u64> = runtime.block_on(async {
        let tasks: Vec<_> = (0..500)
            .map(|number| {
                let log = log.clone();
                tokio::spawn(async move { log.append(NOW, event(number, done())).await })
            })
            .collect();
        let mut seen = Vec::new();
        for task in tasks {
            seen.push(task.await.expect("no panic").expect("written").seq);
        }
        seen
    });
    drop(log);
    seen.sort_unstable();
    assert_eq!(seen, (2..=501).collect::<Vec<_>>());
    let files = files::list(folder.path()).expect("its files");
    assert_eq!(verify(&files, &[]).expect("it holds").records, 501);
}

#[test]
fn a_client_cannot_make_a_record_long() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = open(folder.path(), LARGE).expect("a new log");
    let wordy = Event {
        resource: "é".repeat(100_000),
        ..event(1, done())
    };
    let runtime = Runtime::new().expect("a runtime");
    runtime.block_on(log.append(NOW, wordy)).expect("written");
    drop(log);
    let files = files::list(folder.path()).expect("its files");
    assert!(fs::metadata(&files[0]).expect("the file").len() < 2_000);
    verify(&files, &[]).expect("it holds");
}

#[test]
fn the_command_takes_a_folder_and_warns_without_an_anchor() {
    #[derive(clap::Parser)]
    struct Program {
        #[command(flatten)]
        verify: Verify,
    }
    let (folder, _, heads) = written(3, LARGE);
    let folder = folder.path().to_str().expect("a path");
    let run = |arguments: &[&str]| {
        let mut out = Vec::new();
        let arguments = ["verify", folder]
            .into_iter()
            .chain(arguments.iter().copied());
        let program = <Program as clap::Parser>::parse_from(arguments);
        program
            .verify
            .run(&mut out)
            .map(|()| String::from_utf8(out).expect("text"))
    };
    let free = run(&[]).expect("it holds");
    assert!(
        free.contains("4 records, 1 to 4") && free.contains("no anchor was given"),
        "{free}"
    );
    let anchor = heads[2].to_string();
    let held = run(&["--anchor", &anchor]).expect("it holds");
    assert!(held.contains("anchored up to record 4"), "{held}");
}

/// One log for all the edits: its bytes and the receipts of its records.
static CHAIN: LazyLock<(Vec<u8>, Vec<Head>)> = LazyLock::new(|| {
    let (_folder, files, heads) = written(12, LARGE);
    (fs::read(&files[0]).expect("the file"), heads)
});

fn check(bytes: &[u8], anchors: &[Anchor]) -> Result<Verified, AuditError> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("log");
    fs::write(&path, bytes).expect("the file");
    verify(&[path], anchors)
}

/// The line, from 1, that holds a byte.
fn line_of(bytes: &[u8], at: usize) -> u64 {
    1 + bytes[..at].split(|byte| *byte == b'\n').count() as u64 - 1
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_changed_byte_is_found_where_it_is(at in any::<prop::sample::Index>(), with in any::<u8>()) {
        let (bytes, _) = &*CHAIN;
        let at = at.index(bytes.len());
        prop_assume!(bytes[at] != with);
        let mut edited = bytes.clone();
        edited[at] = with;
        match check(&edited, &[]) {
            Err(AuditError::Broken(broken)) => prop_assert_eq!(broken.line, line_of(bytes, at)),
            other => prop_assert!(false, "unseen: {:?}", other),
        }
    }

    #[test]
    fn any_removed_run_of_bytes_is_found(at in any::<prop::sample::Index>(), length in 1_usize..2_000) {
        let (bytes, heads) = &*CHAIN;
        let at = at.index(bytes.len());
        let end = (at + length).min(bytes.len());
        let mut edited = bytes.clone();
        edited.drain(at..end);
        // A cut at the end of a record needs the receipt.
        prop_assert!(check(&edited, heads).is_err());
    }

    #[test]
    fn any_inserted_bytes_are_found(at in any::<prop::sample::Index>(), extra in prop::collection::vec(any::<u8>(), 1..40)) {
        let (bytes, _) = &*CHAIN;
        let at = at.index(bytes.len() + 1);
        let mut edited = bytes.clone();
        edited.splice(at..at, extra);
        prop_assert!(check(&edited, &[]).is_err());
    }

    #[test]
    fn records_that_were_repeated_removed_or_swapped_are_found(from in 0_usize..13, to in 0_usize..13, how in 0..3) {
        let (bytes, heads) = &*CHAIN;
        let text = std::str::from_utf8(bytes).expect("text");
        let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
        match how {
            0 => lines.insert(to, lines[from]),
            1 => { lines.remove(from); }
            _ => lines.swap(from, to),
        }
        let edited = lines.concat();
        prop_assume!(edited != text);
        prop_assert!(check(edited.as_bytes(), heads).is_err());
    }

    #[test]
    fn an_edit_with_a_new_hash_of_its_own_is_found_by_the_next_record_or_the_receipt(which in 0_usize..13) {
        let (bytes, heads) = &*CHAIN;
        let text = std::str::from_utf8(bytes).expect("text");
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let (mut record, _) = record::Record::read(lines[which].as_bytes()).expect("a record");
        record.time = Timestamp::MAX;
        let (line, _) = record.to_line().expect("a line");
        lines[which] = line.trim_end().to_owned();
        let edited = lines.join("\n") + "\n";
        prop_assert!(check(edited.as_bytes(), heads).is_err());
        prop_assert_eq!(check(edited.as_bytes(), &[]).is_err(), which < 12);
    }
}
