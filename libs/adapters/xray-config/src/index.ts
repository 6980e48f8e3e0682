/** Keeps the clients of one inbound in Xray's own config file. Knows neither keys nor jobs nor gRPC. */
export { configCheck } from "./config-check.ts";
export type { ConfigClient, InboundWish } from "./edit-config.ts";
export {
  ConfigChangedError,
  ConfigFileError,
  ConfigInvalidError,
  ConfigReadError,
  ConfigRefusedError,
  ConfigWriteError,
} from "./errors.ts";
export { XrayConfigFile, type XrayConfigFileOptions } from "./xray-config-file.ts";
