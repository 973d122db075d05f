//! What is said to all, where members have agreed to different compression: each hears the same, in the order of the
//! calls, in what it has agreed to.
//!
//! Not here: what it costs, which is `tests/deflate_memory`; other loops, which are `tests/workers_deflate.rs`.

use crate::deflating::{Member, OFFER, json, letters, noise, numbers, request, serving, takeover};
use crate::frames::{self, Frame, PING, text};
use crate::harness::{Client, Sim, secs};
use sockeye::proto::deflate::Policy;

/// Members of every kind: no compression, and three windows with and without takeover.
fn everybody(sim: &mut Sim) -> Vec<Member> {
    let mut members = vec![Member::plain(sim)];
    for bits in [9, 12, 15] {
        for takeover in ["", "; server_no_context_takeover"] {
            let offer = format!("permessage-deflate; server_max_window_bits={bits}{takeover}");
            let member = Member::open(sim, &offer);
            let answer = member.answer.as_deref().expect("agreed on");
            let kept = !answer.contains("server_no_context_takeover");
            assert_eq!(kept, takeover.is_empty(), "{answer}");
            assert!(
                answer.contains(&format!("server_max_window_bits={bits}")),
                "{answer}"
            );
            members.push(member);
        }
    }
    members
}

fn all(what: &str) -> Vec<u8> {
    text(&format!("!all {what}"))
}

#[test]
fn every_member_hears_the_same_in_what_it_has_agreed_to() {
    let mut sim = serving(takeover());
    let mut members = everybody(&mut sim);
    // Some repeat further back than the smaller windows.
    let words = [
        json(5000, 1),
        "short".to_owned(),
        [
            letters(300, 1),
            json(700, 2),
            letters(300, 1),
            json(6000, 3),
            letters(300, 1),
        ]
        .concat(),
        json(300, 4),
        letters(100_000, 5),
    ];
    for talker in 0..members.len() {
        for word in &words {
            let message = Frame::text(&format!("!all {word}"));
            members[talker].push(&message);
        }
        sim.settle();
        for member in &mut members {
            let agreed = member.answer.is_some();
            let expected = words
                .iter()
                .map(|word| (agreed && word.len() > 256, Frame::text(word)));
            assert!(
                member.heard().into_iter().eq(expected),
                "{:?}",
                member.answer
            );
        }
    }
    for (member, bits) in members[1..].iter().zip([9, 9, 12, 12, 15, 15]) {
        assert!(
            member.seen().max_distance > ((1 << bits) - 262) / 2,
            "{bits} bits are made use of"
        );
    }
}

#[test]
fn it_is_encoded_for_few_windows_and_can_be_read_in_all() {
    // How often it was compressed cannot be seen on the wire, but that three times would do.
    let mut sim = serving(takeover());
    let mut members = vec![Member::plain(&mut sim), Member::plain(&mut sim)];
    for bits in 9..=15 {
        for takeover in ["", "; server_no_context_takeover"] {
            let offer = format!("permessage-deflate; server_max_window_bits={bits}{takeover}");
            members.push(Member::open(&mut sim, &offer));
        }
    }
    let talker = sim.open();
    talker.push(&all(&json(50_000, 1)));
    sim.settle();
    let mut sent = Vec::new();
    for member in &mut members {
        let bytes = member.client.conn.take_sent();
        member.client.bytes.extend(&bytes);
        sent.push(bytes);
        assert!(member.frame() == Frame::text(&json(50_000, 1)));
    }
    sent.sort();
    sent.dedup();
    assert_eq!(sent.len(), 4, "as it is, and for three windows");
}

#[test]
fn what_is_said_uncompressed_to_all_is_and_keeps_its_place() {
    let mut sim = serving(takeover());
    let talker = sim.open();
    let mut members = everybody(&mut sim);
    let words = [1, 2, 3].map(|seed| json(1000, seed));
    let said = ["!all", "!all-plain", "!all"].iter().zip(&words);
    let bytes: Vec<_> = said
        .flat_map(|(how, word)| text(&format!("{how} {word}")))
        .collect();
    talker.push(&bytes);
    sim.settle();
    for member in &mut members {
        let agreed = member.answer.is_some();
        let expected = [agreed, false, agreed]
            .into_iter()
            .zip(words.each_ref().map(|w| Frame::text(w)));
        assert!(
            member.heard().into_iter().eq(expected),
            "{:?}",
            member.answer
        );
    }
}

