// A chart of the last ten minutes, in SVG. Not here: what it is a chart of.

import { make, setText } from "./dom";

const SPAN = 600;
const HEIGHT = 120;
const SVG = "http://www.w3.org/2000/svg";

export interface Series {
  label: string;
  /** Its colour, as the style sheet names it. */
  kind: "in" | "out";
}

interface Point {
  time: number;
  /** One for each series; undefined where nobody knows. */
  values: (number | undefined)[];
}

export class Chart {
  #points: Point[] = [];
  #shown: Point | undefined;
  readonly #lines: { line: SVGElement; area: SVGElement; value: HTMLElement }[];
  readonly #most = make("span", "most");
  readonly #cursor = element("line", { class: "cursor", y1: "0", y2: String(HEIGHT) });
  readonly #when = make("span", "axis-when", "ten minutes ago");

  constructor(
    host: HTMLElement,
    title: string,
    series: Series[],
    private readonly format: (value: number) => string,
    private readonly round: (value: number) => number = above,
  ) {
    const plot = element("svg", {
      viewBox: `0 0 ${SPAN} ${HEIGHT}`,
      preserveAspectRatio: "none",
      role: "img",
      "aria-label": `${title}, over the last ten minutes`,
    });
    for (const y of [0.5, HEIGHT / 2, HEIGHT - 0.5])
      plot.append(element("line", { class: "grid", x1: "0", x2: String(SPAN), y1: String(y), y2: String(y) }));
    this.#lines = series.map(({ kind }) => {
      const [area, line] = [element("path", { class: `area ${kind}` }), element("path", { class: `curve ${kind}` })];
      plot.append(area, line);
      return { area, line, value: make("b") };
    });
    plot.append(this.#cursor);
    const legend = series.map(({ label, kind }, index) =>
      make("span", `legend ${kind}`, label ? `${label} ` : "", this.#lines[index]!.value),
    );
    const drawn = make("div", "plot");
    drawn.append(plot, this.#most);
    host.append(
      make(
        "figure",
        "chart card",
        make("figcaption", "", make("span", "", title), make("span", "legends", ...legend)),
        drawn,
        make("p", "axis", this.#when, make("span", "", "now")),
      ),
    );
    plot.addEventListener("pointermove", (event) => this.#point(event, plot));
    plot.addEventListener("pointerleave", () => this.#point(undefined, plot));
  }

  /** Adds what is known at that time, in milliseconds. */
  add(time: number, values: (number | undefined)[]): void {
    this.#points.push({ time, values });
    const oldest = time - SPAN * 1_000;
    this.#points = this.#points.filter((point) => point.time >= oldest && point.time <= time);
  }

  draw(): void {
    const newest = this.#points.at(-1);
    if (!newest) return;
    const known = this.#points.flatMap(({ values }) => values.filter((value) => value !== undefined));
    const most = this.round(Math.max(0, ...known));
    setText(this.#most, this.format(most));
    this.#lines.forEach(({ line, area }, index) => {
      const { curve, fill } = this.#paths(index, newest.time, most);
      line.setAttribute("d", curve);
      area.setAttribute("d", fill);
    });
    this.#legend();
  }

  clear(): void {
    this.#points = [];
  }

  /** Pieces of a line: where nothing was known for some seconds, there is a gap. */
  #paths(index: number, now: number, most: number): { curve: string; fill: string } {
    const pieces: string[][] = [];
    let last = Number.NEGATIVE_INFINITY;
    for (const { time, values } of this.#points) {
      const value = values[index];
      if (value === undefined) continue;
      if (time - last > 5_000) pieces.push([]);
      last = time;
      const x = SPAN - (now - time) / 1_000;
      const y = HEIGHT - 1 - (value / most) * (HEIGHT - 2);
      pieces.at(-1)?.push(`${x.toFixed(1)} ${y.toFixed(1)}`);
    }
    const curve = pieces.map((piece) => `M${piece.join("L")}`).join("");
    const start = (point = "") => point.split(" ")[0];
    const fill = pieces
      .map((piece) => `M${start(piece[0])} ${HEIGHT}L${piece.join("L")}L${start(piece.at(-1))} ${HEIGHT}Z`)
      .join("");
    return { curve, fill };
  }

  #point(event: PointerEvent | undefined, plot: Element): void {
    this.#shown = undefined;
    const newest = this.#points.at(-1);
    if (event && newest) {
      const { left, width } = plot.getBoundingClientRect();
      const x = ((event.clientX - left) / width) * SPAN;
      const time = newest.time - (SPAN - x) * 1_000;
      const near = this.#points.reduce((best, point) =>
        Math.abs(point.time - time) < Math.abs(best.time - time) ? point : best,
      );
      if (Math.abs(near.time - time) < 5_000) this.#shown = near;
    }
    this.#legend();
  }

  #legend(): void {
    const newest = this.#points.at(-1);
    const point = this.#shown ?? newest;
    this.#lines.forEach(({ value }, index) => {
      const figure = point?.values[index];
      setText(value, figure === undefined ? "–" : this.format(figure));
    });
    const x = this.#shown && newest ? String(SPAN - (newest.time - this.#shown.time) / 1_000) : "-9";
    this.#cursor.setAttribute("x1", x);
    this.#cursor.setAttribute("x2", x);
    setText(this.#when, this.#shown ? new Date(this.#shown.time).toLocaleTimeString() : "ten minutes ago");
  }
}

/** The next round figure that is not less: 1, 2 or 5 with noughts. */
export function above(value: number): number {
  if (value <= 1) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= value) ?? value;
}

/** The same for bytes, whose units are powers of 1024. */
export function aboveBytes(value: number): number {
  const unit = 1_024 ** Math.max(0, Math.floor(Math.log(Math.max(1, value)) / Math.log(1_024)));
  const rounded = above(value / unit);
  return (rounded === 1_000 ? 1_024 : rounded) * unit;
}

function element(name: string, attributes: Record<string, string>): SVGElement {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}
