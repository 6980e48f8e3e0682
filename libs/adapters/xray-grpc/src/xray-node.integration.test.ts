import { randomUUID } from "node:crypto";
import type { Server } from "node:net";
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from "vitest";
import { ASKING, CONFIG_USERS, RealXray } from "../test/real-xray.ts";
import { canConnect, startEchoServer, VlessClient } from "../test/vless-client.ts";
import {
  AccountMismatchError,
  InboundExistsError,
  InboundMissingError,
  InboundNotListeningError,
  InboundUnsupportedError,
  InvalidXrayRequestError,
  XrayRejectedError,
} from "./errors.ts";
import { ReceiverConfigSchema } from "./generated/xray/app/proxyman/proxyman_pb.ts";
import { ConfigSchema as RealitySchema } from "./generated/xray/transport/reality/reality_pb.ts";
import { decodeDefinition, ensureShortId, type InboundDefinition } from "./inbound-definition.ts";
import type { InboundUser } from "./inbound-user.ts";
import { unpackTyped } from "./typed-message.ts";
import { connectXrayNode, type XrayNode } from "./xray-node.ts";

let xray: RealXray;
let echo: { readonly port: number; readonly server: Server };
const open: XrayNode[] = [];

function nodeOn(inboundTag: string): XrayNode {
  const node = connectXrayNode({ name: "test", address: xray.address, inboundTag });
  open.push(node);
  return node;
}

let nextKeyId = 1;

function newUser(): InboundUser & { readonly account: { readonly protocol: "vless"; readonly uuid: string } } {
  return { email: `${nextKeyId++}@veil`, account: { protocol: "vless", uuid: randomUUID(), flow: "" } };
}

async function definitionOf(node: XrayNode): Promise<InboundDefinition> {
  const definition = await node.readInbound();
  if (definition === null) throw new Error("the inbound is missing");
  return definition;
}

const MIN_CLIENT_VER = 7;

/** The lowest client version that an inbound takes: a field of Reality's settings that no proto of ours names. */
function oldestClientOf(definition: InboundDefinition): number[] {
  const receiver = unpackTyped(ReceiverConfigSchema, decodeDefinition(definition).receiverSettings);
  const reality = unpackTyped(RealitySchema, receiver?.streamSettings?.securitySettings[0]);
  const field = reality?.$unknown?.find(({ no }) => no === MIN_CLIENT_VER);
  return field === undefined ? [] : [...new BinaryReader(field.data).bytes()];
}

beforeAll(async () => {
  xray = await RealXray.create(inject("xrayBinary"));
  await xray.start();
  echo = await startEchoServer();
});

afterEach(() => {
  for (const node of open.splice(0)) node.close();
  if (!xray.isRunning) throw new Error("the test ended the Xray process");
});

afterAll(async () => {
  echo.server.close();
  await xray.dispose();
});