#[test]
fn what_does_not_get_smaller_is_said_to_all_as_it_is() {
    let mut sim = serving(takeover());
    let mut members = everybody(&mut sim);
    let message = Frame::binary(&noise(5000, 1));
    sim.probe().relays_binary = true;
    let smaller = Frame::binary(&[7; 5000]);
    for message in [&smaller, &message, &smaller] {
        members[2].push(message);
    }
    sim.turn();
    for member in &mut members {
        let agreed = member.answer.is_some();
        let [before, after] = [(agreed, smaller.clone()), (agreed, smaller.clone())];
        assert!(member.heard() == [before, (false, message.clone()), after]);
    }
}

// --- the order of the calls ---

#[test]
fn own_messages_and_broadcasts_of_one_turn_are_in_call_order() {
    for policy in [Policy::default(), takeover()] {
        let mut sim = serving(policy);
        let mut members = everybody_as_agreed(&mut sim);
        for round in 0..5 {
            for talker in 0..members.len() {
                // Long and short take turns: some are compressed, and all are one sequence.
                let words = [json(600, round), "b".to_owned(), json(700, talker as u64)];
                for word in &words {
                    let message = Frame::text(&format!("!mixed {word}"));
                    members[talker].push(&message);
                }
                let end = Frame::text(&json(300, 9));
                members[talker].push(&end);
                sim.settle();
                for (index, member) in members.iter_mut().enumerate() {
                    let steps = if index == talker {
                        &[1, 2, 3, 4][..]
                    } else {
                        &[2, 4]
                    };
                    let mut expected: Vec<_> = words
                        .iter()
                        .flat_map(|word| steps.iter().map(move |step| format!("{step} {word}")))
                        .map(|text| Frame::text(&text))
                        .collect();
                    if index == talker {
                        expected.push(end.clone());
                    }
                    assert!(member.frames() == expected, "{index} heard {talker}");
                }
            }
        }
    }
}

/// As [`everybody`], whatever the policy makes of takeover.
fn everybody_as_agreed(sim: &mut Sim) -> Vec<Member> {
    let mut members = vec![Member::plain(sim)];
    for bits in [9, 12, 15, 12] {
        let offer = format!("permessage-deflate; server_max_window_bits={bits}");
        members.push(Member::open(sim, &offer));
    }
    members
}

#[test]
fn with_takeover_any_mixture_of_both_can_be_inflated() {
    let mut sim = serving(takeover());
    let talker = sim.open();
    let mut members = everybody(&mut sim);
    let mut numbers = numbers(1);
    for round in 0..200 {
        let choice = numbers.next().expect("endless") >> 20;
        let mut expected: Vec<Vec<Frame>> = members.iter().map(|_| Vec::new()).collect();
        let word = json(300 + (choice >> 8) as usize % 600, choice % 5);
        if !choice.is_multiple_of(3) {
            talker.push(&all(&word));
            expected.iter_mut().for_each(|e| e.push(Frame::text(&word)));
        }
        sim.turn();
        for (index, (member, expected)) in members.iter_mut().zip(&mut expected).enumerate() {
            if choice >> index & 1 == 1 {
                let message = Frame::text(&json(400, choice % 7));
                member.push(&message);
                expected.push(message);
            }
        }
        sim.settle();
        for (member, expected) in members.iter_mut().zip(expected) {
            assert!(
                member.frames() == expected,
                "{:?} in round {round}",
                member.answer
            );
        }
    }
}

// --- those who come and go in the middle of a turn ---

/// One turn: a talker speaks, a newcomer's request is answered, and another speaks. The newcomer hears the second.
fn newcomer(sim: &mut Sim, offer: &str) {
    let (first, new, second) = (sim.open(), sim.connect(), sim.open());
    sim.settle();
    first.push(&all(&json(1000, 1)));
    new.push(&request(offer));
    second.push(&all(&json(1000, 2)));
    sim.turn();
    let mut new = answered(new);
    assert!(new.frames() == [Frame::text(&json(1000, 2))], "{offer}");
    new.assert_echoes(sim);
}

/// The same, and nobody speaks after it has come.
fn newcomer_behind_the_last_word(sim: &mut Sim, offer: &str) {
    let (first, new) = (sim.open(), sim.connect());
    sim.settle();
    first.push(&all(&json(1000, 1)));
    new.push(&request(offer));
    sim.turn();
    let mut new = answered(new);
    assert!(new.frames().is_empty(), "{offer}");
    new.assert_echoes(sim);
}

/// A newcomer whose answer has come.
fn answered(mut client: Client) -> Member {
    let head = client.head();
    Member::answered(client, &head)
}

