//! Messages of JSON as servers send them: chat, prices, objects, rows. The same ones in every run.
//!
//! Not here: what is done with them.
#![allow(
    unreachable_pub,
    reason = "what is shared with benchmarks is all `pub`"
)]

const WORDS: &str = "the be to of and a in that have it for not on with he as you do at this but his by from they we \
    say her she or an will my one all would there their what so up out if about who get which go me when make can like \
    time no just him know take people into year your good some could them see other than then now look only come its \
    over think also back after use two how our work first well way even new want because any these give day most us \
    great meeting tomorrow lunch deploy branch review ticket server ship please thanks really maybe later today";
const NAMES: &str = "alice bob carol dave erin frank grace heidi ivan judy mallory olivia peggy rupert sybil trent victor wendy";
const KEYS: &str = "status owner created_at updated_at total count price title enabled parent_id tags address city \
    country email phone level score latitude longitude quantity currency note version";
const SYMBOLS: &str = "AAPL MSFT GOOG AMZN NVDA META TSLA ORCL INTC ADBE CSCO IBMX QCOM AVGO TXNS";

/// So many messages of each of four kinds, of `len` bytes: what is longer is cut.
pub fn messages(len: usize, of_each: usize) -> Vec<String> {
    let mut dice = Dice(len as u64);
    let kinds: [fn(&mut Dice, usize) -> String; 4] = [chat, prices, object, rows];
    let mut all = Vec::new();
    for _ in 0..of_each {
        for kind in kinds {
            let mut text = kind(&mut dice, len);
            text.truncate(len);
            all.push(text);
        }
    }
    all
}

/// What somebody says in a room.
fn chat(dice: &mut Dice, len: usize) -> String {
    let room = dice.word("general random dev support");
    let (id, user, name) = (dice.hex(8), dice.below(100_000), dice.word(NAMES));
    let head = format!(
        "{{\"type\":\"message\",\"room\":\"{room}\",\"id\":\"{id}\",\"user\":{{\"id\":{user},\"name\":\"{name}\"}},\
        \"text\":\""
    );
    let time = dice.below(100_000_000);
    let tail = format!("\",\"ts\":17{time:011},\"edited\":false}}");
    let mut text = String::from(dice.word(WORDS));
    while head.len() + text.len() + tail.len() < len {
        text += [" ", ", ", ". ", " ", " "][dice.below(5)];
        text += dice.word(WORDS);
    }
    head + &text + &tail
}

/// A feed of prices.
fn prices(dice: &mut Dice, len: usize) -> String {
    let mut text = String::new();
    while text.len() + 2 < len {
        let (symbol, side) = (dice.word(SYMBOLS), dice.word("buy sell"));
        let (price, cents, volume) = (dice.below(1_000), dice.below(100), dice.below(100_000));
        let time = dice.below(100_000_000);
        text += if text.is_empty() { "[" } else { "," };
        text += &format!(
            "{{\"s\":\"{symbol}\",\"p\":{price}.{cents:02},\"v\":{volume},\"side\":\"{side}\",\"t\":17{time:011}}}"
        );
    }
    text + "]"
}

/// One thing with fields of many types.
fn object(dice: &mut Dice, len: usize) -> String {
    let (what, id) = (dice.word("order user cart session device"), dice.hex(8));
    let mut text = format!("{{\"event\":\"{what}.updated\",\"data\":{{\"id\":\"{id}\"");
    while text.len() + 2 < len {
        let key = dice.word(KEYS);
        let (small, large) = (dice.below(60), dice.below(10_000));
        let (one, other) = (dice.word(WORDS), dice.word(NAMES));
        text += &match dice.below(6) {
            0 => format!(",\"{key}\":{large}"),
            1 => format!(",\"{key}\":{large}.{small:02}"),
            2 => format!(",\"{key}\":{}", dice.word("true false null")),
            3 => format!(
                ",\"{key}\":\"2026-{:02}-{:02}T{:02}:{small:02}:{:02}Z\"",
                1 + dice.below(12),
                1 + dice.below(28),
                dice.below(24),
                dice.below(60)
            ),
            4 => format!(",\"{key}\":\"{other}\""),
            _ => format!(",\"{key}\":[\"{one}\",\"{other}\"]"),
        };
    }
    text + "}}"
}

/// Rows of a table.
fn rows(dice: &mut Dice, len: usize) -> String {
    let mut text = String::from("{\"cmd\":\"list\",\"rows\":[");
    while text.len() + 2 < len {
        let (id, first, last) = (dice.below(1_000_000), dice.word(NAMES), dice.word(NAMES));
        let (online, score) = (dice.word("true false"), dice.below(1_000));
        let (month, day) = (1 + dice.below(12), 1 + dice.below(28));
        text += if text.ends_with('}') { "," } else { "" };
        text += &format!(
            "{{\"id\":{id},\"name\":\"{first} {last}\",\"online\":{online},\"score\":{score},\
            \"seen\":\"2026-{month:02}-{day:02}\"}}"
        );
    }
    text + "]}"
}

/// Numbers that look random.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or_default() % end
    }

    fn word(&mut self, of: &'static str) -> &'static str {
        let at = self.below(of.split_whitespace().count());
        of.split_whitespace().nth(at).unwrap_or_default()
    }

    fn hex(&mut self, digits: usize) -> String {
        (0..digits)
            .map(|_| format!("{:x}", self.below(16)))
            .collect()
    }
}
