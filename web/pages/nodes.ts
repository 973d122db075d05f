// The card of a server that shares its rooms with others: whether it reaches them, and who they are. A server by itself
// has none. Not here: their connections, which each shows on its own page.

import { byId, setText } from "./dom";
import * as format from "./format";
import type { NodeReport, Snapshot } from "./snapshot";
import { Table, type Column } from "./table";

interface Row {
  id: string;
  name: string;
  online: number;
}

const COLUMNS: Column<Row>[] = [
  { label: "Node", text: ({ name }) => name },
  { label: "Id", text: ({ id }) => id },
  { label: "Online", text: ({ online }) => format.count(online), number: true },
];

export class Nodes {
  readonly #table = new Table(byId<HTMLTableElement>("nodes"), COLUMNS, ({ id }: Row) => id);

  show({ node, online }: Snapshot): void {
    byId("nodes-card").hidden = !node;
    if (!node) return;
    const rows = [{ id: node.id, name: `${node.name} (this one)`, online }, ...node.others];
    this.#table.show(rows);
    setText(byId("nodes-count"), format.count(rows.length));
    setText(byId("nodes-state"), reach(node));
    byId("nodes-state").classList.toggle("bad", !node.up);
    setText(byId("nodes-traffic"), traffic(node));
    const all = rows.reduce((sum, row) => sum + row.online, 0);
    setText(byId("nodes-online"), `${format.count(all)} online on all nodes`);
  }
}

function reach({ up, broker }: NodeReport): string {
  if (up) return `Over ${broker}.`;
  return `${broker} cannot be reached. Rooms go on here; what is said for other nodes waits.`;
}

function traffic({ published, heard, queued, gaps, missed, dropped }: NodeReport): string {
  const facts = [`${format.count(published)} messages out`, `${format.count(heard)} in`];
  if (queued > 0) facts.push(`${format.bytes(queued)} wait`);
  if (dropped > 0) facts.push(`${format.count(dropped)} dropped`);
  if (gaps > 0) facts.push(`at least ${format.count(missed)} missed in ${format.count(gaps)} gaps`);
  return facts.join(" · ");
}
