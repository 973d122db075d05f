//! Rows B3.28 to B3.39: projectforge's channels, joined, left and spoken to. They are rooms here.
//!
//! Not here: what is said in them, which is `projectforge`.

use crate::hall::{self, told};
use crate::harness::{Client, Sim};
use crate::serve;
use crate::world::{heard, kill, open, say, start};
use serde_json::Value;
use sockeye::app::json::{Commands, Permit};
use sockeye::app::{App, Audience, Rate, Route, Router};
use sockeye::server::RoomSettings;

/// Of these clients, how many messages each has heard.
fn counts<const N: usize>(clients: [&mut Client; N]) -> [usize; N] {
    clients.map(|client| heard(client).len())
}

/// The id of the last who came, as the others hear it.
fn id_in(joined: &[String]) -> String {
    let message = joined.last().expect("somebody came");
    let message: Value = serde_json::from_str(message).expect("JSON");
    message["param"]["id"].as_str().expect("an id").to_owned()
}

/// Rooms for everybody, who are named in `?name=` and heard of.
fn rooms() -> Sim<Router> {
    start(App::new().everywhere(|_| {
        Commands::new()
            .open(|_, user: &mut String, upgrade| {
                *user = upgrade.query().get("name").unwrap_or_default().into_owned();
            })
            .presence(Clone::clone)
            .rooms(|_, _, room| match room {
                "secret" => Permit::Deny,
                _ => Permit::Allow,
            })
    }))
}

const JOIN: &str = r#"{"cmd":"join-room","param":{"room":"tea"},"id":1}"#;
const LEAVE: &str = r#"{"cmd":"leave-room","param":{"room":"tea"},"id":2}"#;

