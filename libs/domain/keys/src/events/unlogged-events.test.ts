import type { Actor } from "@veil/events";
import { expect, it, test } from "vitest";
import { KilledError, killAtEveryCall } from "../../test/dying-ports.ts";
import { inMemoryLifecycle, plant, START_MS } from "../../test/in-memory-lifecycle.ts";
import { changeKey, type KeyChange } from "../change-key.ts";
import type { DeviceEvent } from "../devices/device-events.ts";
import { cancelCreation } from "../cancel-creation.ts";
import { provisionKey } from "../provision-key.ts";
import { retireKey } from "../retire-key.ts";
import { firstTerms, type KeyTerms } from "../terms/key-terms.ts";
import { unloggedEvents } from "./unlogged-events.ts";

const START_S = START_MS / 1_000;
const SHOP: Actor = { name: "shop", address: "203.0.113.7", requestId: "r-1" };

/** A store that may have a key, and what is reported of it. */
function rig(fields: Partial<KeyTerms> | null = {}) {
  const all = inMemoryLifecycle();
  const terms = { ...firstTerms({}, { createdAt: START_S - 100, nextResetAt: null }), ...fields };
  if (fields !== null) plant(all.store, Object.values(all.nodes), { phase: "active", terms });
  let jobs = 0;
  const asked = () => {
    jobs += 1;
    const deadline = all.clock.now() + 3_600_000;
    return { keyId: 1, owner: null, job: `job-${jobs}`, redelivered: false, ifRevision: null, actor: SHOP, deadline };
  };
  const change = (what: KeyChange) => all.passing(changeKey({ ...asked(), change: what }, all.ports));
  const create = (ports = all.ports) =>
    all.passing(provisionKey({ ...asked(), job: "create-1", requested: { name: "n", owner: null, terms: {} } }, ports));
  const remove = (ports = all.ports) => all.passing(retireKey(asked(), ports));
  const reported = () => {
    const history = all.store.historyOf(1);
    return history === null ? [] : unloggedEvents(history);
  };
  const types = () => reported().map(({ type }) => type);
  const mark = (...ids: string[]) => all.store.relayed.set(1, new Set([...(all.store.relayed.get(1) ?? []), ...ids]));
  return { ...all, asked, change, create, remove, reported, types, mark };
}

test("that a key was made is reported, with who asked for it and what it was like", async () => {
  const { create, reported } = rig(null);
  await create();
  expect(reported()).toMatchObject([
    { id: "1-1-0-1", type: "key.created", at: START_S, actor: SHOP, before: null, after: { name: "n" } },
  ]);
});

test("of a key that was refused nothing is reported", async () => {
  const { create, reported, nodes } = rig(null);
  nodes.a.reachable = false;
  nodes.a.onCall = () => {
    throw new Error("unexpected");
  };
  await create().catch(() => undefined);
  expect(reported()).toEqual([]);
});

test("whoever was reported that a key was made is reported that it went when its creator was refused after all", async () => {
  const { create, reported, types, ports, passing } = rig(null);
  await create();
  await passing(cancelCreation("create-1", ports));
  expect(types()).toEqual(["key.created", "key.deleted"]);
  expect(reported()[1]).toMatchObject({ actor: { name: "system" } });
});

it.each<[string, Partial<KeyTerms>, KeyChange, string[]]>([
  ["a new date", {}, { set: { expiresAt: START_S + 9 } }, ["key.updated"]],
  ["a switch", {}, { set: { enabled: false } }, ["key.disabled"]],
  ["the other way", { enabled: false }, { set: { enabled: true } }, ["key.enabled"]],
  ["a switch with a note", {}, { set: { enabled: false, note: "n" } }, ["key.updated", "key.disabled"]],
  ["a name", {}, { name: "new" }, ["key.updated"]],
  ["a reset", {}, { resetTraffic: true }, ["key.traffic_reset"]],
  ["a reset in the second of another one", { resetAnchor: START_S }, { resetTraffic: true }, ["key.traffic_reset"]],
  ["a reset of the ledger", {}, { hasLedgerReset: true }, ["key.traffic_reset"]],
  ["a reset of the devices", {}, { resetDevices: true }, ["key.updated"]],
  ["new credentials", {}, { revokeCredentials: true }, ["key.revoked"]],
  ["a date that lies in the past", {}, { set: { expiresAt: START_S - 1 } }, ["key.updated", "key.expired"]],
  ["a limit that is reached", {}, { set: { trafficLimit: 1 } }, ["key.updated", "key.limited"]],
  [
    "a note after a date that has passed",
    { expiresAt: START_S - 1 },
    { set: { note: "n" } },
    ["key.expired", "key.updated"],
  ],
  ["what is so already", { note: "n" }, { set: { note: "n" } }, []],
])("%s is reported as what it is", async (_name, fields, change, types) => {
  const all = rig(fields);
  all.lifetime.set(1, { upload: 1, download: 2 });
  await all.change(change);
  expect(all.types()).toEqual(types);
});

