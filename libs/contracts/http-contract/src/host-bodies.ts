import { PLACEHOLDERS, unknownPlaceholder } from "@veil/nodes";
import { fingerprints } from "@veil/protocols";
import { z } from "zod";
import { isPrintable, isWellFormed, line, LONGEST_PATH, PATH } from "./text-line.ts";
import { messages } from "./messages.ts";
import { namedSchemas } from "./named-schemas.ts";
import { MOST_PORTS } from "./node-bodies.ts";
import { namedPageQuery } from "./queries.ts";
import { HOST_NAME, HOST_WORDS, isHost, isHostName, LONGEST_HOST } from "./host-names.ts";
import { groupList } from "./terms-bodies.ts";

const LONGEST_REMARK = 128;
const MOST_ORDER = 10_000;
const MOST_WEIGHT = 1_000;
/** Application protocols that a host may offer. */
export const alpnProtocols = ["h3", "h2", "http/1.1"] as const;

export const hostMessages = {
  node: "node must be the name of a node",
  inbound: "inbound must be the tag of an inbound of the node, or null",
  address: `address must be ${HOST_WORDS}, or null`,
  port: `port must be a whole number from 1 to ${MOST_PORTS}, or null`,
  sni: "sni must be a host name, with other letters than a-z as xn--…, or null",
  fingerprint: `fingerprint must be one of ${fingerprints.join(", ")}, or null`,
  alpn: `alpn must be a list of different ones of ${alpnProtocols.join(", ")}, or null`,
  path: `path must begin with a slash and hold no ?, #, blank or control character, in at most ${LONGEST_PATH} characters, or be null`,
  order: `order must be a whole number from -${MOST_ORDER} to ${MOST_ORDER}`,
  weight: `weight must be a whole number from 1 to ${MOST_WEIGHT}, or null`,
  hidden: "hidden must be true or false",
  body: "the body must be a JSON object",
  after: "after must be the id of a host",
} as const;

const placeholders = Object.entries(PLACEHOLDERS).map(([name, meaning]) => `\`{${name}}\`: ${meaning}`);

const id = z.string().meta({
  description:
    "`n_` and a node's name for the host of its first inbound; behind it `_` and the tag for those of others.",
  example: "h_5f0c2f6f1d0e4b7a8c9d",
});
const node = z
  .string(hostMessages.node)
  .min(1, hostMessages.node)
  .max(32, hostMessages.node)
  .meta({ description: "The node that it leads to.", example: "main" });
const inbound = z
  .string(hostMessages.inbound)
  .max(128, hostMessages.inbound)
  .nullable()
  .meta({ description: "The node's inbound that it leads to.", example: "vless-in" });
const remark = line("remark", LONGEST_REMARK, 1)
  .superRefine((text, context) => {
    const unknown = text === null ? null : unknownPlaceholder(text);
    if (unknown === null) return;
    context.addIssue({ code: "custom", message: messages.unknownPlaceholder(unknown, Object.keys(PLACEHOLDERS)) });
  })
  .meta({
    description:
      "What clients call it; null for the key's name, behind the first host with the node's. Placeholders: " +
      `${placeholders.join("; ")}. Others are refused.`,
    example: "🇫🇮 {node}, {days_left} days",
  });
const address = z
  .string(hostMessages.address)
  .refine(isHost, hostMessages.address)
  .nullable()
  .meta({ description: "What clients dial, as Punycode; null for the node's `host`.", example: "cdn.example.com" });
const port = z
  .int(hostMessages.port)
  .min(1, hostMessages.port)
  .max(MOST_PORTS, hostMessages.port)
  .nullable()
  .meta({ description: "The port that clients dial; null for the node's.", example: null });
const sni = z
  .string(hostMessages.sni)
  .max(LONGEST_HOST, hostMessages.sni)
  .regex(HOST_NAME, hostMessages.sni)
  .refine(isHostName, hostMessages.sni)
  .nullable()
  .meta({
    description: "The server name that clients ask for, one that the inbound accepts; null for the node's.",
    example: null,
  });
const fingerprint = z
  .enum(fingerprints, hostMessages.fingerprint)
  .nullable()
  .meta({ description: "The browser whose handshake clients imitate; null for the installation's.", example: null });
