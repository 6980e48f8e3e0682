import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type RunningStack, startStack, temporaryDataDir } from "../support/running-stack.ts";
import { type MakeClient, runClient } from "./generated-client.ts";

/** Its letters hold bytes that are control characters by themselves. */
const NAME = "Ключ \u{1f511}";

/** Each generator's client compiles, and finds keys by id and by UUID on a running system. */
export function describeClients(makers: Readonly<Record<string, MakeClient>>): void {
  describe("a client generated from the OpenAPI document compiles and works", () => {
    let dataDir: Awaited<ReturnType<typeof temporaryDataDir>>;
    let stack: RunningStack;

    beforeAll(async () => {
      dataDir = await temporaryDataDir();
      stack = await startStack(dataDir.path);
    });

    afterAll(async () => {
      await stack?.stop();
      await dataDir?.remove();
    });

    test.for(Object.entries(makers))("%s", async ([generator, make], { skip }) => {
      const client = await make();
      if ("missing" in client) {
        process.stderr.write(`The client of ${generator} is left out: this machine has no ${client.missing}\n`);
        skip(`this machine has no ${client.missing}`);
        return;
      }
      const saw = await runClient(client, [stack.apiUrl, stack.apiKey, NAME, generator]);
      const { id, uuid, job } = saw;
      expect(saw).toEqual({
        id,
        name: NAME,
        uuid,
        byId: uuid,
        byUuid: id,
        listed: id,
        total: expect.any(Number),
        link: expect.stringMatching(/^vless:\/\//),
        links: 1,
        traffic: 0,
        reset: 0,
        ...(job && { job }),
        deleted: `Key ${id} deleted successfully`,
        failed: 2,
        item: `Key with id ${uuid} not found`,
        missing: `Key with id ${id} not found`,
      });
    });
  });
}
