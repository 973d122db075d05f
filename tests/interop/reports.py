"""What the clients say: an HTTP server on loopback that serves the page, hears results, and passes on two wishes.

A client GETs /NAME/plan, which says what to do where. It POSTs to /NAME/result, /NAME/conversation, /NAME/trouble,
/NAME/stop (answered once the server has got SIGTERM), /NAME/gone (answered once it has ended), and /NAME/done.
"""

import http.server
import json
import pathlib
import threading

HERE = pathlib.Path(__file__).resolve().parent

SCRIPTS = ["/cases.mjs", "/checks.mjs", "/conversation.mjs"]
PAGES = {"/page.html": "text/html", **dict.fromkeys(SCRIPTS, "text/javascript")}


class Reports:
    """Listens from the start of the block to its end. `runs` maps names to what has a method for each report."""

    def __init__(self, runs):
        handler = type("ReportHandler", (Handler,), {"runs": runs})
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_exception):
        self.server.shutdown()
        self.server.server_close()

    def url(self, name):
        host, port = self.server.server_address
        return f"http://{host}:{port}/{name}"


class Handler(http.server.BaseHTTPRequestHandler):
    runs = {}

    def do_GET(self):
        path = self.path.partition("?")[0]
        run, what = self.addressed()
        if run and what == "plan":
            return self.answer(200, json.dumps(run.plan()).encode(), "application/json")
        if path not in PAGES:
            return self.send_error(404)
        self.answer(200, (HERE / path[1:]).read_bytes(), PAGES[path])

    def do_POST(self):
        run, what = self.addressed()
        if run is None or what not in ("result", "conversation", "trouble", "stop", "gone", "done"):
            return self.send_error(404)
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if what != "done":
            getattr(run, what)(**body)
        self.answer(204)
        # After the answer: a browser does not live to see it.
        if what == "done":
            run.done()

    def addressed(self):
        """The run and the wish or report in the path."""
        _, name, what = (self.path.split("/") + ["", ""])[:3]
        return self.runs.get(name), what

    def answer(self, status, body=b"", kind="text/plain"):
        self.send_response(status)
        if status != 204:
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments):
        """Nothing: results are printed in the end."""
