/** The only gRPC code: HandlerService, StatsService and RoutingService of one Xray node. */
export { CertificateFolder } from "./certificate-folder.ts";
export { callMetrics, EACH_NODE, NODE_LABEL } from "./call-metrics.ts";
export type { Counter } from "./decode-counters.ts";
export type { UnreachableReason } from "./errors.ts";
export {
  AccountMismatchError,
  InboundExistsError,
  InboundMissingError,
  InboundNotListeningError,
  InboundUnsupportedError,
  InvalidXrayRequestError,
  XrayAnswerInvalidError,
  XrayError,
  XrayIndeterminateError,
  XrayRejectedError,
  XrayUnreachableError,
} from "./errors.ts";
export type { InboundDefinition } from "./inbound-definition.ts";
export { ensureShortId, inboundDefinitionSchema } from "./inbound-definition.ts";
export type { InboundUser, OtherAccount } from "./inbound-user.ts";
export { inboundUserSchema } from "./inbound-user.ts";
export type { ChangeOptions } from "./inbound-users.ts";
export type { CallOutcome } from "./node-connection.ts";
export { plantProcessMark } from "./process-mark.ts";
export { readVlessAccount } from "./read-vless-account.ts";
export type { ConnectedXray, XrayNode, XrayNodeOptions } from "./xray-node.ts";
export { connectXrayNode } from "./xray-node.ts";
