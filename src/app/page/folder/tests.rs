#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps a fault fails, as it should"
)]

use super::*;
use crate::proto::handshake::HeadLimits;
use crate::proto::handshake::server::{Asked, RequestParser};
use alloc::format;
use alloc::string::ToString as _;
use core::sync::atomic::{AtomicU32, Ordering};
use proptest::prelude::*;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::process;

/// A directory of the test's own, gone with it. What is served is below `root`, and what must not be beside that.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("sockeye-folder-{}-{number}", process::id());
        let scratch = Self(std::env::temp_dir().join(name));
        fs::create_dir_all(scratch.root()).unwrap();
        scratch
    }

    fn root(&self) -> PathBuf {
        self.0.join("root")
    }

    /// Each file holds its own path.
    fn with(self, files: &[&str]) -> Self {
        for file in files {
            let path = self.root().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, file).unwrap();
        }
        self
    }

    fn read(&self) -> Folder {
        Folder::read(self.root()).unwrap()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// What is answered: the status, the type and the body.
fn ask(folder: &Folder, path: &str) -> (u16, String, String) {
    let head = format!("GET {path} HTTP/1.1\r\nHost: h\r\n\r\n");
    let mut parser = RequestParser::new(HeadLimits::default());
    let Ok(Some(Asked::Page(request))) = parser.parse_any(head.as_bytes()) else {
        panic!("{path:?} is no request");
    };
    let response = folder.answer(&request);
    let mut out = Vec::new();
    response.write(&request, &mut out).unwrap();
    let answer = String::from_utf8(out).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let mut lines = head.lines();
    let kind = lines.find_map(|line| line.strip_prefix("Content-Type: "));
    (
        response.status(),
        kind.unwrap().to_string(),
        body.to_string(),
    )
}

const FILES: [&str; 9] = [
    "index.html",
    "style.css",
    "a b.txt",
    "größe.txt",
    "100%.txt",
    "%2e.txt",
    "sub/index.html",
    "sub/deep/x.js",
    "subindex.html",
];

#[test]
fn paths() {
    let folder = Scratch::new().with(&FILES).read();
    for (path, file) in [
        ("/", "index.html"),
        ("/index.html", "index.html"),
        ("/style.css", "style.css"),
        ("/style.css?v=1", "style.css"),
        ("/st%79le.css", "style.css"),
        ("/a%20b.txt", "a b.txt"),
        ("/gr%c3%b6%C3%9fe.txt", "größe.txt"),
        ("/100%25.txt", "100%.txt"),
        ("/%252e.txt", "%2e.txt"),
        ("/sub/", "sub/index.html"),
        ("/sub/index.html", "sub/index.html"),
        ("/sub/deep/x.js", "sub/deep/x.js"),
        ("/subindex.html", "subindex.html"),
    ] {
        let (status, kind, body) = ask(&folder, path);
        assert_eq!((status, body.as_str()), (200, file), "{path}");
        assert_eq!(kind, types::of_file(file), "{path}");
        let page = folder.find(path.split('?').next().unwrap()).unwrap();
        assert_eq!(&*page.body, file.as_bytes());
    }
}

#[test]
fn what_is_not_there_is_not_there_in_any_spelling() {
    let folder = Scratch::new().with(&FILES).read();
    let (_, _, nothing) = ask(&folder, "/nothing");
    for path in [
        // Directories are not pages, but by their index.
        "/sub",
        "/sub/deep/",
        "/sub/deep",
        // Up, and nowhere.
        "/..",
        "/../root/index.html",
        "/sub/../index.html",
        "/sub/%2e%2e/index.html",
        "/sub/.%2E/index.html",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/..%2f..%2fetc/passwd",
        "/%252e%252e/index.html",
        "/..;/index.html",
        "/..\\index.html",
        "/..%5cindex.html",
        "/./index.html",
        "/%2e/index.html",
        "/sub/.",
        // Slashes.
        "//",
        "//index.html",
        "/sub//index.html",
        "/sub//",
        "/index.html/",
        "/sub%2findex.html",
        "/sub%2Findex.html",
        "/%2f",
        "/%2findex.html",
        "/sub%252findex.html",
        // What ends a name elsewhere, or is another letter there.
        "/index.html%00",
        "/index.html%00.txt",
        "/%00",
        "/index.html;x",
        "/index.html.",
        "/index.html%20",
        "/index.html%0d%0a",
        "/INDEX.HTML",
        "/index.html::$DATA",
        // Escapes that are none, and bytes that are no text.
        "/%",
        "/%2",
        "/index.html%",
        "/%zz",
        "/%+5",
        "/a%2 b",
        "/100%.txt",
        "/%2e.txt",
        "/%u002e",
        "/gr%f6%dfe.txt",
        "/%c0%ae%c0%ae/index.html",
        "/%ff",
        "/a+b.txt",
    ] {
        assert!(folder.find(path).is_none(), "{path}");
        if !path.contains(' ') {
            let (status, kind, body) = ask(&folder, path);
            assert_eq!((status, kind.as_str()), (404, types::TEXT), "{path}");
            assert_eq!(body, nothing, "the same for every path");
        }
    }
    for path in ["", "index.html", "sub/index.html", "*"] {
        assert!(folder.find(path).is_none(), "{path}");
    }
}

#[test]
fn what_is_skipped_is_told() {
    let scratch =
        Scratch::new().with(&["a.txt", ".hidden", ".git/config", "sub/.env", "sub/b.txt"]);
    let root = scratch.root();
    let outside = scratch.0.join("root-secret");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("s.txt"), "secret").unwrap();
    for (target, link) in [
        ("a.txt", "inside.txt"),
        ("../a.txt", "sub/up.txt"),
        (".hidden", "shown.txt"),
        ("../root-secret/s.txt", "beside.txt"),
        ("../root-secret", "beside"),
        ("/etc/passwd", "passwd.txt"),
        ("/dev/zero", "zero"),
        ("sub", "other"),
        (".", "round"),
        ("nothing", "broken"),
        ("itself", "itself"),
    ] {
        symlink(target, root.join(link)).unwrap();
    }
    // Not in the way of the others: opening it would not end.
    let _listener = UnixListener::bind(root.join("socket")).unwrap();
    fs::write(root.join(OsStr::from_bytes(b"\xff.txt")), "x").unwrap();

    let result = Folder::read(&root);
    assert!(
        matches!(&result, Err(FolderError::Read { path, .. }) if path.ends_with("itself")),
        "{result:?}"
    );
    fs::remove_file(root.join("itself")).unwrap();
    let folder = Folder::read(&root).unwrap();
    let skipped: Vec<_> = folder
        .skipped()
        .iter()
        .map(|skipped| (skipped.path.to_str().unwrap_or("?"), skipped.because))
        .collect();
    assert_eq!(
        skipped,
        [
            (".git", SkippedBecause::Hidden),
            (".hidden", SkippedBecause::Hidden),
            ("beside", SkippedBecause::Outside),
            ("beside.txt", SkippedBecause::Outside),
            ("broken", SkippedBecause::LinkToNothing),
            ("other", SkippedBecause::LinkToDirectory),
            ("passwd.txt", SkippedBecause::Outside),
            ("round", SkippedBecause::LinkToDirectory),
            ("socket", SkippedBecause::NotAFile),
            ("sub/.env", SkippedBecause::Hidden),
            ("zero", SkippedBecause::Outside),
            ("?", SkippedBecause::Name),
        ]
    );
    let served: Vec<_> = folder.pages.keys().map(String::as_str).collect();
    let want = [
        "/a.txt",
        "/inside.txt",
        "/shown.txt",
        "/sub/b.txt",
        "/sub/up.txt",
    ];
    assert_eq!(served, want);
    assert_eq!(ask(&folder, "/sub/up.txt").2, "a.txt");
    assert_eq!(ask(&folder, "/shown.txt").2, ".hidden");
    for because in SkippedBecause::ALL {
        assert!(skipped.iter().any(|(_, other)| other == because));
        assert!(!because.to_string().is_empty());
    }
}

