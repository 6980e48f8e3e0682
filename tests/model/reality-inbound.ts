import type { InboundDefinition } from "@veil/xray-grpc";

/** A protobuf field of type bytes, string or message. */
function field(number: number, value: Uint8Array | string): Buffer {
  const bytes = Buffer.from(value);
  const low = (bytes.length & 0x7f) | (bytes.length > 0x7f ? 0x80 : 0);
  const length = bytes.length > 0x7f ? [low, bytes.length >> 7] : [low];
  return Buffer.concat([Buffer.from([(number << 3) | 2, ...length]), bytes]);
}

function typedMessage(type: string, ...fields: Buffer[]): Buffer {
  return Buffer.concat([field(1, type), field(2, Buffer.concat(fields))]);
}

/** A VLESS inbound with Reality, in Xray's own encoding, that takes clients of one short id. */
export function realityInbound(tag: string, shortId: string): InboundDefinition {
  const reality = typedMessage("xray.transport.internet.reality.Config", field(10, shortIdBytes(shortId)));
  const receiver = typedMessage("xray.app.proxyman.ReceiverConfig", field(3, field(4, reality)));
  const proxy = typedMessage("xray.proxy.vless.inbound.Config", field(3, "none"));
  const config = Buffer.concat([field(1, tag), field(2, receiver), field(3, proxy)]);
  return { tag, config: config.toString("base64") };
}

function shortIdBytes(shortId: string): Buffer {
  return Buffer.concat([Buffer.from(shortId, "hex"), Buffer.alloc(8)]).subarray(0, 8);
}
