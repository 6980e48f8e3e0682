import { type Creation, type DesiredState, type InboundVault, UnreadableRecordError } from "@veil/keys";
import { userEmail } from "@veil/protocols";
import { AccountMismatchError, type InboundUser, type XrayNode } from "@veil/xray-grpc";
import { expect, test } from "vitest";
import { InboundLostError, XrayNodeUsers } from "./xray-node-users.ts";

const uuidOf = (keyId: number) => `00000000-0000-4000-8000-${String(keyId).padStart(12, "0")}`;
const unmanaged: InboundUser = {
  email: "friend@example.com",
  account: { protocol: "vless", uuid: uuidOf(99), flow: "" },
};
const creating: Creation = {
  keyId: 2,
  uuid: uuidOf(2),
  flow: "",
  name: null,
  owner: null,
  createdAt: 0,
  job: "create-2",
  deadline: 0,
};

const SERVER_KEY = Buffer.alloc(32, 1).toString("base64");
const STORED = JSON.stringify({ definition: { tag: "vless-in", config: "AA==" }, foreign: [unmanaged] });

/** A node whose inbound somebody removed, and that is stored. */
function emptyNode(inboundTag = "vless-in", stored: string = STORED) {
  const asked: string[] = [];
  const held: string[] = [];
  const node: Partial<XrayNode> = {
    name: "main",
    readInbound: async () => null,
    listUsers: async () => [],
    removeInbound: async () => {
      asked.push("remove inbound");
      return "absent";
    },
    addInbound: async (_definition, users) => {
      asked.push("add inbound");
      held.push(...users.map(({ email }) => email));
      return [];
    },
  };
  const vault: Pick<InboundVault, "save" | "load"> = { load: async () => stored, save: async () => undefined };
  const state: DesiredState = {
    findCreating: async () => {
      asked.push("read claims");
      return [creating];
    },
    findDesired: async () => {
      asked.push("read keys");
      return new Map([[1, { keyId: 1, uuid: uuidOf(1), flow: "", indeterminate: [], groups: ["default"] }]]);
    },
    hasDesired: async () => true,
  };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a test double of what a rebuild asks for
  const users = new XrayNodeUsers({
    node: node as XrayNode,
    inboundTag,
    vault,
    groups: { names: ["default"], isSettled: true },
    shortId: "",
  });
  return { node, users, state, asked, held };
}

test("an inbound that is rebuilt holds unmanaged users, active keys and those that are being created", async () => {
  const { users, state, held } = emptyNode();
  const listed = await users.list();
  expect(listed.state).toBe("missing");
  await listed.rebuild(state);
  expect(held.toSorted()).toEqual(["1@veil", "2@veil", "friend@example.com"]);
});

test("users that one message does not take are added behind it, 32 at a time", async () => {
  const { node, state, users } = emptyNode();
  const keyIds = Array.from({ length: 100 }, (_, index) => index + 1);
  state.findCreating = async () => [];
  state.findDesired = async () =>
    new Map(
      keyIds.map((keyId) => [keyId, { keyId, uuid: uuidOf(keyId), flow: "", indeterminate: [], groups: ["default"] }]),
    );
  node.addInbound = async (_definition, all) => all.slice(1);
  const added: string[] = [];
  let [underWay, most] = [0, 0];
  node.addUser = async ({ email }) => {
    underWay += 1;
    most = Math.max(most, underWay);
    await new Promise((resolve) => setImmediate(resolve));
    underWay -= 1;
    added.push(email);
    return "added";
  };
  await (await users.list()).rebuild(state);
  expect([most, added.toSorted()]).toEqual([32, keyIds.map(userEmail).toSorted()]);
});

test("an inbound under another tag is not made of what the node's first inbound was before", async () => {
  const { users, state, asked } = emptyNode("vless-new");
  const listed = await users.list();
  await expect(listed.rebuild(state)).rejects.toThrow(InboundLostError);
  expect(asked).toEqual([]);
});

test.each(["{", JSON.stringify({ definition: {} })])(
  "an inbound that was stored as %j is as lost as one that never was",
  async (stored) => {
    const { users, state, asked } = emptyNode("vless-in", stored);
    await expect((await users.list()).rebuild(state)).rejects.toThrow(InboundLostError);
    expect(asked).toEqual([]);
  },
);

