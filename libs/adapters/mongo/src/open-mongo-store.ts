import type {
  DesiredStore,
  DeviceOutbox,
  DeviceStore,
  ExternalIds,
  InboundVault,
  KeyBatches,
  KeyHousekeeping,
  KeyOutbox,
  KeyReader,
  KeyStore,
  NodeSightings,
  NodeStates,
} from "@veil/keys";
import type { EventLog } from "@veil/events";
import type { FleetOutbox, FleetStore, NodePasses, SeenInbounds } from "@veil/nodes";
import type { TokenOutbox, TokenStore } from "@veil/tokens";
import type { NodeLivesStore, TrafficStore, UsageStore } from "@veil/traffic";
import type { DeliveryStore, WebhookOutbox, WebhookStore } from "@veil/webhooks";
import { systemClock } from "@veil/runtime";
import { connectMongo, type MongoConnection, type MongoConnectionOptions } from "./connect-mongo.ts";
import { engineOf } from "./engine.ts";
import type { CounterDocument } from "./key-codecs.ts";
import { KeyCollections } from "./key-collections.ts";
import { KeyIdCounter } from "./key-id-counter.ts";
import { MongoDesiredState } from "./mongo-desired-state.ts";
import { MongoDeviceStore } from "./mongo-device-store.ts";
import { MongoEventLog } from "./mongo-event-log.ts";
import { MongoExternalIds } from "./mongo-external-ids.ts";
import { MongoFleet } from "./mongo-fleet.ts";
import { MongoInboundVault } from "./mongo-inbound-vault.ts";
import { MongoKeyBatches } from "./mongo-key-batches.ts";
import { MongoKeyHousekeeping } from "./mongo-key-housekeeping.ts";
import { MongoKeyOutbox } from "./mongo-key-outbox.ts";
import { MongoKeyReader } from "./mongo-key-reader.ts";
import { MongoKeyStore } from "./mongo-key-store.ts";
import { MongoNodeLivesStore } from "./mongo-node-lives-store.ts";
import { MongoNodePasses } from "./mongo-node-passes.ts";
import { MongoSeenInbounds } from "./mongo-seen-inbounds.ts";
import { MongoNodeSightings } from "./mongo-node-sightings.ts";
import { MongoNodeStates } from "./mongo-node-states.ts";
import { MongoTokenOutbox } from "./mongo-token-outbox.ts";
import { MongoTokenStore } from "./mongo-token-store.ts";
import { MongoTrafficStore } from "./mongo-traffic-store.ts";
import { MongoUsageStore } from "./mongo-usage-store.ts";
import { MongoWebhookOutbox } from "./mongo-webhook-outbox.ts";
import { MongoWebhookStore } from "./mongo-webhook-store.ts";
import { OlderFlow, type OlderFlowOptions } from "./older-flow.ts";
import type { OnUnreadable } from "./read-documents.ts";
import { storeErrors } from "./store-errors.ts";

/** Everything that is stored, over one connection. */
export interface MongoStore extends MongoConnection {
  /** Keys as the worker changes them. */
  readonly keys: KeyStore;
  /** How many keys are taken up together at little more than the cost of a thousand. @throws {StoreUnavailableError} */
  readonly keysTakenUpTogether: () => Promise<number>;
  /** Whether all keys are read to count them. @throws {StoreUnavailableError} */
  readonly readsAllToCount: () => Promise<boolean>;
  /** The desired state of every node. */
  readonly desired: DesiredStore;
  readonly housekeeping: KeyHousekeeping;
  /** Keys as the API and the collector read them. */
  readonly keyReader: KeyReader;
  readonly externalIds: ExternalIds;
  /** The devices that fetch subscriptions, and their events that are not logged yet. */
  readonly devices: DeviceStore & DeviceOutbox;
  readonly traffic: TrafficStore;
  readonly usage: UsageStore;
  readonly nodeLives: NodeLivesStore;
  readonly inbounds: InboundVault;
  readonly sightings: NodeSightings;
  /** The last pass over each node. */
  readonly passes: NodePasses;
  /** How each inbound was last found running. */
  readonly seenInbounds: SeenInbounds;
  /** The list of nodes, and their events that are not logged yet. */
  readonly fleet: FleetStore & FleetOutbox;
  /** Changes of many keys that are under way. */
  readonly batches: KeyBatches;
  readonly tokens: TokenStore;
  readonly events: EventLog;
  readonly tokenOutbox: TokenOutbox;
  /** The reported states of nodes. */
  readonly nodeStates: NodeStates;
  /** Events of keys where they were born. */
  readonly keyOutbox: KeyOutbox;
  /** Webhooks, and how far their deliveries are. */
  readonly webhooks: WebhookStore & DeliveryStore;
  /** Events of webhooks that are not logged yet. */
  readonly webhookOutbox: WebhookOutbox;
}

export interface MongoStoreOptions extends MongoConnectionOptions {
  /** How keys are read that were stored before each kept its own flow; left out where nobody asks for a flow. */
  readonly olderFlow?: OlderFlowOptions;
  /** Milliseconds since the epoch. Default: this host's clock. */
  readonly now?: () => number;
  /** Called for every document that can't be read, whenever it is met; the others are read all the same. */
  readonly onUnreadable?: OnUnreadable;
}

/** Opens the store. Returns at once, also while MongoDB is away: see {@link connectMongo}. */
export function openMongoStore({
  olderFlow,
  onUnreadable = () => undefined,
  now = () => systemClock.now(),
  ...options
}: MongoStoreOptions): MongoStore {
  const mongo = connectMongo(options);
  const collections = new KeyCollections(mongo, new OlderFlow(mongo, olderFlow), onUnreadable);
  const ids = new KeyIdCounter(mongo.connection.collection<CounterDocument>("counters"));
  const desired = new MongoDesiredState(collections, now);
  const externalIds = new MongoExternalIds(mongo, onUnreadable);
  const traffic = new MongoTrafficStore(mongo, onUnreadable);
  const events = new MongoEventLog(mongo, onUnreadable);
  return Object.assign(mongo, {
    externalIds,
    devices: new MongoDeviceStore(mongo, onUnreadable),
    keys: new MongoKeyStore(collections, ids, now),
    keysTakenUpTogether: () => storeErrors(async () => (await engineOf(mongo.connection)).foundTogether),
    readsAllToCount: () => storeErrors(async () => !(await engineOf(mongo.connection)).countsByIndex),
    desired,
    housekeeping: new MongoKeyHousekeeping(collections, ids, desired, [traffic, events]),
    keyOutbox: new MongoKeyOutbox(collections),
    events,
    keyReader: new MongoKeyReader(collections, externalIds, ids),
    traffic,
    usage: new MongoUsageStore(mongo, onUnreadable),
    nodeLives: new MongoNodeLivesStore(mongo, onUnreadable),
    batches: new MongoKeyBatches(mongo, now, onUnreadable),
    inbounds: new MongoInboundVault(mongo, onUnreadable),
    sightings: new MongoNodeSightings(mongo, onUnreadable),
    passes: new MongoNodePasses(mongo, onUnreadable),
    seenInbounds: new MongoSeenInbounds(mongo, onUnreadable),
    fleet: new MongoFleet(mongo, onUnreadable),
    tokens: new MongoTokenStore(mongo, onUnreadable),
    nodeStates: new MongoNodeStates(mongo, onUnreadable),
    tokenOutbox: new MongoTokenOutbox(mongo, onUnreadable),
    webhooks: new MongoWebhookStore(mongo, onUnreadable),
    webhookOutbox: new MongoWebhookOutbox(mongo, onUnreadable),
  });
}
