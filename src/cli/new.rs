//! `firedrill new`: replays that know what a rule reads.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::paths::{folder_path, make_folder, relative};
use super::{Exit, output};
use crate::config::Config;
use crate::drill::discover;
use crate::rules::RuleRef;
use crate::skeleton::{self, Library, Skeleton, Wish};
use crate::text::Diagnostic;

/// Write a new replay for an alert rule
#[derive(clap::Args)]
#[command(after_help = "Examples:
  firedrill new replay --alert HighErrorRate
  firedrill new replay --alert 'DiskFull{severity=\"page\"}' --rules rules/disks.yaml -o incidents/disk-full")]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    Replay(ReplayArgs),
}

/// Write a replay on which an alert fires, and is silent in the control: what its rule reads, with made-up values
#[derive(clap::Args)]
#[command(
    after_help = "The rule's condition is reversed, through recording rules, to what its series have to be, and the result is drilled before \
it is written. Where that does not come out, the file says what is to be filled in.

Exit codes: 0 the new replay passes, 1 something is to be filled in, 2 bad usage or unreadable input"
)]
struct ReplayArgs {
    /// The alert's name, or name and labels where several rules have it
    #[arg(long, value_name = "NAME")]
    alert: String,
    /// Rule files [default: those in `paths` of firedrill.yaml and below this folder]
    #[arg(long, value_name = "FILE", num_args = 1..)]
    rules: Vec<PathBuf>,
    /// The folder of the replay [default: the alert's name, in the first folder of `paths`, else in `incidents`]
    #[arg(short, long, value_name = "FOLDER")]
    output: Option<PathBuf>,
}

pub fn run(args: Args) -> Exit {
    match args.what {
        What::Replay(args) => replay(&args).unwrap_or_else(|problems| output::complain(&problems)),
    }
}

fn replay(args: &ReplayArgs) -> Result<Exit, Vec<Diagnostic>> {
    let config = super::config()?;
    let library = library(&args.rules, &config)?;
    let found = library.find(&args.alert).map_err(|problem| {
        let mut problems = library.problems.clone();
        problems.push(problem);
        problems
    })?;
    let rule = one_rule(&library, &found, &args.alert)?;
    let folder = match &args.output {
        Some(folder) => folder.clone(),
        None => default_folder(&library.groups[rule.group].rules[rule.rule].name, &config),
    };
    let path = folder.join("replay.yaml");
    if path.exists() {
        let problem = Diagnostic::error(format!("{} is there already", path.display()));
        return Err(vec![problem.help("name another folder: -o FOLDER")]);
    }
    let there = folder.exists();
    let result = write(&library, rule, &path, &config);
    if result.is_err() && !there {
        // A folder that holds nothing says nothing.
        let _ = std::fs::remove_dir(&folder);
    }
    let skeleton = result?;
    tell(&skeleton, &library, rule, &path)
}

/// The rules of the files that were named, or of all that are here.
fn library(named: &[PathBuf], config: &Config) -> Result<Library, Vec<Diagnostic>> {
    if !named.is_empty() {
        let library = Library::read(named, config);
        return if library.problems.is_empty() { Ok(library) } else { Err(library.problems) };
    }
    let mut folders: Vec<PathBuf> = config.paths.iter().map(|path| PathBuf::from(&path.value)).collect();
    // It may be hidden, or `target`.
    folders.extend(config.render.iter().map(|render| PathBuf::from(&render.output.value)).filter(|path| path.is_dir()));
    folders.push(PathBuf::from("."));
    let mut paths: Vec<PathBuf> = Vec::new();
    for folder in folders {
        let (found, problems) = match folder.is_dir() {
            true => discover::yaml_files(&folder),
            false => (vec![folder], Vec::new()),
        };
        if !problems.is_empty() {
            return Err(problems);
        }
        let new: Vec<PathBuf> = found.into_iter().filter(|path| !paths.contains(path)).collect();
        paths.extend(discover::rule_files(&new));
    }
    Ok(Library::read(&paths, config))
}

