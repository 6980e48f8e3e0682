import type { QueueFigures } from "@veil/job-queue";
import { type Clock, type Logger, withinTime } from "@veil/runtime";
import { type Counter, type XrayNode, XrayRejectedError } from "@veil/xray-grpc";
import { inboundCounter, USER_COUNTERS } from "../sync/node-counters.ts";
import type { WebhookFigures } from "./webhook-figures.ts";
import { type CounterSigns, UserCounterCheck } from "../sync/user-counter-check.ts";

export type KeyCounts = Readonly<Record<"creating" | "active" | "deleting", number>>;

/** A node's own figures. */
export interface NodeFigures {
  readonly answers: boolean;
  readonly uptimeSeconds: number | null;
  /** Users with open connections; null when the node does not tell. */
  readonly online: number | null;
  readonly traffic: readonly TrafficFigure[];
  /** Whether the node was found not to count its users' bytes. */
  readonly usersUncounted: boolean;
}

/** The count of one of Xray's counters in this life of the process. */
export interface TrafficFigure {
  readonly dimension: "inbound" | "outbound" | "user";
  /** The tag of an inbound or outbound, the e-mail of a user. */
  readonly target: string;
  readonly link: "uplink" | "downlink";
  readonly bytes: number;
}

export interface ClusterFiguresOptions {
  readonly countKeys: () => Promise<KeyCounts>;
  readonly readQueues: () => Promise<readonly QueueFigures[]>;
  readonly readWebhooks: () => Promise<WebhookFigures>;
  /** The nodes that there are at each moment. */
  readonly nodes: () => readonly ShownNode[];
  /** How many users of a node are shown, those with the most bytes; 0 for none. */
  readonly topUsers: number;
  readonly clock: Pick<Clock, "monotonic">;
  readonly log: Pick<Logger, "debug" | "info" | "warn">;
  /** For so long a node's figures are waited for; what it tells later is shown then. Milliseconds, 4 seconds when left out. */
  readonly patienceMs?: number;
}

/** A node that is asked what it shows of itself. */
export interface ShownNode extends Pick<XrayNode, "name" | "uptimeSeconds" | "queryCounters" | "onlineUsers"> {
  /** Its inbounds at this moment. */
  readonly inboundTags: () => readonly string[];
}

/** Older figures are not shown: a gap tells more than a figure that stands still. */
const FRESH_MS = 30_000;
/**
 * Counting keys makes some databases read all of them, and keeps others waiting: the longer it takes, the
 * longer it rests.
 */
const countPace = { everyMs: 10_000, longestEveryMs: 25_000, restsTimes: 25 };

const PATIENCE_MS = 4_000;

interface Dated<T> {
  /** By the monotonic clock. */
  readonly at: number;
  readonly value: T;
}

/** The figures of the whole system as they were last read, so that a page of metrics waits for nothing. */
export class ClusterFigures {
  readonly #options: ClusterFiguresOptions;
  #keys: Dated<KeyCounts> | null = null;
  #nextCountAt = Number.NEGATIVE_INFINITY;
  #queues: Dated<readonly QueueFigures[]> | null = null;
  #webhooks: Dated<WebhookFigures> | null = null;
  readonly #nodes = new Map<string, NodeFigures>();
  readonly #checks = new WeakMap<ShownNode, UserCounterCheck>();
  /** Nodes that are asked at the moment. */
  readonly #asked = new WeakSet<ShownNode>();

  constructor(options: ClusterFiguresOptions) {
    this.#options = options;
  }

  get keys(): KeyCounts | null {
    return this.#fresh(this.#keys);
  }

  get queues(): readonly QueueFigures[] | null {
    return this.#fresh(this.#queues);
  }

  get webhooks(): WebhookFigures | null {
    return this.#fresh(this.#webhooks);
  }

  /** By name; a node that was not asked yet is missing. */
  get nodes(): ReadonlyMap<string, NodeFigures> {
    return this.#nodes;
  }

  /**
   * Reads everything anew; what does not answer keeps its old figures until they are too old. A slow node keeps none of the others
   * waiting. Never rejects.
   */
  async read(): Promise<void> {
    const nodes = this.#options.nodes();
    for (const name of this.#nodes.keys()) if (!nodes.some((node) => node.name === name)) this.#nodes.delete(name);
    await Promise.all([
      this.#readKeys(),
      this.#readQueues(),
      this.#readWebhooks(),
      ...nodes.map((node) => this.#readPatiently(node)),
    ]);
  }

  async #readKeys(): Promise<void> {
    const { clock } = this.#options;
    const begun = clock.monotonic();
    if (begun < this.#nextCountAt) return;
    await this.#try("keys", async () => {
      this.#keys = { value: await this.#options.countKeys(), at: clock.monotonic() };
      const restMs = (clock.monotonic() - begun) * countPace.restsTimes;
      this.#nextCountAt = begun + Math.min(Math.max(countPace.everyMs, restMs), countPace.longestEveryMs);
    });
  }

