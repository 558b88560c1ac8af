//! Shell commands, and the queries in them: `curl ... query=`, `promtool query instant URL EXPR`, `logcli query EXPR`.
//!
//! Such a query is found besides its command, with medium confidence: what the shell makes of it (variables, escapes) is
//! not known.

use super::page::{Code, Page};
use super::query::{self, Strength};
use super::{Confidence, Finding, Kind, Language};
use crate::text::{Located, Piece, Span};

/// Names of fences whose lines are commands.
pub fn is_shell(language: &str) -> bool {
    matches!(
        language,
        "bash"
            | "sh"
            | "shell"
            | "zsh"
            | "console"
            | "terminal"
            | "shell-session"
            | "sh-session"
            | "shellsession"
            | "fish"
    )
}

/// Commands that are known by their names; prose hardly begins a line with them and an option or a subcommand.
const KNOWN: &[&str] = &[
    "amtool",
    "apt",
    "apt-get",
    "aws",
    "awk",
    "cat",
    "cd",
    "chmod",
    "cilium",
    "consul",
    "curl",
    "df",
    "dig",
    "dmesg",
    "docker",
    "dropwatch",
    "du",
    "etcdctl",
    "ethtool",
    "free",
    "gcloud",
    "git",
    "grep",
    "helm",
    "ip",
    "iperf",
    "iperf3",
    "iostat",
    "iptables",
    "jq",
    "journalctl",
    "kill",
    "kubectl",
    "logcli",
    "ls",
    "lsof",
    "mpstat",
    "mtr",
    "netstat",
    "nslookup",
    "nvme",
    "oc",
    "openssl",
    "pct",
    "perf",
    "ping",
    "podman",
    "promtool",
    "ps",
    "psql",
    "redis-cli",
    "rg",
    "rm",
    "sar",
    "sed",
    "ss",
    "ssh",
    "strace",
    "sudo",
    "sysctl",
    "systemctl",
    "tail",
    "tc",
    "tcpdump",
    "telnet",
    "terraform",
    "top",
    "traceroute",
    "vmstat",
    "watch",
    "wget",
];

/// All commands of a page, and the queries in them. Lines that are `queries` by themselves are no commands.
pub fn find(page: &Page, queries: &[Finding]) -> Vec<Finding> {
    let mut found = Vec::new();
    let queries = queries.iter().filter(|found| matches!(found.kind, Kind::Query { .. }));
    let mut queries: Vec<Span> = queries.map(Finding::place).collect();
    queries.sort_unstable();
    for code in &page.code {
        let shell = is_shell(&code.language);
        let prompts = has_prompts(&code.text);
        if shell || (prompts && matches!(code.language.as_str(), "" | "text" | "txt")) {
            let reason = if shell { format!("in a block of {}", code.language) } else { "behind a prompt".to_owned() };
            let commands = in_code(code, prompts, &reason).into_iter();
            found.extend(commands.filter(|command| !super::page::is_in(&queries, command.place().start)));
        }
    }
    for inline in &page.inline {
        if is_command(&inline.text) {
            let reason = "inline code that begins with the name of a command";
            found.push(Finding::new(Kind::Command, inline.text.clone(), Confidence::Medium, reason));
        }
    }
    for line in &page.lines {
        let text = page.text(*line);
        let start = line.start + text.len() - text.trim_start().len();
        let (skipped, behind) = behind_prompt(text.trim());
        let prompt = skipped > 0 && behind.contains(' ');
        if prompt || (is_command(text.trim()) && !text.trim_end().ends_with(['.', ':', ','])) {
            let reason = if prompt { "behind a prompt" } else { "a line that begins with the name of a command" };
            let part = Span::new(start + skipped, start + text.trim().len());
            found.push(Finding::new(Kind::Command, page.verbatim(part), Confidence::Medium, reason));
        }
    }
    let queries: Vec<Finding> = found.iter().flat_map(|command| in_command(&command.text)).collect();
    found.extend(queries);
    found
}

