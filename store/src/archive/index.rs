//! The index at the end of an archive: where each run begins, for readers that can seek. Pure.
//!
//! A skippable frame (RFC 8878, section 3.1.2), so that other programs pass over it: lines of text,
//! and then 16 bytes that lead from the end of the file to its beginning.

use super::error::ArchiveError;

/// The magic number of the frame: one of the sixteen that RFC 8878 keeps for skippable frames.
pub(crate) const MAGIC: u32 = 0x184D_2A5D;
const FIRST: &str = "dht-archive-index 1\n";
const LAST: &[u8; 8] = b"DHT-IDX1";
/// What the frame has before its content: magic number and length.
pub(crate) const FRAME_HEAD: usize = 8;
/// The length of what ends the content: the length of the whole frame, and [`LAST`].
pub(crate) const TRAILER: usize = 16;
/// The most bytes that the content may have.
pub(crate) const MAX: u64 = 64 << 20;

/// Where a run stands, in bytes from the beginning of the archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    /// Its first byte.
    pub offset: u64,
    /// How many bytes it has, compressed.
    pub length: u64,
}

/// Returns the whole frame.
pub(crate) fn to_bytes(spans: &[Span]) -> Vec<u8> {
    let mut text = FIRST.to_owned();
    for Span { offset, length } in spans {
        text += &format!("{offset} {length}\n");
    }
    let content = text.len() + TRAILER;
    let mut bytes = Vec::with_capacity(FRAME_HEAD + content);
    bytes.extend(MAGIC.to_le_bytes());
    bytes.extend(u32::try_from(content).unwrap_or(u32::MAX).to_le_bytes());
    bytes.extend(text.as_bytes());
    bytes.extend(((FRAME_HEAD + content) as u64).to_le_bytes());
    bytes.extend(LAST);
    bytes
}

/// Reads from the last bytes of a file how long the index frame is.
pub(crate) fn frame_length(trailer: &[u8; TRAILER]) -> Result<u64, ArchiveError> {
    let (length, last) = trailer.split_at(8);
    let length = length
        .try_into()
        .map_or(0, |bytes: [u8; 8]| u64::from_le_bytes(bytes));
    let fits = (FRAME_HEAD + TRAILER) as u64..=MAX;
    if last != LAST || !fits.contains(&length) {
        return Err(ArchiveError::Truncated("its index".to_owned()));
    }
    Ok(length)
}

/// Reads a frame that stands at `offset`: spans without gaps, from zero to the frame itself.
pub(crate) fn parse(frame: &[u8], offset: u64) -> Result<Vec<Span>, ArchiveError> {
    let refused = || ArchiveError::refused("its index", "not of the format");
    let text = frame
        .get(FRAME_HEAD..frame.len().saturating_sub(TRAILER))
        .and_then(|text| std::str::from_utf8(text).ok())
        .and_then(|text| text.strip_prefix(FIRST))
        .ok_or_else(refused)?;
    let mut spans = Vec::new();
    let mut next = 0;
    for line in text.lines() {
        let (start, length) = line.split_once(' ').ok_or_else(refused)?;
        let start: u64 = start.parse().map_err(|_| refused())?;
        let length: u64 = length.parse().map_err(|_| refused())?;
        if start != next || length == 0 {
            return Err(refused());
        }
        next = start.checked_add(length).ok_or_else(refused)?;
        spans.push(Span {
            offset: start,
            length,
        });
    }
    if next != offset || to_bytes(&spans) != frame {
        return Err(refused());
    }
    Ok(spans)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn survives_a_round_trip_and_nothing_else() {
        let spans = [(0, 10), (10, 5), (15, 100)].map(|(offset, length)| Span { offset, length });
        let bytes = to_bytes(&spans);
        assert_eq!(parse(&bytes, 115).unwrap(), spans);
        assert!(parse(&bytes, 116).is_err());
        let trailer = bytes[bytes.len() - TRAILER..].try_into().unwrap();
        assert_eq!(frame_length(trailer).unwrap(), bytes.len() as u64);
        for index in 0..bytes.len() {
            let mut other = bytes.clone();
            other[index] ^= 1;
            assert!(parse(&other, 115).is_err(), "byte {index}");
        }
    }
}