#[test]
fn the_folder_itself_may_be_a_link() {
    let scratch = Scratch::new().with(&["a.txt"]);
    let link = scratch.0.join("link");
    symlink("root", &link).unwrap();
    let folder = Folder::read(&link).unwrap();
    assert_eq!(ask(&folder, "/a.txt").2, "a.txt");
}

#[test]
fn limits() {
    // Ten bytes in three files, and three directories.
    let scratch = Scratch::new().with(&["aaaa", "cc"]);
    fs::create_dir_all(scratch.root().join("b/b/b")).unwrap();
    fs::write(scratch.root().join("b/cc"), "dddd").unwrap();
    let read = |max_bytes, max_entries| {
        let limits = FolderLimits {
            max_bytes,
            max_entries,
        };
        Folder::read_within(scratch.root(), limits)
    };
    let entries = 6;
    assert_eq!(read(10, entries).unwrap().pages.len(), 3);
    assert!(matches!(read(9, entries), Err(FolderError::TooLarge)));
    assert!(matches!(read(10, entries - 1), Err(FolderError::TooMany)));
    assert!(matches!(read(0, 0), Err(FolderError::TooMany)));
    assert_eq!(read(usize::MAX, usize::MAX).unwrap().pages.len(), 3);
    assert_eq!(FolderLimits::default(), FolderLimits::DEFAULT);
}

