//! Commands in JSON with typed parameters, requests with replies, and rooms that clients may ask for.
//!
//! `cargo run --example rooms_and_commands`, then in two terminals
//! `cargo run -- connect 'ws://127.0.0.1:9001/chat/tea?name=Ada'`. Say, one line each:
//!
//! ```text
//! {"cmd":"say","param":{"text":"hello"}}
//! {"cmd":"roll","param":{"sides":6},"id":1}
//! {"cmd":"join-room","param":{"room":"green"},"id":2}
//! {"cmd":"say","param":{"text":"only to green","room":"green"},"id":3}
//! {"cmd":"join-room","param":{"room":"staff"},"id":4}
//! ```

use serde::Deserialize;
use serde_json::json;
use sockeye::app::json::{Commands, Failure, Permit};
use sockeye::app::{App, Audience};

#[derive(Default)]
pub(crate) struct User {
    name: String,
}

#[derive(Deserialize)]
struct Say {
    text: String,
    room: Option<String>,
}

#[derive(Deserialize)]
struct Roll {
    sides: u32,
}

/// `/chat/tea` and `/chat/coffee` have one each, and nothing in common.
fn chat() -> Commands<User> {
    // A die for an example; yours may be `rand`'s.
    let mut die = 0_u32;
    Commands::new()
        .open(|conn, user: &mut User, upgrade| {
            let name = upgrade
                .query()
                .get("name")
                .unwrap_or_else(|| "guest".into());
            user.name = name.chars().take(20).collect();
            let _ = conn.identify(&user.name);
        })
        // The others hear `user-joined` and `user-left`, and in rooms `online-update`.
        .presence(|user| user.name.clone())
        // Nobody joins anything that is not allowed here.
        .rooms(|_, _, room| match room {
            "staff" => Permit::Deny,
            _ => Permit::Allow,
        })
        .on("say", |conn, user, Say { text, room }: Say| {
            let to = match &room {
                None => conn.all(),
                // Who is not in it has no say in it.
                Some(room) if conn.rooms().contains(room) => Audience::room(room),
                Some(_) => return Err("you are not in this room".into()),
            };
            let said = json!({ "user": user.name, "text": text });
            let said = conn.emit(to, "said", &said);
            said.map(drop).map_err(Failure::new)
        })
        // What is returned is the reply, where the command has an `id`.
        .on("roll", move |_, _, Roll { sides }: Roll| {
            die = die.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let rolled = (die >> 16).checked_rem(sides);
            rolled
                .map(|n| n + 1)
                .ok_or_else(|| Failure::from("it needs sides"))
        })
}

pub(crate) fn app() -> App {
    App::new().route("SOCKET /chat/{room} @json <16kB", |_| chat())
}

fn main() -> std::io::Result<()> {
    println!("listening on ws://127.0.0.1:9001/chat/tea");
    app().bind("127.0.0.1:9001")?.run()
}
