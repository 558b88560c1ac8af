//! The `firedrill` binary: arguments in, exit code out.

fn main() -> std::process::ExitCode {
    firedrill::cli::main()
}
