import { describe, expect, it } from "vitest";
import { holdings, legacyReadings, ownersOf } from "./former-users.ts";
import type { LegacyKey } from "./legacy-key.ts";

const UUID = "3f2b8a52-6f0c-4a7b-9a51-0c1d2e3f4a5b";
const OTHER = "3f2b8a52-1111-4a7b-9a51-0c1d2e3f4a5b";

function keyOf(id: number, itsUuid: string): LegacyKey {
  const traffic = { up: 0, down: 0, updatedAt: 0 };
  return { id, uuid: itsUuid, name: null, shortId: null, createdAt: 0, isActive: true, traffic };
}

function userOf(email: string, itsUuid: string) {
  return { email, account: { protocol: "vless", uuid: itsUuid, flow: "" } } as const;
}

describe("holdings", () => {
  it("finds every e-mail under which a key's UUID stands, and tells ours from them", () => {
    const users = [userOf("user_7_3f2b8a52", UUID), userOf("by-hand", UUID), userOf("7@veil", UUID)];
    expect(holdings(users, [keyOf(7, UUID)]).get(7)).toEqual({ former: ["user_7_3f2b8a52", "by-hand"], ours: true });
  });

  it("leaves alone whoever has another UUID, whatever the e-mail", () => {
    expect(holdings([userOf("user_7_3f2b8a52", OTHER), userOf("friend", OTHER)], [keyOf(7, UUID)]).size).toBe(0);
  });

  it("leaves alone whoever has an account that can't be read", () => {
    const account = { protocol: "other", type: "xray.proxy.vless.Account", value: "", level: 1 } as const;
    expect(holdings([{ email: "friend", account }], [keyOf(7, UUID)]).size).toBe(0);
  });

  it("takes UUIDs in upper case and without dashes for the same", () => {
    const users = [userOf("a", UUID.toUpperCase()), userOf("b", UUID.replaceAll("-", ""))];
    expect(holdings(users, [keyOf(7, UUID)]).get(7)?.former).toEqual(["a", "b"]);
  });
});

describe("legacyReadings", () => {
  it("adds up the counters of a key's e-mails and leaves out every other one", () => {
    const counters = [
      { name: "user>>>user_7_3f2b8a52>>>traffic>>>uplink", value: 5 },
      { name: "user>>>user_3f2b8a52>>>traffic>>>uplink", value: 2 },
      { name: "user>>>user_7_3f2b8a52>>>traffic>>>downlink", value: 9 },
      { name: "user>>>7@veil>>>traffic>>>downlink", value: 100 },
      { name: "inbound>>>vless-in>>>traffic>>>downlink", value: 100 },
    ];
    expect(legacyReadings(counters, ownersOf([keyOf(7, UUID)]))).toEqual(new Map([[7, { up: 7, down: 9 }]]));
  });

  it("gives an e-mail that two keys could have to neither", () => {
    const owners = ownersOf([keyOf(7, UUID), keyOf(8, OTHER)]);
    expect(owners.has("user_3f2b8a52")).toBe(false);
    expect(owners.get("user_8_3f2b8a52")).toBe(8);
  });
});
