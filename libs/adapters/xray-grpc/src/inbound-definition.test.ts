import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { describe, expect, it } from "vitest";
import { InvalidXrayRequestError } from "./errors.ts";
import { ReceiverConfigSchema } from "./generated/xray/app/proxyman/proxyman_pb.ts";
import { UserSchema } from "./generated/xray/common/protocol_pb.ts";
import { InboundHandlerConfigSchema } from "./generated/xray/core/core_pb.ts";
import { ConfigSchema as VlessInboundSchema } from "./generated/xray/proxy/vless/inbound_pb.ts";
import { ConfigSchema as RealitySchema } from "./generated/xray/transport/reality/reality_pb.ts";
import {
  decodeDefinition,
  definitionOf,
  ensureShortId,
  type InboundDefinition,
  inboundDefinitionSchema,
} from "./inbound-definition.ts";
import { encodeUser } from "./inbound-user.ts";
import { packTyped, unpackTyped } from "./typed-message.ts";

const user = fromBinary(
  UserSchema,
  encodeUser({
    email: "1@veil",
    account: { protocol: "vless", uuid: "66ad4540-b58c-4ad2-9926-ea63445a9b57", flow: "" },
  }),
);

/** Field 77, which no proto of ours names. */
const unknownField = Buffer.from(new BinaryWriter().tag(77, WireType.LengthDelimited).string("kept").finish());

function withUnknownField(bytes: Uint8Array): Uint8Array {
  return Buffer.concat([bytes, unknownField]);
}

function listedInbound(reality = true) {
  const settings = withUnknownField(
    toBinary(VlessInboundSchema, create(VlessInboundSchema, { clients: [user, { ...user, email: "" }] })),
  );
  const realityBytes = toBinary(
    RealitySchema,
    create(RealitySchema, { shortIds: [Buffer.from("0123456789abcdef", "hex")] }),
  );
  const securitySettings = reality ? [{ type: RealitySchema.typeName, value: withUnknownField(realityBytes) }] : [];
  return create(InboundHandlerConfigSchema, {
    tag: "vless-in",
    receiverSettings: packTyped(ReceiverConfigSchema, { streamSettings: { securitySettings } }),
    proxySettings: { type: VlessInboundSchema.typeName, value: settings },
  });
}

function define(inbound = listedInbound()): InboundDefinition {
  const definition = definitionOf(inbound);
  if (definition === null) throw new Error("the inbound has no definition");
  return definition;
}

function shortIdsOf(definition: InboundDefinition): string[] {
  const receiver = unpackTyped(ReceiverConfigSchema, decodeDefinition(definition).receiverSettings);
  const reality = unpackTyped(RealitySchema, receiver?.streamSettings?.securitySettings[0]);
  return reality?.shortIds.map((id) => Buffer.from(id).toString("hex")) ?? [];
}

describe("definitionOf", () => {
  it("leaves the users out but for those without an e-mail, whom nothing else lists", () => {
    const { value } = decodeDefinition(define()).proxySettings;
    expect(fromBinary(VlessInboundSchema, value).clients.map((client) => client.email)).toEqual([""]);
  });

  it("keeps fields that no proto of ours names", () => {
    const { value } = decodeDefinition(define()).proxySettings;
    expect(Buffer.from(value).includes(unknownField)).toBe(true);
  });

  it("is null for an inbound of another kind", () => {
    const settings = { type: "xray.proxy.socks.ServerConfig", value: new Uint8Array() };
    expect(definitionOf(create(InboundHandlerConfigSchema, { tag: "t", proxySettings: settings }))).toBeNull();
    expect(definitionOf(create(InboundHandlerConfigSchema, { tag: "t" }))).toBeNull();
  });

  it("survives being stored as JSON", () => {
    const definition = define();
    expect(inboundDefinitionSchema.parse(JSON.parse(JSON.stringify(definition)))).toEqual(definition);
  });
});

describe("ensureShortId", () => {
  it("adds a short id, padded with zeros, and keeps what is there", () => {
    const changed = ensureShortId(define(), "7bb45050");
    expect(changed && shortIdsOf(changed)).toEqual(["0123456789abcdef", "7bb4505000000000"]);
    const receiver = changed && decodeDefinition(changed).receiverSettings?.value;
    expect(Buffer.from(receiver ?? []).includes(unknownField)).toBe(true);
  });

  it.each(["0123456789abcdef", "0123456789ABCDEF"])("changes nothing when %s is there", (shortId) => {
    expect(ensureShortId(define(), shortId)).toBeNull();
  });

  it("changes nothing the second time", () => {
    const changed = ensureShortId(define(), "7bb45050");
    expect(changed && ensureShortId(changed, "7bb45050")).toBeNull();
  });

  it.each(["", "abc", "xy", "0123456789abcdef01"])("refuses %j", (shortId) => {
    expect(() => ensureShortId(define(), shortId)).toThrow(InvalidXrayRequestError);
  });

  it("refuses an inbound without Reality", () => {
    expect(() => ensureShortId(define(listedInbound(false)), "7bb45050")).toThrow(InvalidXrayRequestError);
  });
});

describe("decodeDefinition", () => {
  it.each([
    ["bytes that don't decode", { tag: "vless-in", config: "/w==" }],
    ["another tag inside", { ...define(), tag: "another" }],
    ["no settings", { tag: "", config: "" }],
  ])("refuses %s", (_fault, definition) => {
    expect(() => decodeDefinition(definition)).toThrow(InvalidXrayRequestError);
  });
});
