// Decides whether a weekly window is open at an instant, and when it opens next. A window is told by the clocks of its
// time zone, so it moves with them where they change: an hour that is skipped opens nothing, one that comes twice
// opens twice.
import { z } from "zod";

const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;
type Day = (typeof DAYS)[number];

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** A week, and another for a window that falls into an hour that is skipped. */
const MOST_DAYS_AHEAD = 15;

/** Names only: an offset knows nothing of clocks that change. */
function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    return new Intl.DateTimeFormat("en-US", { timeZone: name }).resolvedOptions().timeZone !== "";
  } catch {
    return false;
  }
}

export const windowSchema = z
  .strictObject({
    days: z
      .array(z.enum(DAYS))
      .min(1)
      .refine((days) => new Set(days).size === days.length, "must name each day once")
      .meta({ description: "The days on which it opens.", example: ["mon", "tue", "wed", "thu", "fri"] }),
    from: z
      .string()
      .regex(/^([01]\d|2[0-3]):[0-5]\d$/, "must be a time such as 09:00")
      .meta({ description: "When it opens, by the clocks of its time zone.", example: "09:00" }),
    to: z
      .string()
      .regex(/^(([01]\d|2[0-3]):[0-5]\d|24:00)$/, "must be a time such as 17:00, at most 24:00")
      .meta({
        description: "When it closes: on the next day where this is earlier than `from`.",
        example: "17:00",
      }),
    time_zone: z
      .string()
      .refine(isTimeZone, "is not the name of a time zone, such as Europe/Berlin")
      .meta({ description: "The time zone's name.", example: "Europe/Berlin" }),
  })
  .refine(({ from, to }) => from !== to, {
    path: ["to"],
    message: "must differ from `from`; a whole day is from 00:00 to 24:00",
  });

export type WeeklyWindow = z.output<typeof windowSchema>;

interface WallClock {
  readonly day: Day;
  /** Since midnight. */
  readonly minutes: number;
  /** What the clocks show, as if it were UTC: ms since the epoch. */
  readonly shown: number;
}

function wallClock(at: number, timeZone: string): WallClock {
  const parts = new Intl.DateTimeFormat("en-US", {
    timeZone,
    hourCycle: "h23",
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
  }).formatToParts(at);
  const part = (wanted: string) => Number(parts.find(({ type }) => type === wanted)?.value);
  const [year, month, date, hour, minute] = ["year", "month", "day", "hour", "minute"].map(part);
  const midnight = Date.UTC(year ?? 0, (month ?? 1) - 1, date);
  const minutes = (hour ?? 0) * 60 + (minute ?? 0);
  return { day: dayOf(midnight), minutes, shown: midnight + minutes * MINUTE_MS + part("second") * 1000 };
}

function dayOf(shown: number): Day {
  // getUTCDay counts from Sunday.
  return DAYS[(new Date(shown).getUTCDay() + 6) % 7] ?? "mon";
}

function dayBefore(day: Day): Day {
  return DAYS[(DAYS.indexOf(day) + 6) % 7] ?? "sun";
}

function minutesOf(time: string): number {
  const [hours = 0, minutes = 0] = time.split(":").map(Number);
  return hours * 60 + minutes;
}

function isOpen(window: WeeklyWindow, at: number): boolean {
  const { day, minutes } = wallClock(at, window.time_zone);
  const [from, to] = [minutesOf(window.from), minutesOf(window.to)];
  const opensToday = window.days.includes(day);
  if (from < to) return opensToday && from <= minutes && minutes < to;
  return (opensToday && from <= minutes) || (window.days.includes(dayBefore(day)) && minutes < to);
}

/** Whether any of them is open; `at` in ms since the epoch, as all instants here. */
export function isAnyOpen(windows: readonly WeeklyWindow[], at: number): boolean {
  return windows.some((window) => isOpen(window, at));
}

/** The first minute after `before` in which a window is open, or is closed; by `after` it is. */
function firstMinute(wanted: "open" | "closed", window: WeeklyWindow, before: number, after: number): number {
  let [early, late] = [before, after];
  while (late - early > MINUTE_MS) {
    const middle = early + Math.floor((late - early) / 2 / MINUTE_MS) * MINUTE_MS;
    if (isOpen(window, middle) === (wanted === "open")) late = middle;
    else early = middle;
  }
  return late;
}

