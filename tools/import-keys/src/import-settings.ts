import {
  configFileVariables,
  nodeTlsVariables,
  nodeVariables,
  realityVariables,
  requireConfigNode,
  requireTlsFolder,
} from "@veil/settings";
import { engineVariables } from "@veil/runtime";
import { z } from "zod";

/** The importer's variables: those of the worker that it needs, with the same meaning. */
export const importSettings = z
  .object({
    ...nodeVariables,
    ...engineVariables,
    ...realityVariables,
    ...nodeTlsVariables,
    ...configFileVariables,
  })
  .superRefine(requireConfigNode)
  .superRefine(requireTlsFolder);

export type ImportSettings = z.output<typeof importSettings>;
