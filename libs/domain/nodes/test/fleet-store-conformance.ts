import { noHints } from "@veil/events/testing";
import { expect, it } from "vitest";
import {
  changeTogether,
  type Fleet,
  type FleetEvent,
  type FleetOutbox,
  type FleetStore,
  MOST_HOSTS,
} from "../src/index.ts";
import { someHost } from "./some-host.ts";
import { someInbound } from "./some-inbound.ts";
import { someNode } from "./some-node.ts";

/** So many changes at once. */
const AT_ONCE = 20;
/** As long as a caller waits. */
const WITHIN_MS = 10_000;

/**
 * Registers what seeding, changes of nodes and those who follow them rely on in a {@link FleetStore}.
 *
 * @param open the store under test and the same one as another process sees it; empty at first, then the same at each call
 */
export function fleetStoreConformance(
  open: () => { readonly store: FleetStore; readonly other: FleetStore & FleetOutbox },
): void {
  const [a, b] = [someNode("a"), someNode("b", { position: 1 })];

  it("has nothing before anything is stored", async () => {
    expect(await open().store.read()).toBeNull();
    expect(await open().store.revision()).toBe(0);
  });

  it("keeps the first of several that store the first fleet", async () => {
    const { store, other } = open();
    const ends = await Promise.all([store.save(null, { nodes: [a] }), other.save(null, { nodes: [a] })]);
    expect(ends.toSorted()).toEqual(["outdated", "saved"]);
    expect(await other.read()).toEqual({ revision: 1, nodes: [a], hosts: [] });
    expect(await other.revision()).toBe(1);
  });

  it("gives back nodes as they were stored, in their order, those that went not any more", async () => {
    const { store, other } = open();
    const full = someNode("9", {
      discovery: { service: "veil/xray-nodes", awaySince: 1_800_000_000_001, goneSince: 7, isDrained: true },
      host: "vpn.example.com",
      port: 8_443,
      publicKey: "k".repeat(43),
      tls: { caFile: "b/ca.crt", certificateFile: "tls.crt", keyFile: "tls.key", serverName: "b.example.com" },
      shortId: "ab",
      sni: "example.com",
      inbounds: [
        { ...someInbound("vless-in"), groups: ["eu"], publicKey: "p".repeat(43), shortId: "cd", sni: "b.example" },
        {
          ...someInbound("b.$x"),
          transport: "xhttp",
          path: "/a.b",
          port: 8_443,
          isLeaving: true,
          isUnfilled: true,
          regroupedAt: 9,
        },
        { ...someInbound("t"), protocol: "trojan", port: 9_443, formerGroups: ["vip"] },
        { ...someInbound("s"), protocol: "shadowsocks-2022", port: 9_444, serverKey: "AAECAwQFBgcICQoLDA0ODw==" },
      ],
      groups: ["eu", "vip"],
      state: "draining",
      since: 7,
      isUnfilled: true,
      regroupedAt: 8,
      formerGroups: ["vip"],
      note: "a note",
      multiplier: 2.5,
      origin: "api",
      fixed: ["address", "port"],
      position: 2,
      jobs: ["job-1", "job-2"],
      jobsAt: [null, 1_800_000_000],
    });
    expect(await store.save(await store.read(), { nodes: [full, b, a] })).toBe("saved");
    expect(await other.read()).toMatchObject({ revision: 2, nodes: [a, b, full] });
    expect(await store.save(await store.read(), { nodes: [{ ...b, note: "changed", multiplier: 0 }] })).toBe("saved");
    expect(await other.read()).toMatchObject({ revision: 3, nodes: [{ ...b, note: "changed", multiplier: 0 }] });
  });

  it("bears events with a change, which stay until they are logged, also when their node is gone", async () => {
    const { store, other } = open();
    const event = (revision: number): FleetEvent => ({
      id: `drained-${revision}-b`,
      revision,
      type: "node.drained",
      at: 1_703_520_000,
      actor: { name: 'касса "$1"', address: null, requestId: "r-1" },
      node: "b",
    });
    expect(await other.pending()).toEqual([]);
    expect(await store.save(await store.read(), { nodes: [a, b], events: [event(1)] })).toBe("saved");
    const outdated = await other.read();
    expect(await store.save(await store.read(), { nodes: [a], events: [event(2), event(10)] })).toBe("saved");
    expect(await store.save(outdated, { nodes: [b], events: [event(3)] })).toBe("outdated");
    expect(await store.save(await store.read(), { nodes: [a, b] })).toBe("saved");
    expect(await other.pending()).toEqual([event(1), event(2), event(10)]);
    await other.mark(["drained-1-b", "drained-9-b"]);
    expect(await other.pending()).toEqual([event(2), event(10)]);
    await other.mark(["drained-2-b", "drained-10-b"]);
    expect(await other.pending()).toEqual([]);
  });

  it("stores nothing that was made from an older fleet", async () => {
    const { store, other } = open();
    const before = await store.read();
    expect(await other.save(before, { nodes: [b] })).toBe("saved");
    expect(await store.save(before, { nodes: [a] })).toBe("outdated");
    expect((await store.read())?.nodes).toEqual([b]);
    expect(await store.save(null, { nodes: [a] })).toBe("outdated");
  });

  it("gives back hosts as they were stored, and leaves them where a change of nodes names none", async () => {
    const { store, other } = open();
    const host = someHost("h_1", "b", {
      alpn: ["h2"],
      groups: ["default"],
      jobs: ["job-1"],
      jobsAt: [8],
      path: "/a.b",
    });
    const plain = someHost("n_b", "b");
    const byId = async () => (await other.read())?.hosts.toSorted((one, two) => (one.id < two.id ? -1 : 1));
    const nodes = [b];
    expect(await store.save(await store.read(), { nodes, hosts: [plain, host] })).toBe("saved");
    expect(await byId()).toEqual([host, plain]);
    expect(await store.save(await store.read(), { nodes: [a, b] })).toBe("saved");
    expect(await byId()).toEqual([host, plain]);
    expect(await store.save(await store.read(), { nodes, hosts: [{ ...host, alpn: null, port: 8_443 }] })).toBe(
      "saved",
    );
    expect(await byId()).toEqual([{ ...host, alpn: null, port: 8_443 }]);
    expect(await store.save(await store.read(), { nodes, hosts: [] })).toBe("saved");
    expect(await byId()).toEqual([]);
  });

  it("takes changes of two processes at once while callers wait, where there are as many hosts as there may be", async () => {
    const { store, other } = open();
    const full = Array.from({ length: MOST_HOSTS }, (_, index) => someHost(`h-${index}`, "b"));
    expect(await store.save(await store.read(), { nodes: [b], hosts: full })).toBe("saved");
    const portOf = (index: number) => (fleet: Pick<Fleet, "hosts">) => ({
      hosts: fleet.hosts.map((host) => (host.id === `h-${index}` ? { ...host, port: index + 1 } : host)),
    });
    const indices = Array.from({ length: AT_ONCE }, (_, index) => index);
    const halves = [indices.filter((index) => index % 2 === 0), indices.filter((index) => index % 2 === 1)];
    const began = performance.now();
    const ends = await Promise.all(
      halves.map((half, process) => changeTogether(process === 0 ? store : other, half.map(portOf), noHints)),
    );
    expect(performance.now() - began).toBeLessThan(WITHIN_MS);
    expect(ends.flat()).toEqual(indices.map(() => true));
    const ports = (await other.read())?.hosts.flatMap(({ port }) => port ?? []) ?? [];
    expect(ports.toSorted((one, two) => one - two)).toEqual(indices.map((index) => index + 1));
  });
}
