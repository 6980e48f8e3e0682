import { describe, expect, it } from "vitest";
import { inMemoryLifecycle, plant, START_MS } from "../../test/in-memory-lifecycle.ts";
import { changeKey, type KeyChange } from "../change-key.ts";
import { applyDueTerms } from "../due-keys.ts";
import { unloggedEvents } from "../events/unlogged-events.ts";
import { provisionKey } from "../provision-key.ts";
import { firstTerms, type KeyTerms } from "./key-terms.ts";
import { UNKNOWN_NOTICED } from "./notices.ts";

const START_S = START_MS / 1_000;
const HOUR_S = 3_600;
const notices = { thresholds: [80, 95], hours: [72, 24], firstConnections: true };

function rig(fields: Partial<KeyTerms>) {
  const all = inMemoryLifecycle();
  const ports = { ...all.ports, notices };
  const terms = { ...firstTerms({}, { createdAt: START_S, nextResetAt: null }), ...fields };
  plant(all.store, Object.values(all.nodes), { phase: "active", terms });
  const look = async () => (await all.passing(applyDueTerms([1], ports))).get(1);
  const change = (what: KeyChange) => {
    const asked = { keyId: 1, owner: null, job: `change-${Math.random()}`, redelivered: false, ifRevision: null };
    return all.passing(changeKey({ ...asked, change: what, deadline: all.clock.now() + 8_000 }, ports));
  };
  const reported = () => {
    const history = all.store.historyOf(1);
    const events = history === null ? [] : unloggedEvents(history);
    return events.map(({ type, details }) => [type, ...Object.values(details)].join(" "));
  };
  const moved = (bytes: number) => all.lifetime.set(1, { upload: 0, download: bytes });
  const at = (seconds: number) => all.clock.step(seconds * 1_000 - (all.clock.now() - START_MS));
  return { ...all, ports, look, change, reported, moved, at };
}

describe("the first bytes of a key", () => {
  it("are reported once, and looked for", async () => {
    const { look, reported, moved, due } = rig({});
    await look();
    expect([reported(), due.expected.get(1)]).toEqual([[], { at: null, traffic: 1 }]);
    moved(5);
    await look();
    await look();
    expect([reported(), due.expected.get(1)]).toEqual([["key.first_connected"], { at: null, traffic: null }]);
  });

  it("are none of a key of which nobody kept account", async () => {
    const { look, reported, moved } = rig({ noticed: UNKNOWN_NOTICED });
    moved(5);
    await look();
    expect(reported()).toEqual([]);
  });
});

describe("a traffic limit", () => {
  const fields = { trafficLimit: 1_000, noticed: UNKNOWN_NOTICED };

  it("is reported before it is reached, at each threshold once", async () => {
    const { look, reported, moved, due } = rig(fields);
    for (const bytes of [799, 800, 900, 949, 950, 990]) {
      moved(bytes);
      await look();
    }
    expect(reported()).toEqual(["key.usage_threshold 80", "key.usage_threshold 95"]);
    expect(due.expected.get(1)?.traffic).toBe(1_000);
  });

  it("is looked at when the next threshold is due", async () => {
    const { look, moved, due } = rig(fields);
    await look();
    expect(due.expected.get(1)?.traffic).toBe(800);
    moved(800);
    await look();
    expect(due.expected.get(1)?.traffic).toBe(950);
  });

  it("is reported anew after a reset, and after another limit", async () => {
    const { look, change, reported, moved } = rig(fields);
    moved(850);
    await look();
    await change({ resetTraffic: true });
    moved(1_700);
    await look();
    await change({ set: { trafficLimit: 1_050 } });
    expect(reported()).toEqual([
      "key.usage_threshold 80",
      "key.traffic_reset",
      "key.usage_threshold 80",
      "key.updated",
      "key.usage_threshold 80",
    ]);
  });
});

describe("an end", () => {
  const fields = { expiresAt: START_S + 100 * HOUR_S, noticed: UNKNOWN_NOTICED };

  it("is reported so many hours before it comes, each once, and then as come", async () => {
    const { look, reported, at, due } = rig(fields);
    const expected: (number | null | undefined)[] = [];
    for (const hours of [0, 29, 30, 50, 77, 90, 101]) {
      at(hours * HOUR_S);
      await look();
      expected.push(due.expected.get(1)?.at);
    }
    expect(reported()).toEqual(["key.expires_soon 72", "key.expires_soon 24", "key.expired"]);
    const moments = [28, 76, 76, 76, 100, 100].map((hours) => (START_S + hours * HOUR_S) * 1_000);
    expect(expected).toEqual([...moments, null]);
  });

  it("of which all notices were missed is reported by the last one", async () => {
    const { look, reported, at } = rig(fields);
    at(90 * HOUR_S);
    await look();
    expect(reported()).toEqual(["key.expires_soon 24"]);
  });

  it("is reported anew when it is put off, and not when it is set closer than a notice", async () => {
    const { look, change, reported, at } = rig({ ...fields, expiresAt: START_S + 10 * HOUR_S });
    await look();
    await change({ set: { expiresAt: START_S + 30 * HOUR_S } });
    await look();
    at(7 * HOUR_S);
    await look();
    expect(reported()).toEqual(["key.expires_soon 24", "key.updated", "key.expires_soon 24"]);
  });

  it("that a new key has is not soon to it", async () => {
    const { ports, passing, store, clock } = rig({});
    store.keys.clear();
    const asked = { job: "create-1", deadline: clock.now() + 8_000, redelivered: false };
    const terms = { expiresAt: START_S + 48 * HOUR_S };
    await passing(provisionKey({ ...asked, requested: { name: null, owner: null, terms } }, ports));
    expect(store.keys.get(1)?.terms.noticed).toEqual({ isConnected: false, thresholds: [], hours: [72] });
  });
});