/** Where a zone's clocks may show this: between the two, which differ only near a change of the clocks. */
function boundsOf(timeZone: string, shown: number): [early: number, late: number] {
  const offsets = [shown - DAY_MS, shown + DAY_MS].map((at) => wallClock(at, timeZone).shown - at);
  return [shown - Math.max(...offsets), shown - Math.min(...offsets)];
}

/** The instants at which a zone's clocks show this: none where it is skipped, two where it comes twice. */
function instantsShowing(timeZone: string, shown: number): number[] {
  const instants = new Set(boundsOf(timeZone, shown));
  return [...instants].filter((at) => wallClock(at, timeZone).shown === shown);
}

/** When a window opens on one day: not at all, once or twice. */
function openingsOn(window: WeeklyWindow, shownMidnight: number): number[] {
  const shown = shownMidnight + minutesOf(window.from) * MINUTE_MS;
  const instants = instantsShowing(window.time_zone, shown);
  if (instants.length > 0) return instants;
  const [early, late] = boundsOf(window.time_zone, shown);
  return isOpen(window, late) ? [firstMinute("open", window, early, late)] : [];
}

/** When the first of them opens that are closed now; null where none ever does. */
export function nextOpening(windows: readonly WeeklyWindow[], now: number): number | null {
  const openings = windows.flatMap((window) => {
    const today = wallClock(now, window.time_zone);
    const midnight = today.shown - (today.shown % DAY_MS);
    for (let days = 0; days <= MOST_DAYS_AHEAD; days += 1) {
      const that = midnight + days * DAY_MS;
      const coming = window.days.includes(dayOf(that))
        ? openingsOn(window, that).filter((at) => at > now)
        : [];
      if (coming.length > 0) return [Math.min(...coming)];
    }
    return [];
  });
  return openings.length === 0 ? null : Math.min(...openings);
}

/** From the first moment of a window on one day to its last: also where the clocks go back within it, this is one. */
export interface Opening {
  /** Milliseconds since the epoch, as all instants here. */
  readonly opensAt: number;
  readonly closesAt: number;
}

function openingOn(window: WeeklyWindow, shownMidnight: number): Opening | null {
  if (!window.days.includes(dayOf(shownMidnight))) return null;
  const opensAt = openingsOn(window, shownMidnight).at(0);
  if (opensAt === undefined) return null;
  const [from, to] = [minutesOf(window.from), minutesOf(window.to)];
  const shown = shownMidnight + to * MINUTE_MS + (to <= from ? DAY_MS : 0);
  const closesAt = instantsShowing(window.time_zone, shown).at(-1);
  const [early, late] = boundsOf(window.time_zone, shown);
  return { opensAt, closesAt: closesAt ?? firstMinute("closed", window, early, late) };
}

function midnightOf(window: WeeklyWindow, now: number): number {
  const { shown } = wallClock(now, window.time_zone);
  return shown - (shown % DAY_MS);
}

/** For each window the nearest opening before or after `now`, looking day by day. */
function nearest(
  windows: readonly WeeklyWindow[],
  now: number,
  direction: 1 | -1,
  fits: (opening: Opening) => boolean,
): Opening[] {
  return windows.flatMap((window) => {
    const midnight = midnightOf(window, now);
    for (let days = 0; days <= MOST_DAYS_AHEAD; days += 1) {
      const opening = openingOn(window, midnight + direction * days * DAY_MS);
      if (opening !== null && fits(opening)) return [opening];
    }
    return [];
  });
}

/** The last opening that has begun, whether it is over or not; the longest where several began at once. */
export function lastOpening(windows: readonly WeeklyWindow[], now: number): Opening | null {
  const begun = nearest(windows, now, -1, ({ opensAt }) => opensAt <= now);
  const sorted = begun.toSorted((a, b) => b.opensAt - a.opensAt || b.closesAt - a.closesAt);
  return sorted.at(0) ?? null;
}

/** The first opening that has yet to begin. */
export function comingOpening(windows: readonly WeeklyWindow[], now: number): Opening | null {
  const coming = nearest(windows, now, 1, ({ opensAt }) => opensAt > now);
  return coming.toSorted((a, b) => a.opensAt - b.opensAt).at(0) ?? null;
}

/** For how long it is open in a week in which no clock changes. */
export function lengthMs({ from, to }: WeeklyWindow): number {
  const minutes = minutesOf(to) - minutesOf(from);
  return (minutes > 0 ? minutes : minutes + 24 * 60) * MINUTE_MS;
}
