import { PermanentJobError } from "@veil/job-queue";
import { StoreUnavailableError, UnreadableRecordError } from "@veil/keys";
import { firstState, type SendEnd, type Webhook } from "@veil/webhooks";
import { InMemoryEvents, InMemoryWebhooks, storedWebhook } from "@veil/webhooks/testing";
import { beforeEach, describe, expect, it } from "vitest";
import { DEAD_REASON, webhookJobHandlers } from "./webhook-handlers.ts";
import { webhookEvents } from "../events/outboxes.ts";
import { enterDue } from "./start-webhooks.ts";

const DAY_MS = 24 * 3_600_000;
const delivery = { jobId: "job", requestId: "", requestedAt: 0, attempt: 1, redelivered: false };

let webhooks: InMemoryWebhooks;
let events: InMemoryEvents;
let webhook: Webhook;
let now: number;
/** By the clock that is never set. */
let passedMs: number;
let onSend: () => void;
let end: SendEnd;
let sent: string[];
let switchedOff: string[];
/** Subjects in which an event was announced. */
let expected: string[];
let lastAttempts: number[];

beforeEach(async () => {
  [webhooks, events, now] = [new InMemoryWebhooks(), new InMemoryEvents(), 1_000_000];
  [sent, switchedOff, expected, lastAttempts, end] = [[], [], [], [], { outcome: "delivered" }];
  [passedMs, onSend] = [0, () => undefined];
  webhook = storedWebhook();
  await webhooks.insert(webhook);
});

function handlers() {
  return webhookJobHandlers({
    webhooks,
    events,
    sender: {
      send: async ({ id }) => {
        sent.push(id);
        onSend();
        return end;
      },
    },
    queueLastAttempt: async ({ seq }) => void lastAttempts.push(seq),
    onSent: () => undefined,
    onGivenUp: () => undefined,
    hints: {
      expect: async (...subjects) => {
        expect(await webhooks.unlogged()).toEqual([]);
        expected.push(...subjects);
        return { ready: () => undefined };
      },
    },
    onSwitchedOff: ({ id }) => void switchedOff.push(id),
    clock: { now: () => now, earliest: () => now, latest: () => now, monotonic: () => passedMs },
    isStopping: () => false,
    log: { warn: () => undefined, debug: () => undefined },
  });
}
const deliver = () => handlers()["deliver-events"]({ webhook_id: webhook.id }, delivery);
const due = async () => {
  const entered: string[] = [];
  await enterDue({ webhooks, events, enter: async (id) => void entered.push(id), now: () => now });
  return entered;
};

describe("deliveries", () => {
  it("are due when there are new events, and not for a webhook that is off", async () => {
    expect(await due()).toEqual([]);
    events.add();
    expect(await due()).toEqual([webhook.id]);
    expect(await deliver()).toEqual({ outcome: "idle" });
    expect([await due(), sent]).toEqual([[], ["evt_1"]]);
    events.add();
    await webhooks.replace({ ...webhook, enabled: false, revision: 2 }, 1);
    expect([await due(), await deliver(), sent]).toEqual([[], { outcome: "off" }, ["evt_1"]]);
  });

  it("end after five seconds to let others have their turn, though the time of day is set back meanwhile", async () => {
    for (let index = 0; index < 100; index += 1) events.add();
    onSend = () => {
      passedMs += 1_000;
      now -= DAY_MS;
    };
    expect([await deliver(), sent.length]).toEqual([{ outcome: "more" }, 5]);
  });

  it("switch a webhook off whose receiver takes nothing for three days, and go on once it is on again", async () => {
    events.add();
    end = { outcome: "failed", error: "The receiver answered 500" };
    await deliver();
    now += 3 * DAY_MS;
    expect(await deliver()).toEqual({ outcome: "dead" });
    expect(await webhooks.find(webhook.id)).toMatchObject({ enabled: false, disabledReason: DEAD_REASON, revision: 2 });
    expect([switchedOff, lastAttempts, await due()]).toEqual([[webhook.id], [1], []]);
    expect([expected, await webhooks.unlogged()]).toEqual([[`webhook:${webhook.id}`], [webhook.id]]);
    const outbox = webhookEvents(webhooks);
    const [event, ...more] = await outbox.pending([`webhook:${webhook.id}`, "key:1"]);
    expect([event, more]).toMatchObject([
      {
        type: "webhook.disabled",
        at: now / 1_000,
        owner: webhook.owner,
        data: { webhook: { id: webhook.id, url: webhook.url, disabled_reason: DEAD_REASON } },
      },
      [],
    ]);
    if (event !== undefined) await outbox.mark([{ ...event, subject: "key:1" }]);
    expect(await webhooks.unlogged()).toEqual([webhook.id]);
    if (event !== undefined) await outbox.mark([event]);
    expect(await webhooks.unlogged()).toEqual([]);
    events.add();
    now += DAY_MS;
    const on = { enabled: true, disabledReason: null, enabledAt: now, revision: 3 };
    await webhooks.replace({ ...webhook, ...on }, 2);
    expect(await due()).toEqual([webhook.id]);
    end = { outcome: "delivered" };
    await deliver();
    expect(sent.at(-1)).toBe("evt_2");
  });

  it("leave a webhook as it is that was changed while its receiver was found dead", async () => {
    events.add();
    const waiting = { subject: "key:1", seqs: [1], attempts: 9, since: 1, nextAt: 1, at: 1 };
    const failing = { cursor: 1, lanes: [waiting], failingSince: 1, failures: 1 };
    await webhooks.keepDelivery({ ...firstState(webhook), ...failing, revision: 1 });
    now += 4 * DAY_MS;
    end = { outcome: "failed", error: "The receiver answered 500" };
    await webhooks.replace({ ...webhook, url: "https://other.example", revision: 2 }, 1);
    webhooks.find = async () => webhook;
    expect(await deliver()).toEqual({ outcome: "dead" });
    expect(switchedOff).toEqual([]);
  });

  it.each([
    ["a store that is away", new StoreUnavailableError("away")],
    ["a record that makes no sense to be mended", new UnreadableRecordError("of a newer version")],
  ])("wait for %s", async (_, error) => {
    webhooks.beforeStep = async () => {
      throw error;
    };
    expect(await deliver()).toEqual({ outcome: "unavailable" });
  });
});

