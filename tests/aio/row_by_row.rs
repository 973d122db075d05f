//! Every row of `tests/rows/frames.rows`, beside what the core makes of it.

use crate::replay::{self, Outcome, owned};
use crate::rows::{self, Expected, Part, Row, With};
use crate::script::{REQUEST, Script, now};
use crate::wire;
use sockeye::aio::{Client, Error, Message, Server, Terms, WebSocket};
use sockeye::proto::{CloseCode, Event, MessageKind, Role, State, Violation};

const FRAMES: &str = include_str!("../rows/frames.rows");

/// Rows with more bytes are split at a spread of places.
const EVERYWHERE: usize = 24;

#[test]
fn every_row_comes_to_what_the_core_makes_of_it() {
    let rows = rows::parse(FRAMES).unwrap();
    let mut tried = 0;
    for row in rows.iter().filter(|row| row.with.deflate.is_none()) {
        for &role in &row.roles {
            tried += 1;
            check(row, role);
        }
    }
    assert!(tried > 150, "{tried}");
}

fn check(row: &Row, role: Role) {
    let bytes = row.wire(role).bytes;
    let (expected, _) = replay::replay(role, &row.with, &bytes, []);
    let name = format!("{} ({role:?})", row.name);
    let step = bytes.len().div_ceil(EVERYWHERE).max(1);
    for run in ways(&row.with) {
        let compare = |script, name: &str| compare(role, &row.with, *run, script, &expected, name);
        compare(Script::new(&bytes, 1..bytes.len().min(300)), &name);
        for split in (0..bytes.len()).step_by(step) {
            compare(Script::new(&bytes, [split]), &format!("{name} at {split}"));
        }
    }
}

/// All that comes, and how it ends.
type Run = fn(WebSocket<Script>, &With) -> (Vec<Expected>, Option<Error>);

/// What can do as the row wants.
const fn ways(with: &With) -> &'static [Run] {
    match (with.echo, with.close_first) {
        (false, None) => &[whole],
        (true, None) => &[in_halves, answering],
        (_, Some(_)) => &[in_halves],
    }
}

fn compare(role: Role, with: &With, run: Run, script: Script, expected: &Outcome, name: &str) {
    let (events, error) = run(open(role, with, &script), with);
    assert_eq!(events, expected.events, "{name}");
    let frames = |out: &[u8]| -> Vec<_> {
        let keyless =
            |frame: wire::Frame| (frame.fin, frame.opcode, frame.payload, frame.key.is_some());
        wire::read(out, role).into_iter().map(keyless).collect()
    };
    assert_eq!(frames(&script.written()), frames(&expected.out), "{name}");
    match (error, expected.error, expected.state) {
        (Some(Error::Violation(found)), Some(expected), _) => assert_eq!(found, expected, "{name}"),
        (Some(Error::Lost), None, State::Open | State::Closing) => {}
        (None, None, State::Closed) => {}
        (error, expected, state) => panic!("{name}: {error:?} where {expected:?}, {state:?}"),
    }
    let is_over = matches!(expected.state, State::Closed | State::Failed);
    assert_eq!(script.has_ended(), is_over, "{name}");
}

/// Behind a message that came entirely, the next one is judged where it is lent.
#[test]
fn text_that_is_none_is_told_once_behind_a_message_too() {
    let bytes = b"\x81\x82\0\0\0\0hi\x81\x82\0\0\0\0h\xFF";
    for lends in [true, false] {
        let script = Script::new(bytes, []);
        let mut socket = open(Role::Server, &With::default(), &script);
        let mut next = || match lends {
            true => now(socket.receive()).map(|event| event.map(Message::from)),
            false => now(socket.next()).transpose(),
        };
        assert_eq!(next().unwrap(), Some(Message::text("hi")));
        let error = next().unwrap_err();
        assert!(
            matches!(error, Error::Violation(Violation::InvalidUtf8)),
            "{error:?}"
        );
        assert_eq!(next().unwrap(), None);
        assert_eq!(script.written(), b"\x88\x13\x03\xEFtext is not UTF-8");
        assert!(script.has_ended());
    }
}

fn open(role: Role, with: &With, script: &Script) -> WebSocket<Script> {
    let mut terms = Terms::default();
    terms.config = replay::config(with);
    match role {
        Role::Server => {
            let request = Script::new(REQUEST, []);
            let socket = now(Server::new().terms(terms).accept(script.behind(&request)));
            script.written();
            socket.unwrap()
        }
        Role::Client => {
            let client = Client::new("x", "/").terms(terms);
            now(client.connect(script.clone().answers())).unwrap()
        }
    }
}

fn whole(mut socket: WebSocket<Script>, _: &With) -> (Vec<Expected>, Option<Error>) {
    let mut events = Vec::new();
    loop {
        match now(socket.receive()) {
            Ok(Some(event)) => record(&mut events, event),
            Ok(None) => return (events, None),
            Err(error) => {
                assert!(
                    matches!(now(socket.receive()), Ok(None)),
                    "an error is the last"
                );
                return (events, Some(error));
            }
        }
    }
}

fn answering(mut socket: WebSocket<Script>, _: &With) -> (Vec<Expected>, Option<Error>) {
    let mut events = Vec::new();
    loop {
        match now(socket.receive_to_answer()) {
            Ok(Some((event, mut answer))) => {
                if event.is_data() {
                    now(answer.feed(event)).unwrap();
                }
                record(&mut events, event);
            }
            Ok(None) => return (events, None),
            Err(error) => return (events, Some(error)),
        }
    }
}

fn in_halves(socket: WebSocket<Script>, with: &With) -> (Vec<Expected>, Option<Error>) {
    let (mut reader, mut writer) = socket.split();
    if let Some(code) = with.close_first {
        now(writer.close(CloseCode::new(code).unwrap(), "")).unwrap();
    }
    let mut events = Vec::new();
    loop {
        match now(reader.receive()) {
            Ok(Some(event)) => {
                if with.echo && event.is_data() {
                    now(writer.feed(event)).unwrap();
                }
                record(&mut events, event);
            }
            Ok(None) => return (events, None),
            Err(error) => return (events, Some(error)),
        }
    }
}

/// Keeps an event; the pieces of one frame become one part.
fn record(events: &mut Vec<Expected>, event: Event<'_>) {
    let Event::Part(part) = event else {
        events.push(owned(event));
        return;
    };
    if let Some(Expected::Part(open)) = events.last_mut()
        && !open.ends_frame
    {
        open.data.extend_from_slice(part.data);
        open.ends_frame = part.ends_frame;
        open.ends_message = part.ends_message;
        return;
    }
    events.push(Expected::Part(Part {
        text: part.kind == MessageKind::Text,
        data: part.data.to_vec(),
        starts_message: part.starts_message,
        ends_frame: part.ends_frame,
        ends_message: part.ends_message,
    }));
}
