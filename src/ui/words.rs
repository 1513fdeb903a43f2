//! Small words around numbers.

/// Returns a number with its noun: `1 path`, `2 paths`.
pub fn counted(count: impl Into<u64>, noun: &str) -> String {
    match count.into() {
        1 => format!("1 {noun}"),
        count => format!("{count} {noun}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::counted;

    #[test]
    fn one_is_one() {
        assert_eq!(counted(0_u64, "path"), "0 paths");
        assert_eq!(counted(1_u64, "path"), "1 path");
        assert_eq!(counted(2_u64, "file"), "2 files");
    }
}
