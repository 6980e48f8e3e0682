import { randomUUID } from "node:crypto";
import type { Server } from "node:net";
import { type Account, PLAIN_KIND, protocolNamed } from "@veil/protocols";
import { afterAll, beforeAll, expect, inject, it } from "vitest";
import { ASKING, ENCRYPTION_KEYS, REALITY_KEYS, RealXray, SHADOWSOCKS_KEYS } from "../test/real-xray.ts";
import { canConnect, startEchoServer } from "../test/vless-client.ts";
import { AccountMismatchError, InboundUnsupportedError } from "./errors.ts";
import { type ConnectedXray, connectXrayNode, type XrayNode } from "./xray-node.ts";

let xray: RealXray;
let echo: { readonly port: number; readonly server: Server };
let node: ConnectedXray;
let trojan: XrayNode;

beforeAll(async () => {
  xray = await RealXray.create(inject("xrayBinary"));
  await xray.start();
  echo = await startEchoServer();
  node = connectXrayNode({ name: "test", address: xray.address, inboundTag: "plain-in" });
  trojan = node.at("trojan-in", "test/trojan-in");
});

afterAll(async () => {
  node.close();
  echo.server.close();
  await xray.dispose();
});

const accountOf = (name: "vless" | "trojan", uuid: string): Account =>
  protocolNamed(name).accountOf({ uuid, flow: "" });
const trojanUser = (email: string, uuid: string = randomUUID()) => ({ email, account: accountOf("trojan", uuid) });

const protocolAt = async (place: XrayNode) => (await place.describeInbound())?.protocol;

it("an inbound of another protocol has users of its own, over the same connection", async () => {
  const uuid = randomUUID();
  const [one, other] = [trojanUser("1@veil", uuid), trojanUser("2@veil")];
  expect(await node.addUser({ email: "1@veil", account: accountOf("vless", uuid) })).toBe("added");
  expect([await trojan.addUser(one), await trojan.addUser(one), await trojan.addUser(other)]).toEqual([
    "added",
    "exists",
    "added",
  ]);
  await expect(trojan.addUser({ ...one, account: other.account })).rejects.toBeInstanceOf(AccountMismatchError);
  expect([trojan.name, trojan.reachable]).toEqual(["test/trojan-in", true]);
  const listed = await trojan.listUsers();
  expect(listed.filter(({ account }) => account.protocol === "trojan").toSorted(byEmail)).toEqual([one, other]);
  expect(listed.filter(({ account }) => account.protocol === "other").map(({ email }) => email)).toEqual([
    "trojan@user",
  ]);
  expect([await trojan.countUsers(), await node.countUsers()]).toEqual([3, 1]);
  expect([await trojan.removeUser("2@veil"), await trojan.removeUser("2@veil")]).toEqual(["removed", "absent"]);
  expect(await node.getUser("1@veil")).not.toBeNull();
});

it("says of which protocol users are taken", async () => {
  expect([await protocolAt(node), await protocolAt(trojan)]).toEqual(["vless", "trojan"]);
  expect(await node.at("nowhere", "n").describeInbound()).toBeNull();
  await expect(node.at("vmess-in", "v").describeInbound()).rejects.toBeInstanceOf(InboundUnsupportedError);
});

it("tells how clients get into an inbound, as the running Xray has it", async () => {
  const reality = { publicKey: REALITY_KEYS.publicKey, serverNames: ["decoy.test"], shortIds: ["0123456789abcdef"] };
  const ways = { protocol: "vless", transport: "tcp", path: null, host: null, asks: null };
  const plain = { ...ways, reality: null, serverKey: null, encryption: null };
  const at = (tag: string) => node.at(tag, tag).describeInbound();
  expect(await at("vless-in")).toEqual({ ...plain, reality });
  expect(await at("plain-in")).toEqual(plain);
  expect(await at("trojan-in")).toEqual({ ...plain, protocol: "trojan" });
  expect(await at("shadowsocks-in")).toEqual({
    ...plain,
    ...{ protocol: "shadowsocks-2022", serverKey: SHADOWSOCKS_KEYS.server },
  });
  const encryption = { mode: "xorpub", publicKeys: [ENCRYPTION_KEYS.publicKey] };
  expect(await at("encrypted-in")).toEqual({ ...plain, transport: "xhttp", path: "/a", reality, encryption });
});

it("tells what else clients have to know", async () => {
  const asked = await Promise.all(
    Object.keys(ASKING).map(async (tag) => {
      const { transport = "none", host, asks } = (await node.at(tag, tag).describeInbound()) ?? {};
      return [tag, transport, host, asks];
    }),
  );
  expect(asked).toEqual([
    ["host-in", "xhttp", "cdn.test", null],
    ["stream-in", "xhttp", null, null],
    ["packet-in", "xhttp", null, "takes the XHTTP mode packet-up alone, which links don't name"],
    ["padded-in", "xhttp", null, "asks for XHTTP padding of 500 to 600 bytes, which links don't name"],
    ["hidden-in", "xhttp", null, "asks for XHTTP padding in another place, which links don't name"],
    ["plain-header-in", "tcp", null, null],
    ["http-header-in", null, null, null],
    ["udp-in", null, null, null],
  ]);
});

