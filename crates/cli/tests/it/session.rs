//! The five ways in (SPEC G), and what a session does.

use crate::toy::{assert_sound, loss, session, toy, verdicts};

/// SPEC G1, E7.
#[test]
fn a_session_keeps_what_is_better_and_leaves_the_rest_behind() {
    let crash = "echo broken >&2\nexit 3\n".to_owned();
    let place = toy(&[loss(40), loss(60), crash, loss(30), loss(30.5), loss(20)]);
    let before = place.snapshot();
    let ended = place.run(session("6", &[])).expect(0);
    println!("{}", ended.stdout);
    println!("{}", ended.stderr);
    assert_eq!(verdicts(&place), ["keep", "keep", "discard", "crash", "keep", "discard", "keep"]);
    assert_sound(&place, &before);
}
