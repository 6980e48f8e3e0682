import { resolveEngines } from "@veil/engines";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ApiClient } from "../support/api-client.ts";
import { ComposeProject, whyNoContainers } from "../support/compose-project.ts";
import { startVpnClient, type VpnClient } from "../support/vpn-client.ts";

const MEGABYTE = 1_000_000;
const SITE = "http://11.99.0.2:8080";
const leftOut = await whyNoContainers();

/** What a container of the API runs, which has no other program than Node. */
const READ_KEY = 'require("node:fs").readFileSync("/run/veil/api-secret-key", "utf8")';

describe.skipIf(leftOut !== null)(
  `the system in containers${leftOut === null ? "" : ` (left out: ${leftOut})`}`,
  () => {
    let project: ComposeProject;
    let api: ApiClient;
    let xrayBinary: string;
    const clients: VpnClient[] = [];

    beforeAll(async () => {
      xrayBinary = (await resolveEngines(() => {})).xray;
      project = await ComposeProject.create({ overrides: "tests/containers/compose.yml" });
      await project.up();
      api = new ApiClient(project.apiUrl, await project.exec("api", "node", "-p", READ_KEY));
    });

    afterAll(async () => {
      await Promise.all(clients.map((client) => client.stop()));
      await project?.down({ removeVolumes: true });
    });

    async function connectWith(keyId: number): Promise<VpnClient> {
      const client = await startVpnClient(xrayBinary, await api.link(keyId));
      clients.push(client);
      return client;
    }

    test("a key made after the first start carries bytes, which are counted", async () => {
      const { key_id } = await api.create("first");
      const client = await connectWith(key_id);
      expect(await client.download(`${SITE}/bytes/${5 * MEGABYTE}`)).toBe(5 * MEGABYTE);
      await client.upload(`${SITE}/upload`, MEGABYTE);
      const { download, upload } = await api.traffic(key_id);
      expect(download).toBeGreaterThanOrEqual(5 * MEGABYTE);
      expect(download).toBeLessThanOrEqual(5.05 * MEGABYTE);
      expect(upload).toBeGreaterThanOrEqual(MEGABYTE);
    });

    test.each(["127.0.0.1:10085", "xray:10085", "api:8000", "xray-worker:9101", "redis:6379", "mongodb:27017"])(
      "a key holder does not reach %s through the tunnel",
      async (address) => {
        const client = await connectWith((await api.create("curious")).key_id);
        await expect(client.download(`http://${address}/`)).rejects.toThrow();
        await client.stop();
      },
    );

    test("four workers share the jobs", async () => {
      await project.up({ XRAY_WORKERS: "4" });
      expect(project.containerId("xray-worker-4")).not.toBe(project.containerId("xray-worker-1"));
      const made = await Promise.all(Array.from({ length: 40 }, () => api.create()));
      expect(new Set(made.map(({ key_id }) => key_id)).size).toBe(40);
    });

    test("failed jobs are listed in a worker's container", async () => {
      expect(await project.exec("xray-worker", "node", "tools/jobs/dist/main.js", "failed")).toBe("0 failed jobs");
    });

    test("a secret that .env changes is taken at the next up, and Xray is left alone", async () => {
      const xray = project.containerId("xray-1");
      const secret = "a-secret-of-forty-characters-for-the-API";
      const reader = "a-secret-of-forty-characters-for-readers";
      await project.up({ API_SECRET_KEY: secret, API_READONLY_KEY: reader, ADMIN_PASSWORD: "shows-the-queues" });
      const statusFor = async (key: string) =>
        (await fetch(`${project.apiUrl}/api/keys`, { headers: { authorization: `Bearer ${key}` } })).status;
      expect([await statusFor(secret), await statusFor(reader)]).toEqual([200, 200]);
      const next = secret.toUpperCase();
      await project.up({ API_SECRET_KEY: next, API_READONLY_KEY: reader, ADMIN_PASSWORD: "shows-the-queues" });
      expect([await statusFor(secret), await statusFor(next)]).toEqual([401, 200]);
      expect(project.containerId("xray-1")).toBe(xray);
      api = new ApiClient(project.apiUrl, next);
    });

    test("a Reality setting that .env changes replaces Xray, whose links work", async () => {
      const xray = project.containerId("xray-1");
      await project.up({ REALITY_SERVER_NAME: "www.example.com" });
      expect(project.containerId("xray-1")).not.toBe(xray);
      const client = await connectWith((await api.create("renamed")).key_id);
      expect(await client.download(`${SITE}/bytes/1000`)).toBe(1_000);
      await project.up();
    });

    test("down and up again keeps keys, links and totals", async () => {
      const { key_id } = await api.create("kept");
      const link = await api.link(key_id);
      const before = await connectWith(key_id);
      await before.download(`${SITE}/bytes/${MEGABYTE}`);
      await api.sync();
      await project.down();
      await project.up();
      expect(await api.link(key_id)).toBe(link);
      expect((await api.traffic(key_id)).download).toBeGreaterThanOrEqual(MEGABYTE);
      const after = await connectWith(key_id);
      expect(await after.download(`${SITE}/bytes/${MEGABYTE}`)).toBe(MEGABYTE);
    });
  },
);