it("is rebuilt with all its users in one message", async () => {
  const definition = await trojan.readInbound();
  if (definition === null) throw new Error("the inbound is missing");
  const [unmanaged] = (await trojan.listUsers()).filter(({ account }) => account.protocol === "other");
  const users = Array.from({ length: 10_000 }, (_, index) => trojanUser(`${index + 1}@veil`));
  expect(await trojan.removeInbound()).toBe("removed");
  expect(await trojan.addInbound(definition, [...(unmanaged === undefined ? [] : [unmanaged]), ...users])).toEqual([]);
  expect(await trojan.countUsers()).toBe(10_001);
  expect((await trojan.listUsers()).toSorted(byEmail)).toEqual(
    [...(unmanaged === undefined ? [] : [unmanaged]), ...users].toSorted(byEmail),
  );
  expect(await node.countUsers()).toBe(1);
});

it("is looked at for as long as all its users may take, which Xray lists with it", async () => {
  const patient = connectXrayNode({
    name: "patient",
    address: xray.address,
    inboundTag: "trojan-in",
    callTimeoutMs: 1,
  });
  expect(await patient.describeInbound()).toMatchObject({ protocol: "trojan" });
  patient.close();
});

it("a user who is blocked there goes on in the other inbounds, and the other way round", async () => {
  const user = { email: "7@veil", uuid: randomUUID() };
  await node.addUser({ email: user.email, account: accountOf("vless", user.uuid) });
  const isThrough = () => canConnect({ port: xray.plainPort, uuid: user.uuid, echoPort: echo.port });
  await trojan.blockUsers([user.email]);
  expect([await trojan.listBlockedUsers(), await node.listBlockedUsers()]).toEqual([[user.email], []]);
  expect(await isThrough()).toBe(true);
  await node.blockUsers([user.email]);
  expect([await trojan.listBlockedUsers(), await node.listBlockedUsers()]).toEqual([[user.email], [user.email]]);
  expect(await isThrough()).toBe(false);
  await node.unblockUsers([user.email]);
  expect([await trojan.listBlockedUsers(), await node.listBlockedUsers()]).toEqual([[user.email], []]);
  expect(await isThrough()).toBe(true);
});

const shadowsocksUser = (email: string, uuid: string = randomUUID()) => ({
  email,
  account: protocolNamed("shadowsocks-2022").accountOf(
    { uuid, flow: "" },
    { ...PLAIN_KIND, serverKey: SHADOWSOCKS_KEYS.server },
  ),
});

it("an inbound of Shadowsocks that begins with a client has users, also when all of them have gone", async () => {
  const shadowsocks = node.at("shadowsocks-in", "test/shadowsocks-in");
  expect(await protocolAt(shadowsocks)).toBe("shadowsocks-2022");
  const [one, other] = [shadowsocksUser("1@veil"), shadowsocksUser("2@veil")];
  expect([await shadowsocks.addUser(one), await shadowsocks.addUser(one)]).toEqual(["added", "exists"]);
  await expect(shadowsocks.addUser({ ...one, account: other.account })).rejects.toBeInstanceOf(AccountMismatchError);
  const listed = await shadowsocks.listUsers();
  // Xray gives a name to a client without one.
  const [first] = listed.filter(({ email }) => email.startsWith("unnamed-user-0-"));
  expect(first?.account).toEqual({ protocol: "shadowsocks-2022", key: SHADOWSOCKS_KEYS.first });
  expect([await shadowsocks.removeUser("1@veil"), await shadowsocks.removeUser("1@veil")]).toEqual([
    "removed",
    "absent",
  ]);
  const definition = await shadowsocks.readInbound();
  if (definition === null || first === undefined) throw new Error("the inbound is missing");
  const users = [first, ...Array.from({ length: 3_000 }, (_, index) => shadowsocksUser(`${index + 1}@veil`))];
  for (const held of [users, []]) {
    expect(await shadowsocks.removeInbound()).toBe("removed");
    expect(await shadowsocks.addInbound(definition, held)).toEqual([]);
    expect((await shadowsocks.listUsers()).toSorted(byEmail)).toEqual([...held].toSorted(byEmail));
  }
  expect([await shadowsocks.addUser(one), await shadowsocks.countUsers()]).toEqual(["added", 1]);
});

it("an inbound of Shadowsocks that begins without a client takes none, and says so", async () => {
  const lonely = node.at("lonely-in", "test/lonely-in");
  const fault =
    "has no client in its config: Xray takes users for shadowsocks-2022 only where there was one from the start";
  await expect(lonely.addUser(shadowsocksUser("1@veil"))).rejects.toMatchObject({ fault });
  await expect(lonely.describeInbound()).rejects.toBeInstanceOf(InboundUnsupportedError);
});

function byEmail(one: { readonly email: string }, other: { readonly email: string }): number {
  return one.email < other.email ? -1 : 1;
}
