import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it, vi } from "vitest";
import { RealXray } from "../test/real-xray.ts";
import { XrayIndeterminateError, XrayRejectedError, XrayUnreachableError } from "./errors.ts";
import { HandlerService } from "./generated/xray/app/proxyman/command_pb.ts";
import type { InboundUser } from "./inbound-user.ts";
import { NodeCalls } from "./node-calls.ts";
import { NodeConnection } from "./node-connection.ts";
import { connectXrayNode, type XrayNode, type XrayNodeOptions } from "./xray-node.ts";

/** Calls that are answered take a small part of it, on a busy machine too. */
const CALL_TIMEOUT_MS = 2_000;

let xray: RealXray;
const open: { close(): void }[] = [];

function connect(options: Partial<XrayNodeOptions> = {}): XrayNode {
  const node = connectXrayNode({ name: "test", address: xray.address, inboundTag: "vless-in", ...options });
  open.push(node);
  return node;
}

function reachableAgain(node: { readonly reachable: boolean }): Promise<void> {
  return vi.waitFor(() => expect(node.reachable).toBe(true), { interval: 10 });
}

function newUser(): InboundUser {
  return { email: `${randomUUID()}@veil`, account: { protocol: "vless", uuid: randomUUID(), flow: "" } };
}

/** The error that a promise rejected with, or the value that it resolved to. */
function outcomeOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.catch((error: unknown) => error);
}

beforeAll(async () => {
  xray = await RealXray.create(inject("xrayBinary"));
});

beforeEach(async () => {
  if (!xray.isRunning) await xray.start();
});

afterEach(() => {
  xray.resume();
  for (const each of open.splice(0)) each.close();
});

afterAll(async () => {
  await xray.dispose();
});

describe("a node where nothing listens", () => {
  it("is unreachable, call by call, until a process comes, which is noticed without a call", async () => {
    await xray.kill();
    const changes: boolean[] = [];
    const node = connect({ onReachableChange: (reachable) => changes.push(reachable) });
    await expect(node.addUser(newUser())).rejects.toMatchObject({
      name: "XrayUnreachableError",
      reason: "no-connection",
      node: "test",
      method: "addUser",
    });
    await expect(node.uptimeSeconds()).rejects.toBeInstanceOf(XrayUnreachableError);
    expect(node.reachable).toBe(false);
    await xray.start();
    await reachableAgain(node);
    expect(changes).toEqual([true]);
    expect(await node.countUsers()).toBe(1);
  });
});

describe("a node that is killed", () => {
  it("is noticed without a call, and so is its next life", async () => {
    const changes: boolean[] = [];
    const node = connect({ onReachableChange: (reachable) => changes.push(reachable) });
    await reachableAgain(node);
    await xray.kill();
    await vi.waitFor(() => expect(node.reachable).toBe(false));
    await xray.start();
    await reachableAgain(node);
    expect(changes).toEqual([true, false, true]);
  });

  it("under load fails calls as unreachable or unknown only, and takes them again in its next life", async () => {
    const node = connect();
    const results: unknown[] = [];
    let added = 0;
    const addUntilFailure = async () => {
      for (;;) {
        const result = await outcomeOf(node.addUser(newUser()));
        results.push(result);
        if (result !== "added") return;
        added += 1;
        if (added === 500) void xray.kill();
      }
    };
    await Promise.all(Array.from({ length: 200 }, addUntilFailure));
    const failures = results.filter((result) => result !== "added");
    expect(failures.filter((failure) => failure instanceof XrayIndeterminateError).length).toBeGreaterThan(0);
    const strange = failures.filter(
      (failure) => !(failure instanceof XrayIndeterminateError || failure instanceof XrayUnreachableError),
    );
    expect(strange).toEqual([]);
    await xray.start();
    await reachableAgain(node);
    expect(await node.addUser(newUser())).toBe("added");
  });
});

