import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { promisify } from "node:util";
import { freePort } from "@veil/engines";

const run = promisify(execFile);
const repoRoot = new URL("../../", import.meta.url).pathname;
const images = ["veil/api:1.4.0", "veil/xray-worker:1.4.0", "veil/stats-collector:1.4.0", "veil/setup:1.4.0"];

/** Why containers can't be tried here, or null when they can. */
export async function whyNoContainers(): Promise<string | null> {
  const docker = async (...args: string[]) =>
    run("docker", args).then(
      () => true,
      () => false,
    );
  if (!(await docker("info"))) return "no Docker engine";
  if (!(await docker("compose", "version"))) return "no docker compose";
  for (const image of [...images, "veil/xray:26.3.27"]) {
    if (!(await docker("image", "inspect", image))) return `no image ${image}; docker compose build makes it`;
  }
  return null;
}

/** The system in containers of its own, under a project name of its own. */
export class ComposeProject {
  readonly apiUrl: string;
  readonly #name = `veil-test-${randomBytes(4).toString("hex")}`;
  readonly #env: NodeJS.ProcessEnv;

  private constructor(apiPort: number, realityPort: number) {
    this.apiUrl = `http://127.0.0.1:${apiPort}`;
    this.#env = {
      ...process.env,
      API_PUBLISH: `127.0.0.1:${apiPort}`,
      REALITY_PORT: String(realityPort),
      REALITY_DEST: "127.0.0.1:9443",
      DOMAIN: "127.0.0.1",
      RATE_LIMIT_PER_SECOND: "0",
    };
  }

  static async create(): Promise<ComposeProject> {
    return new ComposeProject(await freePort(), await freePort());
  }

  /** Starts everything and waits until it is healthy. @throws with the output when it is not */
  async up(...args: string[]): Promise<void> {
    await this.#compose("up", "--detach", "--wait", "--no-build", "--pull", "never", ...args);
  }

  /** @returns what was printed */
  async setup(...args: string[]): Promise<string> {
    return (await this.#compose("run", "--rm", "--no-deps", "-T", "setup", ...args)).trim();
  }

  /** Runs a command in a container of a service. @returns what it printed */
  async exec(service: string, ...command: string[]): Promise<string> {
    return (await this.#compose("exec", "-T", service, ...command)).trim();
  }

  async replicas(service: string): Promise<number> {
    return (await this.#compose("ps", "--quiet", service)).trim().split("\n").length;
  }

  /** Stops and removes the containers; the volumes stay. */
  async down(...args: string[]): Promise<void> {
    await this.#compose("down", "--remove-orphans", ...args);
  }

  async #compose(...args: string[]): Promise<string> {
    const files = ["-f", "docker-compose.yml", "-f", "tests/containers/compose.yml"];
    const { stdout } = await run("docker", ["compose", "-p", this.#name, ...files, ...args], {
      cwd: repoRoot,
      env: this.#env,
      maxBuffer: 16 * 1024 * 1024,
    });
    return stdout;
  }
}
