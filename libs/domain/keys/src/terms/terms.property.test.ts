import * as fc from "fast-check";
import { expect, test } from "vitest";
import { happenings } from "../../test/arbitrary-terms.ts";
import { ChangeRefusedError, changeTerms, dependsOnTraffic, applyDue } from "./change-terms.ts";
import { dueTraffic, isInService, nextDueAt, statusOf, termsAt, usedTraffic } from "./key-status.ts";
import { firstTerms, type KeyTerms, type TrafficBytes } from "./key-terms.ts";

const BORN = 1_774_000_000;
const RUNS = { numRuns: 2_000 };
const NOTHING: TrafficBytes = { upload: 0, download: 0 };

type Happening = ReturnType<typeof happenings> extends fc.Arbitrary<infer T> ? T : never;

/** A key, what it has moved, and the time. */
class History {
  terms: KeyTerms = firstTerms({}, { createdAt: BORN, nextResetAt: null });
  now = BORN * 1_000 + 250;
  lifetime = NOTHING;
  reset = NOTHING;
  readonly timeZone: string;

  constructor(timeZone: string) {
    this.timeZone = timeZone;
  }

  get context() {
    const { now, lifetime, reset, timeZone } = this;
    return { now, lifetime, reset, timeZone };
  }

  get moved(): number {
    return this.lifetime.upload + this.lifetime.download;
  }

  happens(happening: Happening): void {
    switch (happening.kind) {
      case "change":
        try {
          this.terms = changeTerms(this.terms, happening.change, this.context);
        } catch (error) {
          if (!(error instanceof ChangeRefusedError)) throw error;
        }
        return;
      case "bytes": {
        const upload = Math.floor(happening.bytes / 3);
        this.lifetime = {
          upload: this.lifetime.upload + upload,
          download: this.lifetime.download + happening.bytes - upload,
        };
        return;
      }
      case "ledger-reset":
        this.reset = this.lifetime;
        return;
      case "time":
        this.now += happening.seconds * 1_000;
        return;
      case "look":
        this.terms = applyDue(this.terms, this.context);
    }
  }
}

const histories = fc.record({
  timeZone: fc.constantFrom("UTC", "Europe/Moscow", "America/Havana"),
  happenings: fc.array(happenings(BORN), { maxLength: 25 }),
});

/** Runs histories, and the check after everything that happens. */
function always(check: (history: History, before: KeyTerms, happening: Happening) => void): void {
  fc.assert(
    fc.property(histories, ({ timeZone, happenings: all }) => {
      const history = new History(timeZone);
      for (const happening of all) {
        const before = history.terms;
        history.happens(happening);
        check(history, before, happening);
      }
    }),
    RUNS,
  );
}

/** Whether traffic alone has made something due that no reader can know of before a worker has looked. */
function isTrafficDue({ terms, moved }: History): boolean {
  return moved >= (dueTraffic(terms) ?? Number.POSITIVE_INFINITY);
}

test("a reader shows before a worker has looked what is stored afterwards", () => {
  always((history) => {
    if (isTrafficDue(history)) return;
    const { terms, now, context } = history;
    const applied = applyDue(terms, context);
    // A limit that bytes or a reset of the ledger have passed is stored by the look alone.
    if ((applied.limitedAt === null) !== (termsAt(terms, now).limitedAt === null)) return;
    const shown = termsAt(terms, now);
    expect(shown.revision).toBe(applied.revision);
    expect([shown.expiresAt, shown.holdFor, shown.holdUntil]).toEqual([
      applied.expiresAt,
      applied.holdFor,
      applied.holdUntil,
    ]);
    expect(statusOf(terms, now)).toBe(statusOf(applied, now));
    expect(usedTraffic(terms, context, now)).toEqual(usedTraffic(applied, context, now));
  });
});

test("what a worker has stored is up to date: a second look stores nothing, and a reader adds nothing", () => {
  always((history) => {
    const applied = applyDue(history.terms, history.context);
    expect(applyDue(applied, history.context)).toBe(applied);
    expect(termsAt(applied, history.now)).toEqual(applied);
  });
});

