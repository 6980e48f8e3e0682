import type { RunningInbound } from "@veil/protocols";
import { realityPublicKey } from "@veil/xray-config";
import { codecOfInbound, protocolOfAccount } from "./codecs.ts";
import { ReceiverConfigSchema } from "./generated/xray/app/proxyman/proxyman_pb.ts";
import type { InboundHandlerConfig } from "./generated/xray/core/core_pb.ts";
import { MultiUserServerConfigSchema } from "./generated/xray/proxy/shadowsocks_2022/shadowsocks_2022_pb.ts";
import { ConfigSchema as VlessConfigSchema } from "./generated/xray/proxy/vless/inbound_pb.ts";
import type { StreamConfig } from "./generated/xray/transport/internet_pb.ts";
import { ConfigSchema as RealityConfigSchema } from "./generated/xray/transport/reality/reality_pb.ts";
import { ConfigSchema as SplitHttpConfigSchema } from "./generated/xray/transport/splithttp_pb.ts";
import { unpackTyped } from "./typed-message.ts";

/** What an inbound that Xray listed tells of how clients get in; null when its users are of no kind that we know. */
export function describeInbound({ receiverSettings, proxySettings }: InboundHandlerConfig): RunningInbound | null {
  const codec = codecOfInbound(proxySettings?.type ?? "");
  const protocol = codec && protocolOfAccount(codec.accountType);
  if (protocol === undefined) return null;
  const stream = unpackTyped(ReceiverConfigSchema, receiverSettings)?.streamSettings;
  return {
    protocol,
    ...transportOf(stream),
    reality: realityOf(stream),
    serverKey: unpackTyped(MultiUserServerConfigSchema, proxySettings)?.key ?? null,
    encryption: encryptionOf(unpackTyped(VlessConfigSchema, proxySettings)),
  };
}

const TRANSPORTS: ReadonlyMap<string, "tcp" | "xhttp"> = new Map([
  // An inbound without any streamSettings.
  ["", "tcp"],
  ["tcp", "tcp"],
  ["splithttp", "xhttp"],
]);

function transportOf(stream: StreamConfig | undefined): Pick<RunningInbound, "transport" | "path"> {
  const name = stream?.protocolName ?? "";
  const transport = TRANSPORTS.get(name) ?? null;
  if (transport !== "xhttp") return { transport, path: null };
  const settings = stream?.transportSettings.find(({ protocolName }) => protocolName === name)?.settings;
  return { transport, path: unpackTyped(SplitHttpConfigSchema, settings)?.path ?? "" };
}

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
  const privateKey = Buffer.from(config.decryption, "base64url");
  return { mode: XOR_MODES[config.xorMode] ?? "unknown", publicKey: publicKeyOf(privateKey) };
}

/** Null for what is no private key of X25519. */
function publicKeyOf(privateKey: Uint8Array): string | null {
  if (privateKey.length !== X25519_BYTES) return null;
  return realityPublicKey(Buffer.from(privateKey).toString("base64url"));
}

const X25519_BYTES = 32;
