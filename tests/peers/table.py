"""The page that says what each server makes of the catalogue; docs/attacks.md.

Not here: running anything (run), the servers (peers.py).
"""

AREAS = ["heads", "frames", "masks", "control", "fragments", "UTF-8", "close", "deflate", "wire"]
WORST = 12

HEAD = """\
# What servers make of attacks

The catalogue of `sockeye attack`, run against `sockeye echo` and against echo servers of other libraries, each as that
library's own example has it and with its own defaults. Its rows are those of `tests/rows`, which the crate's tests read
as well: opening requests, frames, fragments, text, closing, compression, and what only a wire shows. Rows that ask for a
configuration of one server alone are left out. Each row is delivered in several ways, and each delivery is a run.

```sh
tests/peers/run                      # installs and builds them, runs all, writes this page
tests/peers/run --peer ws            # one, and prints it
sockeye attack ws://127.0.0.1:9001   # any server that echoes
```

- **exact**: what the RFC says, with the close code or the status that belongs to the fault;
- **refused**: refused at all, the exact ones included: another code, no close frame, or a plain end of the connection;
- **lax**: accepted or ignored what must be refused; **wrong**: data lost, changed or repeated, no answer, or a refusal of
  what is right.

Where something valid stands before a fault in one segment, its answer is expected first. The RFC does not ask for that,
and a server whose application runs beside its reader may lose it, which is counted as wrong here.

A library may leave a part to its user on purpose, as some say in their documentation, and RFC 6455 allows ending a
connection without a close frame: then the column *refused* is the one to look at. What counts as exact where the RFC
leaves a choice is this project's reading of it; `docs/conformance.md` has the clauses.
"""


def page(results, command, date):
    """The page for a list of (name, versions, the runner's JSON)."""
    parts = [HEAD, f"{date}, by `{command}`.\n", scores(results), by_area(results)]
    parts += ["## What each does otherwise\n", "Runs, by what was expected and what came; the rows with most runs first.\n"]
    parts += [weaknesses(name, said) for name, _versions, said in results]
    return "\n".join(parts)


def scores(results):
    lines = ["## Scores\n", "| server | version | runs | exact | refused | lax | wrong |", "|---|---|--:|--:|--:|--:|--:|"]
    for name, versions, said in results:
        score = said["score"]
        cells = [name, versions, score["total"], share(score, "exact"), refused(said), score["lax"], score["wrong"]]
        lines.append(row(cells))
    return "\n".join(lines) + "\n"


def share(score, key):
    return f"{percent(score[key], score['total'])}"


def percent(part, whole):
    """Never 100 % unless it is all of them."""
    if part == whole:
        return "100 %"
    return f"{min(99.9, 100 * part / whole):.1f} %"


def refused(said):
    """Of what must be refused, the share that was; what must be accepted is no part of it."""
    hostile = [run for run in said["results"] if is_refusal(run["expected"])]
    got = sum(run["grade"] in ("exact", "closed") for run in hostile)
    return percent(got, len(hostile)) if hostile else "–"


def by_area(results):
    names = [name for name, *_ in results]
    lines = ["## Exact, by area\n", row(["area", *names]), "|---" + "|--:" * len(names) + "|"]
    for area in AREAS:
        cells = [area]
        for _name, _versions, said in results:
            of = {one["area"]: one for one in said["areas"]}.get(area)
            cells.append(share(of, "exact") if of and of["total"] else "–")
        lines.append(row(cells))
    return "\n".join(lines) + "\n"


def weaknesses(name, said):
    """What was not exact, a line for each pair of expected and got."""
    groups = {}
    for run in said["results"]:
        if run["grade"] != "exact":
            key = (run["grade"], run["expected"], run["got"])
            groups.setdefault(key, []).append(run["row"])
    if not groups:
        return f"### {name}\n\nNothing.\n"
    order = {"wrong": 0, "lax": 1, "closed": 2}
    ranked = sorted(groups.items(), key=lambda item: (order[item[0][0]], -len(item[1]), item[0]))
    lines = [f"### {name}\n", "| grade | expected | got | runs | rows | such as |", "|---|---|---|--:|--:|---|"]
    for (grade, expected, got), rows in ranked[:WORST]:
        lines.append(row([grade, code(expected), code(got), len(rows), len(set(rows)), rows[0]]))
    if len(ranked) > WORST:
        rest = sum(len(rows) for _key, rows in ranked[WORST:])
        lines.append(f"\nand {rest} runs in {len(ranked) - WORST} other ways.")
    return "\n".join(lines) + "\n"


def is_refusal(expected):
    """Whether the row wants to be refused."""
    return expected.startswith(("close 10", "status 4", "status 5", "4", "5"))


def code(text):
    text = text if len(text) <= 60 else text[:59] + "…"
    return f"`{text}`" if text else "nothing"


def row(cells):
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"