test("after a look a key is in service only if it is switched on, not over, and below its limit", () => {
  always((history, _before, { kind }) => {
    if (kind !== "look" && kind !== "change") return;
    const { now, context } = history;
    const terms = kind === "look" ? history.terms : applyDue(history.terms, context);
    const { upload, download } = usedTraffic(terms, context, now);
    const isServed =
      terms.enabled &&
      (terms.expiresAt === null || terms.expiresAt * 1_000 > now) &&
      (terms.trafficLimit === null || upload + download < terms.trafficLimit);
    expect(isInService(terms, now)).toBe(isServed);
  });
});

test("a change itself, before any look, never serves what is off, over or used up", () => {
  always(({ terms, now, context }, before, { kind }) => {
    if (kind !== "change" || terms === before || !isInService(terms, now)) return;
    const { upload, download } = usedTraffic(terms, context, now);
    expect(terms.enabled).toBe(true);
    expect(terms.expiresAt ?? Number.POSITIVE_INFINITY).toBeGreaterThan(now / 1_000);
    expect(upload + download).toBeLessThan(terms.trafficLimit ?? Number.POSITIVE_INFINITY);
  });
});

test("the revision rises by one with a change that changes anything, and never falls", () => {
  always((history, before, happening) => {
    const { terms, context } = history;
    expect(terms.revision).toBeGreaterThanOrEqual(before.revision);
    if (happening.kind === "bytes" || happening.kind === "time") expect(terms).toBe(before);
    if (happening.kind !== "change" || terms === before) return;
    const due = applyDue(before, context);
    expect(terms.revision - due.revision).toBe(terms === due || JSON.stringify(terms) === JSON.stringify(due) ? 0 : 1);
  });
});

test("bytes alone raise no revision, unless the first of them begin a term", () => {
  always(({ terms, now, lifetime, reset, timeZone }) => {
    const quiet = { now, lifetime: terms.usedFrom, reset: NOTHING, timeZone };
    if (terms.holdFor !== null) return;
    expect(applyDue(terms, { now, lifetime, reset, timeZone }).revision).toBe(applyDue(terms, quiet).revision);
  });
});

test("whatever becomes due by time is expected at its moment", () => {
  always(({ terms, now, context }) => {
    const applied = applyDue(terms, context);
    const next = nextDueAt(applied, now);
    if (next !== null) expect(next * 1_000).toBeGreaterThan(now);
    const justBefore = (next ?? BORN * 2) * 1_000 - 1;
    expect(applyDue(applied, { ...context, now: justBefore })).toBe(applied);
    if (next !== null) expect(applyDue(applied, { ...context, now: next * 1_000 })).not.toBe(applied);
  });
});

test("whatever becomes due by traffic is expected at its byte", () => {
  always(({ terms, context }) => {
    const applied = applyDue(terms, context);
    const due = dueTraffic(applied);
    if (due === null) return;
    const { lifetime } = context;
    const short = due - 1 - lifetime.upload - lifetime.download;
    expect(short).toBeGreaterThanOrEqual(0);
    const moved = (bytes: number) => ({ upload: lifetime.upload, download: lifetime.download + bytes });
    expect(applyDue(applied, { ...context, lifetime: moved(short) })).toBe(applied);
    expect(applyDue(applied, { ...context, lifetime: moved(short + 1) })).not.toBe(applied);
  });
});

test("where traffic has no say in a change or a look, it makes no difference that nobody read it", () => {
  let unread = 0;
  always(({ terms, context }, before, happening) => {
    const change = happening.kind === "change" ? happening.change : {};
    const { now } = context;
    if ((happening.kind !== "change" && happening.kind !== "look") || dependsOnTraffic(before, change, now)) return;
    const ignorant = { ...context, lifetime: NOTHING, reset: NOTHING };
    const after = () =>
      happening.kind === "change" ? changeTerms(before, change, ignorant) : applyDue(before, ignorant);
    try {
      expect({ ...after(), usedFrom: null }).toEqual({ ...terms, usedFrom: null });
      unread += 1;
    } catch (error) {
      if (!(error instanceof ChangeRefusedError)) throw error;
    }
  });
  expect(unread).toBeGreaterThan(1_000);
});
