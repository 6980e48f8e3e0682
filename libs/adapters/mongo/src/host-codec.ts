import type { FleetHost } from "@veil/nodes";
import { z } from "zod";
import { rememberedJobs, toRememberedJobs, toStoredJobs } from "./remembered-jobs-codec.ts";

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
  ...rememberedJobs,
});
type HostDocument = Readonly<z.infer<typeof hostDocument>>;

export function toHost(id: string, host: HostDocument): FleetHost {
  const { created_at: createdAt, jobs: _jobs, jobs_at: _jobsAt, ...same } = host;
  return { id, createdAt, ...same, ...toRememberedJobs(host) };
}

export function toHostDocument(host: FleetHost): HostDocument {
  const { id: _, createdAt, alpn, groups, jobs: _jobs, jobsAt: _jobsAt, ...same } = host;
  return {
    ...same,
    alpn: alpn === null ? null : [...alpn],
    groups: groups === null ? null : [...groups],
    created_at: createdAt,
    ...toStoredJobs(host),
  };
}
