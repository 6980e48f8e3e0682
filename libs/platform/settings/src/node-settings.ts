import { json, port } from "@veil/runtime";
import { z } from "zod";
import { linkHost, realityKey } from "./link-host.ts";
import { hasNamelessHost, listedTls, type TlsSettings, tlsSettings } from "./node-tls.ts";

const nodeName = z.string().regex(/^[a-z0-9-]{1,32}$/, "must be 1 to 32 of a-z, 0-9 and -");
const address = z
  .string()
  .refine(isHostAndPort, { error: "must be host:port", abort: true })
  .refine((value) => isPort(Number(value.slice(value.lastIndexOf(":") + 1))), "must name a port from 1 to 65535");

const LONGEST_GROUP = 64;
const MOST_GROUPS = 64;
const groupFault = `must name at most ${MOST_GROUPS} groups of 1 to ${LONGEST_GROUP} characters`;
const groupName = z
  .string(groupFault)
  .min(1, groupFault)
  .max(LONGEST_GROUP, groupFault)
  .regex(/^\P{Cc}*$/u, groupFault);

const listedNode = z.strictObject({
  name: nodeName,
  /** gRPC address of Xray's API, `host:port`. */
  address,
  inbound_tag: z.string().min(1).optional(),
  /** The host that clients dial, where it differs from DOMAIN, REALITY_PORT and REALITY_PUBLIC_KEY. */
  host: linkHost('must name hosts and IP addresses without a port; that goes into "port"').optional(),
  port: z.number().int().min(1).max(65_535).optional(),
  public_key: realityKey("must name as public keys the 43 characters that `xray x25519` prints").optional(),
  /** Mutual TLS to that address, with files below XRAY_TLS_DIR; `{}` for those of the usual names. */
  tls: listedTls.optional(),
  /** The groups whose keys it holds. Left out: `default`. */
  groups: z.array(groupName, "must name groups in a list of texts").max(MOST_GROUPS, groupFault).optional(),
});

const nodeList = z
  .array(listedNode)
  .min(1, "must name at least one node")
  .refine((nodes) => new Set(nodes.map((node) => node.name)).size === nodes.length, "must not name a node twice")
  .refine(
    (nodes) => new Set(nodes.map((node) => spelledOut(node.address))).size === nodes.length,
    "must not name an address twice: each node is one Xray process",
  )
  .refine(
    (nodes) => nodes.every((node) => node.tls?.server_name !== null || !hasNamelessHost(node.address)),
    'must name in "tls" the "server_name" in the certificate of a node whose address is an IP address',
  );

function isHostAndPort(text: string): boolean {
  const [, host] = /^(\[[0-9a-fA-F:]+\]|[^\s:/]+):\d{1,5}$/.exec(text) ?? [];
  return host !== undefined && URL.canParse(`http://${host}`);
}

function isPort(value: number): boolean {
  return value >= 1 && value <= 65_535;
}

/** One text for an address, in whichever case and spelling. */
function spelledOut(text: string): string {
  const url = `http://${text.replace(/\.(?=:\d+$)/, "")}`;
  return URL.canParse(url) ? new URL(url).host : text.toLowerCase();
}

/** One Xray node. */
export interface NodeSettings {
  readonly name: string;
  /** `host:port` of its gRPC API. */
  readonly address: string;
  readonly inboundTag: string;
  /** Null for plaintext. */
  readonly tls: TlsSettings | null;
  readonly groups: readonly string[];
  /** The node's own link settings, where it differs from the common ones. */
  readonly link: { readonly host?: string; readonly port?: number; readonly publicKey?: string };
}

/** The variables that say which nodes there are; every service reads them alike. */
export const nodeVariables = {
  XRAY_NODES: json("list").pipe(nodeList).optional().meta({ example: '[{"name":"main","address":"127.0.0.1:10085"}]' }),
  XRAY_API_HOST: linkHost("must be a host name or an IP address without a port; that goes into XRAY_API_PORT")
    .default("127.0.0.1")
    .meta({ example: "127.0.0.1" }),
  XRAY_API_PORT: port().default(10_085).meta({ example: "10085" }),
  XRAY_INBOUND_TAG: z.string().min(1).default("vless-in").meta({ example: "vless-in" }),
};

export type NodeVariables = z.infer<z.ZodObject<typeof nodeVariables>>;

/** The groups of a node that names none. */
const DEFAULT_GROUPS: readonly string[] = ["default"];

/** The nodes of `XRAY_NODES`, or the one node `main` at `XRAY_API_HOST`:`XRAY_API_PORT`. */
export function nodeSettings(variables: NodeVariables): readonly [NodeSettings, ...NodeSettings[]] {
  if (variables.XRAY_NODES === undefined) {
    const bare = variables.XRAY_API_HOST.replace(/^\[(.*)\]$/, "$1");
    const host = bare.includes(":") ? `[${bare}]` : bare;
    return [
      {
        name: "main",
        address: `${host}:${variables.XRAY_API_PORT}`,
        inboundTag: variables.XRAY_INBOUND_TAG,
        tls: null,
        groups: DEFAULT_GROUPS,
        link: {},
      },
    ];
  }
  const [first, ...others] = variables.XRAY_NODES.map((node) => ({
    name: node.name,
    address: node.address,
    inboundTag: node.inbound_tag ?? variables.XRAY_INBOUND_TAG,
    tls: node.tls === undefined ? null : tlsSettings(node.tls),
    groups: node.groups === undefined ? DEFAULT_GROUPS : [...new Set(node.groups)],
    link: {
      ...(node.host !== undefined && { host: node.host }),
      ...(node.port !== undefined && { port: node.port }),
      ...(node.public_key !== undefined && { publicKey: node.public_key }),
    },
  }));
  // The schema refuses an empty list.
  if (first === undefined) throw new RangeError("XRAY_NODES names no node");
  return [first, ...others];
}
