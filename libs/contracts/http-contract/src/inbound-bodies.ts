import { inboundsFault, MOST_INBOUNDS, PLAIN_INBOUND } from "@veil/nodes";
import {
  LONGEST_VLESS_ENCRYPTION,
  PROTOCOLS,
  shadowsocksMethodOf,
  TRANSPORTS,
  VLESS_ENCRYPTION,
} from "@veil/protocols";
import { z } from "zod";
import { isPrintable, isWellFormed, LINE_PATTERN, LONGEST_PATH, PATH } from "./text-line.ts";
import { namedSchemas } from "./named-schemas.ts";
import { groupList } from "./terms-bodies.ts";

const LONGEST_TAG = 128;
/** Base64 of 16 or 32 bytes. */
const SERVER_KEY = /^([A-Za-z0-9+/]{22}==|[A-Za-z0-9+/]{43}=)$/;
/** How VLESS encryption looks for clients of every language; Go takes no {1579}. */
const ENCRYPTION = /^mlkem768x25519plus\.(native|xorpub|random)\.(0rtt|1rtt)(\.[A-Za-z0-9_-]+)+$/;

export const inboundMessages = {
  list: `inbounds must be a list of 1 to ${MOST_INBOUNDS} inbounds like {"tag":"vless-in","protocol":"vless"}`,
  tag: `the tag of an inbound must be a text of 1 to ${LONGEST_TAG} characters`,
  protocol: `the protocol of an inbound must be one of ${PROTOCOLS.join(", ")}`,
  transport: `the transport of an inbound must be one of ${TRANSPORTS.join(", ")}`,
  serverKey:
    "the server_key of an inbound must be the password of its settings, base64 of 16 bytes for 2022-blake3-aes-128-gcm or of 32 for 2022-blake3-aes-256-gcm, or be null",
  encryption:
    "the encryption of an inbound must be what clients name, as xray vlessenc prints it beside the server's decryption, " +
    "for example mlkem768x25519plus.native.0rtt.KEY, or be null",
  path: `the path of an inbound must begin with a slash and hold no ?, # or blank, in at most ${LONGEST_PATH} characters, or be null`,
} as const;

const NOT_COUNTED =
  "Xray knows no user of its connections while it counts what inbounds carry, so that limits would not hold";

/** Why Xray's other protocols are none that keys can have, by the names under which they are asked for. */
const REFUSED_PROTOCOLS: ReadonlyMap<unknown, string> = new Map([
  ...["socks", "http", "mixed", "dokodemo-door", "tunnel", "wireguard", "tun"].map(
    (name) => [name, `Xray takes no users over gRPC for an inbound of the protocol ${name}`] as const,
  ),
  ...["hysteria", "hysteria2"].map((name) => [name, `keys can't have the protocol ${name}: ${NOT_COUNTED}`] as const),
  ...["vmess", "shadowsocks"].map(
    (name) => [name, `keys can't have the protocol ${name} yet: use one of ${PROTOCOLS.join(", ")}`] as const,
  ),
]);

const protocol = z
  .enum(PROTOCOLS, { error: ({ input }) => REFUSED_PROTOCOLS.get(input) ?? inboundMessages.protocol })
  .meta({ description: "A key's user is added to each inbound whose groups meet the key's.", example: "vless" });
const tag = z
  .string(inboundMessages.tag)
  .max(LONGEST_TAG, inboundMessages.tag)
  .refine((text) => /[^ ]/.test(text) && isWellFormed(text) && isPrintable(text), inboundMessages.tag)
  .meta({ description: "Its `tag` in Xray's config.", example: "vless-in", minLength: 1, pattern: LINE_PATTERN });
const transport = z.enum(TRANSPORTS, inboundMessages.transport).meta({
  description: "What carries its streams. Reality is around it, except with `shadowsocks-2022`.",
  example: "tcp",
});
const path = z
  .string(inboundMessages.path)
  .max(LONGEST_PATH, inboundMessages.path)
  .regex(PATH, inboundMessages.path)
  .refine((text) => isWellFormed(text) && isPrintable(text), inboundMessages.path)
  .nullable()
  .meta({ description: "Where `xhttp` is found; null with `tcp`.", example: null });
