/** Finds or builds Redis, a MongoDB and Xray on this machine, and starts them. */
export { buildGoModule, type GoModule } from "./build-go-module.ts";
export { EngineStartError, EngineUnavailableError, NoEngineError, WrongBinaryError } from "./engine-errors.ts";
export type { EngineProcess } from "./engine-process.ts";
export { freePort, isListening, keepPorts } from "./tcp.ts";
export { beginSearch, type FindOptions } from "./find-engine.ts";
export { findMongodb } from "./find-mongodb.ts";
export { findRedis } from "./find-redis.ts";
export { findXray } from "./find-xray.ts";
export {
  describeExit,
  type ManagedProcess,
  type ProcessCommand,
  type ProcessExit,
  plainEnvironment,
  startProcess,
  untilReady,
} from "./managed-process.ts";
export { type Progress, withProgress } from "./progress.ts";
export { allOrMissing, type Engines, resolveEngines } from "./resolve-engines.ts";
export { isServiceReady, type ServiceName, startService, untilServiceReady } from "./service-process.ts";
export {
  Closers,
  type EngineAddresses,
  startTestbed,
  type Testbed,
  type TestbedOptions,
  type TestbedService,
} from "./testbed/testbed.ts";
export { KillableProcess, type ProcessFault, type Stopped } from "./testbed/killable-process.ts";
export { INBOUND_TAG, SERVER_NAME, SHORT_ID, type TestbedNode } from "./testbed/testbed-node.ts";
export { prepareMongodb, prepareRedis, type TestbedStore, type TestbedStoreOptions } from "./testbed/testbed-store.ts";
export { type MongodbEngine, type MongodbOptions, type RunningMongodb, startMongodb } from "./start-mongodb.ts";
export { type RedisOptions, type RunningRedis, startRedis } from "./start-redis.ts";
export { type RunningXray, startXray, type XrayOptions } from "./start-xray.ts";
export { isTlsTargetReachable, startTlsDecoy, type TlsDecoy } from "./tls-decoy.ts";
export { runCommand } from "./run-command.ts";
