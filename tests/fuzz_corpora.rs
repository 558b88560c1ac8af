//! What the fuzz targets were started with and have found since does no harm: every file in `fuzz/corpus` through the same code.

#[path = "../fuzz/src/lib.rs"]
mod fuzz;

use std::path::{Path, PathBuf};

use firedrill::syntax::STACK_BYTES;

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    files
}

#[test]
fn corpora_of_all_targets_do_no_harm() {
    let corpora = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    let mut targets: Vec<&str> = fuzz::TARGETS.iter().map(|(name, _)| *name).collect();
    targets.sort_unstable();
    let found: Vec<PathBuf> = files(&corpora);
    let named: Vec<_> = found.iter().filter_map(|folder| folder.file_name()?.to_str()).collect();
    assert_eq!(named, targets, "a target without a corpus, or a corpus without a target");
    for (target, folder) in targets.into_iter().zip(found) {
        let inputs = files(&folder);
        assert!(inputs.len() >= 20, "{target} has {} inputs", inputs.len());
        // A thread as the command line has it.
        let thread = std::thread::Builder::new().name(target.to_owned()).stack_size(STACK_BYTES);
        let run = thread.spawn(move || {
            let fails = |input: &PathBuf| {
                let bytes = std::fs::read(input).expect("it is there");
                std::panic::catch_unwind(|| fuzz::run(target, &bytes)).is_err()
            };
            inputs.into_iter().filter(fails).collect::<Vec<_>>()
        });
        let failing = run.expect("a thread").join().expect("panics are caught");
        assert!(failing.is_empty(), "{failing:#?}");
    }
}
