/** Xray's own config file: made with its keys, and the clients of one inbound kept in it. Knows neither our keys nor jobs nor gRPC. */
export { configCheck } from "./config-check.ts";
export type { InboundChanges, ListedClients } from "./edit-config.ts";
export {
  ConfigChangedError,
  ConfigFileError,
  ConfigInvalidError,
  ConfigReadError,
  ConfigRefusedError,
  ConfigWriteError,
} from "./errors.ts";
export type { ConfigClient } from "./vless-inbound.ts";
export { XrayConfigFile, type XrayConfigFileOptions } from "./xray-config-file.ts";
export { ensureXrayConfig } from "./ensure-xray-config.ts";
export { ownAddresses, PRIVATE_DESTINATIONS } from "./private-destinations.ts";
export { makeRealityKeys, makeShortId, type RealityKeys, realityPublicKey } from "./reality-keys.ts";
export {
  type XrayClient,
  type XrayConfig,
  type XrayConfigOptions,
  UDP_POLICIES,
  type UdpPolicy,
  xrayConfig,
} from "./xray-config.ts";
