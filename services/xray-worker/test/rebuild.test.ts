import { randomUUID } from "node:crypto";
import { type DesiredState, type DesiredUser, StoreUnavailableError } from "@veil/keys";
import { startTestXray, type TestXray } from "@veil/test-support";
import { connectXrayNode, type InboundUser, type XrayNode } from "@veil/xray-grpc";
import { userEmail } from "@veil/protocols";
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, test } from "vitest";
import { XrayNodeUsers } from "../src/nodes/xray-node-users.ts";

let xray: TestXray;
let node: XrayNode;
let users: XrayNodeUsers;
const stored = new Map<string, string>();

beforeAll(async () => {
  xray = await startTestXray(inject("xrayBinary"));
});
afterAll(() => xray.stop());
beforeEach(async () => {
  await xray.restart();
  node = connectXrayNode({ name: "test", address: xray.api, inboundTag: xray.inboundTag });
  const vault = {
    save: async (name: string, inbound: string) => void stored.set(name, inbound),
    load: async (name: string) => stored.get(name) ?? null,
  };
  users = new XrayNodeUsers({
    ...{ node, vault, shortId: xray.shortId },
    inboundTag: xray.inboundTag,
    groups: { names: ["default"], isSettled: true },
  });
});

afterEach(() => node.close());

const unmanaged: InboundUser = {
  email: "someone@else",
  account: { protocol: "vless", uuid: randomUUID(), flow: "" },
};

const isAway = new StoreUnavailableError(new Error("no server"));
/** As the driver says what waiting would not cure. */
const isFaulty = new Error("the engine does not know this operator");

/** A store that fails at one of the reads which a rebuild makes. */
function lostAt(lost: keyof DesiredState, reason: Error = isAway): DesiredState {
  const answer = async <T>(read: keyof DesiredState, value: T): Promise<T> => {
    if (read === lost) throw reason;
    return value;
  };
  return {
    findCreating: () => answer("findCreating", []),
    findDesired: () => answer("findDesired", new Map<number, DesiredUser>()),
    hasDesired: () => answer("hasDesired", true),
  };
}

async function emails(): Promise<Set<string>> {
  return new Set((await node.listUsers()).map(({ email }) => email));
}

test.each([
  ["findCreating", isAway],
  ["findDesired", isAway],
  ["findDesired", isFaulty],
] as const)(
  "an inbound comes back as it was when the store fails at %s while it is rebuilt: %s",
  async (lost, reason) => {
    for (const keyId of [1, 2, 3]) await users.add({ keyId, uuid: randomUUID(), flow: "" });
    await node.addUser(unmanaged);
    const before = await node.listUsers();
    const listed = await users.list();
    await expect(listed.rebuild(lostAt(lost, reason))).rejects.toThrow(reason);
    const after = await node.listUsers();
    expect(new Map(after.map((user) => [user.email, user.account]))).toEqual(
      new Map(before.map((user) => [user.email, user.account])),
    );
  },
);

test("an inbound that comes back leaves out whom a deletion removed after it was looked at", async () => {
  for (const keyId of [1, 2]) await users.add({ keyId, uuid: randomUUID(), flow: "" });
  await users.list();
  await users.remove(1);
  const listed = await users.list();
  await users.remove(2);
  await expect(listed.rebuild(lostAt("findDesired"))).rejects.toThrow(StoreUnavailableError);
  expect(await emails()).not.toContain(userEmail(2));
  expect(await emails()).not.toContain(userEmail(1));
});

test("an inbound that was missing comes back with unmanaged users while the store does not say who else", async () => {
  await node.addUser(unmanaged);
  await users.list();
  await node.removeInbound();
  const listed = await users.list();
  expect(listed.state).toBe("missing");
  await expect(listed.rebuild(lostAt("findCreating"))).rejects.toThrow(StoreUnavailableError);
  expect(await emails()).toEqual(new Set([unmanaged.email]));
});
