// Figures as people read them. Not here: where they stand.

const whole = new Intl.NumberFormat(undefined, { maximumFractionDigits: 0 });
const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];
const clock = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  fractionalSecondDigits: 3,
  hourCycle: "h23",
});
const day = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

export function count(value: number): string {
  return whole.format(value);
}

/** Two figures that mean something: a rate of 0.4 a second is not nothing. */
export function rate(value: number): string {
  return value > 0 && value < 10 ? value.toFixed(1) : whole.format(value);
}

export function bytes(value: number): string {
  let unit = 0;
  let rest = value;
  while (rest >= 1_000 && unit < UNITS.length - 1) {
    rest /= 1_024;
    unit += 1;
  }
  return `${unit > 0 && rest < 10 ? rest.toFixed(1) : whole.format(rest)} ${UNITS[unit]}`;
}

export function span(seconds: number): string {
  if (seconds < 60) return `${Math.max(0, Math.floor(seconds))} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)} h ${Math.floor((seconds % 3_600) / 60)} min`;
  return `${Math.floor(seconds / 86_400)} d ${Math.floor((seconds % 86_400) / 3_600)} h`;
}

export function roundTrip(milliseconds: number | null | undefined): string {
  if (milliseconds === null || milliseconds === undefined) return "–";
  return `${milliseconds < 10 ? milliseconds.toFixed(1) : whole.format(milliseconds)} ms`;
}

export function timeOfDay(time: number): string {
  return clock.format(time);
}

export function moment(time: number): string {
  return day.format(time);
}
