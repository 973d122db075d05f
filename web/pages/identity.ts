// Who the user is, and in which room: from the address, from the last visit, or made up. Not here: any proof of it.

const NAMES = [
  "Amber",
  "Birch",
  "Cedar",
  "Delta",
  "Ember",
  "Fjord",
  "Heron",
  "Juniper",
  "Kelp",
  "Lichen",
  "Marten",
  "Osprey",
  "Pebble",
  "Quartz",
  "Rowan",
  "Sedge",
  "Tarn",
  "Willow",
];
const KEPT = "sockeye.name";

export interface Identity {
  name: string;
  room: string;
}

export function identity(): Identity {
  const asked = new URLSearchParams(location.search);
  const name = asked.get("name")?.trim() || kept() || invented();
  return { name, room: asked.get("room")?.trim() || "lobby" };
}

/** The name is for the next visit; the room stands in the address, which can be given to others. */
export function keep({ name, room }: Identity): void {
  try {
    localStorage.setItem(KEPT, name);
  } catch {
    // A browser that keeps nothing asks again.
  }
  const address = new URL(location.href);
  address.search = "";
  if (room !== "lobby") address.searchParams.set("room", room);
  history.replaceState(null, "", address);
}

function kept(): string | null {
  try {
    return localStorage.getItem(KEPT);
  } catch {
    return null;
  }
}

function invented(): string {
  const word = NAMES[Math.floor(Math.random() * NAMES.length)];
  return `${word} ${Math.floor(Math.random() * 90) + 10}`;
}

/** One of the ten colours, always the same for a name. */
export function hue(name: string): string {
  let hash = 7;
  for (const letter of name) hash = Math.imul(hash ^ (letter.codePointAt(0) ?? 0), 0x01000193);
  return `hue-${((hash ^ (hash >>> 15)) >>> 0) % 10}`;
}