fn joined(created: bool) -> String {
    format!(r#"{{"cmd":"reply","re":1,"param":{{"room":"tea","created":{created}}}}}"#)
}

fn left(removed: bool) -> String {
    format!(r#"{{"cmd":"reply","re":2,"param":{{"room":"tea","removed":{removed}}}}}"#)
}

/// What members hear of somebody else.
fn update(id: &str, connected: bool) -> String {
    format!(
        r#"{{"channel":"tea","cmd":"online-update","param":{{"userID":"{id}","connected":{connected}}}}}"#
    )
}

#[test]
fn b3_28_joining_says_whether_the_channel_is_new_and_its_members_hear_of_it() {
    let mut sim = rooms();
    let [mut one, mut other] = ["/?name=ada", "/?name=bob"].map(|path| open(&mut sim, path));
    let id = id_in(&heard(&mut one));
    assert_eq!(told(&mut sim, &mut one, JOIN), [joined(true)]);
    assert_eq!(told(&mut sim, &mut other, JOIN), [joined(false)]);
    assert_eq!(heard(&mut one), [update(&id, true)]);
    // Once is enough.
    assert_eq!(told(&mut sim, &mut other, JOIN), [joined(false)]);
    assert!(heard(&mut one).is_empty());
}

#[test]
fn b3_29_leaving_says_whether_the_channel_is_gone_or_its_members_hear_of_it() {
    let mut sim = rooms();
    let [mut one, mut other] = ["/?name=ada", "/?name=bob"].map(|path| open(&mut sim, path));
    let id = id_in(&heard(&mut one));
    for client in [&one, &other] {
        say(&mut sim, client, JOIN);
    }
    heard(&mut one);
    heard(&mut other);
    assert_eq!(told(&mut sim, &mut other, LEAVE), [left(false)]);
    assert_eq!(heard(&mut one), [update(&id, false)]);
    assert_eq!(told(&mut sim, &mut one, LEAVE), [left(true)]);
    assert!(heard(&mut other).is_empty());
    // Whose connection ends has left, too.
    for client in [&one, &other] {
        say(&mut sim, client, JOIN);
    }
    heard(&mut one);
    kill(&mut sim, &other);
    assert_eq!(heard(&mut one)[0], update(&id, false));
}

/// Says `news` to whom the parameter names.
fn news() -> Commands<()> {
    Commands::new()
        .open(|conn, (), _| conn.join("tea").map(drop).expect("it can"))
        .on("id", |conn, (), (): ()| Ok(conn.id().get()))
        .on("me", |conn, (), (): ()| {
            drop(conn.emit(conn.id(), "news", &()));
        })
        .on("one", |conn, (), number: u64| {
            let found = conn.connections().into_iter().find(|id| id.get() == number);
            drop(conn.emit(found.expect("it is here"), "news", &number));
        })
        .on("room", |conn, (), name: String| {
            drop(conn.emit(&*name, "news", &name));
        })
        .on("but-me", |conn, (), name: String| {
            let others = Audience::room(&name).except(conn.id());
            drop(conn.emit(others, "news", &name));
        })
        .on("all", |conn, (), (): ()| {
            drop(conn.emit(conn.all(), "news", &()))
        })
        .on("others", |conn, (), (): ()| {
            drop(conn.emit(conn.others(), "news", &()))
        })
}

/// Whom each of these reaches, of the speaker and another one. `ID` is the other's.
fn reaches<const N: usize>(rows: [(&str, [usize; 2]); N]) {
    let mut sim = start(App::new().everywhere(|_| news()));
    let [mut one, mut other] = ["/", "/"].map(|path| open(&mut sim, path));
    let id = told(&mut sim, &mut other, r#"{"cmd":"id","id":1}"#).remove(0);
    let id: Value = serde_json::from_str(&id).expect("JSON");
    for (said, wanted) in rows {
        let said = said.replace("ID", &id["param"].to_string());
        say(&mut sim, &one, &said);
        assert_eq!(counts([&mut one, &mut other]), wanted, "{said}");
    }
}

#[test]
fn b3_30_a_command_goes_to_one_connection() {
    reaches([
        (r#"{"cmd":"one","param":ID}"#, [0, 1]),
        (r#"{"cmd":"me"}"#, [1, 0]),
    ]);
}

#[test]
fn b3_31_a_command_goes_to_a_channel_but_for_some() {
    reaches([
        (r#"{"cmd":"room","param":"tea"}"#, [1, 1]),
        (r#"{"cmd":"but-me","param":"tea"}"#, [0, 1]),
        (r#"{"cmd":"room","param":"nowhere"}"#, [0, 0]),
    ]);
}

#[test]
fn b3_32_a_command_goes_to_all_but_for_some() {
    reaches([
        (r#"{"cmd":"all"}"#, [1, 1]),
        (r#"{"cmd":"others"}"#, [0, 1]),
    ]);
}

#[test]
fn b3_36_rates_names_and_numbers_have_bounds_and_channels_go_with_their_members() {
    let settings = RoomSettings {
        max_name: 8,
        max_per_connection: 2,
        ..RoomSettings::default()
    };
    let route = Route::new("/").rate(Rate::new(1, 20));
    let mut sim = start(App::new().rooms(settings).route(route, |_| hall::Hall));
    let mut client = open(&mut sim, "/?name=ada");
    for (said, answer) in [
        ("join tea", "Ok(true)"),
        ("join way-too-long", "Err(Name)"),
        ("join \u{7}", "Err(Name)"),
        ("join ", "Err(Name)"),
        ("join milk", "Ok(true)"),
        ("join water", "Err(TooMany)"),
        ("leave milk", "true"),
        // Nobody is left there to keep it.
        ("join water", "Ok(true)"),
    ] {
        assert_eq!(told(&mut sim, &mut client, said), [answer], "{said}");
    }
    let last = (0..20).find_map(|_| {
        let answers = told(&mut sim, &mut client, "mine");
        answers
            .into_iter()
            .find(|answer| answer.starts_with("<close "))
    });
    assert!(last.expect("too often").starts_with("<close 1008 "));
}

#[test]
fn b3_37_who_may_join_is_asked_before() {
    let mut sim = rooms();
    let mut client = open(&mut sim, "/?name=ada");
    assert_eq!(
        told(
            &mut sim,
            &mut client,
            r#"{"cmd":"join-room","param":{"room":"secret"},"id":1}"#
        ),
        [r#"{"cmd":"error","re":1,"param":{"message":"this room may not be joined"}}"#]
    );
    assert_eq!(told(&mut sim, &mut client, JOIN), [joined(true)]);
    let mut sim = serve::start();
    let mut client = open(&mut sim, "/channels");
    let hidden = r#"{"cmd":"join-room","param":{"room":"$prices"}}"#;
    assert!(told(&mut sim, &mut client, hidden)[0].contains("this room may not be joined"));
}

#[test]
fn b3_39_rooms_live_updates_shared_state_and_notifications() {
    // Rooms and live updates by channel are B3.2 and B2.1, state that all share is the example `shared_counter`.
    let mut sim = hall::open();
    let [mut ada, mut bob, sender] =
        ["/news?name=ada", "/news?name=bob", "/"].map(|path| open(&mut sim, path));
    say(&mut sim, &sender, "path /news for-all");
    say(&mut sim, &ada, "user bob for-bob");
    assert_eq!(heard(&mut ada), ["for-all"]);
    assert_eq!(heard(&mut bob), ["for-all", "for-bob"]);
}
