import { hash } from "node:crypto";
import { statSync } from "node:fs";
import { booleanFlag } from "@veil/runtime";
import { z } from "zod";
import { nodeSettings, type NodeVariables } from "./node-settings.ts";

/** The settings that a key's user and its links share: the API shows them, the worker gives them to Xray. */
export const realityVariables = {
  /** The short id that every key may come with. */
  REALITY_COMMON_SHORT_ID: z
    .string()
    .regex(/^[0-9a-f]{8}$/, "must be 8 hexadecimal digits in lower case")
    .default("7bb45050")
    .meta({ example: "7bb45050" }),
  REALITY_FLOW: z.enum(["none", "xtls-rprx-vision"]).default("none").meta({ example: "none" }),
};

const SHORTEST_SECRET = 32;

/** The variables of whoever makes webhooks and of whoever delivers to them. */
export const webhookVariables = {
  /** The key, of 32 bytes, that seals secrets of webhooks; without it none can be made, and nothing is delivered. */
  WEBHOOK_SECRET_KEY: z
    .string()
    .min(SHORTEST_SECRET, `must have at least ${SHORTEST_SECRET} characters`)
    .transform((text): Uint8Array => hash("sha256", text, "buffer"))
    .optional()
    .meta({ secret: true, example: "<output of: openssl rand -hex 32>" }),
  /** Whether webhooks may call private and loopback addresses. */
  WEBHOOK_ALLOW_PRIVATE: booleanFlag().default(false),
};

/** The variables for a node's config file that is on a disk of ours. */
export const configFileVariables = {
  /** Xray's config file, where it is on a disk of ours: the keys are then kept in it too. */
  XRAY_CONFIG_PATH: z
    .string()
    .refine((path) => statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true, "must be a file, not a folder")
    .optional()
    .meta({ example: "/etc/xray/config.json" }),
  /** The node whose file that is. Default: the first. */
  XRAY_CONFIG_NODE: z.string().optional().meta({ example: "main" }),
  /** Checks the file before it is replaced. */
  XRAY_BINARY: z.string().optional().meta({ example: "/usr/local/bin/xray" }),
};

type ConfigFileVariables = z.infer<z.ZodObject<typeof configFileVariables>>;

/** Complains of a config file of a node that there is not. For `superRefine`. */
export function requireConfigNode(
  values: NodeVariables & Pick<ConfigFileVariables, "XRAY_CONFIG_NODE">,
  context: Pick<z.core.$RefinementCtx, "addIssue">,
): void {
  const names = nodeSettings(values).map(({ name }) => name);
  if (values.XRAY_CONFIG_NODE === undefined || names.includes(values.XRAY_CONFIG_NODE)) return;
  context.addIssue({ code: "custom", path: ["XRAY_CONFIG_NODE"], message: `must be one of ${names.join(", ")}` });
}
