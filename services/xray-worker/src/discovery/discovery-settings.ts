import { nodeTemplate, nodeTemplateSchema } from "@veil/http-contract";
import type { DiscoveryRules } from "@veil/nodes";
import { json, wholeNumber } from "@veil/runtime";
import { linkHost } from "@veil/settings";
import { z } from "zod";

const LABEL = "[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?";
const DAY_S = 24 * 60 * 60;

/** Where nodes are found, and what becomes of them; see the README's settings table. */
export const discoveryVariables = {
  /** The Service whose endpoints are nodes. Without it none is looked for. */
  XRAY_DISCOVERY_SERVICE: z
    .string()
    .regex(new RegExp(`^(?:${LABEL}/)?${LABEL}$`), "must be the name of a Service, or namespace/name")
    .optional()
    .meta({ example: "xray-nodes" }),
  /** The node that is made of each: the body of `POST /api/nodes` without name and address. */
  XRAY_DISCOVERY_NODE: json("object")
    .pipe(nodeTemplateSchema)
    .prefault("{}")
    .meta({ example: '{"tls":{"server_name":"xray-nodes"},"groups":["eu"]}' }),
  /** The host that clients dial at each of them, where that differs. */
  XRAY_DISCOVERY_HOST: z
    .string()
    .refine(
      (text) =>
        /^[!-~]+$/.test(text) &&
        linkHost("").safeParse(text.replaceAll("{node}", "node-1").replaceAll("{address}", "10.0.0.1")).success,
      "must be a host, in which {node} and {address} stand for a node's",
    )
    .optional()
    .meta({ example: "{node}.vpn.example.com" }),
  /** A node whose pod is not ready for so long is drained. */
  XRAY_DISCOVERY_DRAIN_SECONDS: wholeNumber({ min: 0, max: DAY_S }).default(30).meta({ example: "30" }),
  /** A node whose pod is not there for so long is deleted. */
  XRAY_DISCOVERY_DELETE_SECONDS: wholeNumber({ min: 0, max: 30 * DAY_S })
    .default(600)
    .meta({ example: "600" }),
  KUBERNETES_API_URL: z
    .string()
    .regex(/^https?:\/\/[^\s/]+$/, "must be https://host or https://host:port")
    .default("https://kubernetes.default.svc")
    .meta({ example: "https://kubernetes.default.svc" }),
  /** The folder of a service account: `token`, `ca.crt` and `namespace`. */
  KUBERNETES_ACCOUNT_DIR: z
    .string()
    .min(1)
    .default("/var/run/secrets/kubernetes.io/serviceaccount")
    .meta({ example: "/var/run/secrets/kubernetes.io/serviceaccount" }),
};

export type DiscoverySettings = z.output<z.ZodObject<typeof discoveryVariables>>;

/** Complains of a template with `tls` that no node can have. For `superRefine`. */
export function requireDiscoveryTls(
  {
    XRAY_DISCOVERY_NODE: { tls },
    XRAY_TLS_DIR: folder,
  }: DiscoverySettings & { readonly XRAY_TLS_DIR?: string | undefined },
  context: Pick<z.core.$RefinementCtx, "addIssue">,
): void {
  if (tls === undefined || tls === null) return;
  const complain = (path: string, message: string) => context.addIssue({ code: "custom", path: [path], message });
  if (tls.server_name === null) {
    complain(
      "XRAY_DISCOVERY_NODE",
      'must name in "tls" the "server_name" in the certificate: nodes are found by IP address',
    );
  }
  if (folder === undefined) complain("XRAY_TLS_DIR", 'must be set, since XRAY_DISCOVERY_NODE has "tls"');
}

/** @param namespace of a Service that is named alone @param inboundTag of nodes whose template names no inbound */
export function discoveryRules(
  service: string,
  settings: DiscoverySettings,
  { namespace, inboundTag }: { readonly namespace: string; readonly inboundTag: string },
): DiscoveryRules {
  return {
    service: service.includes("/") ? service : `${namespace}/${service}`,
    template: nodeTemplate(settings.XRAY_DISCOVERY_NODE, inboundTag),
    hostPattern: settings.XRAY_DISCOVERY_HOST ?? null,
    drainAfterMs: settings.XRAY_DISCOVERY_DRAIN_SECONDS * 1_000,
    deleteAfterMs: settings.XRAY_DISCOVERY_DELETE_SECONDS * 1_000,
  };
}
