export { type NodeSettings, nodeSettings, type NodeVariables, nodeVariables } from "./node-settings.ts";
