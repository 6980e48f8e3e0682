import type { Logger } from "@veil/runtime";

export interface DefaultFlowWarningOptions {
  /** The node whose config it is. */
  readonly node: string;
  readonly inboundTag: string;
  readonly log: Pick<Logger, "warn">;
}

/**
 * Warns of a config file whose inbound gives a flow to every client that names none. Xray knows no word for "none" in a
 * client, so nothing that the worker writes there helps.
 */
export class DefaultFlowWarning {
  readonly #options: DefaultFlowWarningOptions;
  #isSaid = false;

  constructor(options: DefaultFlowWarningOptions) {
    this.#options = options;
  }

  /** Warns when such a flow has appeared since the last look. @param flow empty for none */
  see(flow: string): void {
    const { node, inboundTag, log } = this.#options;
    if (flow !== "" && !this.#isSaid) {
      log.warn(
        { node, inbound: inboundTag, flow },
        "keys without a flow can't connect when Xray starts from its config file: take \"flow\" out of the inbound's settings",
      );
    }
    this.#isSaid = flow !== "";
  }
}