fn has_prompts(text: &str) -> bool {
    text.lines().any(|line| behind_prompt(line.trim()).0 > 0)
}

/// How long the prompt of a line is, and what follows.
fn behind_prompt(line: &str) -> (usize, &str) {
    let width = if line.starts_with("$ ") { 2 } else { 0 };
    (width, &line[width..])
}

/// A known command with an option, a subcommand or a pipe.
fn is_command(text: &str) -> bool {
    let mut words = text.split_whitespace();
    let (Some(name), Some(second)) = (words.next(), words.next()) else { return false };
    if !KNOWN.contains(&name) || text.ends_with('.') {
        return false;
    }
    let plain = |word: &str| word.bytes().all(|byte| byte.is_ascii_lowercase());
    let options = text.contains(" -") || text.contains(" | ") || text.contains('=') || text.contains('/');
    let subcommand =
        matches!(name, "kubectl" | "oc" | "docker" | "helm" | "systemctl" | "git" | "etcdctl" | "promtool")
            && plain(second)
            && words.count() < 8;
    options || subcommand || (matches!(name, "sudo" | "ssh" | "journalctl" | "sysctl" | "dig") && !text.contains(", "))
}

/// The commands of a block: those behind prompts where there are any, else all lines, several where one goes on.
fn in_code(code: &Code, prompts: bool, reason: &str) -> Vec<Finding> {
    let text = &code.text;
    let mut found = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let line_end = text[at..].find('\n').map_or(text.len(), |end| at + end);
        let line = &text[at..line_end];
        let trimmed = line.trim();
        let (skipped, _) = behind_prompt(trimmed);
        if trimmed.is_empty() || (prompts && skipped == 0) || (!prompts && !begins_command(trimmed)) {
            at = line_end + 1;
            continue;
        }
        let start = at + (line.len() - line.trim_start().len()) + skipped;
        let end = command_end(text, start);
        let confidence = if prompts { Confidence::High } else { Confidence::Medium };
        let part = Span::new(start, start + text[start..end].trim_end().len());
        let confidence = if is_command(&text[part.start..part.end]) { Confidence::High } else { confidence };
        found.push(Finding::new(Kind::Command, text.part(part), confidence, reason));
        at = end + 1;
    }
    found
}

/// What is a comment, or no command at all but a list, a query, a setting or the output of something.
fn begins_command(line: &str) -> bool {
    !line.starts_with(['#', '-', '{', '}', ')', '|', '<'])
        && !line.ends_with(':')
        && !line.split_whitespace().next().is_some_and(|word| word.ends_with(':'))
        && line.split_whitespace().nth(1) != Some("=")
}

/// Where the command that begins at `start` ends: behind all quotes, continued lines, loops and here-documents.
fn command_end(text: &str, start: usize) -> usize {
    let mut end = start;
    let mut document: Option<String> = None;
    let mut loops = 0usize;
    let mut quote: Option<char> = None;
    for line in text[start..].split_inclusive('\n') {
        end += line.len();
        if let Some(word) = &document {
            if line.trim() == word {
                document = None;
            }
        } else {
            quote = open_quote(line, quote);
            if quote.is_none() {
                document = here_document(line);
                let words = || line.split(|c: char| c.is_whitespace() || c == ';');
                loops += words().filter(|word| matches!(*word, "do" | "then" | "case")).count();
                loops = loops.saturating_sub(words().filter(|word| matches!(*word, "done" | "fi" | "esac")).count());
            }
        }
        if document.is_none() && quote.is_none() && loops == 0 && !line.trim_end().ends_with(['\\', '|']) {
            break;
        }
    }
    start + text[start..end].trim_end_matches(['\n', '\r']).len()
}

/// The quote that is open at the end of a line.
fn open_quote(line: &str, mut quote: Option<char>) -> Option<char> {
    let mut escaped = false;
    for c in line.chars() {
        match (quote, c) {
            _ if escaped => escaped = false,
            (None | Some('"'), '\\') => escaped = true,
            (None, '#') => break,
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), c) if c == open => quote = None,
            _ => {}
        }
    }
    quote
}

