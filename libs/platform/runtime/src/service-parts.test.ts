import { expect, it } from "vitest";
import { z } from "zod";
import { createLogger } from "./create-logger.ts";
import { RELEASE_ORDER, type Release, type ReleaseGroup } from "./releasers.ts";
import { ServiceParts } from "./service-parts.ts";

const line = z.object({ resource: z.string(), err: z.object({ type: z.string(), message: z.string() }) });

function failureIn(text: string): string {
  const { resource, err } = line.parse(JSON.parse(text));
  return `${resource} failed: ${err.type}: ${err.message}`;
}

function rig() {
  const registered: { group: ReleaseGroup; release: Release }[] = [];
  const said: string[] = [];
  const log = createLogger({
    ...{ service: "test", version: "0", level: "error", pretty: false },
    destination: { write: (text) => void said.push(failureIn(text)) },
  });
  const parts = new ServiceParts(
    { onStop: (group, _name, release) => void registered.push({ group, release }) },
    "nodes",
    log,
  );
  const stop = async () => {
    for (const group of RELEASE_ORDER)
      for (const one of registered) if (one.group === group) await one.release(AbortSignal.abort());
  };
  const open = (name: string) => {
    const part = parts.open();
    part.onStop("connections", `${name} connection`, () => void said.push(`${name} connection`));
    part.onStop("loops", `${name} loop`, (signal) => void said.push(`${name} loop ${signal.aborted}`));
    return part;
  };
  return { open, stop, said };
}

it("releases a part that goes in order, once, and not again when the service stops", async () => {
  const { open, stop, said } = rig();
  const [a] = [open("a"), open("b")];
  await Promise.all([a.close(), a.close()]);
  expect(said).toEqual(["a loop false", "a connection"]);
  said.length = 0;
  await stop();
  expect(said).toEqual(["b loop true", "b connection"]);
});

it("goes on when something can't be released", async () => {
  const { open, said } = rig();
  const part = open("a");
  part.onStop("loops", "bad loop", async () => {
    throw new Error("stuck");
  });
  await part.close();
  expect(said).toContain("bad loop failed: Error: stuck");
  expect(said).toContain("a connection");
});
