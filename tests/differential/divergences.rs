//! Where `tungstenite` reads a stream in another way: a table of all there is, and which of its rows a difference falls
//! under.
//!
//! What is wrong, and where, is what the literal decoder says; that the crate says the same is looked at first.
//!
//! Not here: running either.

use crate::literal;
use crate::ours::{CLOSE, Ours};
use crate::reference::{Receiver, Said};
use crate::stream::Stream;
use crate::theirs::{End, Theirs, read_by_the_peer};
use sockeye::proto::{State, Violation};

/// One way to differ.
pub(crate) struct Divergence {
    pub(crate) name: &'static str,
    pub(crate) clause: &'static str,
    pub(crate) theirs: &'static str,
    pub(crate) ours: &'static str,
    pub(crate) right: &'static str,
}

pub(crate) const NON_MINIMAL: usize = 0;
pub(crate) const WHOLE_FRAMES: usize = 1;
pub(crate) const SIZE_FIRST: usize = 2;
pub(crate) const NO_CLOSE: usize = 3;
pub(crate) const ECHO: usize = 4;
pub(crate) const CLOSE_CODES: usize = 5;
pub(crate) const BAD_GATEWAY: usize = 6;
pub(crate) const FRAGMENTS: usize = 7;
pub(crate) const CONTROL_LIMIT: usize = 8;
pub(crate) const AFTER_CLOSE: usize = 9;

/// All that there are; the constants above are places in it.
pub(crate) const TABLE: [Divergence; 10] = [
    Divergence {
        name: "lengths in more bytes than they need",
        clause: "RFC 6455 5.2: the minimal number of bytes MUST be used to encode the length",
        theirs: "takes them",
        ours: "refuses with 1002",
        right: "Sockeye",
    },
    Divergence {
        name: "faults in a frame that has not all arrived",
        clause: "RFC 6455 7.1.7, 8.1: the connection is failed; when is left open",
        theirs: "judges a frame when all of it is there, its size when its header is",
        ours: "refuses at the first byte that is wrong",
        right: "both",
    },
    Divergence {
        name: "a wrong header that announces too much",
        clause: "RFC 6455 5.2, 7.4.1: 1002 is a protocol error, 1009 a message that is too big",
        theirs: "too big, also for lengths above 2^63-1, which no frame has",
        ours: "refuses with 1002",
        right: "Sockeye for what no frame may have; else both",
    },
    Divergence {
        name: "no Close frame where the peer is at fault",
        clause: "RFC 6455 7.1.7: an endpoint SHOULD send a Close frame with a status code",
        theirs: "sends none; its caller may",
        ours: "sends one",
        right: "Sockeye",
    },
    Divergence {
        name: "the reason in the answer to a Close",
        clause: "RFC 6455 5.5.1: typically echos the status code it received",
        theirs: "sends code and reason back",
        ours: "sends the code back",
        right: "both",
    },
    Divergence {
        name: "close codes that must not be sent",
        clause: "RFC 6455 7.4.1, 7.4.2: MUST NOT be set as a status code",
        theirs: "reports an ordinary close with code 1002, or after its own Close that code; a wrong reason comes first",
        ours: "refuses with 1002",
        right: "Sockeye",
    },
    Divergence {
        name: "close code 1014",
        clause: "RFC 6455 11.7: IANA has registered it since, as Bad Gateway",
        theirs: "does not allow it",
        ours: "takes it",
        right: "Sockeye",
    },
    Divergence {
        name: "messages in very many fragments",
        clause: "RFC 6455 10.4: implementations should limit what they collect",
        theirs: "limits their size alone",
        ours: "refuses with 1008, by a limit of its own",
        right: "both",
    },
    Divergence {
        name: "control frames over the limit on frames",
        clause: "RFC 6455 5.5, 10.4: every control frame has 125 bytes or less",
        theirs: "refuses them",
        ours: "takes them: the limit is on data",
        right: "both",
    },
    Divergence {
        name: "what arrives between our Close and the peer's",
        clause: "RFC 6455 1.4, 5.5.1: nothing is said of who has sent a Close and receives data",
        theirs: "delivers and judges it",
        ours: "drops it; the frames must still be frames",
        right: "both",
    },
];

