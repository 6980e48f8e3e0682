/** Xray's own config file: made with its keys, and the clients of its inbounds kept in it. Knows neither our keys nor jobs nor gRPC. */
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
export type { ClientForm, ConfigClient } from "./config-inbound.ts";
export { type ConfigUpdate, XrayConfigFile, type XrayConfigFileOptions } from "./xray-config-file.ts";
export { ensureXrayConfig } from "./ensure-xray-config.ts";
export { blockedDestination, ownAddresses, PRIVATE_DESTINATIONS } from "./private-destinations.ts";
export { makeRealityKeys, makeShortId, type RealityKeys, realityPublicKey } from "./reality-keys.ts";
export {
  type XrayClient,
  type XrayConfig,
  type XrayConfigOptions,
  UDP_POLICIES,
  type UdpPolicy,
  xrayConfig,
} from "./xray-config.ts";
