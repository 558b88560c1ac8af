//! "Did you mean": the nearest of some known words, or a list of them.

/// How many words a list names.
const LISTED: usize = 12;

/// The known word that is nearest to a misspelt one, if one is near enough to be meant.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (word.chars().count() / 3).clamp(1, 3);
    known
        .into_iter()
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, candidate)| candidate)
}

/// The first of the words, and how many more there are: `a, b and 3 more`.
pub fn listed<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let words: Vec<&str> = words.into_iter().collect();
    let (shown, more) = words.split_at(words.len().min(LISTED));
    match more.len() {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// Insertions, deletions, replacements and swaps of neighbours that turn one word into the other, case aside.
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().take(64).flat_map(char::to_lowercase).collect();
    let b: Vec<char> = b.chars().take(64).flat_map(char::to_lowercase).collect();
    let mut before = vec![0; b.len() + 1];
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let mut cost = (last[j] + usize::from(x != y)).min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                cost = cost.min(before[j - 1] + 1);
            }
            row.push(cost);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_word_finds_its_neighbour_and_a_foreign_one_finds_none() {
        let known = ["rate", "irate", "increase", "delta"];
        assert_eq!(nearest("raet", known), Some("rate"));
        assert_eq!(nearest("incraese", known), Some("increase"));
        assert_eq!(nearest("RATE", known), Some("rate"));
        assert_eq!(nearest("lag", known), None);
    }

    #[test]
    fn a_list_says_how_many_it_leaves_out() {
        assert_eq!(listed(["a", "b"]), "a, b");
        assert_eq!(listed(std::iter::repeat_n("a", 15)), format!("{}a and 3 more", "a, ".repeat(11)));
    }
}
