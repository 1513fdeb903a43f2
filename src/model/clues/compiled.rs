//! Requirements that a project keeps unpinned, and the first line of the lock that setup makes of them.
//!
//! The line holds the digest of everything that the lock was made from, so that a lock that is out of
//! date is known without asking an index.

/// The lock that setup makes.
pub const LOCK: &str = "requirements.lock";

/// Where requirements usually stand, in the order in which they are looked for: with `.in`, else with
/// `.txt`.
const STEMS: [&str; 8] = [
    "requirements",
    "requirements-dev",
    "requirements_dev",
    "dev-requirements",
    "dev_requirements",
    "requirements/base",
    "requirements/main",
    "requirements/dev",
];

/// Returns the requirements files that a lock is made from, of those that `has` tells of: the `.in`
/// files if there is any, else the `.txt` files.
pub fn inputs(has: &dyn Fn(&str) -> bool) -> Vec<String> {
    for ending in ["in", "txt"] {
        let files = STEMS.iter().map(|stem| format!("{stem}.{ending}"));
        let files: Vec<String> = files.filter(|file| has(file)).collect();
        if !files.is_empty() {
            return files;
        }
    }
    Vec::new()
}

/// Returns the files that a requirements file includes or is bound by, as it writes them.
pub fn included(text: &str) -> Vec<&str> {
    let options = ["-r", "-c", "--requirement", "--constraint"];
    text.lines()
        .filter_map(|line| {
            let line = line.split(" #").next()?.trim();
            let option = options
                .iter()
                .rev()
                .find(|option| line.starts_with(**option))?;
            let rest = &line[option.len()..];
            let is_whole = rest.starts_with(['=', ' ', '\t']) || option.len() == 2;
            let rest = rest.trim_start_matches(['=', ' ', '\t']);
            (is_whole && !rest.is_empty()).then_some(rest)
        })
        .collect()
}

/// Returns the first line of a lock.
pub fn header(from: &[String], python: &str, digest: &str) -> String {
    format!(
        "# Locked by `dhtl setup` from {} for Python {python} and newer (blake3:{digest})\n",
        from.join(", ")
    )
}

/// Returns the digest in the first line of a lock; `None` for a lock that setup did not make.
pub fn digest(lock: &str) -> Option<&str> {
    let line = lock.lines().next()?;
    let (_, rest) = line
        .strip_prefix("# Locked by `dhtl setup` from ")?
        .rsplit_once("(blake3:")?;
    rest.strip_suffix(')')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_found_again() {
        let lock = header(&["a.in".into(), "b.in".into()], "3.11.7", "abc") + "x==1\n";
        assert_eq!(digest(&lock), Some("abc"));
        assert_eq!(digest(&lock.replace('\n', "\r\n")), Some("abc"));
        assert_eq!(digest("x==1\n"), None);
    }

    #[test]
    fn unpinned_files_come_before_others() {
        let of = |files: &[&str]| inputs(&|file| files.contains(&file));
        assert_eq!(
            of(&["requirements.txt", "requirements.in", "dev-requirements.in"]),
            ["requirements.in", "dev-requirements.in"]
        );
        assert_eq!(of(&["requirements.txt"]), ["requirements.txt"]);
        assert_eq!(of(&[]), [""; 0]);
        assert_eq!(
            included(
                "-r base.in # all\n--constraint=c.txt\nrequests\n-c  d.txt\n--require-hashes\n"
            ),
            ["base.in", "c.txt", "d.txt"]
        );
    }
}
