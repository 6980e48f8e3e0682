import type { FleetHost } from "@veil/nodes";
import { z } from "zod";

/** A host within the document of all nodes, under its id. Fields that only newer versions know stay as they are. */
export const hostDocument = z.object({
  node: z.string(),
  inbound: z.string().nullable().default(null),
  remark: z.string().nullable().default(null),
  address: z.string().nullable().default(null),
  port: z.number().nullable().default(null),
  sni: z.string().nullable().default(null),
  fingerprint: z.string().nullable().default(null),
  alpn: z.array(z.string()).nullable().default(null),
  path: z.string().nullable().default(null),
  order: z.number().default(0),
  weight: z.number().nullable().default(null),
  groups: z.array(z.string()).nullable().default(null),
  hidden: z.boolean().default(false),
  position: z.number(),
  /** Unix seconds. */
  created_at: z.number(),
  jobs: z.array(z.string()).default([]),
});
type HostDocument = Readonly<z.infer<typeof hostDocument>>;

export function toHost(id: string, { created_at: createdAt, ...same }: HostDocument): FleetHost {
  return { id, createdAt, ...same };
}

export function toHostDocument(host: FleetHost): HostDocument {
  const { id: _, createdAt, alpn, groups, jobs, ...same } = host;
  return {
    ...same,
    alpn: alpn === null ? null : [...alpn],
    groups: groups === null ? null : [...groups],
    created_at: createdAt,
    jobs: [...jobs],
  };
}
