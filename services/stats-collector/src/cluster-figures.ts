import type { QueueFigures } from "@veil/job-contract";
import type { Clock, Logger } from "@veil/service-runtime";
import type { Counter, XrayNode } from "@veil/xray-gateway";

export type KeyCounts = Readonly<Record<"creating" | "active" | "deleting", number>>;

/** What a node says of itself. */
export interface NodeFigures {
  readonly answers: boolean;
  readonly uptimeSeconds: number | null;
  /** Users with open connections; null when the node does not tell. */
  readonly online: number | null;
  readonly traffic: readonly TrafficFigure[];
}

/** What one counter of Xray has counted in this life of the process. */
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
  readonly nodes: readonly Pick<XrayNode, "name" | "uptimeSeconds" | "queryCounters" | "onlineUsers">[];
  /** How many users of a node are shown, those with the most bytes; 0 for none. */
  readonly topUsers: number;
  readonly clock: Pick<Clock, "now">;
  readonly log: Pick<Logger, "debug">;
}

/** What is older is not shown: a gap tells more than a figure that stands still. */
const freshMs = 30_000;
/**
 * Counting keys makes some databases read all of them, and keeps others waiting: the longer it takes, the
 * longer it rests.
 */
const countPace = { everyMs: 10_000, longestEveryMs: 25_000, restsTimes: 25 };

interface Dated<T> {
  readonly at: number;
  readonly value: T;
}

/** The figures of the whole system as they were last read, so that a page of metrics waits for nothing. */
export class ClusterFigures {
  readonly #options: ClusterFiguresOptions;
  #keys: Dated<KeyCounts> | null = null;
  #nextCountAt = 0;
  #queues: Dated<readonly QueueFigures[]> | null = null;
  readonly #nodes = new Map<string, NodeFigures>();

  constructor(options: ClusterFiguresOptions) {
    this.#options = options;
  }

  get keys(): KeyCounts | null {
    return this.#fresh(this.#keys);
  }

  get queues(): readonly QueueFigures[] | null {
    return this.#fresh(this.#queues);
  }

  /** By name; a node that was not asked yet is missing. */
  get nodes(): ReadonlyMap<string, NodeFigures> {
    return this.#nodes;
  }

  /** Reads everything anew; what does not answer keeps its old figures until they are too old. Never rejects. */
  async read(): Promise<void> {
    await Promise.all([
      this.#readKeys(),
      this.#readQueues(),
      ...this.#options.nodes.map((node) => this.#readNode(node)),
    ]);
  }

  async #readKeys(): Promise<void> {
    const { clock } = this.#options;
    const begun = clock.now();
    if (begun < this.#nextCountAt) return;
    await this.#try("keys", async () => {
      this.#keys = { value: await this.#options.countKeys(), at: clock.now() };
      const restMs = (clock.now() - begun) * countPace.restsTimes;
      this.#nextCountAt = begun + Math.min(Math.max(countPace.everyMs, restMs), countPace.longestEveryMs);
    });
  }

  async #readQueues(): Promise<void> {
    const { readQueues, clock } = this.#options;
    await this.#try("queues", async () => {
      this.#queues = { value: await readQueues(), at: clock.now() };
    });
  }

  async #readNode(node: ClusterFiguresOptions["nodes"][number]): Promise<void> {
    const answered = await this.#try(`node ${node.name}`, async () => {
      this.#nodes.set(node.name, await this.#askNode(node));
    });
    if (!answered) this.#nodes.set(node.name, unanswered);
  }

  async #askNode(node: ClusterFiguresOptions["nodes"][number]): Promise<NodeFigures> {
    const { topUsers } = this.#options;
    const [uptimeSeconds, links, users, online] = await Promise.all([
      node.uptimeSeconds(),
      node.queryCounters("bound>>>"),
      topUsers === 0 ? [] : node.queryCounters("user>>>"),
      // A node whose policy does not count them refuses.
      node.onlineUsers().then(
        ({ length }) => length,
        () => null,
      ),
    ]);
    return {
      answers: true,
      uptimeSeconds,
      online,
      traffic: [...trafficOf(links), ...topOf(trafficOf(users), topUsers)],
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
    return dated !== null && this.#options.clock.now() - dated.at < freshMs ? dated.value : null;
  }
}

const unanswered: NodeFigures = { answers: false, uptimeSeconds: null, online: null, traffic: [] };

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
