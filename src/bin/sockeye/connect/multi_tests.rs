use super::super::desk_tests::{Screen, Told, came};
use super::{Desk, HELP, Multi, Outcome};
use crate::connect::event::{Ended, Event, Opened};
use crate::connect::input::Typed;
use crate::connect::options::Wait;
use core::time::Duration;

const WAIT: Wait = Wait::Silence(Duration::from_secs(1));

fn closed(code: u16, reason: &'static str) -> Event<'static> {
    Event::Close(Ended {
        code,
        reason,
        clean: true,
        cause: None,
    })
}

struct Scene {
    multi: Multi<Screen>,
    screen: Screen,
    told: Told,
}

impl Scene {
    fn new(terminal: bool) -> Self {
        let screen = Screen::default();
        Self {
            multi: Multi::new(screen.clone(), terminal, WAIT),
            screen,
            told: Told::default(),
        }
    }

    fn event(&mut self, id: u64, event: &Event<'_>) {
        self.multi
            .event(Duration::ZERO, id, event)
            .expect("the screen is there");
        self.screen.take();
    }

    fn open(&mut self, id: u64) {
        let headers = [("SERVER".to_owned(), "Nice/1".to_owned())];
        let opened = Opened {
            url: "ws://a/",
            subprotocol: None,
            deflate: false,
            headers: &headers,
        };
        self.event(id, &Event::Open(opened));
    }

    /// What a line has shown.
    fn line(&mut self, line: &str) -> Vec<String> {
        let typed = Typed::Line(line.to_owned());
        self.multi
            .typed(Duration::ZERO, typed, &mut self.told)
            .expect("the screen is there");
        self.screen.take()
    }

    fn takes_lines(&mut self) -> bool {
        self.multi.takes_lines(&mut self.told)
    }
}

#[test]
fn connections_are_opened_used_and_closed_by_their_ids() {
    let mut scene = Scene::new(true);
    assert_eq!(
        scene.line("connect ws://a/"),
        ["> Created connection with id 0"]
    );
    assert_eq!(
        scene.line("connect ws://b/"),
        ["> Created connection with id 1"]
    );
    assert_eq!(scene.told.take(), ["connect ws://a/", "connect ws://b/"]);
    scene.open(1);
    assert_eq!(scene.line("send 1 hello you"), ["#1 >> text hello you"]);
    scene.event(1, &came("hello me"));
    assert_eq!(scene.told.take(), [r#"1 Text("hello you")"#]);
    assert_eq!(
        scene.line("show 1"),
        [
            "> URI: ws://b/\n> Status: Open\n> Remote Server: Nice/1\n> Error/close reason: N/A\n\
          > Messages: (2)\n>> hello you\n<< hello me"
        ]
    );
    assert_eq!(scene.line("close 1 4001 good bye"), [""; 0]);
    assert_eq!(scene.told.take(), ["1 close 4001 good bye"]);
    scene.event(1, &closed(4001, "good bye"));
    scene.event(0, &Event::Failed { error: "refused" });
    let shown = scene.line("show 1");
    assert!(shown[0].contains("> Status: Closed\n"), "{shown:?}");
    assert!(
        shown[0].contains("> Error/close reason: 4001 private use, good bye\n"),
        "{shown:?}"
    );
    let shown = scene.line("show 0");
    assert!(shown[0].contains("> Status: Failed\n"), "{shown:?}");
    assert!(
        shown[0].contains("> Error/close reason: refused\n"),
        "{shown:?}"
    );
    assert_eq!(scene.line("help"), [HELP]);
}

#[test]
fn errors_have_their_words_and_do_not_end_it() {
    let mut scene = Scene::new(true);
    for (line, words) in [
        ("send 7 x", "wrong: > No connection found with id 7"),
        ("close 7", "wrong: > No connection found with id 7"),
        ("show 7", "wrong: > Unknown connection id 7"),
    ] {
        assert_eq!(scene.line(line), [words]);
    }
    assert_eq!(
        scene.line("frob"),
        ["wrong: > Unrecognized Command", "> help lists the commands"]
    );
    assert!(scene.line("send x")[0].contains("send <id> <message>"));
    scene.told.broken = Some("no such scheme");
    assert_eq!(scene.line("connect http://a"), ["wrong: > no such scheme"]);
    // It took no number.
    scene.told.broken = None;
    assert_eq!(
        scene.line("connect ws://a/"),
        ["> Created connection with id 0"]
    );
    scene.told.broken = Some("it is not open");
    assert_eq!(scene.line("send 0 x"), ["wrong: > it is not open"]);
    assert_eq!(scene.line("close 0"), ["wrong: > it is not open"]);
    assert_eq!(scene.multi.done(), None);
}

#[test]
fn quitting_closes_everything_with_going_away() {
    for end in [Typed::Line("quit".to_owned()), Typed::End] {
        let mut scene = Scene::new(true);
        for id in 0..4 {
            scene.line("connect ws://a/");
            scene.open(id);
        }
        scene.line("connect ws://a/");
        scene.event(2, &closed(1000, ""));
        scene.told.take();
        scene
            .multi
            .typed(Duration::ZERO, end, &mut scene.told)
            .expect("the screen is there");
        assert_eq!(
            scene.told.take(),
            [
                "0 close 1001 ",
                "1 close 1001 ",
                "3 close 1001 ",
                "4 close 1001 "
            ]
        );
        assert!(!scene.takes_lines());
        for id in [0, 1, 3] {
            assert_eq!(scene.multi.done(), None);
            scene.event(id, &closed(1001, ""));
        }
        // The one on its way is given up.
        assert_eq!(scene.multi.done(), Some(Outcome::Well));
    }
}

#[test]
fn a_script_waits_for_its_connections() {
    let mut scene = Scene::new(false);
    assert!(scene.takes_lines());
    scene.line("connect ws://a/");
    assert!(!scene.takes_lines());
    scene.open(0);
    assert!(scene.takes_lines());
    scene.told.waiting = 1 << 20;
    assert!(!scene.takes_lines());
    scene.told.waiting = 0;
    scene.told.take();
    let (six, seven) = (Duration::from_secs(6), Duration::from_secs(7));
    scene
        .multi
        .typed(six, Typed::End, &mut scene.told)
        .expect("the screen is there");
    assert_eq!(scene.multi.deadline(), Some(seven));
    scene.multi.tick(six, &mut scene.told);
    assert_eq!(scene.told.take(), [""; 0]);
    scene.multi.tick(seven, &mut scene.told);
    assert_eq!(scene.told.take(), ["0 close 1001 "]);
}

#[test]
fn a_script_without_connections_ends_at_once() {
    let mut scene = Scene::new(false);
    scene
        .multi
        .typed(Duration::ZERO, Typed::End, &mut scene.told)
        .expect("the screen is there");
    scene.multi.tick(Duration::ZERO, &mut scene.told);
    assert_eq!(scene.multi.done(), Some(Outcome::Well));
}