test("what is stored of an inbound and can't be read is replaced by what the node shows", async () => {
  const saved: string[] = [];
  const node: Partial<XrayNode> = {
    name: "main",
    readInbound: async () => ({ tag: "vless-in", config: "" }),
    listUsers: async () => [unmanaged],
  };
  const vault: Pick<InboundVault, "save" | "load"> = {
    load: () => Promise.reject(new UnreadableRecordError("inbounds main makes no sense")),
    save: async (_, text) => void saved.push(text),
  };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a test double of what a look asks for
  const users = new XrayNodeUsers({
    ...{ node: node as XrayNode, inboundTag: "vless-in", vault, shortId: "" },
    ...{ kind: { protocol: "shadowsocks-2022", transport: "tcp", path: null, serverKey: "k", encryption: null } },
    groups: { names: ["default"], isSettled: true },
  });
  expect((await users.list()).state).toBe("sound");
  expect(saved.map((text) => JSON.parse(text))).toEqual([
    { definition: { tag: "vless-in", config: "" }, foreign: [unmanaged] },
  ]);
});

test("an inbound that is made anew keeps users of keys whose records make no sense, and no others that are wanted no more", async () => {
  const held: string[] = [];
  const userOf = (keyId: number): InboundUser => ({
    email: `${keyId}@veil`,
    account: { protocol: "vless", uuid: uuidOf(keyId), flow: "" },
  });
  const node: Partial<XrayNode> = {
    name: "main",
    readInbound: async () => ({ tag: "vless-in", config: "" }),
    listUsers: async () => [unmanaged, ...[1, 7, 8, 9].map(userOf)],
    removeInbound: async () => "removed",
    addInbound: async (_definition, users) => {
      held.push(...users.map(({ email }) => email));
      return [];
    },
  };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a test double of what a rebuild asks for
  const users = new XrayNodeUsers({
    ...{ node: node as XrayNode, inboundTag: "vless-in", shortId: "" },
    ...{
      kind: { protocol: "shadowsocks-2022", transport: "tcp", path: null, serverKey: SERVER_KEY, encryption: null },
    },
    vault: { load: async () => null, save: async () => undefined },
    groups: { names: ["default"], isSettled: true },
  });
  const listed = await users.list();
  await users.prepareRemovals([9]);
  const asked: number[][] = [];
  await listed.rebuild(emptyNode().state, async (keyIds) => {
    asked.push([...keyIds]);
    return new Set([7, 9]);
  });
  expect(held.toSorted()).toEqual(["1@veil", "2@veil", "7@veil", "friend@example.com"]);
  expect(asked).toEqual([[7, 8]]);
});

test("claims are read before keys, and both once the old inbound is gone: no key slips through between them", async () => {
  const { users, state, asked } = emptyNode();
  await (await users.list()).rebuild(state);
  expect(asked).toEqual(["remove inbound", "read claims", "read keys", "add inbound"]);
});

test("a user with another account is replaced by the key's holder alone: no one else removes a user", async () => {
  const asked: string[] = [];
  const node: Partial<XrayNode> = {
    name: "main",
    addUser: async ({ email }) => {
      asked.push("add");
      if (!asked.includes("remove")) throw new AccountMismatchError("main", "addUser", email);
      return "added";
    },
    removeUser: async () => {
      asked.push("remove");
      return "removed";
    },
  };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a test double of what an add asks for
  const users = new XrayNodeUsers({
    node: node as XrayNode,
    inboundTag: "vless-in",
    vault: {} as InboundVault,
    groups: { names: ["default"], isSettled: true },
    shortId: "",
  });
  expect(await users.add(creating)).toBe("exists");
  expect(asked).toEqual(["add"]);
  expect(await users.add(creating, { beforeCall: () => undefined })).toBe("added");
  expect(asked).toEqual(["add", "add", "remove", "add"]);
});

test("who lost the key's lease blocks nobody and lets nobody in: the next holder has decided since", async () => {
  const changed: string[] = [];
  let isHeld = true;
  const node: Partial<XrayNode> = { name: "main", addUser: async () => "added", removeUser: async () => "removed" };
  const change =
    (what: string) => async (emails: string | readonly string[], mayChange?: (email: string) => boolean) => {
      for (const email of [emails].flat()) if (mayChange?.(email) !== false) changed.push(`${what} ${email}`);
    };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a test double of what a removal asks for
  const users = new XrayNodeUsers({
    node: node as XrayNode,
    inboundTag: "vless-in",
    vault: {} as InboundVault,
    groups: { names: ["default"], isSettled: true },
    shortId: "",
    blocked: { block: change("block"), release: change("release") },
  });
  const beforeCall = () => {
    if (!isHeld) throw new Error("the lease is over");
  };
  await users.remove(2, { beforeCall });
  await users.add(creating, { beforeCall, isBack: true });
  isHeld = false;
  await users.remove(2, { beforeCall });
  await users.prepareRemovals([1, 2], (keyId) => keyId === 1);
  await users.add(creating, { beforeCall, isBack: true });
  expect(changed).toEqual(["block 2@veil", "release 2@veil", "block 1@veil"]);
});