describe("users", () => {
  it("connect from the moment that addUser resolves until removeUser does", async () => {
    const node = nodeOn("plain-in");
    const user = newUser();
    const client = { port: xray.plainPort, uuid: user.account.uuid, echoPort: echo.port };
    expect(await node.addUser(user)).toBe("added");
    expect(await canConnect(client)).toBe(true);
    expect(await node.removeUser(user.email)).toBe("removed");
    expect(await canConnect(client)).toBe(false);
  });

  it("are added and removed once, however often they are asked for", async () => {
    const node = nodeOn("vless-in");
    const user = newUser();
    const before = await node.countUsers();
    expect(await node.addUser(user)).toBe("added");
    expect(await node.addUser(user)).toBe("exists");
    expect(await node.getUser(user.email)).toEqual(user);
    expect(await node.countUsers()).toBe(before + 1);
    expect(await node.removeUser(user.email)).toBe("removed");
    expect(await node.removeUser(user.email)).toBe("absent");
    expect(await node.getUser(user.email)).toBeNull();
    expect(await node.countUsers()).toBe(before);
  });

  it("keep their account when another one is added under their e-mail", async () => {
    const node = nodeOn("vless-in");
    const user = newUser();
    await node.addUser(user);
    await expect(node.addUser({ ...newUser(), email: user.email })).rejects.toBeInstanceOf(AccountMismatchError);
    const vision = { ...user, account: { ...user.account, flow: "xtls-rprx-vision" as const } };
    await expect(node.addUser(vision)).rejects.toBeInstanceOf(AccountMismatchError);
    expect(await node.getUser(user.email)).toEqual(user);
    await node.removeUser(user.email);
    expect(await node.addUser(vision)).toBe("added");
    expect(await node.getUser(user.email)).toEqual(vision);
  });

  it("are listed with those of others, who come back as they were", async () => {
    const node = nodeOn("vless-in");
    const user = newUser();
    await node.addUser(user);
    const listed = await node.listUsers();
    expect(listed).toContainEqual(user);
    const unmanaged = listed.find((each) => each.email === CONFIG_USERS.withEmail.email);
    expect(unmanaged?.account).toMatchObject({ protocol: "other", type: "xray.proxy.vless.Account", level: 1 });
    expect(listed.map((each) => each.email)).not.toContain("");
  });

  it("are listed on an inbound of another protocol too", async () => {
    const [user] = await nodeOn("vmess-in").listUsers();
    expect(user).toMatchObject({
      email: "vmess@user",
      account: { protocol: "other", type: "xray.proxy.vmess.Account" },
    });
  });

  it("report a missing inbound as that, not as an absent user", async () => {
    const node = nodeOn("nowhere");
    const user = newUser();
    await expect(node.addUser(user)).rejects.toBeInstanceOf(InboundMissingError);
    await expect(node.removeUser(user.email)).rejects.toBeInstanceOf(InboundMissingError);
    await expect(node.getUser(user.email)).rejects.toBeInstanceOf(InboundMissingError);
    await expect(node.listUsers()).rejects.toBeInstanceOf(InboundMissingError);
    await expect(node.countUsers()).rejects.toMatchObject({
      name: "InboundMissingError",
      node: "test",
      tag: "nowhere",
    });
  });

  it("can be added as soon as their missing inbound is there", async () => {
    const plain = nodeOn("plain-in");
    const definition = await definitionOf(plain);
    expect(await plain.removeInbound()).toBe("removed");
    const user = newUser();
    await expect(plain.addUser(user)).rejects.toBeInstanceOf(InboundMissingError);
    await plain.addInbound(definition, []);
    expect(await plain.addUser(user)).toBe("added");
  });
});

describe("requests that are not ours to send", () => {
  it("are refused before they are sent", async () => {
    const node = nodeOn("vless-in");
    const user = newUser();
    const other: InboundUser = {
      email: "x@y",
      account: { protocol: "other", type: "some.other.Account", value: "", level: 0 },
    };
    await expect(node.addUser(other)).rejects.toBeInstanceOf(InvalidXrayRequestError);
    await expect(node.addUser({ ...user, email: "" })).rejects.toBeInstanceOf(InvalidXrayRequestError);
    await expect(node.addUser({ ...user, email: "A@veil" })).rejects.toBeInstanceOf(InvalidXrayRequestError);
    await expect(node.addInbound({ tag: "x", config: "" }, [])).rejects.toBeInstanceOf(InvalidXrayRequestError);
    await expect(nodeOn("vmess-in").addUser(user)).rejects.toBeInstanceOf(InboundUnsupportedError);
    await expect(nodeOn("trojan-in").addUser(user)).rejects.toBeInstanceOf(InboundUnsupportedError);
    await expect(nodeOn("vmess-in").readInbound()).rejects.toBeInstanceOf(InboundUnsupportedError);
    expect(() => nodeOn(" ")).toThrow(InvalidXrayRequestError);
  });

  it("are not among what someone else's account can hold: Xray refuses bytes that don't decode", async () => {
    const node = nodeOn("vless-in");
    const account = { protocol: "other", type: "xray.proxy.vless.Account", value: "/w==", level: 0 } as const;
    await expect(node.addUser({ email: "x@y", account })).rejects.toBeInstanceOf(XrayRejectedError);
  });
});

