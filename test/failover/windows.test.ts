import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  comingOpening,
  isAnyOpen,
  lastOpening,
  nextOpening,
  windowSchema,
  type WeeklyWindow,
} from "../../src/failover/windows.ts";

const WORKDAYS = ["mon", "tue", "wed", "thu", "fri"] as const;
const EVERY_DAY = [...WORKDAYS, "sat", "sun"] as const;

function aWindow(given: Partial<WeeklyWindow> = {}): WeeklyWindow {
  return { days: [...WORKDAYS], from: "09:00", to: "17:00", time_zone: "Europe/Berlin", ...given };
}

const at = (text: string): number => Date.parse(text);
const told = (instant: number | null) => (instant === null ? null : new Date(instant).toISOString());

const time = fc
  .tuple(fc.integer({ min: 0, max: 23 }), fc.integer({ min: 0, max: 59 }))
  .map((parts) => parts.map((part) => String(part).padStart(2, "0")).join(":"));
const anyWindow = fc
  .record({
    days: fc.shuffledSubarray([...EVERY_DAY], { minLength: 1 }),
    from: time,
    to: time,
    time_zone: fc.constantFrom("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"),
  })
  .filter(({ from, to }) => from !== to);

describe("a window is open by the clocks of its time zone", () => {
  const night = { days: ["fri" as const], from: "22:00", to: "06:00" };
  const shortNight = { days: [...EVERY_DAY], from: "02:15", to: "02:45" };
  const cases: [what: string, window: Partial<WeeklyWindow>, instant: string, open: boolean][] = [
    ["in its middle", {}, "2026-11-23T12:00:00Z", true],
    ["from its first moment", {}, "2026-11-23T08:00:00Z", true],
    ["not a moment earlier", {}, "2026-11-23T07:59:59Z", false],
    ["to its last moment", {}, "2026-11-23T15:59:59Z", true],
    ["not at its end", {}, "2026-11-23T16:00:00Z", false],
    ["an hour earlier in summer", {}, "2026-07-20T07:00:00Z", true],
    ["which ends an hour earlier too", {}, "2026-07-20T15:00:00Z", false],
    ["on no other day", {}, "2026-11-22T12:00:00Z", false],
    [
      "by the day there, which is another one here",
      { time_zone: "Asia/Tokyo" },
      "2026-11-23T00:30:00Z",
      true,
    ],
    ["on Sunday here, Monday there", { time_zone: "Pacific/Kiritimati" }, "2026-11-22T20:00:00Z", true],
    ["in zones of half hours", { time_zone: "Asia/Kolkata" }, "2026-11-23T03:30:00Z", true],
    ["for a whole day", { days: ["sun"], from: "00:00", to: "24:00" }, "2026-11-22T22:59:00Z", true],
    ["and no longer", { days: ["sun"], from: "00:00", to: "24:00" }, "2026-11-22T23:00:00Z", false],
    ["over midnight, before it", night, "2026-11-27T21:00:00Z", true],
    ["over midnight, after it", night, "2026-11-28T04:59:00Z", true],
    ["over midnight, not the night after", night, "2026-11-28T21:00:00Z", false],
    ["over midnight, not the night before", night, "2026-11-27T04:00:00Z", false],
    ["not in an hour that is skipped", shortNight, "2026-03-29T01:20:00Z", false],
    ["in an hour that comes twice, the first time", shortNight, "2026-10-25T00:20:00Z", true],
    ["in an hour that comes twice, the second time", shortNight, "2026-10-25T01:20:00Z", true],
    ["in an hour that comes twice, not in between", shortNight, "2026-10-25T01:00:00Z", false],
  ];
  test.each(cases)("%s", (_, window, instant, open) => {
    expect(isAnyOpen([aWindow(window)], at(instant))).toBe(open);
  });

  test("any of several is enough", () => {
    const windows = [aWindow(), aWindow({ days: ["sat"], from: "10:00", to: "12:00" })];
    expect(isAnyOpen(windows, at("2026-11-28T10:00:00Z"))).toBe(true);
    expect(isAnyOpen(windows, at("2026-11-28T12:00:00Z"))).toBe(false);
    expect(isAnyOpen([], at("2026-11-28T12:00:00Z"))).toBe(false);
  });
});

