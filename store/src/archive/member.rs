//! The header of a member, byte for byte: POSIX.1-1988 `ustar`, with a PAX header (POSIX.1-2001,
//! `pax`, "pax Extended Header") where a name does not fit. Pure.

use crate::id::MTIME_EPOCH;

/// The unit of tar, in bytes.
pub(crate) const BLOCK: usize = 512;
/// Stands in the plain header where only the PAX header has the name.
const LONG: &str = "@long";
/// Names the PAX header itself.
const PAX: &str = "@pax";

/// What a member is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Member<'a> {
    /// A folder; its path is given without a slash at the end.
    Folder,
    /// A regular file.
    File {
        executable: bool,
        size: u64,
        mtime: i64,
    },
    /// A symbolic link.
    Link { target: &'a str },
}

/// Returns the header of a member: one block, or a PAX header with its content before it.
pub(crate) fn header(path: &str, member: Member<'_>) -> Vec<u8> {
    let path = match member {
        Member::Folder => format!("{path}/"),
        Member::File { .. } | Member::Link { .. } => path.to_owned(),
    };
    let mut records = String::new();
    let target = match member {
        Member::Link { target } if target.is_ascii() && target.len() <= 100 => target,
        Member::Link { target } => {
            records += &record("linkpath", target);
            LONG
        }
        Member::Folder | Member::File { .. } => "",
    };
    let (prefix, name) = split(&path).unwrap_or_else(|| {
        records += &record("path", &path);
        ("", LONG)
    });
    let (mode, kind, size, mtime) = match member {
        Member::Folder => (0o755, b'5', 0, MTIME_EPOCH),
        Member::File {
            executable,
            size,
            mtime,
        } => (if executable { 0o555 } else { 0o444 }, b'0', size, mtime),
        Member::Link { .. } => (0o777, b'2', 0, MTIME_EPOCH),
    };
    let mut bytes = Vec::with_capacity(BLOCK);
    if !records.is_empty() {
        let fields = Fields {
            name: PAX,
            prefix: "",
            target: "",
            mode: 0o644,
            kind: b'x',
            size: records.len() as u64,
            mtime: MTIME_EPOCH,
        };
        bytes.extend(fields.block());
        bytes.extend(records.as_bytes());
        bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
    }
    let fields = Fields {
        name,
        prefix,
        target,
        mode,
        kind,
        size,
        mtime,
    };
    bytes.extend(fields.block());
    bytes
}

/// Returns how many bytes of zeros follow a content of `size` bytes.
pub(crate) const fn padding(size: u64) -> usize {
    let over = (size % BLOCK as u64) as usize;
    if over == 0 { 0 } else { BLOCK - over }
}

/// Reads the size in the plain header of a file; `None` for what is no such header.
pub(crate) fn file_size(block: &[u8]) -> Option<u64> {
    let digits = block.get(124..135)?;
    let text = std::str::from_utf8(digits).ok()?;
    let octal = text.bytes().all(|digit| (b'0'..=b'7').contains(&digit));
    octal.then(|| u64::from_str_radix(text, 8).ok()).flatten()
}

/// Tells whether two headers of one block differ in nothing but time and checksum.
pub(crate) fn same_but_time(left: &[u8], right: &[u8]) -> bool {
    left.len() == right.len()
        && left.get(..136) == right.get(..136)
        && left.get(156..) == right.get(156..)
}

/// Splits a path where the plain header can hold it: the shortest prefix that leaves at most 100
/// bytes. `None` where there is no such place.
fn split(path: &str) -> Option<(&str, &str)> {
    if !path.is_ascii() {
        return None;
    }
    if path.len() <= 100 {
        return Some(("", path));
    }
    let from = path.len() - 101;
    let slash = from + path.as_bytes()[from..].iter().position(|it| *it == b'/')?;
    let (prefix, name) = (&path[..slash], &path[slash + 1..]);
    (slash <= 155 && !prefix.is_empty() && !name.is_empty()).then_some((prefix, name))
}

/// Returns a PAX record: its own length in digits, a space, `key=value`, a newline.
fn record(key: &str, value: &str) -> String {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + 1;
    while length != rest + length.to_string().len() {
        length = rest + length.to_string().len();
    }
    format!("{length} {key}={value}\n")
}

struct Fields<'a> {
    name: &'a str,
    prefix: &'a str,
    target: &'a str,
    mode: u32,
    kind: u8,
    size: u64,
    mtime: i64,
}

impl Fields<'_> {
    fn block(&self) -> [u8; BLOCK] {
        let mut block = [0; BLOCK];
        let mut put = |at: usize, bytes: &[u8]| block[at..at + bytes.len()].copy_from_slice(bytes);
        put(0, self.name.as_bytes());
        put(100, format!("{:07o}", self.mode).as_bytes());
        put(108, b"0000000");
        put(116, b"0000000");
        put(124, format!("{:011o}", self.size).as_bytes());
        put(136, format!("{:011o}", self.mtime).as_bytes());
        put(148, b"        ");
        put(156, &[self.kind]);
        put(157, self.target.as_bytes());
        put(257, b"ustar\x0000");
        put(329, b"0000000");
        put(337, b"0000000");
        put(345, self.prefix.as_bytes());
        let sum: u32 = block.iter().copied().map(u32::from).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        block
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: Member<'_> = Member::File {
        executable: false,
        size: 5,
        mtime: MTIME_EPOCH,
    };

    #[test]
    fn a_record_counts_its_own_digits() {
        assert_eq!(record("path", "a"), "9 path=a\n");
        assert_eq!(record("path", ""), "8 path=\n");
        for length in 1..2000 {
            let made = record("path", &"x".repeat(length));
            let (count, _) = made.split_once(' ').unwrap();
            assert_eq!(count.parse(), Ok(made.len()));
        }
    }

    #[test]
    fn paths_are_split_only_where_they_have_to_be() {
        let long = format!("{}/{}", "p".repeat(60), "n".repeat(60));
        assert_eq!(split("a/b"), Some(("", "a/b")));
        assert_eq!(split(&long).unwrap().0.len(), 60);
        assert_eq!(split(&"x".repeat(101)), None);
        assert_eq!(split("é"), None);
        assert_eq!(header(&long, FILE).len(), BLOCK);
        assert_eq!(header(&"x".repeat(101), FILE).len(), 3 * BLOCK);
        assert_eq!(header(&"y".repeat(100), Member::Folder).len(), 3 * BLOCK);
    }

    #[test]
    fn sizes_are_read_back() {
        assert_eq!(file_size(&header("a", FILE)), Some(5));
        assert_eq!(file_size(&[0x80; BLOCK]), None);
        assert_eq!(file_size(b""), None);
        assert_eq!(
            (padding(0), padding(1), padding(512), padding(513)),
            (0, 511, 0, 511)
        );
    }
}
