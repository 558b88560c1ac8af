//! Relative links: the file is there, and so is the section.

use std::path::{Path, PathBuf};

use crate::incident;
use crate::runbook::address::{decoded, is_external, split};
use crate::runbook::page::{Link, Page};
use crate::text::{listed, nearest};

use super::{Checked, Finding, Name};

/// The links of a page that lead nowhere.
pub fn find(page: &Checked) -> Vec<Finding> {
    let links = page.page.links.iter().filter(|link| !page.is_generated(link.span.start));
    links.filter_map(|link| dead(page, link)).collect()
}

fn dead(page: &Checked, link: &Link) -> Option<Finding> {
    let at = |message: String| Finding::new(Name::DeadLink, &page.page.source, link.span, message);
    if link.undefined {
        let message = format!("the page says nowhere what [{}] stands for", link.target);
        return Some(at(message).help(format!("write [{}]: ADDRESS on a line of its own", link.target)));
    }
    // Sites fill in `{{< ref "x" >}}` and `{% link x %}` themselves.
    if is_external(&link.target) || link.target.contains("{{") || link.target.contains("{%") {
        return None;
    }
    let (target, anchor) = split(&link.target);
    let anchor = anchor.map(decoded).filter(|anchor| !anchor.is_empty() && anchor != "top");
    if target.is_empty() {
        return match anchor {
            Some(anchor) => {
                no_section(&page.page, &anchor).map(|help| at(format!("this page has no section #{anchor}")).help(help))
            }
            None if link.target.is_empty() => {
                Some(at("a link without an address".to_owned()).help("say where it leads"))
            }
            None => None,
        };
    }
    let Some(file) = resolve(page.path(), &decoded(target)) else {
        // The root of a site is a folder of ours only if it has that folder.
        let first = target.trim_start_matches('/').split('/').next().unwrap_or_default();
        if target.starts_with('/') && resolve(page.path(), &format!("/{first}")).is_none() {
            return None;
        }
        let folder = page.path().parent().unwrap_or(Path::new(""));
        let help = match sibling(folder, target) {
            Some(near) => format!("did you mean {near}?"),
            None => "links are relative to the folder of the page".to_owned(),
        };
        return Some(at(format!("{target} is not there")).help(help));
    };
    let anchor = anchor?;
    if !super::super::pages::is_page(&file) {
        return None;
    }
    let other = Page::read(&incident::read_file(&file, incident::MAX_DOCUMENT_BYTES).ok()?);
    no_section(&other, &anchor).map(|help| at(format!("{} has no section #{anchor}", file.display())).help(help))
}

/// What a page has instead of a section; nothing where it has it. Sites differ in upper and lower case.
fn no_section(page: &Page, anchor: &str) -> Option<String> {
    let wanted = anchor.to_lowercase();
    if page.anchors.iter().any(|known| known.to_lowercase() == wanted) {
        return None;
    }
    let anchors = || page.anchors.iter().map(String::as_str);
    Some(match nearest(anchor, anchors()) {
        Some(near) => format!("did you mean #{near}?"),
        None if page.anchors.is_empty() => "it has no headings".to_owned(),
        None => format!("its sections are {}", listed(anchors())),
    })
}

/// The file or folder that a link means: as it is, or as sites for documentation address pages. From the root, that is any
/// of the folders around the page.
fn resolve(page: &Path, target: &str) -> Option<PathBuf> {
    let folder = page.parent().unwrap_or(Path::new(""));
    let bases: Vec<PathBuf> = match target.strip_prefix('/') {
        Some(_) => folder.ancestors().map(Path::to_path_buf).chain([PathBuf::new()]).collect(),
        None => vec![folder.to_path_buf()],
    };
    let target = target.trim_start_matches('/');
    let pages = [".md", ".markdown", "/index.md", "/_index.md", "/README.md"];
    let bare = target.trim_end_matches('/');
    let published = bare.strip_suffix(".html").map(|stem| format!("{stem}.md"));
    for base in bases {
        let named = [target.to_owned(), bare.to_owned()].into_iter().chain(published.clone());
        let named = named.chain(pages.iter().map(|page| format!("{bare}{page}")));
        for name in named {
            let path = base.join(&name);
            let path = if path.as_os_str().is_empty() { PathBuf::from(".") } else { path };
            if path.exists() {
                return Some(path);
            }
        }
    }
    None
}

/// A file of the same folder whose name is nearly that of a link.
fn sibling(folder: &Path, target: &str) -> Option<String> {
    let (within, name) = match target.rsplit_once('/') {
        Some((within, name)) => (folder.join(within), name),
        None => (folder.to_path_buf(), target),
    };
    let within = if within.as_os_str().is_empty() { PathBuf::from(".") } else { within };
    let mut names: Vec<String> = std::fs::read_dir(within)
        .ok()?
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    let near = nearest(name, names.iter().map(String::as_str))?;
    Some(match target.rsplit_once('/') {
        Some((within, _)) => format!("{within}/{near}"),
        None => near.to_owned(),
    })
}