describe("the next opening", () => {
  const night = { days: [...EVERY_DAY], from: "02:30", to: "04:00" };
  const cases: [what: string, window: Partial<WeeklyWindow>, now: string, opening: string][] = [
    ["is later today", {}, "2026-11-23T05:00:00Z", "2026-11-23T08:00:00.000Z"],
    ["is tomorrow", {}, "2026-11-23T18:00:00Z", "2026-11-24T08:00:00.000Z"],
    ["is after the weekend", {}, "2026-11-27T18:00:00Z", "2026-11-30T08:00:00.000Z"],
    ["is next week on the same day", { days: ["mon"] }, "2026-11-23T18:00:00Z", "2026-11-30T08:00:00.000Z"],
    ["is by summer time once it is summer", {}, "2026-03-27T18:00:00Z", "2026-03-30T07:00:00.000Z"],
    ["is by winter time once it is winter", {}, "2026-10-23T18:00:00Z", "2026-10-26T08:00:00.000Z"],
    ["is at the change where it falls into it", night, "2026-03-28T20:00:00Z", "2026-03-29T01:00:00.000Z"],
    [
      "is a day later where all of it is skipped",
      { ...night, to: "02:45" },
      "2026-03-28T20:00:00Z",
      "2026-03-30T00:30:00.000Z",
    ],
    [
      "is a week later where all of a weekly one is skipped",
      { ...night, days: ["sun"], to: "02:45" },
      "2026-03-28T20:00:00Z",
      "2026-04-05T00:30:00.000Z",
    ],
    [
      "comes twice in an hour that comes twice",
      { ...night, to: "02:45" },
      "2026-10-25T00:50:00Z",
      "2026-10-25T01:30:00.000Z",
    ],
    [
      "is west of here",
      { time_zone: "America/St_Johns" },
      "2026-11-23T00:00:00Z",
      "2026-11-23T12:30:00.000Z",
    ],
  ];
  test.each(cases)("%s", (_, window, now, opening) => {
    expect(told(nextOpening([aWindow(window)], at(now)))).toBe(opening);
  });

  test("is the first of several windows", () => {
    const windows = [aWindow({ days: ["wed"] }), aWindow({ days: ["tue"] })];
    expect(told(nextOpening(windows, at("2026-11-23T18:00:00Z")))).toBe("2026-11-24T08:00:00.000Z");
    expect(nextOpening([], at("2026-11-23T18:00:00Z"))).toBeNull();
  });

  test("is open, and nothing between now and then is, whatever the window and the time of the year", () => {
    fc.assert(
      fc.property(
        anyWindow,
        fc.integer({ min: at("2026-01-01T00:00:00Z") / 60_000, max: at("2027-01-01T00:00:00Z") / 60_000 }),
        (window, minute) => {
          const now = minute * 60_000;
          fc.pre(!isAnyOpen([window], now));
          const opening = nextOpening([window], now);
          expect(opening).toBeGreaterThan(now);
          expect(isAnyOpen([window], opening ?? 0)).toBe(true);
          // Lord Howe changes by half an hour: a much coarser step would jump over an opening there.
          const step = Math.max(11, Math.round(((opening ?? 0) - now) / 60_000 / 60)) * 60_000;
          for (let between = now; between < (opening ?? 0); between += step)
            expect(isAnyOpen([window], between)).toBe(false);
          expect(isAnyOpen([window], (opening ?? 0) - 60_000)).toBe(false);
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe("the last opening", () => {
  const night = { days: [...EVERY_DAY], from: "22:00", to: "06:00" };
  const small = { days: [...EVERY_DAY], from: "02:30", to: "04:00" };
  const cases: [what: string, window: Partial<WeeklyWindow>, now: string, from: string, to: string][] = [
    ["is today's", {}, "2026-11-23T12:00:00Z", "2026-11-23T08:00:00Z", "2026-11-23T16:00:00Z"],
    ["begins now", {}, "2026-11-23T08:00:00Z", "2026-11-23T08:00:00Z", "2026-11-23T16:00:00Z"],
    ["is over", {}, "2026-11-23T20:00:00Z", "2026-11-23T08:00:00Z", "2026-11-23T16:00:00Z"],
    ["was before the weekend", {}, "2026-11-22T12:00:00Z", "2026-11-20T08:00:00Z", "2026-11-20T16:00:00Z"],
    ["is over midnight", night, "2026-11-24T02:00:00Z", "2026-11-23T21:00:00Z", "2026-11-24T05:00:00Z"],
    [
      "is a day's own where one follows the other",
      { days: [...EVERY_DAY], from: "00:00", to: "24:00" },
      "2026-11-24T12:00:00Z",
      "2026-11-23T23:00:00Z",
      "2026-11-24T23:00:00Z",
    ],
    [
      "begins where the clocks go on in it",
      small,
      "2026-03-29T01:30:00Z",
      "2026-03-29T01:00:00Z",
      "2026-03-29T02:00:00Z",
    ],
    [
      "ends where they do",
      { ...small, from: "01:00", to: "02:30" },
      "2026-03-29T00:30:00Z",
      "2026-03-29T00:00:00Z",
      "2026-03-29T01:00:00Z",
    ],
    [
      "is not taken for yesterday's, which was open until just before the clocks go back",
      { days: [...EVERY_DAY], from: "04:00", to: "03:30" },
      "2026-10-25T12:00:00Z",
      "2026-10-25T03:00:00Z",
      "2026-10-26T02:30:00Z",
    ],
    [
      "was the day before where all of it is skipped",
      { ...small, to: "02:45" },
      "2026-03-29T12:00:00Z",
      "2026-03-28T01:30:00Z",
      "2026-03-28T01:45:00Z",
    ],
    [
      "is one where the clocks show its hour twice",
      { ...small, to: "02:45" },
      "2026-10-25T02:00:00Z",
      "2026-10-25T00:30:00Z",
      "2026-10-25T01:45:00Z",
    ],
  ];
  test.each(cases)("%s", (_, window, now, from, to) => {
    const opening = lastOpening([aWindow(window)], at(now));
    expect([told(opening?.opensAt ?? null), told(opening?.closesAt ?? null)]).toEqual([
      told(at(from)),
      told(at(to)),
    ]);
  });

  test("of several windows is the latest, and the longest of those that opened together", () => {
    const windows = [
      aWindow({ to: "10:00" }),
      aWindow(),
      aWindow({ days: ["mon"], from: "12:00", to: "13:00" }),
    ];
    expect(lastOpening(windows, at("2026-11-23T10:00:00Z"))?.closesAt).toBe(at("2026-11-23T16:00:00Z"));
    expect(lastOpening(windows, at("2026-11-23T11:30:00Z"))?.opensAt).toBe(at("2026-11-23T11:00:00Z"));
    expect(lastOpening([], at("2026-11-23T10:00:00Z"))).toBeNull();
  });

  test("is followed by the coming one, whose hour may be shown twice", () => {
    const windows = [aWindow({ ...small, to: "02:45" })];
    expect(told(comingOpening(windows, at("2026-10-24T12:00:00Z"))?.opensAt ?? null)).toBe(
      "2026-10-25T00:30:00.000Z",
    );
    expect(told(comingOpening(windows, at("2026-10-25T00:50:00Z"))?.opensAt ?? null)).toBe(
      "2026-10-26T01:30:00.000Z",
    );
  });

  test("is found again by looking back from any later moment before the next one", () => {
    fc.assert(
      fc.property(
        anyWindow,
        fc.integer({ min: at("2026-01-01T00:00:00Z") / 60_000, max: at("2027-01-01T00:00:00Z") / 60_000 }),
        (window, minute) => {
          const coming = comingOpening([window], minute * 60_000);
          if (coming === null) throw new Error("a window never opens");
          expect(coming.closesAt).toBeGreaterThan(coming.opensAt);
          expect(isAnyOpen([window], coming.opensAt)).toBe(true);
          expect(isAnyOpen([window], coming.closesAt - 60_000)).toBe(true);
          expect(lastOpening([window], coming.opensAt)).toEqual(coming);
          const next = comingOpening([window], coming.opensAt);
          expect(lastOpening([window], (next?.opensAt ?? 0) - 60_000)).toEqual(coming);
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe("what is no window is refused", () => {
  const cases: [member: string, window: object, message: RegExp][] = [
    ["days", { days: [] }, /1/],
    ["days", { days: ["mon", "mon"] }, /each day once/],
    ["days", { days: ["monday"] }, /"mon"/],
    ["from", { from: "9:00" }, /09:00/],
    ["from", { from: "24:00" }, /09:00/],
    ["to", { to: "24:01" }, /17:00/],
    ["to", { to: "09:00" }, /00:00 to 24:00/],
    ["time_zone", { time_zone: "Europe/Berlim" }, /Europe\/Berlin/],
    ["time_zone", { time_zone: "+01:00" }, /Europe\/Berlin/],
    ["time_zone", { time_zone: "" }, /Europe\/Berlin/],
  ];
  test.each(cases)("%s of %j", (member, given, message) => {
    const { error } = windowSchema.safeParse({ ...aWindow(), ...given });
    expect(error?.issues).toMatchObject([{ message: expect.stringMatching(message) }]);
    expect(error?.issues[0]?.path[0]).toBe(member);
  });
});
