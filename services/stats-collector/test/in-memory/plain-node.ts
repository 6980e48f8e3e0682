import type { Counter } from "@veil/xray-grpc";
import type { MeteredNode } from "../../src/sync/node-counters.ts";
import { INBOUND_TAGS, SimulatedNode } from "../model/simulated-node.ts";

/** A simulated node as a collector calls it, at once and without faults but those that a test asks for. */
export class PlainNode implements MeteredNode {
  xray: SimulatedNode;
  /** What bytes count as. */
  times = 1;
  /** The names of the methods that were called. */
  readonly calls: string[] = [];
  /** Runs before a call takes effect; what it throws, the call throws. */
  before: (method: string) => Promise<void> | void = () => undefined;
  readonly name: string;
  readonly address: string;
  readonly #now: () => number;

  /** @param xray the process that the node leads to; one of its own when left out */
  constructor(name: string, now: () => number, xray = new SimulatedNode(name)) {
    this.name = name;
    this.xray = xray;
    this.address = `${xray.name}:10085`;
    this.#now = now;
  }

  inboundTags(): readonly [string, ...string[]] {
    return INBOUND_TAGS;
  }

  multiplier(): number {
    return this.times;
  }

  readProcessMark(): Promise<string | null> {
    return this.#call("readProcessMark", () => this.xray.mark);
  }

  plantProcessMark(id: string): Promise<"planted" | "taken"> {
    return this.#call("plantProcessMark", () => {
      if (this.xray.mark !== null) return "taken";
      this.xray.mark = id;
      return "planted";
    });
  }

  uptimeSeconds(): Promise<number> {
    return this.#call("uptimeSeconds", () => this.xray.uptimeSeconds(this.#now()));
  }

  queryCounters(pattern: string): Promise<Counter[]> {
    return this.#call("queryCounters", () => this.xray.query(pattern));
  }

  readCounter(name: string): Promise<number | null> {
    return this.#call("readCounter", () => this.xray.counters.get(name) ?? null);
  }

  async #call<T>(method: string, effect: () => T): Promise<T> {
    this.calls.push(method);
    await this.before(method);
    return effect();
  }
}