/// Of several rules of a name, the first one of the only file that has it.
fn one_rule(library: &Library, found: &[RuleRef], alert: &str) -> Result<RuleRef, Vec<Diagnostic>> {
    let source = |rule: &RuleRef| library.groups[rule.group].file.name();
    let place = |rule: &RuleRef| {
        let group = &library.groups[rule.group];
        format!("{}:{}", group.file.name(), group.file.place(group.rules[rule.rule].span.start).line)
    };
    let [first, others @ ..] = found else {
        return Err(vec![Diagnostic::error(format!("no rule has the alert `{alert}`"))]);
    };
    if others.iter().any(|other| source(other) != source(first)) {
        let places: Vec<String> = found.iter().map(place).collect();
        let problem = Diagnostic::error(format!("several files have the alert `{alert}`: {}", places.join(", ")));
        return Err(vec![problem.help("name the one that is meant: --rules FILE")]);
    }
    if !others.is_empty() {
        let mut told = format!("{} rules have the alert `{alert}`; this is for the first:\n", found.len());
        for rule in found {
            told += &format!("  {}  {}\n", place(rule), library.selector(*rule));
        }
        output::note(told.trim_end());
    }
    Ok(*first)
}

/// `incidents/high-error-rate` for `HighErrorRate`.
fn default_folder(alert: &str, config: &Config) -> PathBuf {
    let first = config.paths.iter().map(|path| PathBuf::from(&path.value)).find(|path| path.is_dir());
    first.filter(|path| path != Path::new(".")).unwrap_or(PathBuf::from("incidents")).join(kebab(alert))
}

/// `high-error-rate` for `HighErrorRate`.
pub fn kebab(alert: &str) -> String {
    let mut name = String::new();
    let letters: Vec<char> = alert.chars().collect();
    for (at, letter) in letters.iter().enumerate() {
        let before = at.checked_sub(1).map(|at| letters[at]);
        let after = letters.get(at + 1);
        let begins = letter.is_uppercase()
            && before.is_some_and(|before| {
                before.is_lowercase()
                    || before.is_ascii_digit()
                    || (before.is_uppercase() && after.is_some_and(|c| c.is_lowercase()))
            });
        if begins && !name.ends_with('-') {
            name.push('-');
        }
        match letter.is_alphanumeric() {
            true => name.extend(letter.to_lowercase()),
            false if !name.is_empty() && !name.ends_with('-') => name.push('-'),
            false => {}
        }
    }
    let name = name.trim_matches('-');
    if name.is_empty() { "alert".to_owned() } else { name.to_owned() }
}

fn write(library: &Library, rule: RuleRef, path: &Path, config: &Config) -> Result<Skeleton, Vec<Diagnostic>> {
    let one = |problem: Diagnostic| vec![problem];
    let folder = path.parent().unwrap_or(Path::new("."));
    let absolute = make_folder(folder).map_err(one)?;
    let own = &library.groups[rule.group];
    let mut names = BTreeMap::new();
    let behind =
        own.rules[rule.rule].promql().map(|expr| skeleton::files_behind(expr, &library.groups)).unwrap_or_default();
    for file in behind.iter().map(String::as_str).chain([own.file.name()]) {
        names.insert(file.to_owned(), relative(Path::new(file), &absolute).map_err(one)?);
    }
    let path = &folder_path(folder).map_err(one)?.join("replay.yaml");
    let skeleton = Wish { library, rule, path, names: &names, config }.draft();
    output::write_file(path, &skeleton.text).map_err(one)?;
    Ok(skeleton)
}

fn tell(skeleton: &Skeleton, library: &Library, rule: RuleRef, path: &Path) -> Result<Exit, Vec<Diagnostic>> {
    let alert = &library.groups[rule.group].rules[rule.rule].name.value;
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut text = format!("{}\n", path.display());
    let exit = if skeleton.shortfalls.is_empty() {
        text += &match skeleton.always {
            true => format!("  {alert} fires whatever happens, so there is no control\n"),
            false => format!(
                "  {alert} fires within {} of the incident's beginning, and is silent in the control\n",
                skeleton.within
            ),
        };
        text += "  all figures are made up: replace them by those of an incident, with their `source`\n";
        Exit::Holds
    } else {
        text += &format!("  {alert} does not fire on it yet, or not in the incident alone. To be filled in:\n");
        for line in skeleton.shortfalls.iter().flat_map(|text| text.lines()) {
            text += &format!("  - {line}\n");
        }
        Exit::Fails
    };
    text += &format!("  firedrill test {}\n", folder.display());
    output::print(&text).map_err(|problem| vec![problem])?;
    Ok(exit)
}

#[cfg(test)]
mod tests {
    use super::kebab;

    #[test]
    fn folders_are_called_as_their_alerts() {
        assert_eq!(kebab("HighErrorRate"), "high-error-rate");
        assert_eq!(kebab("KubeAPIDown"), "kube-api-down");
        assert_eq!(kebab("T3ProbeLegDown"), "t3-probe-leg-down");
        assert_eq!(kebab("disk full (90%)"), "disk-full-90");
        assert_eq!(kebab("..."), "alert");
    }
}
