//! What the operating system's refusals mean to a user.

use std::error::Error;
use std::io::{self, ErrorKind};

use super::Kind;

/// Returns the deepest I/O error among `error` and its causes: the one that the machine raised.
pub fn io_cause<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a io::Error> {
    let mut found = None;
    let mut next: Option<&'a (dyn Error + 'static)> = Some(error);
    while let Some(error) = next {
        let io = error.downcast_ref::<io::Error>();
        found = io.or(found);
        // An I/O error that wraps another error hides it from `source`, which skips one level.
        next = match io.and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    found
}

/// Returns kind and advice for refusals that mean the same wherever they happen; `None` for those
/// whose meaning depends on what was being done.
pub fn advice_for_io(error: &io::Error) -> Option<(Kind, String)> {
    let (kind, advice) = match error.kind() {
        ErrorKind::StorageFull => (
            Kind::Disk,
            "free some space (or inodes: `df -i`) and run the command again, or put the store on another disk with `DHT_STORE`",
        ),
        ErrorKind::QuotaExceeded => (
            Kind::Disk,
            "your quota on this disk is used up: free some space, or put the store on another disk with `DHT_STORE`",
        ),
        ErrorKind::FileTooLarge => (
            Kind::Disk,
            "the file system or `ulimit -f` allows no file of this size",
        ),
        ErrorKind::ReadOnlyFilesystem => (
            Kind::Disk,
            "the file system is mounted read-only: make it writable, or work elsewhere (`DHT_STORE` moves the store)",
        ),
        ErrorKind::PermissionDenied => (
            Kind::Disk,
            "check who owns the path and its permissions; dhtl never needs to be root",
        ),
        ErrorKind::InvalidFilename => (
            Kind::Disk,
            "the path is too long or holds characters that this file system refuses: use a shorter, plainer folder",
        ),
        ErrorKind::StaleNetworkFileHandle => (
            Kind::Disk,
            "the network file system lost the file: mount it again, or keep the store on a local disk",
        ),
        ErrorKind::ResourceBusy | ErrorKind::ExecutableFileBusy => (
            Kind::Busy,
            "another program uses it, or a file system is mounted there: end that, then run the command again",
        ),
        ErrorKind::NotADirectory => (
            Kind::Disk,
            "a file stands where a folder should be: look at what it is, and move it away",
        ),
        ErrorKind::IsADirectory => (
            Kind::Disk,
            "a folder stands where a file should be: look at what it is, and move it away",
        ),
        ErrorKind::ConnectionRefused
        | ErrorKind::ConnectionReset
        | ErrorKind::ConnectionAborted
        | ErrorKind::HostUnreachable
        | ErrorKind::NetworkUnreachable
        | ErrorKind::NetworkDown
        | ErrorKind::NotConnected => (
            Kind::Network,
            "check the connection and the proxy settings (`HTTPS_PROXY`, `NO_PROXY`)",
        ),
        // The rest has no stable name, or no meaning of its own.
        _ => return by_number(error.raw_os_error()?),
    };
    Some((kind, advice.to_owned()))
}

const OPEN_FILES: &str = "too many files are open: raise the limit with `ulimit -n 4096`";
const DISK_FAILED: &str =
    "the disk reported a fault: check it (`dmesg`), then run `dhtl store verify`";

#[cfg(unix)]
fn by_number(number: i32) -> Option<(Kind, String)> {
    use rustix::io::Errno;
    let advice = match Errno::from_raw_os_error(number) {
        Errno::MFILE | Errno::NFILE => OPEN_FILES,
        Errno::IO => DISK_FAILED,
        Errno::LOOP => "the path leads through too many symbolic links: look where they point",
        Errno::NOLCK => {
            "this file system cannot lock files: keep the store on a local disk with `DHT_STORE`"
        }
        _ => return None,
    };
    Some((Kind::Disk, advice.to_owned()))
}

#[cfg(windows)]
fn by_number(number: i32) -> Option<(Kind, String)> {
    // System error codes: winerror.h.
    let (kind, advice) = match number {
        4 => (Kind::Disk, OPEN_FILES),
        23 | 1117 => (Kind::Disk, DISK_FAILED),
        32 | 33 => (
            Kind::Busy,
            "another program uses the file: close it (an editor, a running Python, a virus scanner), then run the command again",
        ),
        206 => (
            Kind::Disk,
            "the path is too long: use a shorter folder, or allow long paths in Windows",
        ),
        _ => return None,
    };
    Some((kind, advice.to_owned()))
}

#[cfg(not(any(unix, windows)))]
fn by_number(_: i32) -> Option<(Kind, String)> {
    let _ = (OPEN_FILES, DISK_FAILED);
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(unix)]
    fn the_machine_s_refusals_have_kind_and_advice() {
        use rustix::io::Errno;
        let cases = [
            (Errno::NOSPC, Kind::Disk, "free some space"),
            (Errno::DQUOT, Kind::Disk, "quota"),
            (Errno::FBIG, Kind::Disk, "ulimit -f"),
            (Errno::ROFS, Kind::Disk, "read-only"),
            (Errno::ACCESS, Kind::Disk, "permissions"),
            (Errno::PERM, Kind::Disk, "permissions"),
            (Errno::MFILE, Kind::Disk, "ulimit -n"),
            (Errno::NFILE, Kind::Disk, "ulimit -n"),
            (Errno::IO, Kind::Disk, "dmesg"),
            (Errno::NAMETOOLONG, Kind::Disk, "too long"),
            (Errno::NOLCK, Kind::Disk, "local disk"),
            (Errno::TXTBSY, Kind::Busy, "another program"),
            (Errno::CONNREFUSED, Kind::Network, "HTTPS_PROXY"),
            (Errno::NETUNREACH, Kind::Network, "HTTPS_PROXY"),
        ];
        for (errno, kind, says) in cases {
            let error = io::Error::from_raw_os_error(errno.raw_os_error());
            let (found, advice) = advice_for_io(&error).unwrap_or_else(|| panic!("{error}"));
            assert_eq!(found, kind, "{error}");
            assert!(advice.contains(says), "{error}: {advice}");
        }
        let missing = io::Error::from_raw_os_error(Errno::NOENT.raw_os_error());
        assert_eq!(advice_for_io(&missing), None);
    }

    #[test]
    fn finds_the_error_that_the_machine_raised() {
        let deep = io::Error::from(ErrorKind::StorageFull);
        let wrapped = io::Error::other(io::Error::other(deep));
        let found = io_cause(&wrapped).unwrap();
        assert_eq!(found.kind(), ErrorKind::StorageFull);
    }
}