#[test]
fn what_cannot_be_read_is_said() {
    let scratch = Scratch::new().with(&["a.txt"]);
    for (path, kind) in [
        ("nothing", io::ErrorKind::NotFound),
        ("root/a.txt", io::ErrorKind::NotADirectory),
    ] {
        let error = Folder::read(scratch.0.join(path)).unwrap_err();
        let FolderError::Read {
            path: named,
            error: why,
        } = &error
        else {
            panic!("{error:?}");
        };
        assert!(named.ends_with(path), "{named:?}");
        assert_eq!(why.kind(), kind);
        assert!(error.to_string().contains(path), "{error}");
    }
}

/// What a path is made of to get out of a directory, and what leads to files.
fn piece() -> impl Strategy<Value = String> {
    let known = [
        "/",
        "//",
        "..",
        ".",
        "%2e",
        "%2E%2e",
        "%2f",
        "%5c",
        "\\",
        "%00",
        "%",
        "%25",
        "%252e",
        ";",
        "secret.txt",
        "root",
        "root/",
        "index.html",
        "sub",
        "sub/",
        "deep/",
        "x.js",
        "a%20b.txt",
        "gr%c3%b6%c3%9fe.txt",
        "etc",
        "passwd",
        "~",
        "%c0%ae",
        "C:",
    ];
    prop_oneof![
        8 => prop::sample::select(known.to_vec()).prop_map(str::to_string),
        1 => "[!-~]{1,3}",
        1 => (0..=255_u8).prop_map(|byte| format!("%{byte:02x}")),
    ]
}

/// Undoes escapes as plainly as can be; `None` for what holds none that is right.
fn plain(path: &str) -> Option<Vec<u8>> {
    let mut parts = path.split('%');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let (hex, rest) = part.split_at_checked(2)?;
        let all_hex = hex.bytes().all(|letter| letter.is_ascii_hexdigit());
        bytes.push(u8::from_str_radix(hex, 16).ok().filter(|_| all_hex)?);
        bytes.extend_from_slice(rest.as_bytes());
    }
    Some(bytes)
}

#[test]
fn no_path_reaches_outside() {
    let scratch = Scratch::new().with(&FILES);
    fs::write(scratch.0.join("secret.txt"), "secret").unwrap();
    symlink("../secret.txt", scratch.root().join("secret.txt")).unwrap();
    let folder = scratch.read();
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 20_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let path =
        prop::collection::vec(piece(), 0..7).prop_map(|pieces| format!("/{}", pieces.concat()));
    runner
        .run(&path, |path| {
            let wanted = FILES.iter().find(|file| {
                let own = format!("/{file}");
                let directory = own
                    .strip_suffix("index.html")
                    .filter(|it| it.ends_with('/'));
                let asked = plain(&path);
                let escaped_slash = path.to_ascii_lowercase().contains("%2f");
                !escaped_slash
                    && (asked.as_deref() == Some(own.as_bytes())
                        || directory.is_some() && asked.as_deref() == directory.map(str::as_bytes))
            });
            let got = folder.find(&path).map(|page| &*page.body);
            prop_assert_eq!(got, wanted.map(|file| file.as_bytes()));
            Ok(())
        })
        .unwrap();
}