describe("a last attempt", () => {
  const repeat = (seq = 1) =>
    handlers()["repeat-delivery"]({ webhook_id: webhook.id, seq, event_id: `evt_${seq}` }, delivery);

  it("fails for good when the receiver does not take it, and can be repeated", async () => {
    events.add();
    end = { outcome: "failed", error: "The receiver answered 500" };
    await expect(repeat()).rejects.toThrow(new PermanentJobError("The receiver answered 500"));
    end = { outcome: "delivered" };
    expect(await repeat()).toEqual({ outcome: "delivered" });
  });

  it("asks for another attempt when it was broken off, or the store is away", async () => {
    events.add();
    end = { outcome: "cut" };
    await expect(repeat()).rejects.not.toBeInstanceOf(PermanentJobError);
    webhooks.beforeStep = () => Promise.reject(new StoreUnavailableError("away"));
    await expect(repeat()).rejects.toThrow(StoreUnavailableError);
  });

  it("has nothing to do for an event or a webhook that is gone", async () => {
    expect(await repeat(7)).toEqual({ outcome: "gone" });
    events.add();
    await webhooks.remove(webhook.id);
    expect(await repeat()).toEqual({ outcome: "gone" });
  });
});

describe("a test", () => {
  const test = (owner: string | null = null) =>
    handlers()["test-webhook"]({ webhook_id: webhook.id, owner, deadline: now, request_id: "" }, delivery);

  it("is sent once, and says what came of it", async () => {
    expect(await test()).toEqual({ outcome: "delivered" });
    end = { outcome: "failed", error: "The receiver answered 404" };
    expect(await test()).toEqual({ outcome: "refused", detail: "The receiver answered 404" });
    expect(sent).toHaveLength(2);
  });

  it("is sent once at a time for each webhook", async () => {
    const shared = handlers()["test-webhook"];
    const payload = { webhook_id: webhook.id, owner: null, deadline: now, request_id: "" };
    const [first, second] = await Promise.all([shared(payload, delivery), shared(payload, delivery)]);
    expect([first, second, sent.length]).toEqual([
      { outcome: "delivered" },
      { outcome: "unavailable", detail: "another test of this webhook is under way" },
      1,
    ]);
    expect(await shared(payload, delivery)).toEqual({ outcome: "delivered" });
  });

  it("is not sent to a webhook that the caller does not see, nor after the deadline", async () => {
    expect(await test("shop")).toEqual({ outcome: "not-found" });
    now += 1;
    const late = handlers()["test-webhook"](
      { webhook_id: webhook.id, owner: null, deadline: now - 1, request_id: "" },
      delivery,
    );
    expect([await late, sent]).toEqual([{ outcome: "failed", detail: "timed out" }, []]);
  });
});