describe("a node that is stopped", () => {
  it("leaves the outcome of a call on a standing connection unknown", async () => {
    const node = connect({ callTimeoutMs: CALL_TIMEOUT_MS });
    await node.addUser(newUser());
    await xray.pause();
    await expect(node.addUser(newUser())).rejects.toBeInstanceOf(XrayIndeterminateError);
  });

  it("did surely not get a user while it was still asked what its inbound takes", async () => {
    const node = connect({ callTimeoutMs: CALL_TIMEOUT_MS });
    await reachableAgain(node);
    await xray.pause();
    await expect(node.addUser(newUser())).rejects.toMatchObject({ name: "XrayUnreachableError", reason: "hung" });
  });

  it("did surely not get a call for which no connection came to stand", async () => {
    await xray.pause();
    const node = connect({ callTimeoutMs: CALL_TIMEOUT_MS });
    await expect(node.countUsers()).rejects.toMatchObject({ name: "XrayUnreachableError", reason: "no-connection" });
  });

  it("gets no further calls until it answers again", async () => {
    const sent: string[] = [];
    const node = connect({
      callTimeoutMs: CALL_TIMEOUT_MS,
      onCall: (method, _seconds, outcome) => sent.push(`${method} ${outcome}`),
    });
    await reachableAgain(node);
    await xray.pause();
    await outcomeOf(node.countUsers());
    expect(node.reachable).toBe(false);
    await expect(node.countUsers()).rejects.toMatchObject({ name: "XrayUnreachableError", reason: "hung" });
    xray.resume();
    await reachableAgain(node);
    expect(await node.countUsers()).toBeGreaterThan(0);
    expect(sent).toEqual(["countUsers indeterminate", "countUsers unreachable", "countUsers ok"]);
  });

  it("never has a user whose adding was reported as not sent", async () => {
    const node = connect({ callTimeoutMs: CALL_TIMEOUT_MS });
    await node.addUser(newUser());
    await xray.pause();
    const users = Array.from({ length: 300 }, newUser);
    const results = await Promise.all(users.map((user) => outcomeOf(node.addUser(user))));
    const notSent = users.filter((_user, index) => results[index] instanceof XrayUnreachableError);
    const unknown = users.filter((_user, index) => results[index] instanceof XrayIndeterminateError);
    expect(unknown).toHaveLength(64);
    expect(notSent).toHaveLength(users.length - unknown.length);
    xray.resume();
    await reachableAgain(node);
    // Two full seconds of the process: long enough for whatever it still had in its buffers.
    const resumed = await node.uptimeSeconds();
    await vi.waitFor(async () => expect(await node.uptimeSeconds()).toBeGreaterThan(resumed + 1));
    const present = new Set((await node.listUsers()).map((user) => user.email));
    expect(notSent.filter((user) => present.has(user.email))).toEqual([]);
  });

  it("is asked over a new connection after a long silence", async () => {
    const connection = new NodeConnection({
      name: "test",
      address: xray.address,
      maxInFlight: 64,
      probeIntervalMs: 20,
      reconnectAfterMs: 100,
    });
    open.push(connection);
    await reachableAgain(connection);
    const calls = new NodeCalls(connection, CALL_TIMEOUT_MS, CALL_TIMEOUT_MS);
    const listTags = () => calls.short("list", HandlerService.method.listInbounds, { onlyTags: true });
    await xray.pause();
    await outcomeOf(listTags());
    await vi.waitFor(() => expect(connection.losses).toBeGreaterThan(0));
    expect(connection.reachable).toBe(false);
    xray.resume();
    await reachableAgain(connection);
    expect((await listTags()).inbounds).not.toEqual([]);
  });

  it("and is killed then, is reachable again in its next life", async () => {
    const node = connect({ callTimeoutMs: CALL_TIMEOUT_MS });
    await reachableAgain(node);
    await xray.pause();
    await outcomeOf(node.countUsers());
    await xray.kill();
    await xray.start();
    await reachableAgain(node);
    expect(await node.countUsers()).toBe(1);
  });
});

describe("calls beyond those that may be in flight", () => {
  it("wait for at most half of their time and are then surely not sent", async () => {
    const connection = new NodeConnection({ name: "test", address: xray.address, maxInFlight: 2 });
    open.push(connection);
    await reachableAgain(connection);
    const calls = new NodeCalls(connection, CALL_TIMEOUT_MS, CALL_TIMEOUT_MS);
    const list = () => calls.short("list", HandlerService.method.listInbounds, { onlyTags: true });
    await xray.pause();
    const results = await Promise.all(Array.from({ length: 5 }, () => outcomeOf(list())));
    expect(results.filter((result) => result instanceof XrayIndeterminateError)).toHaveLength(2);
    expect(results.filter((result) => result instanceof XrayUnreachableError)).toMatchObject(
      Array.from({ length: 3 }, () => ({ reason: "queue" })),
    );
  });

  it("are all made in the end when the node answers", async () => {
    const node = connect({ callTimeoutMs: 60_000 });
    const results = await Promise.all(Array.from({ length: 1000 }, () => node.countUsers()));
    expect(new Set(results).size).toBe(1);
  });
});

describe("a closed node", () => {
  it("takes no calls, sends waiting ones away and lets those under way end", async () => {
    const changes: boolean[] = [];
    const node = connect({ onReachableChange: (reachable) => changes.push(reachable) });
    await node.uptimeSeconds();
    const calls = Array.from({ length: 70 }, () => outcomeOf(node.uptimeSeconds()));
    // One turn of the loop hands the first calls to the connection.
    await new Promise((resolve) => setImmediate(resolve));
    node.close();
    const results = await Promise.all(calls);
    expect(results.filter((result) => result instanceof XrayUnreachableError)).toHaveLength(6);
    expect(results.filter((result) => typeof result === "number")).toHaveLength(64);
    await expect(node.uptimeSeconds()).rejects.toMatchObject({ name: "XrayUnreachableError", reason: "closed" });
    expect(node.reachable).toBe(false);
  });
});

describe("a node whose config does not name a service", () => {
  it("is reachable and refuses that service's calls for good", async () => {
    const poor = await RealXray.create(inject("xrayBinary"), ["HandlerService"]);
    await poor.start();
    try {
      const node = connect({ address: poor.address });
      await reachableAgain(node);
      await expect(node.uptimeSeconds()).rejects.toMatchObject({ name: "XrayRejectedError", code: 12 });
      await expect(node.blockUsers(["1@veil"])).rejects.toBeInstanceOf(XrayRejectedError);
    } finally {
      await poor.dispose();
    }
  });
});
