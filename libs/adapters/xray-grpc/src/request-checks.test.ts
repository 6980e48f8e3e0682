import { describe, expect, it } from "vitest";
import { InvalidXrayRequestError } from "./errors.ts";
import type { InboundUser } from "./inbound-user.ts";
import { checkEmail, checkTag, checkUser } from "./request-checks.ts";

const VLESS = "xray.proxy.vless.Account";
const good: InboundUser = {
  email: "1@veil",
  account: { protocol: "vless", uuid: "66ad4540-b58c-4ad2-9926-ea63445a9b57", flow: "" },
};
const unmanaged: InboundUser = { email: "Alice@X", account: { protocol: "other", type: VLESS, value: "", level: 1 } };

/** A user whose account is not what its type says. */
function changed(user: InboundUser, account: Record<string, string>): InboundUser {
  return { ...user, account: Object.assign({}, user.account, account) };
}

describe("checkEmail", () => {
  it.each(["", "Alice@x", "a b@x", "a@x\n", "a>>>b@x", "regexp:.*", " "])("refuses %j", (email) => {
    expect(() => checkEmail(email)).toThrow(InvalidXrayRequestError);
  });

  it.each(["1@veil", "9007199254740991@veil", "ключ@x"])("accepts %j", (email) => {
    expect(() => checkEmail(email)).not.toThrow();
  });
});

describe("checkTag", () => {
  it.each(["", " "])("refuses %j", (tag) => {
    expect(() => checkTag(tag)).toThrow(InvalidXrayRequestError);
  });
});

describe("checkUser", () => {
  it("accepts ours, and someone else's as Xray lists it", () => {
    expect(() => checkUser(good, VLESS)).not.toThrow();
    expect(() => checkUser(unmanaged, VLESS)).not.toThrow();
  });

  it.each([
    ["a word for a UUID", changed(good, { uuid: "hello" })],
    ["an empty UUID", changed(good, { uuid: "" })],
    ["an unknown flow", changed(good, { flow: "none" })],
    ["an empty e-mail", { ...good, email: "" }],
    ["an upper-case e-mail", { ...good, email: "A@veil" }],
    ["someone else's without an e-mail", { ...unmanaged, email: "" }],
    ["someone else's of another protocol", changed(unmanaged, { type: "some.other.Account" })],
    ["someone else's without an account", changed(unmanaged, { type: "" })],
  ])("refuses %s", (_fault, user) => {
    expect(() => checkUser(user, VLESS)).toThrow(InvalidXrayRequestError);
  });

  it("refuses a good user for an inbound of another protocol", () => {
    expect(() => checkUser(good, "xray.proxy.trojan.Account")).toThrow(InvalidXrayRequestError);
  });
});
