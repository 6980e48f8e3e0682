import { z } from "zod";
import { HOST_NAME, HOST_WORDS, isAddress, isHost, isHostName, LONGEST_HOST } from "./host-names.ts";
import { inboundBodies, inboundMessages } from "./inbound-bodies.ts";
import { namedSchemas } from "./named-schemas.ts";
import { namedPageQuery, queryFlag } from "./queries.ts";
import { groupList, noteText } from "./terms-bodies.ts";

export const MOST_PORTS = 65_535;

export const nodeMessages = {
  name: "name must be 1 to 32 of a-z, 0-9 and -",
  address: "address must be host:port, such as 10.0.0.2:10085 or [2001:db8::2]:10085",
  host: `host must be ${HOST_WORDS}, or null`,
  port: `port must be a whole number from 1 to ${MOST_PORTS}`,
  publicKey: "public_key must be the 43 characters that `xray x25519` prints",
  shortId: "short_id must be an even number of at most 16 hexadecimal digits",
  sni: "sni must be a host name, with other letters than a-z as xn--…, or null",
  inbounds: inboundMessages.list,
  tls: 'tls must be null, or an object like {"server_name":"fi-1.example.com"} that names files below XRAY_TLS_DIR',
  multiplier: "multiplier must be a number from 0 to 100 in steps of 0.1, or null for 1",
  force: "force must be true or false",
  after: "after must be the name of a node: 1 to 32 of a-z, 0-9 and -",
} as const;

const NAME = /^[a-z0-9-]{1,32}$/;
const name = z
  .string(nodeMessages.name)
  .regex(NAME, nodeMessages.name)
  .meta({ description: "Unique among the nodes that there are.", example: "fi-1" });
const address = z
  .string(nodeMessages.address)
  .refine(isAddress, nodeMessages.address)
  .meta({ description: "`host:port` of Xray's gRPC API. Each node is one Xray process.", example: "10.0.0.2:10085" });
const host = z
  .string(nodeMessages.host)
  .refine(isHost, nodeMessages.host)
  .nullable()
  .meta({ description: "What clients dial, as Punycode; null for the installation's.", example: "fi.example.com" });
const port = z
  .int(nodeMessages.port)
  .min(1, nodeMessages.port)
  .max(MOST_PORTS, nodeMessages.port)
  .nullable()
  .meta({ description: "The port that clients dial; null for the installation's.", example: 443 });
const publicKey = z
  .string(nodeMessages.publicKey)
  .regex(/^[A-Za-z0-9_-]{43}$/, nodeMessages.publicKey)
  .nullable()
  .meta({
    description: "The public key of its Reality inbound; null for the installation's.",
    example: "Z84J2IelR9ch3k8VtlVhhs5ycBUlXA7wHBWcBrjqnAw",
  });
const shortId = z
  .string(nodeMessages.shortId)
  .regex(/^([0-9a-fA-F]{2}){1,8}$/, nodeMessages.shortId)
  .nullable()
  .meta({ description: "The short id that links name; null for the installation's.", example: "7bb45050" });
const sni = z
  .string(nodeMessages.sni)
  .max(LONGEST_HOST, nodeMessages.sni)
  .regex(HOST_NAME, nodeMessages.sni)
  .refine(isHostName, nodeMessages.sni)
  .nullable()
  .meta({ description: "The server name that links name; null for the installation's.", example: "microsoft.com" });