const alpn = z
  .array(z.enum(alpnProtocols, hostMessages.alpn), hostMessages.alpn)
  .min(1, hostMessages.alpn)
  .max(alpnProtocols.length, hostMessages.alpn)
  .refine((list) => new Set(list).size === list.length, hostMessages.alpn)
  .nullable()
  .meta({
    description:
      "The application protocols that clients offer; null for the browser's. Xray's client has no word for it.",
    example: null,
    uniqueItems: true,
  });
const path = z
  .string(hostMessages.path)
  .max(LONGEST_PATH, hostMessages.path)
  .regex(PATH, hostMessages.path)
  .refine((text) => isWellFormed(text) && isPrintable(text), hostMessages.path)
  .nullable()
  .meta({ description: "Where clients find `xhttp`; null for the inbound's. TCP has none.", example: null });
const order = z.int(hostMessages.order).min(-MOST_ORDER, hostMessages.order).max(MOST_ORDER, hostMessages.order).meta({
  description: "Hosts are shown in ascending order; among equals those that come with nodes first, then the oldest.",
  example: 0,
});
const weight = z
  .int(hostMessages.weight)
  .min(1, hostMessages.weight)
  .max(MOST_WEIGHT, hostMessages.weight)
  .nullable()
  .meta({
    description:
      "Spreads the hosts of one `order` that have one over the keys: one of weight 3 is the first of them for three times as " +
      "many keys as one of weight 1, always the same for a key. Null keeps its place before them.",
    example: null,
  });
const groups = groupList
  .nullable()
  .meta({ description: "Keys with one of these groups are shown it; null for the node's.", example: null });
const hidden = z
  .boolean(hostMessages.hidden)
  .meta({ description: "True for one that links and subscriptions leave out.", example: false });

const fields = { inbound, remark, address, port, sni, fingerprint, alpn, path, order, weight, groups, hidden } as const;

/** A host as every endpoint shows it. */
export const hostSchema = z
  .strictObject({
    id,
    node,
    ...fields,
    is_own: z
      .boolean()
      .meta({ description: "Whether it comes with an inbound of its node, and goes with it.", example: false }),
    created_at: z.int().meta({ format: "int64", description: "Unix time in seconds.", example: 1703520000 }),
  })
  .register(namedSchemas, { id: "Host" });

export type HostBody = z.infer<typeof hostSchema>;

export const hostListSchema = z
  .strictObject({ hosts: z.array(hostSchema), total: z.int().min(0).meta({ example: 1 }) })
  .register(namedSchemas, { id: "HostList" });

/** Ids of hosts, whoever chose them: those that come with inbounds hold the inbound's tag. */
export const HOST_ID = /^[A-Za-z0-9_~-]+$/;
/** More than a node's name with the longest tag. */
const LONGEST_HOST_ID = 1_200;

/** Selects a page of the hosts. */
export const hostPageQuerySchema = namedPageQuery(
  "id",
  z.string(hostMessages.after).max(LONGEST_HOST_ID, hostMessages.after).regex(HOST_ID, hostMessages.after),
);

export type HostListBody = z.infer<typeof hostListSchema>;

const optional = z.object(fields, hostMessages.body).partial();

export const createHostSchema = optional.extend({ node }).register(namedSchemas, { id: "HostToCreate" });

export type CreateHostBody = z.infer<typeof createHostSchema>;

export const putHostSchema = optional.extend({ node }).register(namedSchemas, { id: "HostToPut" });

export type PutHostBody = z.infer<typeof putHostSchema>;

export const updateHostSchema = optional
  .extend({ node: node.optional() })
  .register(namedSchemas, { id: "HostToUpdate" });

export type UpdateHostBody = z.infer<typeof updateHostSchema>;

export const hostPathSchema = z.object({
  id: z.string().meta({ description: "The host's `id`.", example: "n_main" }),
});

export const hostDeletedSchema = z
  .strictObject({
    success: z.literal(true),
    message: z.string().meta({ example: messages.hostDeleted("h_5f0c2f6f1d0e4b7a8c9d") }),
  })
  .register(namedSchemas, { id: "HostDeleted" });

export type HostDeletedBody = z.infer<typeof hostDeletedSchema>;
