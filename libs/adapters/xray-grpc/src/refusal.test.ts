import { status } from "@grpc/grpc-js";
import { describe, expect, it } from "vitest";
import { XrayRejectedError } from "./errors.ts";
import { isRefusal, refusingProxy } from "./call-failure.ts";

const REASONS = [
  "inbound-missing",
  "inbound-exists",
  "inbound-not-listening",
  "outbound-exists",
  "rule-exists",
  "user-exists",
  "user-missing",
  "no-clue",
] as const;

describe("isRefusal", () => {
  it.each([
    [
      "inbound-missing",
      "app/proxyman/command: failed to get handler: in > app/proxyman/inbound: handler not found: in",
    ],
    ["inbound-exists", "app/proxyman/inbound: existing tag found: vless-in"],
    ["inbound-not-listening", "app/proxyman/inbound: failed to listen TCP on 443 > … bind: address already in use"],
    ["outbound-exists", "app/proxyman/outbound: existing tag found: veil-process-mark"],
    ["rule-exists", "app/router: duplicate ruleTag veil-block-1@veil"],
    ["user-exists", "proxy/vless: User 1@veil already exists."],
    ["user-missing", "proxy/vless: User 1@veil not found."],
    ["no-clue", "common: not enough information for making a decision"],
    [null, "app/proxyman/command: proxy is not a UserManager"],
  ])("finds %s, and nothing else, in Xray's %j", (reason, details) => {
    const error = new XrayRejectedError("test", "addUser", status.UNKNOWN, details);
    expect(REASONS.filter((each) => isRefusal(error, each))).toEqual(reason === null ? [] : [reason]);
  });

  it("finds nothing in other errors", () => {
    expect(isRefusal(new Error("proxy/vless: User 1@veil not found."), "user-missing")).toBe(false);
  });
});

describe("refusingProxy", () => {
  it.each([
    ["vless", "proxy/vless: User 1@nobody not found."],
    ["shadowsocks_2022", "proxy/shadowsocks_2022: User 1@nobody not found."],
    // Another package of the protocol says nothing sure.
    [null, "proxy/vmess/inbound: User 1@nobody not found."],
    [null, "app/proxyman/command: proxy is not a UserManager"],
    [null, "app/router: User proxy/vless: User 1@nobody not found."],
  ])("is %s by %j", (name, details) => {
    expect(refusingProxy(new XrayRejectedError("test", "addUser", status.UNKNOWN, details))).toBe(name);
  });
});
