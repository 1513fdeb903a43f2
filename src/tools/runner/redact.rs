//! Taking secrets out of a text before a person or a log sees it.

/// Query parameters whose value is a secret; compared without case.
const SECRET_KEYS: [&str; 7] = [
    "token=",
    "access_token=",
    "private_token=",
    "password=",
    "signature=",
    "x-amz-credential=",
    "x-amz-security-token=",
];

/// Replaces user information in addresses, the values of signing parameters and each of `secrets`.
pub fn redact(text: &str, secrets: &[String]) -> String {
    let mut text = text.to_owned();
    for secret in secrets {
        text = text.replace(secret.as_str(), "***");
    }
    without_parameters(&without_users(&text))
}

fn without_users(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("://") {
        let (before, after) = rest.split_at(start + 3);
        out.push_str(before);
        let end = after
            .find(|c: char| c.is_whitespace() || "/?#\"'<>`".contains(c))
            .unwrap_or(after.len());
        let (authority, mut tail) = after.split_at(end);
        match authority.rsplit_once('@') {
            // `git@host` names the service, not a person.
            Some(("git", host)) => out.extend(["git@", host]),
            Some((_, host)) => out.extend(["***@", host]),
            None => out.push_str(authority),
        }
        let end = tail
            .find(|c: char| c.is_whitespace() || "#\"'<>`".contains(c))
            .unwrap_or(tail.len());
        // What signs a request has no name that could be known.
        if let Some(query) = tail[..end].find('?') {
            out.extend([&tail[..query], "?***"]);
            tail = &tail[end..];
        }
        rest = tail;
    }
    out.push_str(rest);
    out
}

fn without_parameters(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(['?', '&']) {
        let (before, after) = rest.split_at(start + 1);
        out.push_str(before);
        rest = after;
        let key = SECRET_KEYS.iter().find(|key| {
            after
                .get(..key.len())
                .is_some_and(|head| head.eq_ignore_ascii_case(key))
        });
        if let Some(key) = key {
            let value = &after[key.len()..];
            let end = value
                .find(|c: char| c.is_whitespace() || "&#\"'<>`".contains(c))
                .unwrap_or(value.len());
            out.push_str(&after[..key.len()]);
            out.push_str("***");
            rest = &value[end..];
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_no_secret() {
        for (text, shown) in [
            ("at https://me:pw@host/a, x", "at https://***@host/a, x"),
            ("https://tok@host", "https://***@host"),
            ("ssh://git@host/a", "ssh://git@host/a"),
            ("a 'http://u:p@ss@h/' b@c", "a 'http://***@h/' b@c"),
            (
                "https://h/a?v=1&X-Amz-Security-Token=z&w=2",
                "https://h/a?***",
            ),
            (
                "'https://me:pw@h/a?tok=z#f' failed",
                "'https://***@h/a?***#f' failed",
            ),
            (
                "GET /a?X-Amz-Security-Token=z&w=2",
                "GET /a?X-Amz-Security-Token=***&w=2",
            ),
            ("why? token", "why? token"),
            ("plain hunter2", "plain ***"),
        ] {
            assert_eq!(redact(text, &["hunter2".to_owned()]), shown);
        }
    }
}