/// A header as it lies in the stream, whatever it says.
struct Raw {
    is_control: bool,
    len: u64,
    is_shortest: bool,
    /// Whether the frame is there to its end.
    is_whole: bool,
}

/// `None` where not even the header is whole.
fn raw(bytes: &[u8]) -> Option<Raw> {
    let [first, second, rest @ ..] = bytes else {
        return None;
    };
    let short = second % 128;
    let extended = [0, 2, 8][usize::from(short.saturating_sub(125))];
    let mask = if *second >= 128 { 4 } else { 0 };
    let payload = rest.get(extended + mask..)?;
    let wide = rest[..extended]
        .iter()
        .fold(0, |len, byte| len << 8 | u64::from(*byte));
    let len = if extended == 0 {
        u64::from(short)
    } else {
        wide
    };
    Some(Raw {
        is_control: first % 16 >= 8,
        len,
        is_shortest: match extended {
            0 => true,
            2 => len >= 126,
            _ => len >= 65_536,
        },
        is_whole: payload.len() as u64 >= len,
    })
}

/// The rows of the table that account for the difference, none where there is no difference; or why they do not.
pub(crate) fn explain(stream: &Stream, ours: &Ours, theirs: &Theirs) -> Result<Vec<usize>, String> {
    let read = literal::read(stream);
    literal::compare(stream, ours, &read)?;
    let closed = Said::Close(Some(CLOSE.0), CLOSE.1.into());
    assert_eq!(stream.close_at.is_some(), read.said.contains(&closed));
    let mut rows = Vec::new();
    let heard: Vec<Said> = read
        .outcome
        .heard
        .iter()
        .map(|(_, said)| said.clone())
        .collect();
    let goes_on = heard_differently(stream, &read, &heard, theirs, &mut rows)?;
    said_differently(stream, ours, &read, theirs, goes_on, &mut rows)?;
    Ok(rows)
}

fn end(read: &Receiver) -> End {
    match (read.state, read.outcome.error) {
        (State::Closed, _) => End::Closed,
        (_, Some((_, violation))) => End::Refused(violation.close_code().get()),
        (State::Open | State::Closing | State::Failed, None) => End::Waiting,
    }
}

/// Explains a difference in what was heard and how it ended. Says whether they went on where we did not.
fn heard_differently(
    stream: &Stream,
    read: &Receiver,
    heard: &[Said],
    theirs: &Theirs,
    rows: &mut Vec<usize>,
) -> Result<bool, String> {
    let ours_end = end(read);
    if heard == theirs.heard && ours_end == theirs.end {
        return Ok(false);
    }
    let fault = read.outcome.error.map(|(_, violation)| violation);
    let frame = raw(&stream.bytes[read.frame_began..]);
    let is = |what: fn(&Raw) -> bool| frame.as_ref().is_some_and(what);
    let max_frame = stream.setup.limits.max_frame;
    let they_heard_no_less = theirs.heard.starts_with(heard);
    let they_heard_no_more = heard.starts_with(&theirs.heard);
    let the_same_was_heard = heard == theirs.heard;
    // From its own Close on, everything they hear and judge is what we leave.
    let before_closing = &theirs.heard[..theirs.heard_before_closing];
    let row = if is_bad_gateway(heard, theirs) {
        BAD_GATEWAY
    } else if fault == Some(Violation::CloseCodeForbidden) && is_forbidden_close(heard, theirs) {
        CLOSE_CODES
    } else if fault.is_some()
        && the_same_was_heard
        && theirs.end == End::Waiting
        && !is(|frame| frame.is_whole)
    {
        WHOLE_FRAMES
    } else if fault.is_some()
        && the_same_was_heard
        && theirs.end == End::Refused(1009)
        && frame.as_ref().is_some_and(|frame| frame.len > max_frame)
    {
        SIZE_FIRST
    } else if fault.is_some() && they_heard_no_less && is(|frame| !frame.is_shortest) {
        NON_MINIMAL
    } else if fault == Some(Violation::TooManyFragments) && they_heard_no_less {
        FRAGMENTS
    } else if theirs.end == End::Refused(1009)
        && max_frame < 125
        && they_heard_no_more
        && next_is_control(&heard[theirs.heard.len()..], frame.as_ref(), max_frame)
    {
        CONTROL_LIMIT
    } else if stream.close_at.is_some() && heard.starts_with(before_closing) {
        AFTER_CLOSE
    } else {
        return Err(format!("unexplained: {ours_end:?} {heard:?}"));
    };
    rows.push(row);
    Ok(matches!(row, NON_MINIMAL | FRAGMENTS | AFTER_CLOSE))
}