  async #readQueues(): Promise<void> {
    const { readQueues, clock } = this.#options;
    await this.#try("queues", async () => {
      this.#queues = { value: await readQueues(), at: clock.monotonic() };
    });
  }

  async #readWebhooks(): Promise<void> {
    const { readWebhooks, clock } = this.#options;
    await this.#try("webhooks", async () => {
      this.#webhooks = { value: await readWebhooks(), at: clock.monotonic() };
    });
  }

  async #readPatiently(node: ShownNode): Promise<void> {
    if (this.#asked.has(node)) return;
    this.#asked.add(node);
    const read = this.#readNode(node).finally(() => this.#asked.delete(node));
    await withinTime(read, this.#options.patienceMs ?? PATIENCE_MS).catch(() => undefined);
  }

  async #readNode(node: ShownNode): Promise<void> {
    const check = this.#checks.get(node) ?? new UserCounterCheck(node.name, this.#options.log);
    this.#checks.set(node, check);
    const answered = await this.#try(`node ${node.name}`, async () => {
      this.#nodes.set(node.name, await this.#askNode(node, check));
    });
    if (!answered) this.#nodes.set(node.name, { ...unanswered, usersUncounted: check.uncounted });
  }

  async #askNode(node: ShownNode, check: UserCounterCheck): Promise<NodeFigures> {
    const { topUsers } = this.#options;
    const [uptimeSeconds, links, users, online] = await Promise.all([
      node.uptimeSeconds(),
      node.queryCounters("bound>>>").catch(noneWhenRefused),
      topUsers === 0 ? [] : node.queryCounters(USER_COUNTERS).catch(noneWhenRefused),
      // A node whose policy does not count them refuses.
      node.onlineUsers().then(
        ({ length }) => length,
        () => null,
      ),
    ]);
    const signs = { uptimeSeconds, sent: sentBy(node, links), hasKeys: (this.keys?.active ?? 0) > 0 };
    await check.look(signs, async () => trafficOf(await node.queryCounters(USER_COUNTERS)).length > 0);
    return {
      answers: true,
      uptimeSeconds,
      online,
      traffic: [...trafficOf(links ?? []), ...topOf(trafficOf(users ?? []), topUsers)],
      usersUncounted: check.uncounted,
    };
  }

  /** @returns whether it could be read */
  async #try(what: string, read: () => Promise<void>): Promise<boolean> {
    try {
      await read();
      return true;
    } catch (err) {
      this.#options.log.debug({ err, what }, "figures could not be read");
      return false;
    }
  }

  #fresh<T>(dated: Dated<T> | null): T | null {
    return dated !== null && this.#options.clock.monotonic() - dated.at < FRESH_MS ? dated.value : null;
  }
}

const unanswered = { answers: false, uptimeSeconds: null, online: null, traffic: [] } as const;

/** Xray refuses to list counters when its config has no `stats`. */
function noneWhenRefused(error: unknown): null {
  if (error instanceof XrayRejectedError) return null;
  throw error;
}

function sentBy({ inboundTags }: ShownNode, links: readonly Counter[] | null): CounterSigns["sent"] {
  if (links === null) return "refused";
  const names = new Set(inboundTags().map((tag) => inboundCounter(tag, "down")));
  const sent = links.filter(({ name }) => names.has(name));
  return sent.length === 0 ? null : sent.reduce((sum, { value }) => sum + value, 0);
}

/** `inbound>>>tag>>>traffic>>>uplink`, and the same of outbounds and users. */
const trafficCounter = /^(inbound|outbound|user)>>>(.+)>>>traffic>>>(uplink|downlink)$/;

function trafficOf(counters: readonly Counter[]): TrafficFigure[] {
  return counters.flatMap(({ name, value }) => {
    const [, dimension, target, link] = trafficCounter.exec(name) ?? [];
    if (!isDimension(dimension) || target === undefined || !isLink(link)) return [];
    return [{ dimension, target, link, bytes: value }];
  });
}

function isDimension(text: string | undefined): text is TrafficFigure["dimension"] {
  return text === "inbound" || text === "outbound" || text === "user";
}

function isLink(text: string | undefined): text is TrafficFigure["link"] {
  return text === "uplink" || text === "downlink";
}

/** The figures of those targets that have the most bytes, both ways together. */
function topOf(figures: readonly TrafficFigure[], most: number): TrafficFigure[] {
  const sums = new Map<string, number>();
  for (const { target, bytes } of figures) sums.set(target, (sums.get(target) ?? 0) + bytes);
  const first = [...sums].sort(([, one], [, other]) => other - one).slice(0, most);
  const shown = new Set(first.map(([target]) => target));
  return figures.filter(({ target }) => shown.has(target));
}
