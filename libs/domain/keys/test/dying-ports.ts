import type { LifecyclePorts } from "../src/lifecycle-ports.ts";

/** The end of a process, as those who wait for it see it. */
export class KilledError extends Error {
  override readonly name = "KilledError";
}

/** Ports of a process that dies at one of its calls, and what it did until then. */
export interface DyingPorts {
  readonly ports: LifecyclePorts;
  readonly calls: readonly string[];
}

/**
 * Ports over which every call counts, and fails from a certain one on.
 *
 * @param at the call with which the process dies, from 1; beyond the last one it lives
 * @param isDone whether that call still happens, so that nobody hears of its result
 */
export function dyingPorts(ports: LifecyclePorts, at: number, isDone: boolean): DyingPorts {
  const calls: string[] = [];
  const dying = <T extends object>(name: string, target: T): T =>
    new Proxy(target, {
      get: (_, property) => {
        const value: unknown = Reflect.get(target, property);
        if (typeof value !== "function") return value;
        return async (...given: unknown[]) => {
          calls.push(`${name}.${String(property)}`);
          if (calls.length > at || (calls.length === at && !isDone)) throw new KilledError(calls.at(-1));
          const result: unknown = await Reflect.apply(value, target, given);
          if (calls.length >= at) throw new KilledError(calls.at(-1));
          return result;
        };
      },
    });
  return {
    calls,
    ports: {
      ...ports,
      store: dying("store", ports.store),
      externalIds: dying("externalIds", ports.externalIds),
      traffic: dying("traffic", ports.traffic),
      due: dying("due", ports.due),
      hints: dying("hints", ports.hints),
      nodes: ports.nodes.map((node) => dying(node.name, node)),
    },
  };
}

/**
 * Runs something with a process that dies at its first call, then at its second, and so on until one lives to the end; each
 * twice, for a call that happened and one that did not.
 *
 * @param run a whole history, which may end with a {@link KilledError} of the ports that it makes
 */
export async function killAtEveryCall(
  run: (die: (ports: LifecyclePorts) => LifecyclePorts) => Promise<void>,
): Promise<number> {
  for (let at = 1; ; at += 1) {
    let made: readonly string[] = [];
    for (const isDone of [false, true]) {
      const die = (ports: LifecyclePorts) => {
        const { ports: dying, calls } = dyingPorts(ports, at, isDone);
        made = calls;
        return dying;
      };
      await run(die).catch((error: unknown) => {
        throw new Error(`died at call ${at}, ${made[at - 1]}${isDone ? ", which was done" : ""}`, { cause: error });
      });
    }
    if (made.length < at) return at - 1;
  }
}