/// The same but for 1014, which they report as a fault.
fn is_bad_gateway(heard: &[Said], theirs: &Theirs) -> bool {
    let (Some((ours, before)), Some((last, theirs_before))) =
        (heard.split_last(), theirs.heard.split_last())
    else {
        return false;
    };
    matches!(ours, Said::Close(Some(1014), _))
        && matches!(last, Said::Close(Some(1002), _))
        && before == theirs_before
}

/// We refuse, they report it in words of their own, or find the reason wrong first.
fn is_forbidden_close(heard: &[Said], theirs: &Theirs) -> bool {
    match theirs.end {
        End::Refused(code) => code == 1007 && heard == theirs.heard,
        End::Waiting => false,
        End::Closed => {
            let last = theirs.heard.split_last();
            last.is_some_and(|(last, before)| {
                matches!(last, Said::Close(Some(_), _)) && before == heard
            })
        }
    }
}

/// Whether what we hear next, or were about to, is a control frame of more bytes than frames may have.
fn next_is_control(heard: &[Said], at_the_end: Option<&Raw>, limit: u64) -> bool {
    match heard.first() {
        Some(Said::Ping(data) | Said::Pong(data)) => data.len() as u64 > limit,
        Some(Said::Close(code, reason)) => {
            let len = code.map_or(0, |_| 2) + reason.len() as u64;
            len > limit
        }
        Some(_) => false,
        None => at_the_end.is_some_and(|frame| frame.is_control && frame.len > limit),
    }
}

/// Explains a difference in what was answered.
fn said_differently(
    stream: &Stream,
    ours: &Ours,
    read: &Receiver,
    theirs: &Theirs,
    goes_on: bool,
    rows: &mut Vec<usize>,
) -> Result<(), String> {
    let mut said = read_by_the_peer(stream.setup.role, &ours.wrote);
    if said == theirs.said {
        return Ok(());
    }
    let answered_a_fault = read.outcome.error.is_some() && stream.close_at.is_none();
    if answered_a_fault {
        said.pop();
        if said == theirs.said {
            rows.push(NO_CLOSE);
            return Ok(());
        }
    }
    // Where they go on, or have stopped before, only the beginning can be compared.
    let stopped = rows.contains(&CONTROL_LIMIT);
    if goes_on && theirs.said.starts_with(&said) || stopped && said.starts_with(&theirs.said) {
        return Ok(());
    }
    let (ours_last, theirs_last) = (said.split_last(), theirs.said.split_last());
    let fault = rows
        .iter()
        .any(|row| [CLOSE_CODES, BAD_GATEWAY].contains(row));
    match (ours_last, theirs_last) {
        (Some((Said::Close(ours, _), before)), Some((Said::Close(code, reason), others)))
            if before == others && !reason.is_empty() && (ours == code || fault) =>
        {
            rows.push(ECHO);
            Ok(())
        }
        // They answer a forbidden code with 1002, as we do.
        (_, Some((Said::Close(Some(1002), _), others))) if fault && said == others => Ok(()),
        _ => Err(format!("unexplained: said {said:?}")),
    }
}
