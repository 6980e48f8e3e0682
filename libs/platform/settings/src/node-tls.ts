import { statSync } from "node:fs";
import { isIP } from "node:net";
import { z } from "zod";

/** A file below a folder: no way leads out of it. */
const fileName = z
  .string()
  .max(200)
  .regex(/^[A-Za-z0-9_-][A-Za-z0-9._-]*(\/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$/, "must name files below XRAY_TLS_DIR");

/** How `tls` of a node is written in `XRAY_NODES`. The files' usual names are those in a TLS secret of Kubernetes. */
export const listedTls = z.strictObject({
  ca_file: fileName.default("ca.crt"),
  certificate_file: fileName.default("tls.crt"),
  key_file: fileName.default("tls.key"),
  server_name: z.string().min(1).max(253).nullable().default(null),
});

/** Files for mutual TLS to a node's gRPC port, and the name in its certificate: null for the host of its address. */
export interface TlsSettings {
  readonly caFile: string;
  readonly certificateFile: string;
  readonly keyFile: string;
  readonly serverName: string | null;
}

/** The TLS files of a node of the settings, in the names of the code. */
export function tlsSettings({
  ca_file,
  certificate_file,
  key_file,
  server_name,
}: z.infer<typeof listedTls>): TlsSettings {
  return { caFile: ca_file, certificateFile: certificate_file, keyFile: key_file, serverName: server_name };
}

/** Whether the host of `host:port` is an address, which no TLS client may name in its handshake. */
export function hasNamelessHost(address: string): boolean {
  return isIP(address.slice(0, address.lastIndexOf(":")).replace(/^\[(.*)\]$/, "$1")) !== 0;
}

interface TlsValues {
  readonly XRAY_NODES?: readonly { readonly tls?: unknown }[] | undefined;
  readonly XRAY_TLS_DIR?: string | undefined;
}

/** The variables of whoever speaks to nodes. */
export const nodeTlsVariables = {
  /** The folder of the certificates for nodes with `tls`. */
  XRAY_TLS_DIR: z
    .string()
    .min(1)
    .refine((path) => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true, "must be a folder")
    .optional()
    .meta({ example: "/etc/veil/tls" }),
};

/** Complains of nodes with `tls` where no folder holds their certificates. For `superRefine`. */
export function requireTlsFolder(
  { XRAY_NODES: nodes, XRAY_TLS_DIR: folder }: TlsValues,
  context: Pick<z.core.$RefinementCtx, "addIssue">,
): void {
  if (folder !== undefined || nodes?.every(({ tls }) => tls === undefined) !== false) return;
  const message = 'must be set, since XRAY_NODES names a node with "tls"';
  context.addIssue({ code: "custom", path: ["XRAY_TLS_DIR"], message });
}
