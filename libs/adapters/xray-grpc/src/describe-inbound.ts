import type { RunningInbound } from "@veil/protocols";
import { realityPublicKey } from "@veil/xray-config";
import { codecOfInbound, protocolOfAccount } from "./codecs.ts";
import { ReceiverConfigSchema } from "./generated/xray/app/proxyman/proxyman_pb.ts";
import type { InboundHandlerConfig } from "./generated/xray/core/core_pb.ts";
import { MultiUserServerConfigSchema } from "./generated/xray/proxy/shadowsocks_2022/shadowsocks_2022_pb.ts";
import { ConfigSchema as VlessConfigSchema } from "./generated/xray/proxy/vless/inbound_pb.ts";
import type { StreamConfig } from "./generated/xray/transport/internet_pb.ts";
import { ConfigSchema as RealityConfigSchema } from "./generated/xray/transport/reality/reality_pb.ts";
import {
  type Config as SplitHttpConfig,
  ConfigSchema as SplitHttpConfigSchema,
} from "./generated/xray/transport/splithttp_pb.ts";
import { ConfigSchema as TcpConfigSchema } from "./generated/xray/transport/tcp_pb.ts";
import { unpackTyped } from "./typed-message.ts";

/** What an inbound that Xray listed tells of how clients get in; null when its users are of no kind that we know. */
export function describeInbound({ receiverSettings, proxySettings }: InboundHandlerConfig): RunningInbound | null {
  const codec = codecOfInbound(proxySettings?.type ?? "");
  const protocol = codec && protocolOfAccount(codec.accountType);
  if (protocol === undefined) return null;
  const stream = unpackTyped(ReceiverConfigSchema, receiverSettings)?.streamSettings;
  const shadowsocks = unpackTyped(MultiUserServerConfigSchema, proxySettings);
  const ways = transportOf(stream);
  return {
    protocol,
    ...(shadowsocks === null || shadowsocks.network.includes(TCP) ? ways : { ...ways, transport: null }),
    reality: realityOf(stream),
    serverKey: shadowsocks?.key ?? null,
    encryption: encryptionOf(unpackTyped(VlessConfigSchema, proxySettings)),
  };
}

const TRANSPORTS: ReadonlyMap<string, "tcp" | "xhttp"> = new Map([
  // An inbound without any streamSettings.
  ["", "tcp"],
  ["tcp", "tcp"],
  ["splithttp", "xhttp"],
]);

/** Among the networks of Shadowsocks. */
const TCP = 2;

function transportOf(stream: StreamConfig | undefined): Pick<RunningInbound, "transport" | "path" | "host" | "asks"> {
  const name = stream?.protocolName ?? "";
  const transport = TRANSPORTS.get(name) ?? null;
  const settings = stream?.transportSettings.find(({ protocolName }) => protocolName === name)?.settings;
  if (transport !== "xhttp") {
    const disguise = unpackTyped(TcpConfigSchema, settings)?.headerSettings?.type ?? NO_DISGUISE;
    return { transport: disguise === NO_DISGUISE ? transport : null, path: null, host: null, asks: null };
  }
  const xhttp = unpackTyped(SplitHttpConfigSchema, settings);
  return { transport, path: xhttp?.path ?? "", host: xhttp?.host || null, asks: xhttp && askedBy(xhttp) };
}

const NO_DISGUISE = "xray.transport.internet.headers.noop.ConnectionConfig";

/** With Reality around it, clients that know of nothing else open one stream for both directions. */
function askedBy({ mode, xPaddingBytes, xPaddingObfsMode }: SplitHttpConfig): string | null {
  if (!MODES_WITH_ONE_STREAM.has(mode)) return `takes the XHTTP mode ${mode} alone, which links don't name`;
  if (xPaddingObfsMode) return "asks for XHTTP padding in another place, which links don't name";
  const { from, to } = xPaddingBytes ?? PADDING;
  const isTaken = to === 0 || (from <= PADDING.from && to >= PADDING.to);
  return isTaken ? null : `asks for XHTTP padding of ${from} to ${to} bytes, which links don't name`;
}

const MODES_WITH_ONE_STREAM: ReadonlySet<string> = new Set(["", "auto", "stream-one", "stream-up"]);

/** How many bytes of it clients send that know of nothing else. */
const PADDING = { from: 100, to: 1_000 } as const;

function realityOf(stream: StreamConfig | undefined): RunningInbound["reality"] {
  if (stream?.securityType !== RealityConfigSchema.typeName) return null;
  const settings = stream.securitySettings.find(({ type }) => type === stream.securityType);
  const reality = unpackTyped(RealityConfigSchema, settings);
  return (
    reality && {
      publicKey: publicKeyOf(reality.privateKey),
      serverNames: reality.serverNames,
      shortIds: reality.shortIds.map((bytes) => Buffer.from(bytes).toString("hex")),
    }
  );
}

const XOR_MODES = ["native", "xorpub", "random"] as const;

function encryptionOf(
  config: { readonly decryption: string; readonly xorMode: number } | null,
): RunningInbound["encryption"] {
  if (config === null || config.decryption === "" || config.decryption === "none") return null;
  const publicKeys = config.decryption.split(".").map((key) => publicKeyOf(Buffer.from(key, "base64url")));
  return { mode: XOR_MODES[config.xorMode] ?? "unknown", publicKeys };
}

/** Null for what is no private key of X25519. */
function publicKeyOf(privateKey: Uint8Array): string | null {
  if (privateKey.length !== X25519_BYTES) return null;
  return realityPublicKey(Buffer.from(privateKey).toString("base64url"));
}

const X25519_BYTES = 32;