test("each event shows the key as it was then, however many came since, and what was different before", async () => {
  const { change, reported, mark } = rig({ note: "one" });
  await change({ set: { note: "two" } });
  await change({ name: "named", set: { tag: "t" } });
  await change({ set: { note: "three" } });
  const shown = () =>
    reported().map(({ before, after }) => [
      before?.terms.note,
      after.terms.note,
      before?.name,
      after.name,
      after.terms.tag,
    ]);
  const all = [
    ["one", "two", null, null, null],
    ["two", "two", null, "named", "t"],
    ["two", "three", "named", "named", "t"],
  ];
  expect(shown()).toEqual(all);
  expect(reported().map(({ after }) => after.terms.revision)).toEqual([2, 3, 4]);
  mark(reported()[0]?.id ?? "");
  expect(shown()).toEqual(all.slice(1));
});

test("a new version carries on what is not logged", async () => {
  const { change, reported, store } = rig();
  await change({ set: { note: "one" } });
  await change({ set: { note: "two" } });
  const ids = reported().map(({ id }) => id);
  expect(new Set(ids).size).toBe(2);
  expect(store.keys.get(1)?.outbox).toHaveLength(2);
});

test("nothing is reported of a key once its end was", async () => {
  const { change, remove, reported, types, mark } = rig();
  await change({ set: { note: "one" } });
  await remove();
  expect(types()).toEqual(["key.updated", "key.deleted"]);
  expect(reported()[1]).toMatchObject({ actor: SHOP, after: { terms: { note: "one" } } });
  mark("1-deleted");
  expect(types()).toEqual([]);
});

test("a worker that dies at any call of a change has it reported once, or not at all if it did not come about", async () => {
  const calls = await killAtEveryCall(async (die) => {
    const { ports, reported, types, asked, passing, store, hints } = rig();
    const request = { ...asked(), change: { set: { enabled: false } } };
    const first = passing(changeKey(request, die(ports)));
    const died = await first.catch((error: unknown) => error);
    const isChanged = store.keys.get(1)?.terms.enabled === false;
    expect(types()).toEqual(isChanged ? ["key.disabled"] : []);
    if (isChanged) expect(hints.expected).toMatchObject([{ subject: "key:1" }]);
    if (died instanceof KilledError) await passing(changeKey({ ...request, redelivered: true }, ports));
    expect(types()).toEqual(["key.disabled"]);
    expect(reported()[0]).toMatchObject({ actor: SHOP });
  });
  expect(calls).toBeGreaterThan(5);
});

test("a worker that dies at any call of a deletion has it reported once", async () => {
  const calls = await killAtEveryCall(async (die) => {
    const { ports, types, asked, passing, store, hints } = rig();
    const request = asked();
    const died = await passing(retireKey(request, die(ports))).catch((error: unknown) => error);
    const isGoing = store.keys.get(1)?.phase !== "active";
    expect(types()).toEqual(isGoing ? ["key.deleted"] : []);
    if (isGoing) expect(hints.expected).toMatchObject([{ subject: "key:1" }]);
    if (died instanceof KilledError) await passing(retireKey({ ...request, redelivered: true }, ports));
    expect(types()).toEqual(["key.deleted"]);
  });
  expect(calls).toBeGreaterThan(4);
});

test("a worker that dies at any call of a creation has it reported once", async () => {
  const calls = await killAtEveryCall(async (die) => {
    const { ports, types, create, store, hints } = rig(null);
    const died = await create(die(ports)).catch((error: unknown) => error);
    expect(types()).toEqual(store.keys.has(1) ? ["key.created"] : []);
    if (store.keys.has(1)) expect(hints.expected).toMatchObject([{ subject: "key:1" }]);
    if (died instanceof KilledError) await create();
    expect(types()).toEqual(["key.created"]);
  });
  expect(calls).toBeGreaterThan(4);
});

test("events of devices come behind those of the revision that the key had, show it so, and none behind its end", async () => {
  const { change, remove, store, mark } = rig();
  await change({ set: { tag: "one" } });
  await change({ set: { tag: "two" } });
  const history = () => store.historyOf(1) ?? expect.fail("there is no key");
  const labels = { os: "iOS", osVersion: null, model: null, userAgent: null };
  const event = (revision: number, name: string): DeviceEvent => ({
    id: `1-added-${name}`,
    type: "key.device_added",
    at: START_S,
    requestId: `r-${name}`,
    revision,
    device: { id: name, ...labels, firstSeenAt: START_S, lastSeenAt: START_S },
  });
  const events = [event(1, "a"), event(2, "b"), event(2, "c"), event(3, "d")];
  const shown = () =>
    unloggedEvents(history(), events).map(({ type, after, device }) => [device?.id ?? type, after.terms.tag]);
  expect(shown()).toEqual([
    ["a", null],
    ["key.updated", "one"],
    ["b", "one"],
    ["c", "one"],
    ["key.updated", "two"],
    ["d", "two"],
  ]);
  expect(unloggedEvents(history(), events)[2]).toMatchObject({
    id: "1-added-b",
    type: "key.device_added",
    at: START_S,
    actor: { name: "system", address: null, requestId: "r-b" },
    before: null,
    device: { id: "b", os: "iOS" },
  });
  await remove();
  expect(shown().slice(-2)).toEqual([
    ["d", "two"],
    ["key.deleted", "two"],
  ]);
  mark(...unloggedEvents(history()).map(({ id }) => id));
  expect(shown()).toEqual([]);
});
