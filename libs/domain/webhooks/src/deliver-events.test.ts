import * as fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { InMemoryEvents, InMemoryWebhooks, storedWebhook, webhookStoreConformance } from "../test/index.ts";
import { deliverEvents, type DeliverPorts, type SendEnd } from "./deliver-events.ts";
import { summaryOf, isDue } from "./delivery-summary.ts";
import { AWAY_AFTER_FAILURES, DEAD_AFTER_MS, MOST_WAITING, RETRY_FOR_MS, waitingOf } from "./delivery-state.ts";
import type { WebhookEvent } from "./webhook-event.ts";

const SECOND_MS = 1_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const failed: SendEnd = { outcome: "failed", error: "it answered 500" };

describe("webhooks in memory", () => {
  const webhooks = new InMemoryWebhooks();
  webhookStoreConformance(
    () => webhooks,
    () => webhooks,
  );
});

describe("deliverEvents", () => {
  let log: InMemoryEvents;
  let store: InMemoryWebhooks;
  let now: number;
  /** How far the shared clock is ahead of the machine's. */
  let aheadMs: number;
  let sent: WebhookEvent[];
  let givenUp: number[];
  let end: (event: WebhookEvent) => SendEnd;
  let webhook: ReturnType<typeof storedWebhook>;

  const begin = async (attributes: Parameters<typeof storedWebhook>[0] = {}) => {
    webhook = storedWebhook(attributes);
    await store.insert(webhook);
  };

  beforeEach(async () => {
    log = new InMemoryEvents();
    store = new InMemoryWebhooks();
    [now, aheadMs] = [1_000_000, 0];
    sent = [];
    givenUp = [];
    end = () => ({ outcome: "delivered" });
    await begin();
  });

  const ports = (own: Partial<DeliverPorts> = {}): DeliverPorts => ({
    events: log,
    deliveries: store,
    send: async (event) => {
      sent.push(event);
      return end(event);
    },
    giveUp: async ({ seq }) => {
      givenUp.push(seq);
      return true;
    },
    clock: {
      now: () => now,
      earliest: () => Math.min(now, now - aheadMs),
      latest: () => Math.max(now, now - aheadMs),
    },
    isOver: () => false,
    ...own,
  });
  const run = (own: Partial<DeliverPorts> = {}) => deliverEvents(webhook, ports(own));
  /** Sets the shared clock so far ahead of the machine's. */
  const setAhead = (ms: number) => {
    [now, aheadMs] = [now + ms - aheadMs, ms];
  };
  /** Lets the receiver fail for the first time while the shared clock is so far ahead. */
  const failFirstWhenAhead = async (days: number) => {
    await begin({ enabledAt: now - 365 * DAY_MS });
    setAhead(days * DAY_MS);
    log.add();
    end = () => failed;
    await run();
  };
  /** After how many hours of a receiver that fails from now on the first event is given up, and the receiver dead. */
  const hoursOfFailing = async () => {
    const after: Record<string, number> = {};
    for (let hour = 0; after["dead"] === undefined && hour < 24 * 7; hour += 1) {
      if (hour % 12 === 0) log.add();
      if ((await run()) === "dead") after["dead"] = hour;
      if (givenUp.length > 0) after["givenUp"] ??= hour;
      now += HOUR_MS;
    }
    return after;
  };
  const state = async () => (await store.delivery(webhook.id)) ?? expect.fail("nothing is kept");
  const sentSeqs = () => sent.map(({ seq }) => seq);
  /** Runs whenever something is due, second by second. */
  const runFor = async (seconds: number) => {
    for (let past = 0; past < seconds; past += 1) {
      if (isDue(summaryOf(await state()), await log.head(), now)) await run();
      now += SECOND_MS;
    }
  };

  it("delivers what came after the webhook was made and is meant for it, once", async () => {
    for (const type of ["key.created", "node.down", "key.deleted", "token.created"]) log.add({ type });
    await begin({ fromSeq: 1, types: ["key.*", "token.created"] });
    expect([await run(), await run()]).toEqual(["idle", "idle"]);
    expect(sentSeqs()).toEqual([3, 4]);
    expect(await state()).toMatchObject({ cursor: 4, lanes: [], failures: 0, lastDeliveredAt: now });
  });

  it("keeps that a receiver was slow until it is asked again and is not", async () => {
    log.add({ subject: "key:1" });
    log.add({ subject: "key:2" });
    end = ({ seq }) => ({ outcome: "delivered", isSlow: seq === 1 });
    await run();
    expect(await state()).toMatchObject({ isSlow: true, cursor: 2 });
    log.add();
    end = () => ({ ...failed, isSlow: true });
    await run();
    log.add({ type: "token.created" });
    webhook = { ...webhook, types: ["key.*"] };
    await run();
    expect(await state()).toMatchObject({ isSlow: true, cursor: 4 });
    now += SECOND_MS;
    end = () => ({ outcome: "delivered", isSlow: false });
    await run();
    expect(await state()).toMatchObject({ isSlow: false, lanes: [] });
  });

  it("sends a webhook with an owner the events of this owner alone", async () => {
    for (const owner of [null, "shop", "other"]) log.add({ owner });
    await begin({ owner: "shop" });
    await run();
    expect(sentSeqs()).toEqual([2]);
  });

  it("lets a subject wait whose event failed, and no other one, and retries after 1, 2 and 4 seconds", async () => {
    for (const subject of ["key:1", "key:2", "key:1", "key:2"]) log.add({ subject });
    end = ({ subject }) => (subject === "key:1" ? failed : { outcome: "delivered" });
    await run();
    expect(sentSeqs()).toEqual([1, 2, 4]);
    const begun = now;
    const times: number[] = [];
    end = ({ subject }) => {
      if (subject === "key:1") times.push((now - begun) / SECOND_MS);
      return failed;
    };
    await runFor(8);
    expect(times).toEqual([1, 3, 7]);
    end = () => ({ outcome: "delivered" });
    sent = [];
    await runFor(8);
    expect(sentSeqs()).toEqual([1, 3]);
    expect(await state()).toMatchObject({ lanes: [], lastError: null, failingSince: null });
  });

  it("tries at most an hour apart, for 24 hours, and then hands the event over and goes on with the next one", async () => {
    log.add();
    log.add();
    end = ({ seq }) => (seq === 1 ? failed : { outcome: "delivered" });
    await run();
    let last = now;
    while (givenUp.length === 0) {
      const [lane] = (await state()).lanes;
      now = lane?.nextAt ?? expect.fail("nothing waits");
      expect(now - last).toBeLessThanOrEqual(HOUR_MS);
      last = now;
      await run();
    }
    expect(givenUp).toEqual([1]);
    expect(now - 1_000_000).toBeGreaterThanOrEqual(RETRY_FOR_MS);
    expect(now - 1_000_000).toBeLessThan(RETRY_FOR_MS + 2 * HOUR_MS);
    expect(sentSeqs().at(-1)).toBe(2);
    expect(await state()).toMatchObject({ cursor: 2, lanes: [] });
  });

  it("keeps an event that can't be handed over", async () => {
    log.add();
    end = () => failed;
    await run();
    now += RETRY_FOR_MS;
    await run({ giveUp: async () => false });
    expect(waitingOf(await state())).toBe(1);
  });

  it("leaves a receiver alone that takes nothing, and leaves what it does not get in the log", async () => {
    for (let index = 0; index < 5_000; index += 1) log.add({ subject: `key:${index}` });
    end = () => failed;
    await run();
    expect(sent.length).toBeLessThan(2 * AWAY_AFTER_FAILURES);
    const before = sent.length;
    await runFor(600);
    expect(sent.length - before).toBeLessThanOrEqual(20);
    expect(waitingOf(await state())).toBeLessThan(MOST_WAITING);
    end = () => ({ outcome: "delivered" });
    await runFor(70);
    expect(new Set(sentSeqs()).size).toBe(5_000);
    expect(await state()).toMatchObject({ cursor: 5_000, lanes: [] });
  });

  it("delivers a new event while every older one is one that the receiver never takes", async () => {
    for (let index = 0; index < 2 * AWAY_AFTER_FAILURES; index += 1) log.add({ subject: `key:${index}` });
    end = ({ seq }) => (seq <= 2 * AWAY_AFTER_FAILURES ? failed : { outcome: "delivered" });
    await run();
    const fresh = log.add({ subject: "key:new" });
    await runFor(60);
    expect(sentSeqs()).toContain(fresh.seq);
  });

  it("delivers a new event at once while one fails for hours", async () => {
    log.add({ subject: "key:1" });
    end = ({ subject }) => (subject === "key:1" ? failed : { outcome: "delivered" });
    await run();
    for (let attempt = 0; attempt < 2 * AWAY_AFTER_FAILURES; attempt += 1) {
      now = (await state()).lanes[0]?.nextAt ?? expect.fail("nothing waits");
      await run();
    }
    log.add({ subject: "key:2" });
    await run();
    expect(sentSeqs().at(-1)).toBe(2);
  });

  it("calls a receiver dead that took nothing for three days, and tries anew when it is switched on", async () => {
    log.add();
    end = () => failed;
    await run();
    now += DEAD_AFTER_MS - 1;
    expect(await run({ giveUp: async () => false })).not.toBe("dead");
    now += HOUR_MS;
    expect(await run({ giveUp: async () => false })).toBe("dead");
    webhook = { ...webhook, enabledAt: now + 1 };
    now += 2;
    end = () => ({ outcome: "delivered" });
    expect(await run()).toBe("idle");
    expect(await state()).toMatchObject({ failingSince: null, lanes: [] });
  });

  it("calls no receiver dead by the first failure after days in which there was nothing to send", async () => {
    log.add();
    end = () => failed;
    await run();
    now += RETRY_FOR_MS;
    await run();
    expect([givenUp, (await state()).lanes]).toEqual([[1], []]);
    now += DEAD_AFTER_MS;
    log.add();
    expect(await run()).not.toBe("dead");
    expect(await state()).toMatchObject({ failingSince: 1_000_000 });
    end = () => ({ outcome: "delivered" });
    now += SECOND_MS;
    expect(await run()).toBe("idle");
    expect(await state()).toMatchObject({ failingSince: null, lanes: [] });
  });

  it("calls a receiver dead that gets an event only now and then, and takes none of them", async () => {
    end = () => failed;
    let last = "";
    for (let hour = 0; hour < 24 * 5 && last !== "dead"; hour += 1) {
      if (hour % 30 === 0) log.add();
      last = await run();
      now += HOUR_MS;
    }
    expect(last).toBe("dead");
    expect(now - 1_000_000).toBeLessThan(DEAD_AFTER_MS + 24 * HOUR_MS);
  });

  it.each([
    [0, 30],
    [-30, 0],
  ])("gives nothing up before its time when the shared clock is set from %d to %d days ahead", async (from, to) => {
    await failFirstWhenAhead(from);
    setAhead(to * DAY_MS);
    now += SECOND_MS;
    expect([await run(), givenUp]).toEqual(["idle", []]);
  });

  it.each([
    [0, 30],
    [-30, 0],
  ])("calls nobody dead by a shared clock that is set from %d to %d days ahead", async (from, to) => {
    await failFirstWhenAhead(from);
    now += 2 * HOUR_MS;
    setAhead(to * DAY_MS);
    expect([await run(), givenUp]).toEqual(["idle", []]);
  });

  it("gives up and calls dead in time although the shared clock was ahead when the receiver first failed", async () => {
    setAhead(365 * DAY_MS);
    log.add();
    end = () => failed;
    await run();
    setAhead(0);
    expect(await hoursOfFailing()).toEqual({ givenUp: 24, dead: 72 });
  });

  it("goes on within a second with what waited when the shared clock is set back", async () => {
    for (let index = 0; index < 2 * AWAY_AFTER_FAILURES; index += 1) log.add({ subject: `key:${index}` });
    end = () => failed;
    await run();
    now -= 24 * HOUR_MS;
    end = () => ({ outcome: "delivered" });
    sent = [];
    await runFor(1);
    expect(new Set(sentSeqs()).size).toBe(2 * AWAY_AFTER_FAILURES);
    expect(await state()).toMatchObject({ failures: 0, lanes: [] });
  });

  it("tries an event a second later and not at once, also when the clock was set back since the webhook was made", async () => {
    await begin({ enabledAt: now + 24 * HOUR_MS });
    log.add();
    end = () => {
      now += 10;
      return failed;
    };
    await run();
    expect(sent).toHaveLength(1);
  });

  it("gives nothing up, and calls nobody dead, while it is not the receiver's fault", async () => {
    for (let index = 0; index < 40; index += 1) log.add({ subject: `key:${index}` });
    end = () => ({ outcome: "failed", error: "the secret can't be opened", isOurs: true });
    const ends = new Set<string>();
    for (let hour = 0; hour < 24 * 5; hour += 1) {
      ends.add(await run());
      now += HOUR_MS;
    }
    expect([ends.has("dead"), givenUp]).toEqual([false, []]);
    expect(await state()).toMatchObject({ failingSince: 1_000_000, lastError: "the secret can't be opened" });
    end = () => ({ outcome: "delivered" });
    sent = [];
    await runFor(70);
    expect(new Set(sentSeqs()).size).toBe(40);
  });

  it("gives the receiver all its time once it was not its fault any more", async () => {
    await begin({ enabledAt: now - 365 * DAY_MS });
    log.add();
    end = () => ({ outcome: "failed", error: "the secret can't be opened", isOurs: true });
    for (let hour = 0; hour < 24 * 4; hour += 1) {
      await run();
      now += HOUR_MS;
    }
    end = () => failed;
    expect(await hoursOfFailing()).toEqual({ givenUp: 24, dead: 72 });
  });

  it("keeps what was not begun when it is to stop, and what was broken off without a failure", async () => {
    for (let index = 0; index < 50; index += 1) log.add({ subject: `key:${index}` });
    let isStopping = false;
    end = () => {
      isStopping = sent.length > 4;
      return isStopping ? { outcome: "cut" } : { outcome: "delivered" };
    };
    expect(await run({ isOver: () => isStopping })).toBe("more");
    expect(await state()).toMatchObject({ failures: 0, failingSince: null });
    end = () => ({ outcome: "delivered" });
    await run();
    expect(new Set(sentSeqs()).size).toBe(50);
    expect(await state()).toMatchObject({ lanes: [] });
  });

  it("drops events that the log no longer has", async () => {
    log.add();
    log.add();
    end = () => failed;
    await run();
    log.all.shift();
    end = () => ({ outcome: "delivered" });
    now += 2_000;
    await run();
    expect(sentSeqs()).toEqual([1, 2]);
    expect(await state()).toMatchObject({ lanes: [] });
  });

  describe("to a webhook whose types were changed", () => {
    /** From now on it is another one, as after a `PATCH`. */
    const change = (types: readonly string[]) => {
      webhook = { ...webhook, types, revision: webhook.revision + 1 };
    };
    const refuse = (type: string) => {
      end = (event) => (event.type === type ? failed : { outcome: "delivered" });
    };

    it("drops what waits and is not meant for it any more, at once, and delivers what it held up", async () => {
      log.add({ type: "key.updated", subject: "key:1" });
      log.add({ type: "key.expired", subject: "key:1" });
      log.add({ type: "key.updated", subject: "key:2" });
      refuse("key.updated");
      await run();
      expect(sentSeqs()).toEqual([1, 3]);
      change(["key.expired"]);
      expect(await run()).toBe("idle");
      expect(sentSeqs()).toEqual([1, 3, 2]);
      expect(await state()).toMatchObject({ lanes: [], cursor: 3 });
    });

    it("has room for new events again where 1,000 waited", async () => {
      for (let key = 0; key < MOST_WAITING; key += 1) log.add({ subject: `key:${key % 3}` });
      refuse("key.updated");
      await run();
      log.add({ type: "key.expired" });
      expect(waitingOf(await state())).toBe(MOST_WAITING);
      change(["key.expired"]);
      await run();
      expect(sentSeqs().at(-1)).toBe(MOST_WAITING + 1);
      expect(await state()).toMatchObject({ lanes: [] });
    });

    it("tries what is still meant for it when its time has come, and not sooner", async () => {
      log.add({ type: "key.expired" });
      log.add({ type: "key.updated" });
      log.add({ type: "key.expired" });
      refuse("key.expired");
      await run();
      const { lanes } = await state();
      change(["key.expired"]);
      await run();
      expect(sentSeqs()).toEqual([1]);
      expect((await state()).lanes).toEqual(lanes.map((lane) => ({ ...lane, seqs: [1, 3] })));
    });

    it("drops nothing by what a process has read of it before", async () => {
      const before = webhook;
      change(["*"]);
      log.add({ type: "token.created" });
      refuse("token.created");
      await run();
      webhook = { ...before, types: ["key.*"] };
      await run();
      expect(waitingOf(await state())).toBe(1);
    });
  });

  it("ends when another process has kept deliveries meanwhile", async () => {
    log.add();
    const first = async (): Promise<SendEnd> => {
      await run();
      return { outcome: "delivered" };
    };
    expect(await run({ send: first })).toBe("outdated");
  });

  it("delivers everything at least once and in order per subject, whatever fails, stops and dies", async () => {
    await fc.assert(
      fc.asyncProperty(fc.infiniteStream(fc.nat(99)), fc.integer({ min: 1, max: 300 }), async (stream, count) => {
        const dice = () => stream.next().value as number;
        log = new InMemoryEvents();
        store = new InMemoryWebhooks();
        await begin();
        for (let index = 0; index < count; index += 1) log.add({ subject: `key:${dice() % 7}` });
        const arrived: WebhookEvent[] = [];
        let isFaulty = true;
        const send = async (event: WebhookEvent): Promise<SendEnd> => {
          if (dice() < 5) await new Promise(setImmediate);
          if (isFaulty && dice() < 30) return failed;
          arrived.push(event);
          return isFaulty && dice() < 10 ? failed : { outcome: "delivered" };
        };
        for (let round = 0; round < 200; round += 1) {
          isFaulty = round < 100;
          // Dies: nothing of this run is kept.
          store.beforeStep = async () => {
            if (isFaulty && dice() < 10) throw new Error("killed");
          };
          await Promise.allSettled(dice() < 20 ? [run({ send }), run({ send })] : [run({ send })]);
          now += dice() * 100;
        }
        now += HOUR_MS;
        await run({ send });
        const firsts = arrived.filter(({ seq }, index) => arrived.findIndex((event) => event.seq === seq) === index);
        expect(firsts).toHaveLength(count);
        for (const subject of new Set(firsts.map((event) => event.subject))) {
          const seqs = firsts.filter((event) => event.subject === subject).map(({ seq }) => seq);
          expect(seqs).toEqual(seqs.toSorted((a, b) => a - b));
        }
      }),
      { numRuns: 60 },
    );
  });
});
