//! One request, one proposal; one more where the answer does not fit.

use autoresearch_core::proposal::FileEdit;
use autoresearch_models::{Form, Provider};
use autoresearch_propose::{ProposeError, Proposer as _};

use crate::scene::{
    ALL, Bench, TARGET, answer, brief, content, model, propose, says, serving, wanted,
};

#[test]
fn a_block_that_does_not_match_is_told_and_answered_once_more() {
    for provider in ALL {
        let wrong = answer(Form::Blocks, "RATE  = 0.1", "RATE = 0.2");
        let right = answer(Form::Blocks, "RATE = 0.1", "RATE = 0.2");
        let turns = vec![says(provider, &wrong), says(provider, &right)];
        let (proposal, bench, server) = propose(provider, Form::Blocks, turns);
        assert!(content(&proposal.unwrap()).starts_with("RATE = 0.2\n"));
        let second = &server.requests()[1].body;
        assert!(second.contains("RATE  = 0.1"), "its own answer is shown to it: {second}");
        assert!(second.contains("differs only in spaces or tabs"), "{second}");
        assert!(second.contains("from line 1, are:\\nRATE = 0.1\\n"), "{second}");
        assert_eq!(bench.spent.len(), 2, "both are paid for");
        assert!(bench.said[1].starts_with("asks small again: block 1: its search is not in"));
    }
}

#[test]
fn what_cannot_be_read_twice_has_failed() {
    for provider in ALL {
        for form in [Form::Blocks, Form::Json] {
            let (answer, bench, server) = propose(provider, form, vec![says(provider, "Hello!")]);
            let Err(ProposeError::Failed(why)) = answer else { panic!("{answer:?}") };
            assert!(why.contains("asked twice"), "{why}");
            assert_eq!((server.requests().len(), bench.spent.len()), (2, 2));
        }
    }
}

#[test]
fn a_change_that_was_tried_is_told_once_and_then_left_to_the_guard() {
    let again = says(Provider::OpenAi, &answer(Form::Blocks, "RATE = 0.1", "RATE = 0.2"));
    let other = says(Provider::OpenAi, &answer(Form::Blocks, "RATE = 0.1", "RATE = 0.3"));
    let changed = TARGET.replace("0.1", "0.2").into_bytes();
    let tried = vec![FileEdit { path: "train.py".to_owned(), content: Some(changed) }];
    for (turns, first) in [(vec![again.clone(), other], "RATE = 0.3"), (vec![again], "RATE = 0.2")]
    {
        let server = serving(turns);
        let mut bench = Bench { tried: vec![tried.clone()], ..Bench::new() };
        let mut model = model(wanted(Provider::OpenAi, &server.url(), Form::Auto));
        let proposal = model.propose(&brief(), &mut bench).unwrap();
        assert!(content(&proposal).starts_with(first), "{proposal:?}");
        let second = &server.requests()[1].body;
        assert!(second.contains("experiment 1 tried exactly this program"), "{second}");
    }
}

#[test]
fn a_queued_sentence_stays_as_its_author_wrote_it() {
    let server = serving(vec![says(
        Provider::OpenAi,
        &answer(Form::Blocks, "RATE = 0.1", "RATE = 0.2").replace("HYPOTHESIS", "NOTE"),
    )]);
    let mut bench = Bench::new();
    let mut model = model(wanted(Provider::OpenAi, &server.url(), Form::Auto));
    let asked =
        autoresearch_propose::Brief { hypothesis: Some("mine, exactly".to_owned()), ..brief() };
    assert_eq!(model.propose(&asked, &mut bench).unwrap().hypothesis, "mine, exactly");
    // Without one the model has to say its own.
    let answer = model.propose(&brief(), &mut bench);
    assert!(
        matches!(&answer, Err(ProposeError::Failed(why)) if why.contains("hypothesis")),
        "{answer:?}"
    );
}

#[test]
fn when_no_more_may_be_spent_nothing_more_is_asked() {
    let server = serving(vec![says(Provider::OpenAi, "garbage")]);
    let mut bench = Bench { cap: 1000, ..Bench::new() };
    let mut model = model(wanted(Provider::OpenAi, &server.url(), Form::Auto));
    let answer = model.propose(&brief(), &mut bench);
    assert!(matches!(answer, Err(ProposeError::OverBudget(_))), "{answer:?}");
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn without_a_key_it_says_what_to_do() {
    let wanted = autoresearch_models::Wanted {
        name: Some("claude-x".to_owned()),
        ..autoresearch_models::Wanted::default()
    };
    let mut model = autoresearch_models::Model::new(wanted, &|_| None);
    let answer = model.propose(&brief(), &mut Bench::new());
    let Err(ProposeError::Unusable(why)) = answer else { panic!("{answer:?}") };
    assert!(why.contains("`ANTHROPIC_API_KEY` is not set") && why.contains("export"), "{why}");
}
