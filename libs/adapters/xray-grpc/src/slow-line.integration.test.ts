import { randomUUID } from "node:crypto";
import { type Account, protocolNamed } from "@veil/protocols";
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, it, vi } from "vitest";
import { RealXray } from "../test/real-xray.ts";
import { type SlowLine, startSlowLine } from "../test/start-slow-line.ts";
import { InboundUnsupportedError, XrayUnreachableError } from "./errors.ts";
import { type ConnectedXray, connectXrayNode } from "./xray-node.ts";

const USERS = 10_000;
/** With some 90 bytes for each of them, a listing takes over eight seconds: far more than a call with one user may. */
const BYTES_PER_SECOND = 100_000;
const CALL_TIMEOUT_MS = 3_000;

let xray: RealXray;
let line: SlowLine;
let node: ConnectedXray;
const sent: string[] = [];

const accountOf = (name: "vless" | "trojan"): Account =>
  protocolNamed(name).accountOf({ uuid: randomUUID(), flow: "" });
const newUser = (name: "vless" | "trojan") => ({ email: `${randomUUID()}@veil`, account: accountOf(name) });

beforeAll(async () => {
  xray = await RealXray.create(inject("xrayBinary"));
  await xray.start();
  const near = connectXrayNode({ name: "near", address: xray.address, inboundTag: "plain-in" });
  const definition = await near.readInbound();
  if (definition === null) throw new Error("the inbound is missing");
  await near.removeInbound();
  const users = Array.from({ length: USERS }, () => newUser("vless"));
  expect(await near.addInbound(definition, users)).toEqual([]);
  near.close();
  line = await startSlowLine(xray.address, BYTES_PER_SECOND);
});

beforeEach(async () => {
  sent.length = 0;
  node = connectXrayNode({
    name: "far",
    address: line.address,
    inboundTag: "plain-in",
    callTimeoutMs: CALL_TIMEOUT_MS,
    onCall: (method, _seconds, outcome) => sent.push(`${method} ${outcome}`),
  });
  await vi.waitFor(() => expect(node.reachable).toBe(true));
});

afterEach(() => node.close());

afterAll(async () => {
  line.close();
  await xray.dispose();
});

it("a node with many users behind a slow line takes one more, in each of its inbounds", async () => {
  const started = performance.now();
  expect(await node.addUser(newUser("vless"))).toBe("added");
  expect(await node.at("trojan-in", "far/trojan-in").addUser(newUser("trojan"))).toBe("added");
  await expect(node.addUser(newUser("trojan"))).rejects.toBeInstanceOf(InboundUnsupportedError);
  expect(performance.now() - started).toBeLessThan(CALL_TIMEOUT_MS);
  expect(await node.countUsers()).toBe(USERS + 1);
});

it("and where only a listing says what the inbound takes, is asked once, and is not taken for hung", async () => {
  const vmess = node.at("vmess-in", "far/vmess-in");
  const outcomes = await Promise.allSettled([vmess.addUser(newUser("vless")), vmess.addUser(newUser("vless"))]);
  expect(outcomes.map((outcome) => outcome.status === "rejected" && outcome.reason)).toEqual([
    expect.any(XrayUnreachableError),
    expect.any(XrayUnreachableError),
  ]);
  expect(node.reachable).toBe(true);
  await expect(vmess.describeInbound()).rejects.toBeInstanceOf(InboundUnsupportedError);
  expect(sent).toEqual(["addUser rejected", "listInbounds ok", "listInbounds ok"]);
});

it("and is listed once for looks at all of its inbounds", async () => {
  const tags = ["plain-in", "trojan-in", "shadowsocks-in", "nowhere"];
  const looks = await Promise.all(tags.map((tag) => node.at(tag, `far/${tag}`).describeInbound()));
  expect(looks.map((look) => look?.protocol)).toEqual(["vless", "trojan", "shadowsocks-2022", undefined]);
  expect(sent).toEqual(["listInbounds ok"]);
});
