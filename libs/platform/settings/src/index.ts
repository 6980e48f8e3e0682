/** The Xray nodes and their links' settings, from the environment. Knows no gRPC. */
export {
  type NodeSettings,
  nodeSettings,
  type NodeVariables,
  nodeVariables,
} from "./node-settings.ts";
export { nodeTlsVariables, requireTlsFolder } from "./node-tls.ts";
export { configFileVariables, realityVariables, requireConfigNode, webhookVariables } from "./shared-variables.ts";
export { handshakeName, linkHost, realityKey } from "./link-host.ts";
