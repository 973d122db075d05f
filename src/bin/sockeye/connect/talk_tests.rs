use super::super::desk_tests::{Screen, Told, came};
use super::{Desk, HELP, Manner, Outcome, Talk};
use crate::connect::event::{Ended, Event, Opened};
use crate::connect::input::Typed;
use crate::connect::options::Wait;
use core::time::Duration;

const fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

const TERMINAL: Manner = Manner {
    terminal: true,
    commands: true,
    wait: Wait::Silence(at(1)),
    reconnect: false,
    max_message: 1000,
};

const PIPE: Manner = Manner {
    terminal: false,
    commands: false,
    ..TERMINAL
};

const OPEN: Event<'_> = Event::Open(Opened {
    url: "ws://a/",
    subprotocol: None,
    deflate: false,
    headers: &[],
});

const fn ended(code: u16, clean: bool) -> Event<'static> {
    Event::Close(Ended {
        code,
        reason: "",
        clean,
        cause: None,
    })
}

/// A conversation with a server.
struct Scene {
    talk: Talk<Screen>,
    screen: Screen,
    told: Told,
}

impl Scene {
    fn new(manner: Manner) -> Self {
        let screen = Screen::default();
        let talk = Talk::new(screen.clone(), manner);
        let told = Told::default();
        Self { talk, screen, told }
    }

    fn open(manner: Manner) -> Self {
        let mut scene = Self::new(manner);
        scene.event(0, &OPEN);
        assert_eq!(scene.screen.take(), ["open"]);
        scene
    }

    fn event(&mut self, seconds: u64, event: &Event<'_>) {
        self.talk
            .event(at(seconds), 0, event)
            .expect("the screen is there");
        self.talk.tick(at(seconds), &mut self.told);
    }

    fn typed(&mut self, seconds: u64, typed: Typed) {
        self.talk
            .typed(at(seconds), typed, &mut self.told)
            .expect("the screen is there");
        self.talk.tick(at(seconds), &mut self.told);
    }

    fn line(&mut self, line: &str) {
        self.typed(0, Typed::Line(line.to_owned()));
    }

    fn takes_lines(&mut self) -> bool {
        self.talk.takes_lines(&mut self.told)
    }
}

