//! What a [`FaultServer`](super::FaultServer) answers: a head, a body, and how the body ends.

use std::time::Duration;

use super::Asked;

/// How a body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Well,
    Close,
    Reset,
    Stall,
    Endless,
    Trickle(Duration),
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Reply {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
    pub(super) length: Option<String>,
    pub(super) end: End,
}

impl Reply {
    /// An answer with this status, no body and its length of 0.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Vec::new(),
            length: Some("0".to_owned()),
            end: End::Well,
        }
    }

    /// An answer of status 200 with a body and its length.
    #[must_use]
    pub fn ok(body: impl Into<Vec<u8>>) -> Self {
        Self::status(200).body(body)
    }

    /// What a good server answers: the whole, or the range that is asked for if `tag` still holds.
    #[must_use]
    pub fn file(asked: &Asked, body: &[u8], tag: &str) -> Self {
        let start = asked
            .range_start()
            .filter(|_| asked.header("if-range").is_none_or(|known| known == tag));
        let Some(start) = start else {
            return Self::ok(body).header("ETag", tag);
        };
        let Some(rest) = body.get(start..).filter(|rest| !rest.is_empty()) else {
            return Self::status(416).header("Content-Range", &format!("bytes */{}", body.len()));
        };
        let range = format!("bytes {start}-{}/{}", body.len() - 1, body.len());
        Self::status(206)
            .body(rest)
            .header("ETag", tag)
            .header("Content-Range", &range)
    }

    /// Sets the body and its length.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self.length = Some(self.body.len().to_string());
        self
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Announces this length, whatever the body has.
    #[must_use]
    pub fn announcing(mut self, length: &str) -> Self {
        self.length = Some(length.to_owned());
        self
    }

    /// Announces no length; the body ends with the connection.
    #[must_use]
    pub fn unannounced(mut self) -> Self {
        self.length = None;
        self.end = End::Close;
        self
    }

    /// Sends the first `count` bytes of the body only.
    #[must_use]
    pub fn cut(mut self, count: usize) -> Self {
        self.body.truncate(count);
        self
    }

    /// Closes the connection after the body.
    #[must_use]
    pub const fn then_close(mut self) -> Self {
        self.end = End::Close;
        self
    }

    /// Resets the connection after the body (closes it where that cannot be forced).
    #[must_use]
    pub const fn then_reset(mut self) -> Self {
        self.end = End::Reset;
        self
    }

    /// Sends nothing after the body and keeps the connection open.
    #[must_use]
    pub const fn then_stall(mut self) -> Self {
        self.end = End::Stall;
        self
    }

    /// Sends the body again and again, in chunks, without end.
    #[must_use]
    pub fn endless(mut self) -> Self {
        self.length = None;
        self.headers
            .push(("Transfer-Encoding".to_owned(), "chunked".to_owned()));
        self.end = End::Endless;
        self
    }

    /// Sends the body byte by byte, with a pause after each.
    #[must_use]
    pub const fn trickle(mut self, pause: Duration) -> Self {
        self.end = End::Trickle(pause);
        self
    }
}
