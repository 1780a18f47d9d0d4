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

/** The first open minute after `closed`, an instant at which it is closed, up to `open`, one at which it is open. */
function firstOpenMinute(window: WeeklyWindow, closed: number, open: number): number {
  let [before, after] = [closed, open];
  while (after - before > MINUTE_MS) {
    const middle = before + Math.floor((after - before) / 2 / MINUTE_MS) * MINUTE_MS;
    if (isOpen(window, middle)) after = middle;
    else before = middle;
  }
  return after;
}

/** The instants at which the clocks may show a window's `from` on one day: none, one or two of them are openings. */
function openingsOn(window: WeeklyWindow, shownMidnight: number): number[] {
  const shown = shownMidnight + minutesOf(window.from) * MINUTE_MS;
  const offsets = [shown - DAY_MS, shown + DAY_MS].map((at) => wallClock(at, window.time_zone).shown - at);
  const [early, late] = [shown - Math.max(...offsets), shown - Math.min(...offsets)];
  const isSkipped = !isOpen(window, early) && isOpen(window, late);
  return [isSkipped ? firstOpenMinute(window, early, late) : early, late].filter((at) => isOpen(window, at));
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
