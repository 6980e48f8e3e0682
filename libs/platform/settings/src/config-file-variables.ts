import { statSync } from "node:fs";
import { z } from "zod";
import { nodeSettings, type NodeVariables } from "./node-settings.ts";

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
