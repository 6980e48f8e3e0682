import type { EventReader } from "@veil/events";
import type { DeviceReader } from "@veil/keys";
import type { CallerKeys } from "./caller-keys.ts";
import type { EventFeed } from "./events/event-feed.ts";
import type { DeferredWrites } from "./jobs/deferred-writes.ts";
import type { KeyShowing } from "./keys/key-body.ts";
import type { KeyBatchStatusPorts } from "./keys/update-keys.ts";
import type { RefusedCreations, VisibleKeys } from "./keys/visible-keys.ts";
import type { KeyReader, Logger, ShareLinksOf, TrafficReader } from "./ports.ts";
import type { ManageHostsPorts } from "./hosts/manage-hosts.ts";
import type { ManageNodesPorts } from "./nodes/manage-nodes.ts";
import type { ManageTokensPorts } from "./tokens/manage-tokens.ts";
import type { ManageWebhooksPorts } from "./webhooks/manage-webhooks.ts";

/** Everything outside that the operations need. Times are in milliseconds. */
export interface OperationPorts
  extends ManageTokensPorts,
    ManageWebhooksPorts,
    ManageNodesPorts,
    ManageHostsPorts,
    KeyBatchStatusPorts {
  readonly keys: KeyReader;
  /** How many keys there are, where that is known without a look at them all; left out where it is not. */
  readonly totals?: Pick<KeyReader, "countActive">;
  readonly traffic: TrafficReader;
  readonly devices: DeviceReader;
  readonly events: EventReader;
  readonly feed: Pick<EventFeed, "follow">;
  readonly shareLinksOf: ShareLinksOf;
  readonly showing: KeyShowing;
  readonly refreshWaitMs: number;
  /** Names of the nodes that there are at each moment, in their order. */
  readonly nodeNames: () => readonly string[];
  readonly log: Logger;
  readonly syncDeadlineMs: number;
  /** The outcome of a write that was answered 202. */
  readonly deferred: Pick<DeferredWrites, "status">;
}

/** The ports that the operations share for all callers: of the keys nothing. */
export interface SharedPorts extends Omit<OperationPorts, "keys" | "totals"> {
  readonly refused: RefusedCreations;
}

/** The ports of one request. */
export interface CallerPorts extends SharedPorts {
  readonly keys: CallerKeys;
  readonly visibleKeys: VisibleKeys;
}