const serverKey = z
  .string(inboundMessages.serverKey)
  .regex(SERVER_KEY, inboundMessages.serverKey)
  .refine((text) => shadowsocksMethodOf(text) !== null, inboundMessages.serverKey)
  .nullable()
  .meta({
    description:
      "The key of a server of `shadowsocks-2022`: the `password` of its settings, base64 of 16 bytes for the method " +
      "`2022-blake3-aes-128-gcm` or of 32 for `2022-blake3-aes-256-gcm`. Links name it. Null with any other protocol.",
    example: null,
  });
const encryption = z
  .string(inboundMessages.encryption)
  .max(LONGEST_VLESS_ENCRYPTION, inboundMessages.encryption)
  .regex(ENCRYPTION, inboundMessages.encryption)
  .refine((text) => VLESS_ENCRYPTION.test(text), inboundMessages.encryption)
  .nullable()
  .meta({
    description:
      "The `encryption` of clients that belongs to the inbound's `decryption` in Xray's config, for `vless`: `xray vlessenc` prints " +
      "both. Links name it. Null for `none`.",
    example: null,
  });
const groups = groupList.nullable().meta({ description: "Which keys it holds; null for the node's.", example: null });

type NullableText = z.ZodNullable<z.ZodString>;

/** The link fields that an inbound may have as well as its node. */
export interface InboundLinkFields {
  readonly port: z.ZodNullable<z.ZodInt>;
  readonly publicKey: NullableText;
  readonly shortId: NullableText;
  readonly sni: NullableText;
}

/** A node's inbounds in bodies: as every endpoint shows them, and as callers name them. */
export function inboundBodies({ port, publicKey, shortId, sni }: InboundLinkFields) {
  const link = {
    port: port.meta({
      description: "The port that clients dial. Null for the node's, which only the first inbound may have.",
      example: null,
    }),
    public_key: publicKey.meta({ description: "Its Reality public key; null for the node's.", example: null }),
    short_id: shortId.meta({ description: "The short id that links name; null for the node's.", example: null }),
    sni: sni.meta({ description: "The server name that links name; null for the node's.", example: null }),
  } as const;
  const shown = z
    .strictObject({ tag, protocol, transport, path, server_key: serverKey, encryption, ...link, groups })
    .register(namedSchemas, { id: "Inbound" });
  const settable = z
    .object(
      {
        tag,
        protocol,
        transport: transport.default(PLAIN_INBOUND.transport),
        path: path.default(null),
        server_key: serverKey.default(null),
        encryption: encryption.default(null),
        port: link.port.default(null),
        public_key: link.public_key.default(null),
        short_id: link.short_id.default(null),
        sni: link.sni.default(null),
        groups: groups.default(null),
      },
      inboundMessages.list,
    )
    .register(namedSchemas, { id: "InboundToSet" });
  const inboundList = z.array(shown).meta({ description: "Its inbounds for keys, the first one first." });
  const settableInbounds = z
    .array(settable, inboundMessages.list)
    .min(1, inboundMessages.list)
    .max(MOST_INBOUNDS, inboundMessages.list)
    .superRefine((list, context) => {
      const fault = inboundsFault(
        list.map(({ server_key, public_key, short_id, ...same }) => {
          return { ...same, serverKey: server_key, publicKey: public_key, shortId: short_id };
        }),
      );
      if (fault !== null) context.addIssue({ code: "custom", message: fault });
    })
    .nullable()
    .meta({ description: ALL_OF_THEM, example: EXAMPLE });
  return { inboundList, settableInbounds } as const;
}

const ALL_OF_THEM =
  "All inbounds for keys that it is to have; null for one of `XRAY_INBOUND_TAG`. The first one stays the first; out of one that is left out our users are taken, " +
  "then it goes.";
const EXAMPLE = [
  { tag: "vless-in", protocol: "vless" },
  { tag: "trojan-in", protocol: "trojan", port: 8443 },
];