describe("an inbound", () => {
  it("is named among the tags of the node", async () => {
    const tags = await nodeOn("vless-in").listInboundTags();
    const named = ["encrypted-in", "lonely-in", "plain-in", "shadowsocks-in", "trojan-in", "vless-in", "vmess-in"];
    expect(new Set(tags)).toEqual(new Set([...named, ...Object.keys(ASKING)]));
    expect(await nodeOn("nowhere").readInbound()).toBeNull();
  });

  it("is replaced with 10,000 users in it, and other people's users stay as they were", async () => {
    const node = nodeOn("vless-in");
    const unmanaged = (await node.listUsers()).filter((user) => user.account.protocol === "other");
    const definition = await definitionOf(node);
    const users = Array.from({ length: 10_000 }, newUser);
    expect(await node.removeInbound()).toBe("removed");
    expect(await node.removeInbound()).toBe("absent");
    expect(await node.addInbound(definition, [...unmanaged, ...users])).toEqual([]);
    const listed = await node.listUsers();
    expect(listed).toHaveLength(unmanaged.length + users.length);
    expect(listed.filter((user) => user.account.protocol === "other")).toEqual(unmanaged);
    expect(new Map(listed.map((user) => [user.email, user]))).toEqual(
      new Map([...unmanaged, ...users].map((user) => [user.email, user])),
    );
    expect(await definitionOf(node)).toEqual(definition);
  });

  it("keeps the oldest Reality client that it lets in when it is replaced", async () => {
    const node = nodeOn("vless-in");
    const definition = await definitionOf(node);
    expect(oldestClientOf(definition)).toEqual([1, 8, 1]);
    const users = await node.listUsers();
    await node.removeInbound();
    await node.addInbound(definition, users);
    expect(oldestClientOf(await definitionOf(node))).toEqual([1, 8, 1]);
  });

  it("keeps its connections and lets its users in again when it is replaced", async () => {
    const node = nodeOn("plain-in");
    const user = newUser();
    await node.addUser(user);
    const client = { port: xray.plainPort, uuid: user.account.uuid, echoPort: echo.port };
    const connected = await VlessClient.dial(client);
    expect(await connected.echoes("before")).toBe(true);
    const definition = await definitionOf(node);
    await node.removeInbound();
    await node.addInbound(definition, [user]);
    expect(await connected.repeats("after")).toBe(true);
    connected.close();
    expect(await canConnect(client)).toBe(true);
  });

  it("refuses a second one of its tag", async () => {
    const node = nodeOn("vless-in");
    const definition = await definitionOf(node);
    await expect(node.addInbound(definition, [])).rejects.toBeInstanceOf(InboundExistsError);
  });

  it("that can't listen says so, and is to be removed before the next attempt", async () => {
    const node = nodeOn("plain-in");
    const definition = await definitionOf(node);
    await node.removeInbound();
    const squatter = await startEchoServer(xray.plainPort);
    await expect(node.addInbound(definition, [])).rejects.toBeInstanceOf(InboundNotListeningError);
    await new Promise((resolve) => squatter.server.close(resolve));
    await expect(node.addInbound(definition, [])).rejects.toBeInstanceOf(InboundExistsError);
    expect(await node.removeInbound()).toBe("removed");
    expect(await node.addInbound(definition, [])).toEqual([]);
    expect(await node.countUsers()).toBe(0);
  });

  it("has a short id more after it is replaced by its definition with that id", async () => {
    const node = nodeOn("vless-in");
    const changed = ensureShortId(await definitionOf(node), "7bb45050");
    if (changed === null) throw new Error("the short id was there");
    const users = await node.listUsers();
    await node.removeInbound();
    await node.addInbound(changed, users);
    expect(ensureShortId(await definitionOf(node), "7bb45050")).toBeNull();
    expect(ensureShortId(await definitionOf(node), "0123456789abcdef")).toBeNull();
    expect(await node.countUsers()).toBe(users.length);
  });
});

describe("counters", () => {
  it("come to be with a user's first connection and count what is moved", async () => {
    const node = nodeOn("plain-in");
    const user = newUser();
    await node.addUser(user);
    const uplink = `user>>>${user.email}>>>traffic>>>uplink`;
    expect(await node.readCounter(uplink)).toBeNull();
    const client = await VlessClient.dial({
      port: xray.plainPort,
      uuid: user.account.uuid,
      echoPort: echo.port,
      from: "127.0.0.2",
    });
    expect(await client.echoes("ping")).toBe(true);
    expect(await node.onlineUsers()).toContain(user.email);
    const counted = await node.readCounter(uplink);
    expect(counted).toBeGreaterThanOrEqual("ping".length);
    expect(await node.queryCounters(`user>>>${user.email}>>>`)).toContainEqual({ name: uplink, value: counted });
    client.close();
    expect(await node.readCounter(uplink)).toBe(counted);
  });

  it("list from where a user is connected, each address once, and nobody of the node's own loopback", async () => {
    const node = nodeOn("plain-in");
    const user = newUser();
    await node.addUser(user);
    const addresses = () => node.onlineAddresses(user.email);
    const connectFrom = async (from: string) => {
      const client = await VlessClient.dial({
        port: xray.plainPort,
        uuid: user.account.uuid,
        echoPort: echo.port,
        from,
      });
      expect(await client.echoes("ping")).toBe(true);
      return client;
    };
    expect(await addresses()).toBeNull();
    const local = await connectFrom("127.0.0.1");
    expect(await addresses()).toEqual([]);
    const clients = [await connectFrom("127.0.0.2"), await connectFrom("127.0.0.3"), await connectFrom("127.0.0.3")];
    expect(await addresses()).toEqual(["127.0.0.2", "127.0.0.3"]);
    clients[1]?.close();
    await node.removeUser(user.email);
    expect(await addresses()).toEqual(["127.0.0.2", "127.0.0.3"]);
    for (const client of [local, ...clients]) client.close();
    await expect.poll(addresses).toEqual([]);
  });

  it("list nobody where the policy does not say so, although they are counted", async () => {
    const silent = await RealXray.create(inject("xrayBinary"), undefined, false);
    await silent.start();
    const node = connectXrayNode({ name: "silent", address: silent.address, inboundTag: "plain-in" });
    open.push(node);
    const user = newUser();
    await node.addUser(user);
    const client = await VlessClient.dial({
      port: silent.plainPort,
      uuid: user.account.uuid,
      echoPort: echo.port,
      from: "127.0.0.2",
    });
    expect(await client.echoes("ping")).toBe(true);
    expect(await node.onlineAddresses(user.email)).toBeNull();
    expect(await node.onlineUsers()).toEqual([]);
    expect(await node.readCounter(`user>>>${user.email}>>>traffic>>>uplink`)).toBeGreaterThan(0);
    client.close();
    await silent.dispose();
  });

  it("are none for a pattern that nothing contains", async () => {
    expect(await nodeOn("vless-in").queryCounters("no such counter")).toEqual([]);
  });

  it("tell the uptime in whole seconds", async () => {
    const uptime = await nodeOn("vless-in").uptimeSeconds();
    expect(Number.isInteger(uptime)).toBe(true);
  });
});

