import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { freePort, startProcess } from "@veil/engines";
import { expect, test } from "vitest";

const TOKEN = "v7Kq2mZx9LbR4tYcW8sJhN3f012345678";
const DEVICE = "secret-hardware-id";
const UNAVAILABLE = 503;

const isThere = await promisify(execFile)("caddy", ["version"]).then(
  () => true,
  () => false,
);

/** @returns the status; null while nobody listens */
function statusOf(port: number, path: string): Promise<number | null> {
  return new Promise((resolve) => {
    const headers = { host: "localhost", "x-hwid": DEVICE, referer: `https://localhost/sub/${TOKEN}` };
    // Caddy signs for itself where it has no domain.
    const options = { host: "127.0.0.1", port, path, headers, servername: "localhost", rejectUnauthorized: false };
    request(options, (answer) => {
      answer.resume().once("end", () => resolve(answer.statusCode ?? null));
    })
      .once("error", () => resolve(null))
      .end();
  });
}

test.skipIf(!isThere)(
  `Caddy, as compose runs it, logs no address of a subscription while the API is away${isThere ? "" : " (left out: no Caddy)"}`,
  async () => {
    const directory = await mkdtemp(join(tmpdir(), "veil-caddy-"));
    const port = await freePort();
    const config = await readFile(new URL("../../deploy/caddy/Caddyfile", import.meta.url), "utf8");
    await writeFile(join(directory, "Caddyfile"), config.replace("https_port 8443", `https_port ${port}`));
    const lines: string[] = [];
    const folders = { HOME: directory, XDG_DATA_HOME: directory, XDG_CONFIG_HOME: directory };
    const caddy = await startProcess({
      binary: "caddy",
      args: ["run", "--config", "Caddyfile"],
      cwd: directory,
      env: { PATH: process.env["PATH"], ...folders, DOMAIN: "localhost", CERTIFICATE_KIND: "" },
      onLine: (line) => lines.push(line),
    });
    try {
      for (const path of [`/sub/${TOKEN}`, `//sub/%76${TOKEN.slice(1)}/info?x`]) {
        await expect.poll(() => statusOf(port, path)).toBe(UNAVAILABLE);
      }
      await expect.poll(() => lines.join("\n")).toContain('"status":503');
    } finally {
      await caddy.stop();
      await rm(directory, { recursive: true, force: true });
    }
    for (const secret of [TOKEN.slice(1), DEVICE]) expect(lines.join("\n")).not.toContain(secret);
  },
);
