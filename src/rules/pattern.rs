//! Patterns that name rule files: those of Go's `filepath.Glob`, as `rule_files` of Prometheus has them.

use std::path::{Component, Path, PathBuf};

use glob::{MatchOptions, glob_with};

use crate::text::{Diagnostic, Located};

/// The files that a pattern matches, sorted. Patterns are those of Go's `filepath.Glob`: `*`, `?`, `[a-z]`, `[^a]`, `\`.
///
/// # Errors
/// A pattern that is none.
pub fn matching(folder: &Path, pattern: &Located) -> Result<Vec<PathBuf>, Diagnostic> {
    let wrong = |what: &str| {
        let problem = Diagnostic::error(format!("this is no pattern for paths: {what}"));
        pattern.diagnose_all(problem.help("write a path; * stands for any part of a name, ? for one character"))
    };
    if pattern.is_empty() {
        return Ok(Vec::new());
    }
    if !is_well_formed(pattern) {
        return Err(wrong("a `[` needs characters and a `]`, a `\\` something behind it"));
    }
    let path = clean(&folder.join(&pattern.value));
    if !pattern.contains(['*', '?', '[', '\\']) {
        // A link that leads nowhere is there, and cannot be read.
        return Ok(if path.symlink_metadata().is_ok() { vec![path] } else { Vec::new() });
    }
    let folder = glob::Pattern::escape(&folder.display().to_string());
    let whole = clean(&Path::new(&folder).join(in_glob_notation(pattern))).display().to_string();
    let options =
        MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: false };
    let found = glob_with(&whole, options).map_err(|error| wrong(error.msg))?;
    let mut paths: Vec<PathBuf> = found.filter_map(Result::ok).collect();
    paths.sort();
    Ok(paths)
}

/// A path without `.` and without `..` behind a name, so that several ways to write it are one (Go's `filepath.Clean`).
fn clean(path: &Path) -> PathBuf {
    let mut cleaned = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => match cleaned.components().next_back() {
                Some(Component::Normal(_)) => drop(cleaned.pop()),
                Some(Component::RootDir) => {}
                _ => cleaned.push(part),
            },
            part => cleaned.push(part),
        }
    }
    cleaned
}

/// Whether Go takes a pattern: a class has members, and `]` and `-` are members only behind a backslash.
fn is_well_formed(pattern: &str) -> bool {
    let mut rest = pattern.chars().peekable();
    let member = |rest: &mut std::iter::Peekable<std::str::Chars<'_>>| match rest.next() {
        None | Some('-' | ']') => false,
        Some('\\') => rest.next().is_some(),
        Some(_) => true,
    };
    while let Some(c) = rest.next() {
        match c {
            '\\' if rest.next().is_none() => return false,
            '[' => {
                rest.next_if_eq(&'^');
                let mut members = 0;
                while members == 0 || rest.next_if_eq(&']').is_none() {
                    let range = member(&mut rest) && (rest.next_if_eq(&'-').is_none() || member(&mut rest));
                    if !range {
                        return false;
                    }
                    members += 1;
                }
            }
            _ => {}
        }
    }
    true
}

/// Go's notation of a pattern in that of the library: `\*` is a star, `[^a]` is `[!a]`, `**` is no more than `*`.
fn in_glob_notation(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len());
    let mut rest = pattern.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\\' => {
                let literal = rest.next().map(String::from).unwrap_or_default();
                out.push_str(&glob::Pattern::escape(&literal));
            }
            '*' => {
                while rest.next_if_eq(&'*').is_some() {}
                out.push('*');
            }
            '[' if rest.next_if_eq(&'^').is_some() => out.push_str("[!"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_those_of_go() {
        assert_eq!(in_glob_notation("rules/**/[^a]*.y?ml"), "rules/*/[!a]*.y?ml");
        assert_eq!(in_glob_notation(r"a\*b"), "a[*]b");
    }

    #[test]
    fn patterns_that_go_refuses_are_refused() {
        for pattern in ["a[", "a[]", "[]a]", "[^]a]", "[-a]", "[a-]", "a\\", "[\\"] {
            assert!(!is_well_formed(pattern), "{pattern}");
        }
        for pattern in ["", "]", "a-b]", "[a]", "[^a-z0-9]", "[\\]\\-]", "\\["] {
            assert!(is_well_formed(pattern), "{pattern}");
        }
    }

    #[test]
    fn several_ways_to_write_a_path_are_one() {
        let cleaned = |path: &str| clean(Path::new(path)).display().to_string();
        assert_eq!(cleaned("./a/./b/../c.yaml"), "a/c.yaml");
        assert_eq!(cleaned("../../a//b.yaml"), "../../a/b.yaml");
        assert_eq!(cleaned("/../a"), "/a");
    }

    #[test]
    fn patterns_match_files_beside_the_test_file() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a.yaml", "b.yaml", ".c.yaml", "d.yml"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let names = |pattern: &str| -> Vec<String> {
            let found = matching(folder.path(), &Located::text("p", pattern)).unwrap();
            found.iter().map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect()
        };
        assert_eq!(names("*.yaml"), [".c.yaml", "a.yaml", "b.yaml"]);
        assert_eq!(names("./a.yaml"), ["a.yaml"]);
        assert_eq!(names("[^a].y*"), ["b.yaml", "d.yml"]);
        assert!(names("e.yaml").is_empty());
        assert!(matching(folder.path(), &Located::text("p", "a[")).is_err());
    }
}
