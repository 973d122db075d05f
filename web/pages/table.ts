// A table that is told anew each second, and changes only where something did: rows stay what they are, so that a
// button keeps its focus, and a selection its text. Not here: what its columns are.

import { make, setText } from "./dom";

export interface Column<R> {
  label: string;
  text: (row: R) => string;
  /** What is told when one stays on it. */
  title?: (row: R) => string;
  number?: boolean;
}

export class Table<R> {
  readonly #body: HTMLTableSectionElement;
  #rows = new Map<unknown, { element: HTMLTableRowElement; row: R }>();

  constructor(
    table: HTMLTableElement,
    private readonly columns: Column<R>[],
    private readonly key: (row: R) => unknown,
    private readonly button?: { text: string; name: (row: R) => string; classes: string; click: (row: R) => void },
  ) {
    this.#body = table.tBodies[0]!;
  }

  show(rows: R[]): void {
    const next = new Map<unknown, { element: HTMLTableRowElement; row: R }>();
    let before: Element | null = this.#body.firstElementChild;
    for (const row of rows) {
      const known = this.#rows.get(this.key(row));
      const entry = known ?? this.#make(row);
      entry.row = row;
      this.#fill(entry);
      next.set(this.key(row), entry);
      if (entry.element === before) before = before.nextElementSibling;
      else this.#body.insertBefore(entry.element, before);
    }
    for (const [key, { element }] of this.#rows) if (!next.has(key)) element.remove();
    this.#rows = next;
  }

  #make(row: R): { element: HTMLTableRowElement; row: R } {
    const cells = this.columns.map(({ label, number }) => {
      const cell = make("td", number ? "number" : "");
      cell.dataset.label = label;
      return cell;
    });
    const entry = { element: make("tr", "", ...cells), row };
    if (this.button) {
      const { text, classes, click, name } = this.button;
      const press = make("button", `quiet small ${classes}`, text);
      press.type = "button";
      press.addEventListener("click", () => click(entry.row));
      press.setAttribute("aria-label", name(row));
      entry.element.append(make("td", "press", press));
    }
    return entry;
  }

  #fill({ element, row }: { element: HTMLTableRowElement; row: R }): void {
    this.columns.forEach(({ text, title }, index) => {
      const cell = element.cells[index]!;
      setText(cell, text(row));
      if (title) cell.title = title(row);
    });
  }
}
