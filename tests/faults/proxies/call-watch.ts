import { setTimeout as sleep } from "node:timers/promises";

/** An engine that a service calls. */
export type Engine = "mongodb" | "redis" | "xray";

/** A place between two side effects of a service: just before a call goes out, or just before its answer comes back. */
export interface Point {
  readonly moment: "before" | "after";
  readonly engine: Engine;
  /** As the proxies name calls: `insert keys`, `AddUser`, `finish job`. */
  readonly call: string;
}

/** Longer than a service takes to come to a point that its work leads to. */
const REACHED_WITHIN_MS = 20_000;
const LOOK_EVERY_MS = 20;

/** The calls that a proxy lets through at once, and what happens first where it is watched. */
export class CallWatch {
  #armed: { readonly point: Point; readonly act: () => Promise<void> } | null = null;

  /**
   * Does something the next time the service comes to this point. Until it is done, the call or its answer waits.
   *
   * @returns waits until it is done, and looks no further after some time. It waits because whoever asked the service
   *   can hear that the work is done before the answer of the service's last call passes here.
   * @throws {Error} from what it returns, when nobody came to the point
   */
  once(point: Point, act: () => Promise<void>): () => Promise<void> {
    let acting: Promise<void> | null = null;
    const armed = {
      point,
      act: async () => {
        acting = act();
        await acting;
      },
    };
    this.#armed = armed;
    return async () => {
      const until = performance.now() + REACHED_WITHIN_MS;
      while (this.#armed === armed && performance.now() < until) await sleep(LOOK_EVERY_MS);
      if (acting === null) {
        this.#armed = null;
        throw new Error(`nobody came to the point ${point.moment} ${point.call}`);
      }
      await acting;
    };
  }

  /** Called by a proxy with every call. */
  async passing(moment: Point["moment"], engine: Engine, call: string): Promise<void> {
    const armed = this.#armed;
    if (armed === null) return;
    const { point } = armed;
    if (point.moment !== moment || point.engine !== engine || point.call !== call) return;
    this.#armed = null;
    await armed.act();
  }
}
