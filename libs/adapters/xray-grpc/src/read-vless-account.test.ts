import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { UserSchema } from "./generated/xray/common/protocol_pb.ts";
import { AccountSchema } from "./generated/xray/proxy/vless/account_pb.ts";
import { decodeUser } from "./inbound-user.ts";
import { readVlessAccount } from "./read-vless-account.ts";
import { packTyped } from "./typed-message.ts";

const UUID = "66ad4540-b58c-4ad2-9926-ea63445a9b57";

function read(flow: string, { id = UUID, ...user }: { id?: string; email?: string; level?: number } = {}) {
  const account = packTyped(AccountSchema, { id, flow });
  return readVlessAccount(decodeUser(create(UserSchema, { email: "1@veil", account, ...user })).account);
}

describe("readVlessAccount", () => {
  it.each(["none", "xtls-rprx-vision-udp443", "xtls-rprx-direct", "XTLS-RPRX-VISION", ""])(
    "takes the flow %j for none, as Xray does",
    (flow) => expect(read(flow)).toEqual({ uuid: UUID, flow: "" }),
  );

  it.each([{ level: 1 }, { email: "Анна" }, { email: "a b" }, { email: "" }])("reads the account of %j", (user) => {
    expect(read("xtls-rprx-vision", user)).toEqual({ uuid: UUID, flow: "xtls-rprx-vision" });
  });

  it.each([UUID.toUpperCase(), UUID.replaceAll("-", "")])("reads the UUID %s", (id) => {
    expect(read("", { id, level: 1 })).toEqual({ uuid: UUID, flow: "" });
  });

  it.each([
    ["another protocol", "xray.proxy.trojan.Account", "CgA="],
    ["bytes that don't decode", AccountSchema.typeName, "/w=="],
    ["no UUID", AccountSchema.typeName, ""],
  ])("gives up on %s", (_what, type, value) => {
    expect(readVlessAccount({ protocol: "other", type, value, level: 0 })).toBeNull();
  });
});
