//! What the metric's noise means, in words: what can be seen through it, what the
//! kept changes come to, and what one experiment's evidence is worth.

use autoresearch_core::judge::{Noise, Outlook, Weighed};
use autoresearch_core::metric::significant;

use crate::numbers;

/// Of a session's noise, in words that go on from "noise: ".
///
/// `one run varies by 0.0031 (6 degrees of freedom); a gain of 0.0094 shows in one
/// run, 0.0054 in four`.
pub fn noise_words(noise: &Noise) -> String {
    let Outlook { sigma, degrees, in_one, in_four, .. } = match noise {
        Noise::Ignored => {
            return "it is not reckoned with; any gain in one run is kept".to_owned();
        }
        Noise::Unseen => return "none was seen, so every difference counts".to_owned(),
        Noise::Seen(outlook) => outlook,
    };
    let grounds = match degrees {
        0 => "by the differences between candidates alone".to_owned(),
        1 => "1 degree of freedom".to_owned(),
        n => format!("{n} degrees of freedom"),
    };
    let visible = match (in_one, in_four) {
        (Some(one), Some(four)) => {
            format!("a gain of {} shows in one run, {} in four", short(*one), short(*four))
        }
        (Some(one), None) => format!("a gain of {} shows in one run", short(*one)),
        (None, Some(four)) => format!("a gain of {} shows in four runs, none in one", short(*four)),
        (None, None) => "no gain shows in four runs".to_owned(),
    };
    format!("one run varies by {} ({grounds}); {visible}", short(*sigma))
}

/// What the kept changes come to by the evidence that they were kept for, in words
/// that go on from "the kept changes together: "; `None` where there are none, or
/// where noise does not blur it.
///
/// `better by 0.071 after correcting for luck, 0.3 of 5 expected not to help`.
pub fn keeps_words(noise: &Noise) -> Option<String> {
    let Noise::Seen(outlook @ Outlook { keeps: 1.., gain, .. }) = noise else { return None };
    let which = if *gain < 0.0 { "worse" } else { "better" };
    Some(format!(
        "{which} by {} after correcting for luck, {} expected not to help",
        short(gain.abs()),
        idle(outlook)
    ))
}

/// How many of the kept changes do nothing, as `0.3 of 5`.
pub(crate) fn idle(outlook: &Outlook) -> String {
    let Outlook { keeps, false_keeps, .. } = outlook;
    if *false_keeps < 0.05 {
        format!("less than 0.1 of {keeps}")
    } else {
        format!("{false_keeps:.1} of {keeps}")
    }
}

/// The evidence for or against one experiment in numbers.
///
/// `better by 0.021, standard error 0.004, z 5.2, 2 runs; expected to bring 0.018`.
pub fn weighed_words(weighed: &Weighed) -> String {
    let Weighed { difference, error, gain, runs, .. } = *weighed;
    let which = if difference < 0.0 { "worse" } else { "better" };
    let z = if error > 0.0 {
        format!(", z {}", significant(difference / error, 2))
    } else {
        String::new()
    };
    let runs = numbers::count(runs.into(), "run");
    let brings = if gain < 0.0 { "cost" } else { "bring" };
    format!(
        "{which} by {}, standard error {}{z}, {runs}; expected to {brings} {}",
        significant(difference.abs(), 4),
        short(error),
        short(gain.abs())
    )
}

fn short(value: f64) -> String {
    significant(value, 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTLOOK: Outlook = Outlook {
        sigma: 0.003_12,
        degrees: 6,
        in_one: Some(0.009_38),
        in_four: Some(0.005_41),
        keeps: 5,
        gain: 0.0714,
        false_keeps: 0.31,
    };

    #[test]
    fn noise_is_told_with_what_can_be_seen_through_it() {
        let words = |outlook: Outlook| noise_words(&Noise::Seen(outlook));
        assert_eq!(
            words(OUTLOOK),
            "one run varies by 0.0031 (6 degrees of freedom); a gain of 0.0094 shows in one run, 0.0054 in four"
        );
        assert_eq!(
            words(Outlook { degrees: 1, in_one: None, ..OUTLOOK }),
            "one run varies by 0.0031 (1 degree of freedom); a gain of 0.0054 shows in four runs, none in one"
        );
        assert_eq!(
            words(Outlook { degrees: 0, in_one: None, in_four: None, ..OUTLOOK }),
            "one run varies by 0.0031 (by the differences between candidates alone); no gain shows in four runs"
        );
        assert_eq!(noise_words(&Noise::Unseen), "none was seen, so every difference counts");
        assert!(noise_words(&Noise::Ignored).contains("not reckoned with"));
    }

    #[test]
    fn kept_changes_are_told_without_their_luck() {
        let words = |outlook: Outlook| keeps_words(&Noise::Seen(outlook));
        assert_eq!(
            words(OUTLOOK).unwrap(),
            "better by 0.071 after correcting for luck, 0.3 of 5 expected not to help"
        );
        assert_eq!(
            words(Outlook { gain: -0.002, false_keeps: 0.01, keeps: 1, ..OUTLOOK }).unwrap(),
            "worse by 0.002 after correcting for luck, less than 0.1 of 1 expected not to help"
        );
        assert_eq!(words(Outlook { keeps: 0, ..OUTLOOK }), None);
        assert_eq!(keeps_words(&Noise::Ignored), None);
    }

    #[test]
    fn evidence_is_told_in_numbers() {
        let weighed =
            Weighed { difference: 0.0213, error: 0.004_1, better: 0.97, gain: 0.0181, runs: 2 };
        assert_eq!(
            weighed_words(&weighed),
            "better by 0.0213, standard error 0.0041, z 5.2, 2 runs; expected to bring 0.018"
        );
        let worse = Weighed { difference: -1.5, error: 0.0, gain: -1.5, runs: 1, ..weighed };
        assert_eq!(
            weighed_words(&worse),
            "worse by 1.5, standard error 0, 1 run; expected to cost 1.5"
        );
    }
}
