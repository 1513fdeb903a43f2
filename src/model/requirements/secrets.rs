//! Logins and variables: neither belongs to a lock.

use super::error::Fault;

/// Drops the login of every address in a line; the user of an `ssh` address stays, since it is a
/// part of where the repository is.
pub(super) fn without_login(line: &str) -> String {
    let mut clean = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("://") {
        clean.push_str(before);
        clean.push_str("://");
        let end = after
            .find(|c: char| c == '/' || c == '?' || c == '#' || c.is_whitespace())
            .unwrap_or(after.len());
        let (authority, tail) = after.split_at(end);
        match authority.rsplit_once('@') {
            Some((login, host)) if before.ends_with("ssh") => {
                clean.push_str(login.split(':').next().unwrap_or_default());
                clean.push('@');
                clean.push_str(host);
            }
            Some((_, host)) => clean.push_str(host),
            None => clean.push_str(authority),
        }
        rest = tail;
    }
    clean.push_str(rest);
    clean
}

/// Refuses what pip would take from the environment: `${NAME}`, in capitals.
pub(super) fn check_variables(line: &str) -> Result<(), Fault> {
    for part in line.split("${").skip(1) {
        let name = part.split('}').next().unwrap_or_default();
        let capital = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
        if part.contains('}') && !name.is_empty() && name.chars().all(capital) {
            return Err(Fault::Variable(name.to_owned()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_keeps_no_login() {
        for (line, clean) in [
            ("-i https://me:pw@h/simple", "-i https://h/simple"),
            (
                "-i https://${USER}:${TOKEN}@h/simple",
                "-i https://h/simple",
            ),
            ("a @ git+ssh://git:pw@h/a@x", "a @ git+ssh://git@h/a@x"),
            (
                "a @ git+https://t0ken@h/a.git@v1",
                "a @ git+https://h/a.git@v1",
            ),
            ("a @ https://h/@x/a.whl", "a @ https://h/@x/a.whl"),
            ("a @ b", "a @ b"),
        ] {
            assert_eq!(without_login(line), clean, "{line}");
        }
    }

    #[test]
    fn variables_are_refused_by_name() {
        let found = check_variables("a @ https://h/${BRANCH}/a.zip").unwrap_err();
        assert!(found.to_string().contains("`BRANCH`"));
        for line in ["$HOME", "${home}", "${}", "${A"] {
            assert!(check_variables(line).is_ok(), "{line}");
        }
    }
}
