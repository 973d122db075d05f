//! A Redis cluster of three servers, and one more for each that takes its place.

use super::broker::{self, Broker, Carrier, Kind};
use super::until;
use sockeye::backplane::{Node, NodeBuilder, Redis};
use sockeye::server::Exchange;

const MASTERS: usize = 3;

pub struct Cluster {
    servers: Vec<Broker>,
}

impl Cluster {
    /// Starts one; `None` where Redis is not installed.
    pub fn start() -> Option<Self> {
        let servers = (0..2 * MASTERS).map(|_| Broker::start_empty(Kind::RedisCluster));
        let servers: Vec<_> = servers.collect::<Option<_>>()?;
        let places = servers
            .iter()
            .map(|server| format!("127.0.0.1:{}", server.port));
        let places: Vec<_> = places.collect();
        let mut create = vec!["--cluster", "create"];
        create.extend(places.iter().map(String::as_str));
        create.extend(["--cluster-replicas", "1", "--cluster-yes"]);
        let said = servers[0].redis_cli(&create);
        assert!(said.contains("All 16384 slots covered"), "{said}");
        for server in &servers {
            server.wait_for_cluster();
        }
        let stands_in = |server: &&Broker| {
            let replication = server.redis_cli(&["info", "replication"]);
            replication.contains("master_link_status:up")
        };
        until("for each there is one that stands in", || {
            (servers.iter().filter(stands_in).count() == MASTERS).then_some(())
        });
        Some(Self { servers })
    }

    /// Which server has this channel now.
    fn holder(&self, channel: &str) -> usize {
        until("somebody has it", || {
            // Whoever has not says where it is.
            let has = |server: &Broker| {
                matches!(server.redis_cli(&["exists", channel]).trim(), "0" | "1")
            };
            self.servers.iter().position(has)
        })
    }

    /// Ends the server that has this channel.
    pub fn kill_holder(&mut self, channel: &str) {
        let holder = self.holder(channel);
        self.servers[holder].kill();
    }

    /// Gives what has this channel to another server. Nothing may be kept there.
    pub fn move_away(&self, channel: &str) {
        let from = self.holder(channel);
        let is_master = |server: &Broker| server.redis_cli(&["role"]).starts_with("master");
        let others = (0..self.servers.len()).filter(|server| *server != from);
        let masters: Vec<_> = others
            .filter(|server| is_master(&self.servers[*server]))
            .collect();
        let to = masters[0];
        let said =
            |server: usize, what: &[&str]| self.servers[server].redis_cli(what).trim().to_owned();
        let slot = said(from, &["cluster", "keyslot", channel]);
        let [from_id, to_id] = [from, to].map(|server| said(server, &["cluster", "myid"]));
        let set = |server, what, id: &str| {
            let done = said(server, &["cluster", "setslot", &slot, what, id]);
            assert_eq!(done, "OK", "{what}");
        };
        set(to, "importing", &from_id);
        set(from, "migrating", &to_id);
        for server in [to, from].into_iter().chain(masters) {
            set(server, "node", &to_id);
        }
        assert_eq!(self.holder(channel), to);
    }
}

impl Carrier for Cluster {
    fn node(&self, builder: NodeBuilder, exchange: &Exchange) -> Node {
        let urls = self
            .servers
            .iter()
            .map(|server| format!("redis://127.0.0.1:{}", server.port));
        let urls: Vec<_> = urls.collect();
        let redis = Redis::cluster(urls.iter().map(String::as_str));
        broker::start(builder, exchange, redis.expect("URLs"))
    }
}
