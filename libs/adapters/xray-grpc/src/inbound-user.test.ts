import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { UserSchema } from "./generated/xray/common/protocol_pb.ts";
import { AccountSchema } from "./generated/xray/proxy/vless/account_pb.ts";
import { decodeUser, encodeUser, type InboundUser, inboundUserSchema, isSameUser } from "./inbound-user.ts";
import { packTyped } from "./typed-message.ts";

const UUID = "66ad4540-b58c-4ad2-9926-ea63445a9b57";
const ours: InboundUser = { email: "1@veil", account: { protocol: "vless", uuid: UUID, flow: "" } };

/** A user as Xray lists it once it was given: it writes UUIDs with dashes. */
function asListed(overrides: Parameters<typeof create<typeof UserSchema>>[1] = {}) {
  const account = packTyped(AccountSchema, { id: UUID });
  return create(UserSchema, { email: "1@veil", account, ...overrides });
}

describe("encodeUser", () => {
  it("writes no level, no empty flow and a UUID without dashes", () => {
    const bytes = encodeUser(ours);
    const user = fromBinary(UserSchema, bytes);
    expect(user.account?.type).toBe("xray.proxy.vless.Account");
    expect(fromBinary(AccountSchema, user.account?.value ?? new Uint8Array()).id).toBe(UUID.replaceAll("-", ""));
    expect(bytes).toHaveLength(72);
  });
});

describe("decodeUser", () => {
  it("knows what we would have added", () => {
    expect(decodeUser(asListed())).toEqual(ours);
    const account = packTyped(AccountSchema, { id: UUID, flow: "xtls-rprx-vision" });
    expect(decodeUser(asListed({ account })).account).toMatchObject({ protocol: "vless", flow: "xtls-rprx-vision" });
  });

  it.each([
    ["a level", asListed({ level: 1 })],
    ["an e-mail in upper case", asListed({ email: "Alice@x" })],
    ["an unknown flow", asListed({ account: packTyped(AccountSchema, { id: UUID, flow: "none" }) })],
    ["a UUID of version 5", asListed({ account: packTyped(AccountSchema, { id: UUID.replace("-4", "-5") }) })],
    [
      "a field that we don't write",
      asListed({ account: { type: AccountSchema.typeName, value: Buffer.from([0x20, 1]) } }),
    ],
    ["bytes that don't decode", asListed({ account: { type: AccountSchema.typeName, value: Buffer.from([0xff]) } })],
    ["another protocol", asListed({ account: { type: "xray.proxy.trojan.Account", value: Buffer.from([0x0a, 0]) } })],
    ["no account", create(UserSchema, { email: "1@veil" })],
  ])("takes a user with %s for someone else's and puts it back unchanged", (_what, listed) => {
    const user = decodeUser(listed);
    expect(user.account.protocol).toBe("other");
    expect(encodeUser(user)).toEqual(toBinary(UserSchema, listed));
  });

  it("puts any user back unchanged or as one that Xray treats the same, stored as JSON in between", () => {
    const anyUser = fc.record({
      email: fc.string(),
      level: fc.nat(),
      account: fc.record({
        type: fc.constantFrom("xray.proxy.vless.Account", "xray.proxy.vmess.Account"),
        value: fc.uint8Array({ maxLength: 60 }),
      }),
    });
    fc.assert(
      fc.property(anyUser, (listed) => {
        const user = decodeUser(create(UserSchema, listed));
        const stored: unknown = JSON.parse(JSON.stringify(user));
        const again = decodeUser(fromBinary(UserSchema, encodeUser(inboundUserSchema.parse(stored))));
        expect(isSameUser(again, user)).toBe(true);
      }),
    );
  });
});

describe("isSameUser", () => {
  const other = decodeUser(asListed({ level: 1 }));

  it.each<[string, InboundUser, InboundUser, boolean]>([
    ["the same", ours, ours, true],
    ["UUIDs that Xray can't tell apart", ours, decodeUser(asListed()), true],
    ["other e-mails", ours, { ...ours, email: "2@veil" }, false],
    ["other flows", ours, { ...ours, account: { protocol: "vless", uuid: UUID, flow: "xtls-rprx-vision" } }, false],
    ["ours and someone else's", ours, other, false],
    ["someone else's", other, decodeUser(asListed({ level: 1 })), true],
    ["someone else's with other levels", other, decodeUser(asListed({ level: 2 })), false],
  ])("compares users with %s", (_what, one, another, same) => {
    expect(isSameUser(one, another)).toBe(same);
    expect(isSameUser(another, one)).toBe(same);
  });
});