/// The word that ends the here-document that begins on a line.
fn here_document(line: &str) -> Option<String> {
    let (_, behind) = line.split_once("<<")?;
    let word = behind.trim_start_matches(['-', '<']).trim_start();
    let word: String =
        word.chars().filter(|c| !matches!(c, '\'' | '"')).take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    (!word.is_empty() && !behind.starts_with('<')).then_some(word)
}

/// The queries that a command asks.
fn in_command(command: &Located) -> Option<Finding> {
    let words = words(command);
    let text = |at: usize| words.get(at).map(|word: &Located| word.value.as_str());
    let program = (0..words.len()).find(|at| {
        let name = text(*at).unwrap_or_default();
        matches!(name.rsplit('/').next(), Some("curl" | "wget" | "http" | "promtool" | "logcli"))
    })?;
    let (query, language) = match text(program)?.rsplit('/').next()? {
        "promtool" if text(program + 1) == Some("query") => {
            let plain = |word: &&Located| !word.starts_with('-') && !word.contains("://");
            (words.iter().skip(program + 3).find(plain)?.clone(), Some(Language::Promql))
        }
        "logcli" => (words.iter().skip(program + 1).find(|word| word.contains('{'))?.clone(), Some(Language::Logql)),
        "promtool" => return None,
        _ => {
            let word = words.iter().find(|word| word.contains("query="))?;
            let start = word.find("query=")? + "query=".len();
            let rest = &word.value[start..];
            let in_address = word[..start].contains("://") || word[..start].contains(['?', '&']);
            let end = if in_address { rest.find('&').unwrap_or(rest.len()) } else { rest.len() };
            let loki = words.iter().any(|word| word.contains("/loki/"));
            let written = word.part(Span::new(start, start + end));
            let encoded = in_address && written.contains('%');
            let query = if encoded { query::decode(&written) } else { None };
            (query.unwrap_or(written), loki.then_some(Language::Logql))
        }
    };
    let chunk = query::one(&query, language)?;
    if chunk.strength == Strength::None {
        return None;
    }
    let kind = Kind::Query { language: chunk.language, problem: None };
    Some(Finding::new(kind, query.part(chunk.span), Confidence::Medium, "what a shell command asks"))
}

/// The words of a command, without quotes and escapes, each byte with its place.
fn words(command: &Located) -> Vec<Located> {
    let mut words = Vec::new();
    let mut word: Option<(String, Vec<Piece>)> = None;
    let mut quote: Option<char> = None;
    let mut escaped = false;
    let mut finish = |word: &mut Option<(String, Vec<Piece>)>| {
        if let Some((value, pieces)) = word.take() {
            let span = match (pieces.first(), pieces.last()) {
                (Some(first), Some(last)) => first.file.to(last.file),
                _ => command.span,
            };
            words.push(Located::new(value, &command.source, span, pieces));
        }
    };
    for (at, c) in command.char_indices() {
        match (quote, c) {
            (None | Some('"'), '\\') if !escaped => {
                escaped = true;
                continue;
            }
            (None, '\'' | '"') if !escaped => {
                quote = Some(c);
                word.get_or_insert_default();
                continue;
            }
            (Some(open), c) if c == open && !escaped => {
                quote = None;
                continue;
            }
            (None, c) if c.is_whitespace() => {
                finish(&mut word);
                escaped = false;
                continue;
            }
            _ => {}
        }
        escaped = false;
        let (value, pieces) = word.get_or_insert_default();
        let file = command.file_span(Span::new(at, at + c.len_utf8()));
        let part = Span::new(value.len(), value.len() + c.len_utf8());
        value.push(c);
        match pieces.last_mut() {
            Some(last) if last.file.end == file.start && file.end - file.start == c.len_utf8() => {
                last.value.end = part.end;
                last.file.end = file.end;
            }
            _ => pieces.push(Piece { value: part, file }),
        }
    }
    finish(&mut word);
    words
}