const tlsFile = (example: string, description: string) =>
  z
    .string(nodeMessages.tls)
    .max(200, nodeMessages.tls)
    .regex(/^[A-Za-z0-9_-][A-Za-z0-9._-]*(\/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$/, nodeMessages.tls)
    .meta({ description, example });
const tlsFields = {
  ca_file: tlsFile("ca.crt", "The CA of the node's certificate."),
  certificate_file: tlsFile("tls.crt", "The certificate that workers and collectors show."),
  key_file: tlsFile("tls.key", "Its key."),
  server_name: z
    .string(nodeMessages.tls)
    .max(LONGEST_HOST, nodeMessages.tls)
    .regex(HOST_NAME, nodeMessages.tls)
    .refine(isHostName, nodeMessages.tls)
    .nullable()
    .meta({
      description: "The name in the node's certificate; null for the host of `address`.",
      example: "fi-1.example.com",
    }),
} as const;
const TLS =
  "Mutual TLS to `address`; null for plaintext. The files stand below the workers' and collectors' `XRAY_TLS_DIR`, so that no " +
  "key travels through this API; they are read anew for each connection.";
const tls = z.strictObject(tlsFields).nullable().meta({ description: TLS, example: null });
const settableTls = z
  .strictObject(
    {
      ca_file: tlsFields.ca_file.default("ca.crt"),
      certificate_file: tlsFields.certificate_file.default("tls.crt"),
      key_file: tlsFields.key_file.default("tls.key"),
      server_name: tlsFields.server_name.default(null),
    },
    nodeMessages.tls,
  )
  .nullable()
  .meta({ description: TLS, example: null });
const note = noteText.meta({ description: "Free text for operators.", example: null });
const { inboundList, settableInbounds } = inboundBodies({ port, publicKey, shortId, sni });

const MOST_TIMES = 100;
const multiplier = z
  .number(nodeMessages.multiplier)
  .min(0, nodeMessages.multiplier)
  .max(MOST_TIMES, nodeMessages.multiplier)
  // Not `multipleOf`: clients that divide floating-point numbers would refuse 1.1.
  .refine((value) => Number(value.toFixed(1)) === value, nodeMessages.multiplier)
  .meta({
    description:
      "What a byte that keys move here counts as: from 0 (free) to 100, in steps of 0.1. A change counts from the next reading on; " +
      "what was counted stays. The node's own totals are as its Xray counts them. Null for 1.",
    example: 1,
  });

const groups = groupList.meta({
  description:
    "Which keys it holds: those of which one group at least is among these. When they change, the users of keys move within seconds; null for `default`.",
  example: ["default"],
});

/** The link fields of a node: each may be left to the installation. */
const link = { host, port, public_key: publicKey, short_id: shortId, sni } as const;

const seconds = z.int().meta({ format: "int64" });
const state = z.enum(["joining", "active", "draining", "disabled"]).meta({
  description:
    "`joining`: it is being filled with users; `active`: links show it; `draining`: links don't, and it keeps its users; " +
    "`disabled`: it is being deleted.",
  example: "active",
});

/** A node as every endpoint shows it. */
export const nodeSchema = z
  .strictObject({
    name,
    address,
    state,
    ...link,
    inbounds: inboundList,
    tls,
    groups,
    multiplier,
    note,
    discovered: z.string().nullable().meta({
      description:
        "The Service of Kubernetes whose endpoint it is, `namespace/name`; null for a node that somebody named.",
      example: null,
    }),
    created_at: seconds.meta({ description: "Unix time in seconds.", example: 1703520000 }),
  })
  .register(namedSchemas, { id: "Node" });

export type NodeBody = z.infer<typeof nodeSchema>;

export const nodeListSchema = z
  .strictObject({ nodes: z.array(nodeSchema), total: z.int().min(0).meta({ example: 1 }) })
  .register(namedSchemas, { id: "NodeList" });

/** Selects a page of the nodes. */
export const nodePageQuerySchema = namedPageQuery("name", z.string(nodeMessages.after).regex(NAME, nodeMessages.after));

export type NodeListBody = z.infer<typeof nodeListSchema>;

const optional = {
  host: host.optional(),
  port: port.optional(),
  public_key: publicKey.optional(),
  short_id: shortId.optional(),
  sni: sni.optional(),
  inbounds: settableInbounds.optional(),
  tls: settableTls.optional(),
  groups: groups.nullable().optional(),
  multiplier: multiplier.nullable().optional(),
  note: note.optional(),
} as const;

export const createNodeSchema = z
  .object({ name, address, ...optional }, "the body must be a JSON object")
  .register(namedSchemas, { id: "NodeToCreate" });

export type CreateNodeBody = z.infer<typeof createNodeSchema>;

/** All that may be said of a node but its name and its address. */
export const nodeTemplateSchema = z.strictObject(optional, {
  error: ({ code }) => (code === "unrecognized_keys" ? undefined : "must be a JSON object"),
});

export type NodeTemplateBody = z.infer<typeof nodeTemplateSchema>;

export const updateNodeSchema = z
  .object({ address: address.optional(), ...optional }, "the body must be a JSON object")
  .register(namedSchemas, { id: "NodeToUpdate" });

export type UpdateNodeBody = z.infer<typeof updateNodeSchema>;

export const nodePathSchema = z.object({
  name: z.string().meta({ description: "The node's `name`.", example: "fi-1" }),
});

export const deleteNodeQuerySchema = z.object({
  force: queryFlag(nodeMessages.force, false).meta({
    description: "True for a node that does not answer: what it counted since it was last read is lost.",
  }),
});

export const nodeDeletedSchema = z
  .strictObject({ success: z.literal(true), message: z.string().meta({ example: "Node fi-1 deleted successfully" }) })
  .register(namedSchemas, { id: "NodeDeleted" });

export type NodeDeletedBody = z.infer<typeof nodeDeletedSchema>;

/** How a node does, as workers and collectors noted it. */
export const nodeHealthSchema = z
  .strictObject({
    name,
    state,
    reachable: z
      .boolean()
      .nullable()
      .meta({ description: "Whether it answers; null while no worker has asked it.", example: true }),
    since: seconds
      .nullable()
      .meta({ description: "When it last answered. Unix time in seconds; null for never.", example: 1703606400 }),
    version: z.string().nullable().meta({
      description: "The version of its Xray. Always null so far: up to 26.3.27 no call of Xray's gRPC API tells it.",
      example: null,
    }),
    users: z.int().min(0).nullable().meta({
      description: "Keys that it is to hold, as of `reconciled_at`; null where that is.",
      example: 3025,
    }),
    drift: z
      .strictObject({ missing: z.int().min(0), wrong: z.int().min(0), orphan: z.int().min(0) })
      .nullable()
      .meta({
        description:
          "In how many users it differed from that before `reconciled_at`: `missing` ones were put back, `wrong` ones replaced, " +
          "`orphan`s, of which there is no key, removed. Null where `reconciled_at` is.",
        example: { missing: 0, wrong: 0, orphan: 0 },
      }),
    reconciled_at: seconds.nullable().meta({
      description: "When a worker last compared its users with the keys. Unix time in seconds; null for never.",
      example: 1703606390,
    }),
    link_fault: z
      .string()
      .nullable()
      .meta({
        description:
          "Why no client gets in by links to one of its hosts: they name what its Xray does not have, as it was last found running. " +
          "Null where nothing is known, and while the node does not answer.",
        example: null,
      }),
    last_reading: seconds.nullable().meta({
      description: "When its bytes were last read. Unix time in seconds; null for never.",
      example: 1703606395,
    }),
    lag: z.int().min(0).nullable().meta({ description: "Seconds since `last_reading`.", example: 5 }),
  })
  .register(namedSchemas, { id: "NodeHealth" });

export type NodeHealthBody = z.infer<typeof nodeHealthSchema>;
