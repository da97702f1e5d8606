//! Tells what a mistyped name was probably meant to be. For the crates of this workspace only: it may change
//! at any time.

/// What to say of `given`, which is neither one of `known` nor another name for one of them: which
/// was probably meant, and what is known.
pub(crate) fn unknown<'a>(
    kind: &str,
    given: &str,
    known: impl Iterator<Item = &'a str> + Clone,
    aliases: impl Iterator<Item = &'a str>,
) -> String {
    let list = known.clone().collect::<Vec<_>>().join(", ");
    match nearest(given, known.chain(aliases)) {
        Some(name) => format!("unknown {kind} `{given}`; did you mean `{name}`? (known: {list})"),
        None => format!("unknown {kind} `{given}` (known: {list})"),
    }
}

/// The known name that is few enough slips away from `given`: a third of its length at most.
#[must_use]
pub fn nearest<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let given = plain(given);
    let allowed = (given.len() / 3).max(1);
    known
        .into_iter()
        .map(|name| (distance(&given, &plain(name)), name))
        .filter(|&(slips, _)| slips <= allowed)
        .min_by_key(|&(slips, _)| slips)
        .map(|(_, name)| name)
}

/// ``did you mean `…`?``, if anything is near.
#[must_use]
pub fn did_you_mean<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    nearest(given, known).map(|name| format!("did you mean `{name}`?"))
}

/// Upper case, dashes, underscores and spaces are not what people mistype.
fn plain(name: &str) -> Vec<char> {
    name.chars().filter(|c| !matches!(c, '_' | '-' | ' ')).flat_map(char::to_lowercase).collect()
}

/// How many characters to insert, drop, replace, or swap with the next.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.iter().enumerate() {
        let mut next = vec![i + 1];
        for (j, to) in b.iter().enumerate() {
            let replaced = row[j] + usize::from(from != to);
            let mut slips = replaced.min(row[j + 1] + 1).min(next[j] + 1);
            if i > 0 && j > 0 && *from == b[j - 1] && a[i - 1] == *to {
                let before: &Vec<usize> = &before;
                slips = slips.min(before[j - 1] + 1);
            }
            next.push(slips);
        }
        before = std::mem::replace(&mut row, next);
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 3] = ["timeout", "rate_limit", "RateLimitErrorRetries"];

    #[test]
    fn finds_the_name_that_was_meant() {
        for (given, meant) in [
            ("timeuot", Some("timeout")),
            ("Timeout", Some("timeout")),
            ("itmeotu", Some("timeout")),
            ("ratelimit", Some("rate_limit")),
            ("rate-limits", Some("rate_limit")),
            ("RateLimitErrorRetry", Some("RateLimitErrorRetries")),
            ("banana", None),
            ("", None),
        ] {
            assert_eq!(nearest(given, KNOWN.into_iter()), meant, "{given}");
        }
    }

    #[test]
    fn lists_the_known_names_but_not_their_aliases() {
        let [timeout, rate_limit, alias] = KNOWN;
        assert_eq!(
            unknown("class", "timeuot", [timeout, rate_limit].into_iter(), [alias].into_iter()),
            "unknown class `timeuot`; did you mean `timeout`? (known: timeout, rate_limit)"
        );
        assert_eq!(
            unknown("class", "banana", [timeout].into_iter(), [alias].into_iter()),
            "unknown class `banana` (known: timeout)"
        );
    }
}
