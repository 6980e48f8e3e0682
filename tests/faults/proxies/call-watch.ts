/** An engine that a service calls. */
export type Engine = "mongodb" | "redis" | "xray";

/** A place between two side effects of a service: just before a call goes out, or just before its answer comes back. */
export interface Point {
  readonly moment: "before" | "after";
  readonly engine: Engine;
  /** As the proxies name calls: `insert keys`, `AddUser`, `finish job`. */
  readonly call: string;
}

/** The calls that a proxy lets through at once, and what happens first where it is watched. */
export class CallWatch {
  #armed: { readonly point: Point; readonly act: () => Promise<void> } | null = null;

  /**
   * Does something the next time the service comes to this point. Until it is done, the call or its answer waits.
   *
   * @returns whether the point was reached so far
   */
  once(point: Point, act: () => Promise<void>): () => boolean {
    let reached = false;
    this.#armed = {
      point,
      act: async () => {
        reached = true;
        await act();
      },
    };
    return () => reached;
  }

  disarm(): void {
    this.#armed = null;
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
