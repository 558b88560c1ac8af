//! Paths of what is written, and of what it names.

use std::fs;
use std::path::{Component, Path, PathBuf};

use crate::text::Diagnostic;
use crate::text::yaml::io_reason;

/// Makes a folder where there is none.
///
/// # Errors
/// What the file system says, with the path.
pub fn make_folder(folder: &Path) -> Result<PathBuf, Diagnostic> {
    fs::create_dir_all(folder).map_err(|error| {
        Diagnostic::error(format!("cannot make the folder {}: {}", folder.display(), io_reason(&error)))
            .help("name a folder that can be written")
    })?;
    folder_path(folder)
}

/// A folder as the system knows it.
///
/// # Errors
/// A folder that is not there.
pub fn folder_path(folder: &Path) -> Result<PathBuf, Diagnostic> {
    folder.canonicalize().map_err(|error| {
        Diagnostic::error(format!("cannot find the folder {}: {}", folder.display(), io_reason(&error)))
    })
}

/// The way from a folder, as the system knows it, to a file, with slashes; the whole path where there is none.
///
/// # Errors
/// A file whose folder is not there.
pub fn relative(file: &Path, folder: &Path) -> Result<String, Diagnostic> {
    let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let file = folder_path(parent)?.join(file.file_name().unwrap_or_default());
    let common = file.components().zip(folder.components()).take_while(|(a, b)| a == b).count();
    if common == 0 {
        return Ok(file.display().to_string());
    }
    let up = folder.components().skip(common).map(|_| Component::ParentDir);
    let parts: Vec<String> =
        up.chain(file.components().skip(common)).map(|part| part.as_os_str().to_string_lossy().into_owned()).collect();
    Ok(parts.join("/"))
}