#[test]
fn lines_become_frames_and_are_shown() {
    let mut scene = Scene::open(TERMINAL);
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/rustfmt.toml");
    let contents = std::fs::read_to_string(file).expect("it is there");
    let shown = contents.as_bytes().escape_ascii().to_string();
    for (line, told, shows) in [
        ("hi", r#"0 Text("hi")"#.to_owned(), ">> text hi".to_owned()),
        ("//x", r#"0 Text("/x")"#.to_owned(), ">> text /x".to_owned()),
        (
            "/binary 0102",
            "0 Binary([1, 2])".to_owned(),
            r">> binary \x01\x02".to_owned(),
        ),
        ("/ping a", "0 ping [97]".to_owned(), ">> ping a".to_owned()),
        ("/pong", "0 pong []".to_owned(), ">> pong ".to_owned()),
        (
            &format!("/file --text {file}"),
            format!("0 Text({contents:?})"),
            format!(">> text {shown}"),
        ),
        (
            &format!("/file {file}"),
            format!("0 Binary({:?})", contents.as_bytes()),
            format!(">> binary {shown}"),
        ),
    ] {
        scene.line(line);
        assert_eq!(
            (scene.told.take(), scene.screen.take()),
            (vec![told], vec![shows]),
            "{line}"
        );
    }
    scene.line("/help");
    scene.line("");
    assert_eq!(
        (scene.told.take(), scene.screen.take()),
        (vec![], vec![HELP.to_owned()])
    );
}

#[test]
fn wrong_lines_do_not_end_it() {
    let mut scene = Scene::open(TERMINAL);
    for (line, says) in [
        ("/frob", "/help lists them"),
        ("/binary x", "pairs"),
        ("/close 1", "3000-4999"),
        ("/file /no/such/file", "/no/such/file"),
    ] {
        scene.line(line);
        let shown = scene.screen.take();
        assert!(
            shown.len() == 1 && shown[0].starts_with("wrong: ") && shown[0].contains(says),
            "{shown:?}"
        );
    }
    scene.typed(0, Typed::Wrong("too long".to_owned()));
    scene.told.broken = Some("it is full");
    scene.line("hi");
    assert_eq!(
        scene.screen.take(),
        ["wrong: too long", "wrong: it is full"]
    );
    assert_eq!(scene.told.take(), [""; 0]);
    assert_eq!(scene.talk.done(), None);
}

#[test]
fn a_close_or_the_end_of_lines_ends_it_well() {
    for (typed, told) in [
        (
            Typed::Line("/close 4001 bye".to_owned()),
            "0 close 4001 bye",
        ),
        (Typed::Line("/quit".to_owned()), "0 close 1000 "),
        (Typed::End, "0 close 1000 "),
    ] {
        let mut scene = Scene::open(TERMINAL);
        scene.typed(0, typed);
        assert_eq!(scene.told.take(), [told]);
        assert_eq!(scene.talk.done(), None);
        // Once is enough.
        scene.typed(0, Typed::End);
        assert_eq!(scene.told.take(), [""; 0]);
        scene.event(1, &ended(1000, true));
        assert_eq!(scene.talk.done(), Some(Outcome::Well));
    }
}

#[test]
fn the_end_decides_how_the_program_ends() {
    for (event, outcome) in [
        (ended(1000, true), Outcome::Well),
        (ended(1011, true), Outcome::Well),
        (ended(1006, false), Outcome::Badly),
    ] {
        let mut scene = Scene::open(PIPE);
        scene.event(1, &event);
        assert_eq!(scene.talk.done(), Some(outcome));
    }
    let mut scene = Scene::new(PIPE);
    scene.event(0, &Event::Failed { error: "refused" });
    assert_eq!(scene.talk.done(), Some(Outcome::Badly));
}

#[test]
fn a_pipe_sends_its_lines_as_they_are() {
    let mut scene = Scene::new(PIPE);
    assert!(!scene.takes_lines(), "they wait in the pipe");
    scene.event(0, &OPEN);
    assert!(scene.takes_lines());
    for line in ["/close", "", "//"] {
        scene.line(line);
    }
    assert_eq!(
        scene.told.take(),
        [r#"0 Text("/close")"#, r#"0 Text("")"#, r#"0 Text("//")"#]
    );
    // A server that does not read has the pipe wait.
    scene.told.waiting = 1 << 20;
    assert!(!scene.takes_lines());
    let mut scene = Scene::open(Manner {
        commands: true,
        ..PIPE
    });
    scene.line("/ping");
    scene.line("");
    assert_eq!(scene.told.take(), ["0 ping []", r#"0 Text("")"#]);
}

#[test]
fn after_a_pipe_a_silence_ends_it() {
    let mut scene = Scene::open(PIPE);
    scene.event(5, &came("one"));
    assert_eq!(scene.talk.deadline(), None);
    scene.typed(6, Typed::End);
    assert_eq!(scene.talk.deadline(), Some(at(7)));
    scene.told.waiting = 10;
    scene.talk.tick(at(7), &mut scene.told);
    assert_eq!(
        (scene.talk.deadline(), scene.told.calls.len()),
        (Some(at(8)), 0)
    );
    scene.told.waiting = 0;
    scene.event(8 - 1, &came("two"));
    scene.event(8, &came("three"));
    scene.told.take();
    assert_eq!(scene.talk.done(), None);
    let mut scene = Scene::open(PIPE);
    scene.typed(6, Typed::End);
    scene.event(6, &came("two"));
    scene.talk.tick(at(7), &mut scene.told);
    assert_eq!(scene.told.take(), ["0 close 1000 "]);
    assert_eq!(scene.talk.deadline(), None);
    scene.event(7, &ended(1000, true));
    assert_eq!(scene.talk.done(), Some(Outcome::Well));
    let forever = Wait::Forever;
    let mut scene = Scene::open(Manner {
        wait: forever,
        ..PIPE
    });
    scene.typed(6, Typed::End);
    assert_eq!(scene.talk.deadline(), None);
}

#[test]
fn what_is_typed_early_is_sent_when_it_opens() {
    let mut scene = Scene::new(TERMINAL);
    assert!(scene.takes_lines());
    scene.line("hi");
    scene.line("/ping");
    assert_eq!(scene.told.take(), [""; 0]);
    scene.event(1, &OPEN);
    assert_eq!(scene.told.take(), [r#"0 Text("hi")"#, "0 ping []"]);
    for typed in [Typed::End, Typed::Line("/quit".to_owned())] {
        let mut scene = Scene::new(TERMINAL);
        scene.typed(0, typed);
        assert_eq!(scene.talk.done(), Some(Outcome::Badly));
    }
}

#[test]
fn what_is_lost_comes_back_where_it_was_asked_for() {
    let mut scene = Scene::new(Manner {
        reconnect: true,
        ..TERMINAL
    });
    scene.event(0, &Event::Failed { error: "refused" });
    let delay = at(1);
    scene.event(0, &Event::Waiting { delay });
    assert_eq!(scene.talk.done(), None);
    scene.event(1, &OPEN);
    scene.event(2, &ended(1006, false));
    assert_eq!(scene.talk.done(), None);
    scene.line("late");
    assert_eq!(scene.told.take(), [""; 0]);
    scene.event(3, &OPEN);
    assert_eq!(scene.told.take(), [r#"0 Text("late")"#]);
    // What we close stays closed.
    scene.line("/quit");
    scene.event(4, &ended(1000, true));
    assert_eq!(scene.talk.done(), Some(Outcome::Well));
    let mut scene = Scene::new(Manner {
        reconnect: true,
        ..TERMINAL
    });
    scene.event(0, &Event::GivenUp);
    assert_eq!(scene.talk.done(), Some(Outcome::Badly));
}

#[test]
fn a_screen_that_is_gone_ends_it() {
    let mut scene = Scene::open(PIPE);
    scene.talk.hang_up(&mut scene.told);
    scene.talk.hang_up(&mut scene.told);
    assert_eq!(scene.told.take(), ["0 close 1000 "]);
    let mut scene = Scene::new(PIPE);
    scene.talk.hang_up(&mut scene.told);
    assert_eq!(scene.talk.done(), Some(Outcome::Badly));
}