#[test]
fn a_newcomer_is_not_told_what_was_said_before_it_came() {
    // It may be the first of its window, or not.
    for known in [true, false] {
        for bits in [9, 15] {
            let mut sim = serving(takeover());
            let offer = format!("permessage-deflate; server_max_window_bits={bits}");
            let _other = known.then(|| Member::open(&mut sim, &offer));
            newcomer(&mut sim, &offer);
        }
    }
}

#[test]
fn a_newcomer_behind_the_last_word_is_not_told_it() {
    for known in [true, false] {
        for bits in [9, 15] {
            let mut sim = serving(takeover());
            let offer = format!("permessage-deflate; server_max_window_bits={bits}");
            let _other = known.then(|| Member::open(&mut sim, &offer));
            newcomer_behind_the_last_word(&mut sim, &offer);
        }
    }
}

#[test]
fn a_newcomer_is_greeted_before_it_hears_others() {
    let mut sim = serving(takeover());
    let _other = Member::open(&mut sim, OFFER);
    let (before, new, after) = (sim.open(), sim.connect(), sim.open());
    sim.settle();
    sim.probe().greeting = Some("welcome");
    before.push(&all("not for everyone"));
    new.push(&request(OFFER));
    after.push(&all(&json(1000, 1)));
    sim.turn();
    let mut new = answered(new);
    assert!(new.frames() == [Frame::text("welcome"), Frame::text(&json(1000, 1))]);
}

#[test]
fn whoever_goes_in_the_middle_of_a_turn_takes_nothing_along() {
    // Whoever ends it by itself is not told what waited for the turn's end.
    for (goodbye, told) in [
        (text("!close bye"), 1),
        (frames::close(1000), 0),
        (vec![0xFF; 6], 0),
    ] {
        let mut sim = serving(takeover());
        let first = sim.open();
        let offer = "permessage-deflate; server_max_window_bits=10";
        let mut leaving = Member::open(&mut sim, offer);
        let second = sim.open();
        let mut staying = Member::open(&mut sim, OFFER);
        first.push(&all(&json(1000, 1)));
        leaving.client.push(&goodbye);
        second.push(&all(&json(1000, 2)));
        sim.turn();
        let both = [1, 2].map(|seed| Frame::text(&json(1000, seed)));
        assert!(staying.frames() == both);
        let heard = leaving.frames();
        let (last, before) = heard.split_last().expect("a goodbye");
        assert!(last.close_code().is_some() && before == &both[..told]);
        leaving.client.push(&frames::close(1000));
        leaving.client.conn.end();
        sim.settle();
        assert!(leaving.client.conn.is_closed());
        // Its window is nobody's any more; whoever comes to have it again hears what is said from then on.
        first.push(&all(&json(1000, 3)));
        sim.settle();
        let mut again = Member::open(&mut sim, offer);
        first.push(&all(&json(1000, 4)));
        sim.settle();
        assert!(again.heard() == [(true, Frame::text(&json(1000, 4)))]);
        assert_eq!(staying.frames().len(), 2);
    }
}

#[test]
fn a_member_who_is_closing_is_told_nothing_more() {
    let mut sim = serving(takeover());
    let mut leaving = Member::open(&mut sim, OFFER);
    let mut staying = Member::open(&mut sim, OFFER);
    leaving.client.push(&text("!close"));
    sim.settle();
    staying.client.push(&all(&json(1000, 1)));
    sim.settle();
    assert_eq!(leaving.frame().close_code(), Some(1000));
    assert_eq!(staying.frame(), Frame::text(&json(1000, 1)));
}

// --- and those who are silent ---

#[test]
fn a_ping_forgets_what_was_sent_and_not_what_was_received() {
    let mut sim = serving(takeover());
    let mut member = Member::open(&mut sim, OFFER);
    let message = Frame::text(&letters(2000, 1));
    for round in 0..3 {
        let size = |sim: &mut Sim, member: &mut Member| {
            member.say(sim, &message);
            let size = member.client.conn.untaken();
            assert!(member.frame() == message, "in round {round}");
            size
        };
        // What it says refers to what it said before the silence; what it hears does not.
        assert!(size(&mut sim, &mut member) > 1400);
        assert!(size(&mut sim, &mut member) < 100);
        sim.run_for(secs(21));
        let ping = member.frame();
        assert_eq!(ping.opcode, PING);
        member.client.push(&frames::pong(&ping.payload));
        sim.settle();
    }
}
