import { Agent, request } from "node:https";
import { freePort } from "@veil/engines";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ComposeProject, whyNoContainers } from "../support/compose-project.ts";

const leftOut = await whyNoContainers("tls");

/** An earlier version, whose images are here: the updates go from it to this one and back. */
const FORMER = process.env["VEIL_UPDATE_FROM"];
const EVERY_MS = 50;

describe.skipIf(leftOut !== null)(
  `an update of containers while calls go on${leftOut === null ? "" : ` (left out: ${leftOut})`}`,
  () => {
    let project: ComposeProject;
    let port: number;
    let apiKey: string;
    const agent = new Agent({ keepAlive: true, rejectUnauthorized: false });

    beforeAll(async () => {
      port = await freePort();
      project = await ComposeProject.create({
        overrides: "tests/containers/update.yml",
        profiles: ["tls"],
        environment: {
          ...{ API_REPLICAS: "2", API_PUBLISH: "127.0.0.1:0", TLS_PORT: String(port) },
          // Without a name Caddy signs for itself; the other project of these tests has the usual addresses.
          ...{ DOMAIN: "", PROXY_SUBNET: "10.213.47.16/28" },
        },
      });
      await project.up(former());
      apiKey = (
        await project.runScript(["-c", "docker compose run --rm -T --no-deps setup show api-secret-key"])
      ).trim();
    });

    afterAll(async () => {
      agent.destroy();
      await project?.down({ removeVolumes: true });
    });

    function former(): Record<string, string> {
      return FORMER === undefined ? {} : { VEIL_VERSION: FORMER };
    }

    /** The containers that an update replaces. */
    async function containers(): Promise<string[]> {
      const ids = await project.runScript(["-c", "docker compose ps --quiet api xray-worker stats-collector"]);
      return ids.trim().split("\n");
    }

    /** @returns what it answered, or why nothing came */
    function call(method: string, path: string): Promise<number | string> {
      return new Promise((resolve) => {
        const headers = { authorization: `Bearer ${apiKey}`, "content-type": "application/json" };
        const options = { host: "127.0.0.1", servername: "localhost", port, path, method, agent };
        const sent = request({ ...options, headers: { ...headers, host: "localhost" } }, (answer) => {
          answer.resume().once("end", () => resolve(answer.statusCode ?? 0));
        });
        sent.once("error", (error) => resolve(error.message)).end(method === "POST" ? "{}" : undefined);
      });
    }

    /** Reads and creates, turn by turn, until it is aborted. @returns how often each answer came */
    async function callUntil(signal: AbortSignal): Promise<Record<string, number>> {
      const calls: Promise<number | string>[] = [];
      while (!signal.aborted) {
        calls.push(calls.length % 2 === 0 ? call("GET", "/api/keys?limit=1") : call("POST", "/api/keys"));
        await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
      }
      const answers: Record<string, number> = {};
      for (const answer of await Promise.all(calls)) answers[answer] = (answers[answer] ?? 0) + 1;
      return answers;
    }

    test("an update to what does not start leaves all as it is, and the next one goes through", async () => {
      const before = await containers();
      const failing = project.runScript(["deploy/update.sh"], { ...former(), TRAFFIC_SYNC_INTERVAL_SECONDS: "often" });
      await expect(failing).rejects.toThrow("stats-collector did not become healthy, and is as it was");
      const after = await containers();
      // The worker was replaced before.
      expect(after).toHaveLength(before.length);
      expect(after.filter((id) => before.includes(id))).toHaveLength(before.length - 1);
      await expect(project.runScript(["deploy/update.sh", "back"], { VEIL_VERSION: "0.0.1" })).rejects.toThrow(
        "there is no image veil/api:0.0.1",
      );
      await project.runScript(["-c", "docker compose stop xray-worker"]);
      await expect(project.runScript(["deploy/update.sh"], former())).rejects.toThrow("xray-worker does not run");
      await project.runScript(["-c", "docker compose up -d --wait --no-deps --no-recreate xray-worker"], former());
    });

    test("an API that does not reach MongoDB is called by nobody, and is removed", async () => {
      const before = await containers();
      const done = new AbortController();
      const answering = callUntil(done.signal);
      const away = { ...former(), API_MONGODB_URI_FILE: "/away/mongodb-uri-where-nothing-listens" };
      const failing = project.runScript(["deploy/update.sh", "back"], away).finally(() => done.abort());
      await expect(failing).rejects.toThrow("api did not become healthy, and is as it was");
      const answers = await answering;
      process.stderr.write(`update that fails: ${JSON.stringify(answers)}\n`);
      expect(Object.keys(answers)).toEqual(["200"]);
      expect((await containers()).toSorted()).toEqual(before.toSorted());
    });

    test.each([
      ["to this version", ["deploy/update.sh"], {}],
      ["back", ["deploy/update.sh", "back"], former()],
    ])("%s refuses no call", async (way, script, settings) => {
      await expect.poll(() => call("GET", "/api/keys?limit=1")).toBe(200);
      const done = new AbortController();
      const answering = callUntil(done.signal);
      const before = await containers();
      await project.runScript(script, settings).finally(() => done.abort());
      const [answers, after] = [await answering, await containers()];
      process.stderr.write(`update ${way}: ${JSON.stringify(answers)}\n`);
      expect(Object.keys(answers)).toEqual(["200"]);
      expect(after).toHaveLength(before.length);
      expect(after.filter((id) => before.includes(id))).toEqual([]);
    });

    test("it tells of what it leaves alone, and leaves the next `up` nothing to replace", async () => {
      // Secrets and what Xray's config is made of go through `setup`, for which `up` takes all services away.
      const settings = { API_READONLY_KEY: "r".repeat(32), XRAY_BLOCKED: "203.0.113.0/24" };
      const printed = await project.runScript(["deploy/update.sh"], settings);
      expect(printed).toContain("docker compose up -d --wait --no-deps xray");
      expect(printed).not.toMatch(/--no-deps (redis|mongodb|caddy)/);
      const up = "docker compose up -d --no-build --pull never";
      expect(await project.runScript(["-c", `${up} --dry-run`], settings)).toMatch(/-xray-1 +Recreate/);
      await project.runScript(["-c", `${up} --wait --no-deps xray`], settings);
      const next = await project.runScript(["-c", `${up} --dry-run`], settings);
      expect(next.split("\n").filter((line) => /Recreate|Stopp/.test(line))).toEqual([]);
    });

    test("an API with a port of its own is replaced although its settings are the same", async () => {
      const alone = { API_REPLICAS: "1", API_PUBLISH: `127.0.0.1:${await freePort()}` };
      await project.runScript(["-c", "docker compose up -d --wait --no-deps --no-build --pull never api"], alone);
      const before = await containers();
      await project.runScript(["deploy/update.sh"], alone);
      expect((await containers()).filter((id) => before.includes(id))).toEqual([]);
    });
  },
);
