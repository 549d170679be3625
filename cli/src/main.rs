//! The `penstock` command; what it does is in the library beside it, so that the workspace's tests can run it against a host.

use std::process::ExitCode;

fn main() -> ExitCode {
    penstock::main()
}
