//! Which of the things that were expected was probably meant to be which of those that happened.

use crate::labels::Labels;

/// One side or both of what does not agree.
pub type Pair<A, B> = (Option<A>, Option<B>);

/// More candidates than this are not compared with each other.
const COMPARED: usize = 40_000;

/// Pairs what is left of two sides, the most similar ones first, provided that they are at least half alike or that there is no
/// other choice. `settled` says of an expected one that it needs no partner but its equal to be explained. In the order of
/// the expected ones; what is left of the other side comes last.
pub fn pairs<A, B>(
    expected: Vec<A>,
    got: Vec<B>,
    similar: impl Fn(&A, &B) -> f64,
    settled: impl Fn(&A) -> bool,
) -> Vec<Pair<A, B>> {
    let lonely = expected.len() == 1 && got.len() == 1;
    let mut candidates: Vec<(f64, usize, usize)> = Vec::new();
    if expected.len().saturating_mul(got.len()) <= COMPARED {
        for (i, a) in expected.iter().enumerate() {
            let settled = settled(a);
            for (j, b) in got.iter().enumerate() {
                let similar = similar(a, b);
                if similar == 1.0 || (!settled && (similar >= 0.5 || lonely)) {
                    candidates.push((similar, i, j));
                }
            }
        }
    }
    candidates.sort_by(|a, b| b.0.total_cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
    let mut partner: Vec<Option<usize>> = vec![None; expected.len()];
    let mut taken = vec![false; got.len()];
    for (_, i, j) in candidates {
        if partner[i].is_none() && !taken[j] {
            partner[i] = Some(j);
            taken[j] = true;
        }
    }
    let mut got: Vec<Option<B>> = got.into_iter().map(Some).collect();
    let mut pairs: Vec<Pair<A, B>> = expected
        .into_iter()
        .zip(partner)
        .map(|(expected, partner)| (Some(expected), partner.and_then(|j| got[j].take())))
        .collect();
    pairs.extend(got.into_iter().flatten().map(|got| (None, Some(got))));
    pairs
}

/// The share of the labels of both sets that both have alike; 1 for two empty ones.
pub fn similarity(a: &Labels, b: &Labels) -> f64 {
    let alike = a.iter().filter(|(name, value)| b.get(name) == *value).count();
    let all = a.len() + b.iter().filter(|(name, _)| !a.has(name)).count();
    if all == 0 { 1.0 } else { alike as f64 / all as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::promql::parse_series;

    fn told(expected: &[&str], got: &[&str]) -> Vec<String> {
        let sets = |texts: &[&str]| texts.iter().map(|text| parse_series(text).unwrap()).collect::<Vec<_>>();
        let text = |labels: Option<Labels>| labels.map_or_else(|| "-".to_owned(), |labels| labels.as_metric());
        let found = pairs(sets(expected), sets(got), similarity, |labels| labels.get("x") == "settled");
        found.into_iter().map(|(a, b)| format!("{} {}", text(a), text(b))).collect()
    }

    #[test]
    fn the_most_similar_pair_first() {
        assert_eq!(
            told(&["a{i=\"1\",s=\"page\"}", "a{i=\"2\",s=\"page\"}"], &["a{i=\"2\",s=\"warn\"}", "b"]),
            [r#"a{i="1", s="page"} -"#, r#"a{i="2", s="page"} a{i="2", s="warn"}"#, "- b"]
        );
    }

    #[test]
    fn where_there_is_no_choice_strangers_pair_unless_one_is_settled() {
        assert_eq!(told(&["a{i=\"1\"}"], &["b{j=\"2\"}"]), [r#"a{i="1"} b{j="2"}"#]);
        assert_eq!(told(&["a{x=\"settled\"}"], &["b"]), [r#"a{x="settled"} -"#, "- b"]);
    }
}
