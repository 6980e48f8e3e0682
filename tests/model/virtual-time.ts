import { syncBuiltinESMExports } from "node:module";
import timersPromises from "node:timers/promises";
import type { Timer, World } from "./world.ts";

/**
 * Puts a world's time in the place of the real one, for code that takes its time from the platform.
 *
 * @returns gives the real time back
 */
export function installVirtualTime(world: World): () => void {
  const handles = new WeakMap<object, Timer>();
  const localTime = () => world.now + (world.current?.skewMs ?? 0);

  function start(fire: () => void, ms: number, everyMs: number | null): object {
    const timer = world.after(ms, world.current, fire, everyMs);
    const handle = { ref: () => handle, unref: () => handle, hasRef: () => true };
    handles.set(handle, timer);
    return handle;
  }
  function stop(handle: unknown): void {
    const timer = typeof handle === "object" && handle !== null ? handles.get(handle) : undefined;
    if (timer !== undefined) world.cancel(timer);
  }
  const restorers = [
    replace(globalThis, "setTimeout", (fire: () => void, ms = 0) => start(fire, ms, null)),
    replace(globalThis, "setInterval", (fire: () => void, ms = 0) => start(fire, ms, ms)),
    replace(globalThis, "clearTimeout", stop),
    replace(globalThis, "clearInterval", stop),
    replace(Date, "now", () => Math.round(localTime())),
    replace(performance, "now", () => world.now),
    replace(timersPromises, "setTimeout", (ms = 0) => world.sleep(ms, world.current)),
  ];
  syncBuiltinESMExports();
  return () => {
    for (const restore of restorers) restore();
    syncBuiltinESMExports();
  };
}

function replace(owner: object, name: string, value: unknown): () => void {
  const before = Object.getOwnPropertyDescriptor(owner, name);
  Object.defineProperty(owner, name, { configurable: true, writable: true, value });
  return () => {
    if (before === undefined) Reflect.deleteProperty(owner, name);
    else Object.defineProperty(owner, name, before);
  };
}
