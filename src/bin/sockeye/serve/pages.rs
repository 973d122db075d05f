//! What is shown to whoever asks for a page: [`Pages`].
//!
//! Not here: where the pages come from. They are built in `web/`, and what is built there is part of the program.

use sockeye::app::metrics::{CONTENT_TYPE, Registry};
use sockeye::app::{App, Folder, Page};
use sockeye::backplane::Node;
use sockeye::proto::handshake::Response;
use std::sync::{Arc, OnceLock};

macro_rules! built {
    ($name:literal) => {
        include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/web/dist/", $name))
    };
}

const CSS: &str = "text/css; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// Pages, each at its path.
pub(super) struct Pages<'f> {
    pages: Vec<(&'static str, Shown)>,
    folder: Option<&'f Folder>,
}

/// Whose broker is looked at, once it is known.
pub(super) type Health = Arc<OnceLock<Node>>;

enum Shown {
    Page(Page),
    Healthz(Health),
    Metrics(Registry),
}

impl<'f> Pages<'f> {
    /// The chat and what belongs to it. Where the folder has something at the same path, that is shown.
    pub(super) fn new(folder: Option<&'f Folder>, health: &Health) -> Self {
        let chat = Page::html(built!("index.html"));
        let mut pages: Vec<_> = [
            ("/", chat.clone()),
            ("/example", chat),
            ("/chat.js", Page::javascript(built!("chat.js"))),
            ("/sockeye.d.ts", Page::text(built!("sockeye.d.ts"))),
        ]
        .into_iter()
        .chain(shared())
        .filter(|(path, _)| folder.is_none_or(|folder| folder.find(path).is_none()))
        .map(|(path, page)| (path, Shown::Page(page)))
        .collect();
        pages.push(("/healthz", Shown::Healthz(Arc::clone(health))));
        Self { pages, folder }
    }

    pub(super) fn metrics(&mut self, registry: &Registry) {
        self.pages
            .push(("/metrics", Shown::Metrics(registry.clone())));
    }

    /// Shows them, and says so in the list.
    pub(super) fn show_in(self, mut app: App, lines: &mut Vec<String>) -> App {
        for (path, shown) in self.pages {
            lines.push(format!("GET {path}"));
            app = match shown {
                Shown::Page(page) => app.page(path, page),
                // Only who is served hears this: when the program stops, nobody is let in.
                Shown::Healthz(health) => {
                    app.get(path, move |_| fresh(Response::text(200, state(&health))))
                }
                Shown::Metrics(registry) => app.get(path, move |_| {
                    fresh(Response::new(200, CONTENT_TYPE, registry.text()))
                }),
            };
        }
        if let Some(folder) = self.folder {
            lines.push("GET the files of the folder".to_owned());
            for skipped in folder.skipped() {
                lines.push(format!(
                    "not {}: {}",
                    skipped.path.display(),
                    skipped.because
                ));
            }
            let folder = folder.clone();
            app = app.get_rest(move |request| folder.answer(request));
        }
        app
    }
}

/// The admin page. It holds nothing that is secret: what it shows, it asks for with the token.
pub(super) fn admin() -> Page {
    Page::html(built!("admin.html"))
}

pub(super) fn admin_script() -> (&'static str, Page) {
    ("/admin.js", Page::javascript(built!("admin.js")))
}

/// What the admin page shares with the chat, for where that is not.
pub(super) fn shared() -> [(&'static str, Page); 3] {
    [
        ("/sockeye.js", Page::client()),
        ("/sockeye.css", Page::bytes(CSS, built!("sockeye.css"))),
        ("/favicon.svg", Page::bytes(SVG, built!("favicon.svg"))),
    ]
}

/// It serves, with a broker or without: whoever asks whether to send it somebody is answered with 200.
fn state(health: &Health) -> &'static str {
    match health.get() {
        Some(node) if !node.figures().is_up => {
            "degraded: no broker; rooms are of this server alone"
        }
        _ => "ok",
    }
}

/// What is of this moment alone.
fn fresh(response: Response) -> Response {
    response.header("Cache-Control", "no-store")
}
