//! The known name that was probably meant.

/// Returns the name in `known` that `text` was probably meant to be: at most two slips away, and
/// fewer than half its letters.
pub(super) fn nearest<'a>(text: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let text: Vec<char> = text
        .to_lowercase()
        .replace('-', "_")
        .chars()
        .take(64)
        .collect();
    known
        .into_iter()
        .map(|name| {
            let plain: Vec<char> = name.replace('-', "_").chars().collect();
            (slips(&text, &plain), name)
        })
        .filter(|&(slips, name)| slips <= 2 && slips * 2 < name.len())
        .min_by_key(|&(slips, _)| slips)
        .map(|(_, name)| name)
}

/// Counts the letters that were put in, left out, exchanged or swapped with their neighbour
/// (optimal string alignment).
fn slips(left: &[char], right: &[char]) -> usize {
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=right.len()).collect();
    for (row, &letter) in left.iter().enumerate() {
        let mut current = vec![row + 1];
        for (column, &other) in right.iter().enumerate() {
            let exchanged = last[column] + usize::from(letter != other);
            let mut fewest = exchanged.min(last[column + 1] + 1).min(current[column] + 1);
            let swapped =
                row > 0 && column > 0 && letter == right[column - 1] && left[row - 1] == other;
            if swapped {
                fewest = fewest.min(before_last[column - 1] + 1);
            }
            current.push(fewest);
        }
        before_last = std::mem::replace(&mut last, current);
    }
    last[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_slips_and_nothing_far() {
        let known = ["python", "platform_deps", "tools", "git", "validation"];
        assert_eq!(nearest("pyhton", known), Some("python"));
        assert_eq!(nearest("Platform-Deps", known), Some("platform_deps"));
        assert_eq!(nearest("tool", known), Some("tools"));
        assert_eq!(nearest("colour", known), None);
        assert_eq!(nearest("x", known), None);
    }
}
