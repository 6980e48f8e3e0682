export { type NodeSettings, nodeSettings, type NodeVariables, nodeVariables } from "./node-settings.ts";
export { configFileVariables, requireConfigNode } from "./config-file-variables.ts";
export { realityVariables } from "./reality-variables.ts";