describe("a blocked user", () => {
  it("gets nowhere until unblocked; blocking and unblocking twice is the same as once", async () => {
    const node = nodeOn("plain-in");
    const [user, neighbor] = [newUser(), newUser()];
    await node.addUser(user);
    await node.addUser(neighbor);
    const through = (uuid: string) => canConnect({ port: xray.plainPort, uuid, echoPort: echo.port });
    await node.blockUsers([user.email]);
    await node.blockUsers([user.email]);
    expect(await through(user.account.uuid)).toBe(false);
    expect(await through(neighbor.account.uuid)).toBe(true);
    await node.unblockUsers([user.email]);
    await node.unblockUsers([user.email]);
    expect(await through(user.account.uuid)).toBe(true);
  });

  it("shares a rule with those who are blocked at the same moment, and is let through without them", async () => {
    const node = nodeOn("plain-in");
    const emails = ["7@veil", "8@veil", "9@veil"];
    await node.blockUsers(emails);
    expect(await node.listBlockedUsers()).toEqual(emails);
    await node.unblockUsers(["8@veil", "10@veil"]);
    expect(await node.listBlockedUsers()).toEqual(["7@veil", "9@veil"]);
    await node.unblockUsers(emails);
  });

  it("stays as it is where the caller may change nothing about it by the time of the call", async () => {
    const node = nodeOn("plain-in");
    const emails = ["7@veil", "8@veil", "9@veil"];
    const mayChange = (email: string) => email !== "8@veil";
    await node.blockUsers(emails, { mayChange });
    expect(await node.listBlockedUsers()).toEqual(["7@veil", "9@veil"]);
    await node.unblockUsers(["7@veil"], { mayChange: () => false });
    await node.blockUsers(["8@veil"]);
    await node.unblockUsers(emails, { mayChange });
    expect(await node.listBlockedUsers()).toEqual(["8@veil"]);
    await node.unblockUsers(emails);
  });

  it("is listed after those who were blocked before, and without the rules of others", async () => {
    const node = nodeOn("plain-in");
    const emails = Array.from({ length: 5 }, () => newUser().email);
    for (const email of emails) await node.blockUsers([email]);
    expect(await node.listBlockedUsers()).toEqual(emails);
    await node.unblockUsers(emails);
    expect(await node.listBlockedUsers()).toEqual([]);
  });
});

describe("the process mark", () => {
  it("is one of ten that are planted together, stays when an inbound is replaced and goes with the process", async () => {
    const node = nodeOn("plain-in");
    expect(await node.readProcessMark()).toBeNull();
    const ids = Array.from({ length: 10 }, () => randomUUID());
    const results = await Promise.all(ids.map((id) => node.plantProcessMark(id)));
    expect(results.filter((result) => result === "planted")).toHaveLength(1);
    const planted = ids[results.indexOf("planted")];
    expect(await node.readProcessMark()).toBe(planted);

    const definition = await definitionOf(node);
    await node.removeInbound();
    await node.addInbound(definition, []);
    expect(await node.readProcessMark()).toBe(planted);

    await xray.kill();
    await xray.start();
    const reborn = nodeOn("plain-in");
    expect(await reborn.readProcessMark()).toBeNull();
    expect(await reborn.plantProcessMark("next")).toBe("planted");
  });
});
