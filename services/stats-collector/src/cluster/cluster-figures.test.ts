import { createLogger } from "@veil/runtime";
import { describe, expect, it } from "vitest";
import { ClusterFigures, type ClusterFiguresOptions } from "./cluster-figures.ts";

const log = createLogger({ service: "test", version: "0", level: "silent" });

const counters = [
  { name: "inbound>>>vless-in>>>traffic>>>uplink", value: 10 },
  { name: "outbound>>>direct>>>traffic>>>downlink", value: 20 },
];
const users = [
  { name: "user>>>1@veil>>>traffic>>>uplink", value: 1 },
  { name: "user>>>2@veil>>>traffic>>>uplink", value: 50 },
  { name: "user>>>2@veil>>>traffic>>>downlink", value: 60 },
  { name: "user>>>3@veil>>>traffic>>>downlink", value: 70 },
  { name: "user>>>3@veil>>>online", value: 1 },
];

function figuresOf(options: Partial<ClusterFiguresOptions> = {}) {
  let now = 0;
  const node = {
    name: "main",
    inboundTags: () => ["vless-in"],
    uptimeSeconds: async () => 5,
    queryCounters: async (pattern: string) => [...counters, ...users].filter(({ name }) => name.includes(pattern)),
    onlineUsers: async () => ["3@veil"],
  };
  const figures = new ClusterFigures({
    countKeys: async () => ({ creating: 0, active: 1, deleting: 0 }),
    readQueues: async () => [],
    readWebhooks: async () => ({ counts: { on: 0, off: 0, dead: 0 }, waiting: 0, oldestAt: null }),
    nodes: () => [node],
    topUsers: 0,
    clock: { monotonic: () => now },
    log,
    ...options,
  });
  return { figures, node, pass: (ms: number) => (now += ms) };
}

describe("ClusterFigures", () => {
  it("shows inbounds and outbounds, and no users unless they are asked for", async () => {
    const { figures } = figuresOf();
    await figures.read();
    expect(figures.nodes.get("main")).toEqual({
      answers: true,
      uptimeSeconds: 5,
      online: 1,
      traffic: [
        { dimension: "inbound", target: "vless-in", link: "uplink", bytes: 10 },
        { dimension: "outbound", target: "direct", link: "downlink", bytes: 20 },
      ],
      usersUncounted: false,
    });
  });

  it("shows as many users as are asked for, those with the most bytes both ways", async () => {
    const { figures } = figuresOf({ topUsers: 1 });
    await figures.read();
    const traffic = figures.nodes.get("main")?.traffic.filter(({ dimension }) => dimension === "user");
    expect(traffic).toEqual([
      { dimension: "user", target: "2@veil", link: "uplink", bytes: 50 },
      { dimension: "user", target: "2@veil", link: "downlink", bytes: 60 },
    ]);
  });

  it("shows a node that does not answer as such, and one that counts no users without their number", async () => {
    const { figures, node } = figuresOf();
    node.onlineUsers = () => Promise.reject(new Error("not counted"));
    await figures.read();
    expect(figures.nodes.get("main")).toMatchObject({ answers: true, online: null });
    node.uptimeSeconds = () => Promise.reject(new Error("away"));
    await figures.read();
    expect(figures.nodes.get("main")).toEqual({
      answers: false,
      uptimeSeconds: null,
      online: null,
      traffic: [],
      usersUncounted: false,
    });
  });

  it("finds out that users are not counted where clients use an inbound that is not the first", async () => {
    const { figures, node } = figuresOf();
    node.inboundTags = () => ["vless-in", "trojan-in"];
    let sent = 0;
    node.queryCounters = async (pattern) =>
      [...counters, { name: "inbound>>>trojan-in>>>traffic>>>downlink", value: sent }].filter(({ name }) =>
        name.includes(pattern),
      );
    const isUncounted = async () => {
      await figures.read();
      return figures.nodes.get("main")?.usersUncounted;
    };
    expect(await isUncounted()).toBe(false);
    sent = 5;
    expect(await isUncounted()).toBe(true);
  });

  it("keeps figures for a while when they can't be read again, and then shows none", async () => {
    let away = false;
    const { figures, pass } = figuresOf({
      countKeys: async () => {
        if (away) throw new Error("away");
        return { creating: 0, active: 1, deleting: 0 };
      },
    });
    await figures.read();
    away = true;
    pass(20_000);
    await figures.read();
    expect(figures.keys).toMatchObject({ active: 1 });
    pass(10_000);
    expect(figures.keys).toBeNull();
  });

  it("counts keys more seldom where counting takes long", async () => {
    let counted = 0;
    let now = 0;
    const countKeys = async () => {
      now += 800;
      return { creating: 0, active: (counted += 1), deleting: 0 };
    };
    const { figures } = figuresOf({ countKeys, clock: { monotonic: () => now } });
    await figures.read();
    now = 19_999;
    await figures.read();
    expect(counted).toBe(1);
    now = 20_000;
    await figures.read();
    expect(counted).toBe(2);
  });

  it("shows what others tell while a node is slow, and asks that one nothing more meanwhile", async () => {
    const { figures, node } = figuresOf({ patienceMs: 20 });
    let asked = 0;
    let tell: (users: string[]) => void = () => undefined;
    node.onlineUsers = () => {
      asked += 1;
      return new Promise((resolve) => (tell = resolve));
    };
    await figures.read();
    await figures.read();
    expect([figures.keys?.active, figures.nodes.get("main"), asked]).toEqual([1, undefined, 1]);
    tell(["1@veil", "2@veil"]);
    await expect.poll(() => figures.nodes.get("main")?.online).toBe(2);
    node.onlineUsers = async () => [];
    await figures.read();
    expect(figures.nodes.get("main")?.online).toBe(0);
  });

  it("does not count keys at every reading", async () => {
    let counted = 0;
    const { figures, pass } = figuresOf({
      countKeys: async () => ({ creating: 0, active: (counted += 1), deleting: 0 }),
    });
    await figures.read();
    pass(2_000);
    await figures.read();
    expect(counted).toBe(1);
  });
});
