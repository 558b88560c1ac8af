//! Rule files that a program makes (Helm, jsonnet): runs the command of `firedrill.yaml`, and looks for what it wrote.

use std::io::{Read, Seek};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::config::Render;
use crate::drill::discover::yaml_files;
use crate::text::Diagnostic;

/// How long a command may take where nothing else is said.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(300);
/// How many bytes of its output are told, from the end.
const TOLD: u64 = 4000;

/// Runs the command, by `sh -c` in this folder; its output is only told where it fails.
///
/// # Errors
/// A command that cannot be run, fails, takes too long, or leaves no YAML file in its output folder.
pub fn run(render: &Render) -> Result<(), Diagnostic> {
    let told = |problem: Diagnostic| render.command.diagnose_all(problem);
    let cannot = |error: std::io::Error| told(Diagnostic::error(format!("`render` cannot be run: {error}")));
    // A file, not a pipe: nobody has to read while it runs, and what outlives the command holds nothing up.
    let mut output = tempfile::tempfile().map_err(cannot)?;
    let both = (output.try_clone().map_err(cannot)?, output.try_clone().map_err(cannot)?);
    let mut command = Command::new("sh");
    command.args(["-c", &render.command.value]).stdin(Stdio::null()).stdout(both.0).stderr(both.1);
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let mut child = command.spawn().map_err(cannot)?;
    let limit = render.timeout.map_or(DEFAULT_TIMEOUT, |limit| Duration::from_millis(limit.0.unsigned_abs()));
    let ended = wait(&mut child, limit).map_err(cannot)?;
    let message = match ended {
        Some(status) if status.success() => return written(render).map_err(told),
        Some(status) => format!("`render` failed: {status}"),
        None => {
            stop(&mut child);
            format!("`render` took longer than {limit:?}")
        }
    };
    let mut text = Vec::new();
    let length = output.seek(std::io::SeekFrom::End(0)).unwrap_or(0);
    let read =
        output.seek(std::io::SeekFrom::Start(length.saturating_sub(TOLD))).and_then(|_| output.read_to_end(&mut text));
    let text = match read {
        Ok(0) | Err(_) => "it printed nothing".to_owned(),
        Ok(_) => format!("it printed:\n{}", String::from_utf8_lossy(&text).trim_end()),
    };
    let help = match ended {
        Some(_) => "run the command by hand in the folder of firedrill.yaml",
        None => "give it more time: `render: {timeout: 15m}`",
    };
    Err(told(Diagnostic::error(format!("{message}; {text}")).help(help)))
}

/// Waits for the end; `None` where there is none in time.
fn wait(child: &mut Child, limit: Duration) -> std::io::Result<Option<ExitStatus>> {
    let began = Instant::now();
    let mut pause = Duration::from_millis(2);
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if began.elapsed() >= limit {
            return Ok(None);
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(100));
    }
}

/// Ends a command and all that it started.
fn stop(child: &mut Child) {
    #[cfg(unix)]
    let _ = Command::new("kill").args(["-KILL", "--", &format!("-{}", child.id())]).stderr(Stdio::null()).status();
    let _ = child.kill();
    let _ = child.wait();
}

/// Whether there is something in the folder.
fn written(render: &Render) -> Result<(), Diagnostic> {
    let folder = Path::new(&render.output.value);
    if folder.is_dir() && !yaml_files(folder).0.is_empty() {
        return Ok(());
    }
    let problem = Diagnostic::error(format!("`render` wrote no YAML file into {}", folder.display()));
    Err(problem.help("`output` is the folder that the command writes, from the folder of firedrill.yaml"))
}
