import { randomUUID } from "node:crypto";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { embedUsers } from "./embedded-users.ts";
import { InvalidXrayRequestError } from "./errors.ts";
import { AddInboundRequestSchema } from "./generated/xray/app/proxyman/command_pb.ts";
import { ReceiverConfigSchema } from "./generated/xray/app/proxyman/proxyman_pb.ts";
import { InboundHandlerConfigSchema } from "./generated/xray/core/core_pb.ts";
import { ConfigSchema } from "./generated/xray/proxy/vless/inbound_pb.ts";
import { definitionOf, type InboundDefinition } from "./inbound-definition.ts";
import type { InboundUser } from "./inbound-user.ts";
import { packTyped } from "./typed-message.ts";

const MAX_MESSAGE_BYTES = 4_194_304;
const unmanaged: InboundUser = {
  email: "Alice@X",
  account: { protocol: "other", type: "xray.proxy.vless.Account", value: "", level: 1 },
};

function someDefinition(): InboundDefinition {
  const definition = definitionOf(
    create(InboundHandlerConfigSchema, {
      tag: "vless-in",
      receiverSettings: packTyped(ReceiverConfigSchema, {}),
      proxySettings: packTyped(ConfigSchema, {}),
    }),
  );
  if (definition === null) throw new Error("the inbound has no definition");
  return definition;
}

function users(count: number, firstId = 1): InboundUser[] {
  return Array.from({ length: count }, (_, index) => ({
    email: `${firstId + index}@veil`,
    account: { protocol: "vless", uuid: randomUUID(), flow: "" },
  }));
}

function messageBytes(inbound: ReturnType<typeof embedUsers>["inbound"]): number {
  return toBinary(AddInboundRequestSchema, create(AddInboundRequestSchema, { inbound })).length;
}

function emailsIn(inbound: ReturnType<typeof embedUsers>["inbound"]): string[] {
  const value = inbound.proxySettings?.value ?? new Uint8Array();
  return fromBinary(ConfigSchema, value).clients.map((client) => client.email);
}

describe("embedUsers", () => {
  it("fits 50,000 users with ids in the millions into one message", () => {
    const { inbound, leftOver } = embedUsers(someDefinition(), users(50_000, 1_000_000));
    expect(leftOver).toEqual([]);
    expect(emailsIn(inbound)).toHaveLength(50_000);
    expect(messageBytes(inbound)).toBeLessThanOrEqual(MAX_MESSAGE_BYTES);
  }, 60_000);

  it("leaves over whom the message has no room for, and no more than that", () => {
    const many = users(600);
    const maxBytes = 20_000;
    const { inbound, leftOver } = embedUsers(someDefinition(), many, maxBytes);
    expect(emailsIn(inbound).length + leftOver.length).toBe(many.length);
    expect(messageBytes(inbound)).toBeLessThanOrEqual(maxBytes);
    expect(messageBytes(inbound)).toBeGreaterThan(maxBytes - 150);
  });

  it("takes other people's users first", () => {
    const { inbound } = embedUsers(someDefinition(), [...users(2), unmanaged]);
    expect(emailsIn(inbound)).toEqual(["Alice@X", "1@veil", "2@veil"]);
  });

  it("leaves the second of two users with one e-mail over, because Xray would refuse them all", () => {
    const [first, second] = [...users(1), ...users(1)];
    const shouting = { ...unmanaged, email: "2@VEIL" };
    const all = [first, second, ...users(1, 2), shouting].filter((user) => user !== undefined);
    const { inbound, leftOver } = embedUsers(someDefinition(), all);
    expect(emailsIn(inbound)).toEqual(["2@VEIL", "1@veil"]);
    expect(leftOver.map((user) => user.email)).toEqual(["1@veil", "2@veil"]);
  });

  it("refuses users and definitions of an unknown kind", () => {
    const type = "some.other.Account";
    const other: InboundUser = { email: "x@y", account: { protocol: "other", type, value: "", level: 0 } };
    expect(() => embedUsers(someDefinition(), [other])).toThrow(InvalidXrayRequestError);
    const socks = create(InboundHandlerConfigSchema, {
      tag: "t",
      receiverSettings: packTyped(ReceiverConfigSchema, {}),
      proxySettings: { type: "xray.proxy.socks.ServerConfig", value: new Uint8Array() },
    });
    const config = Buffer.from(toBinary(InboundHandlerConfigSchema, socks)).toString("base64");
    expect(() => embedUsers({ tag: "t", config }, [])).toThrow(InvalidXrayRequestError);
  });
});
