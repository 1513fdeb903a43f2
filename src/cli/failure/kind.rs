//! The exit codes. They are a contract: none ever changes its meaning.

use std::fmt::Write;

/// What kind of failure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A check failed, or the work did.
    Work,
    /// The command line is wrong.
    Usage,
    /// `.dhtconfig` or a lock file was refused.
    Configuration,
    /// Bytes are not what their hash says, or the store is damaged.
    Integrity,
    /// The network failed, or something is missing and the network is not allowed.
    Network,
    /// The disk is full, read-only, or not permitted.
    Disk,
    /// Somebody else holds a lock for too long.
    Busy,
    /// A program that dhtl runs failed.
    Tool,
    /// The user has not agreed to what this project wants to do.
    Untrusted,
    /// Nothing fits: no such Python, no wheel for the platform.
    Unsuitable,
    /// A fault of dhtl itself.
    Internal,
    /// `dhtl run` may not run the program; shells have this code.
    NotRunnable,
    /// `dhtl run` finds no such program; shells have this code.
    NoProgram,
    /// A signal ended the work; its number.
    Signal(u8),
}

/// Every kind but the signals, with what the help says of it.
const TABLE: [(Kind, &str); 13] = [
    (Kind::Work, "a check failed, or the work did"),
    (Kind::Usage, "the command line is wrong"),
    (Kind::Configuration, ".dhtconfig or a lock file was refused"),
    (
        Kind::Integrity,
        "a hash does not match, or the store is damaged",
    ),
    (
        Kind::Network,
        "the network failed, or is needed and not allowed",
    ),
    (Kind::Disk, "the disk is full, read-only or not permitted"),
    (Kind::Busy, "another process holds a lock for too long"),
    (Kind::Tool, "a program that dhtl runs failed"),
    (Kind::Untrusted, "the project is not trusted yet"),
    (Kind::Unsuitable, "no Python or package fits this platform"),
    (Kind::Internal, "a fault of dhtl itself"),
    (
        Kind::NotRunnable,
        "`dhtl run`: the program may not be run (or its own code)",
    ),
    (
        Kind::NoProgram,
        "`dhtl run`: there is no such program (or its own code)",
    ),
];

impl Kind {
    /// Returns the exit code; a signal's is 128 and its number, as shells have it.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Work => 1,
            Self::Usage => 2,
            Self::Configuration => 3,
            Self::Integrity => 4,
            Self::Network => 5,
            Self::Disk => 6,
            Self::Busy => 7,
            Self::Tool => 8,
            Self::Untrusted => 9,
            Self::Unsuitable => 10,
            Self::Internal => 101,
            Self::NotRunnable => 126,
            Self::NoProgram => 127,
            Self::Signal(number) => 128 + (number & 0x7f),
        }
    }
}

/// Returns every exit code with its meaning.
pub fn exit_code_table() -> Vec<(String, &'static str)> {
    let mut table = vec![("0".to_owned(), "done")];
    let kinds = TABLE.iter();
    table.extend(kinds.map(|(kind, meaning)| (kind.exit_code().to_string(), *meaning)));
    table.push(("128+n".to_owned(), "ended by signal n"));
    table
}

/// Returns the table of exit codes, as the help shows it.
pub fn exit_codes() -> String {
    let mut text = String::from("Exit codes:\n");
    for (code, meaning) in exit_code_table() {
        let _ = writeln!(text, "  {code:>5}  {meaning}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_are_a_contract() {
        let codes: Vec<u8> = TABLE.iter().map(|(kind, _)| kind.exit_code()).collect();
        assert_eq!(codes, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 101, 126, 127]);
        assert_eq!(Kind::Signal(2).exit_code(), 130);
        assert_eq!(Kind::Signal(15).exit_code(), 143);
    }

    #[test]
    fn the_table_names_every_code_once() {
        let text = exit_codes();
        assert_eq!(text.lines().count(), 16);
        assert!(text.contains("   10  no Python"), "{text}");
    }
}
