import { randomBytes } from "node:crypto";
import { freePort, runCommand } from "@veil/engines";
import {
  DockerComposeEnvironment,
  getContainerRuntimeClient,
  ImageName,
  type StartedDockerComposeEnvironment,
  Wait,
} from "testcontainers";

const repoRoot = new URL("../../", import.meta.url).pathname;

/** Testcontainers would start a container of its own to clean up after a test run that was killed, from one more image. */
process.env["TESTCONTAINERS_RYUK_DISABLED"] ??= "true";
/** Ports are published on loopback, where Testcontainers does not look when it takes this machine for a container. */
process.env["TESTCONTAINERS_HOST_OVERRIDE"] ??= "127.0.0.1";

/**
 * Why containers can't be tried here, or null when they can. `VEIL_NO_CONTAINERS` may say why before anything is asked.
 *
 * @param profiles those of the compose file that are needed besides
 */
export async function whyNoContainers(...profiles: readonly string[]): Promise<string | null> {
  const given = process.env["VEIL_NO_CONTAINERS"];
  if (given) return given;
  const client = await getContainerRuntimeClient().catch(() => null);
  if (client === null) return "no container engine";
  const compose = ["compose", ...profiles.flatMap((profile) => ["--profile", profile]), "config", "--images"];
  const { code, output } = await runCommand("docker", compose, { cwd: repoRoot });
  if (code !== 0) return "no docker compose";
  // Among its warnings.
  for (const image of output.split("\n").filter((line) => /^[\w./-]+:[\w.-]+$/.test(line))) {
    if (await client.image.exists(ImageName.fromString(image))) continue;
    return image.startsWith("veil/") ? `no image ${image}; docker compose build makes it` : `no image ${image}`;
  }
  return null;
}

/** What a project has beside the containers that every system has. */
export interface ComposeProjectOptions {
  /** A file of overrides, from the root of the repository. */
  readonly overrides: string;
  readonly profiles?: readonly string[];
  /** Settings of `.env` that hold for as long as the project lives. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** The system in containers of its own, under a project name of its own. */
export class ComposeProject {
  readonly apiUrl: string;
  readonly #name = `veil-test-${randomBytes(4).toString("hex")}`;
  readonly #files: readonly string[];
  readonly #profiles: readonly string[];
  readonly #environment: Readonly<Record<string, string>>;
  #running: StartedDockerComposeEnvironment | undefined;

  private constructor(apiPort: number, realityPort: number, options: ComposeProjectOptions) {
    this.apiUrl = `http://127.0.0.1:${apiPort}`;
    this.#files = ["docker-compose.yml", options.overrides];
    this.#profiles = options.profiles ?? [];
    this.#environment = {
      API_PUBLISH: `127.0.0.1:${apiPort}`,
      REALITY_PORT: String(realityPort),
      REALITY_DEST: "127.0.0.1:9443",
      DOMAIN: "127.0.0.1",
      RATE_LIMIT_PER_SECOND: "0",
      ...options.environment,
    };
  }

  static async create(options: ComposeProjectOptions): Promise<ComposeProject> {
    return new ComposeProject(await freePort(), await freePort(), options);
  }

  /**
   * Starts everything, or changes what runs, and waits until it is healthy.
   *
   * @param settings what `.env` would say
   */
  async up(settings: Readonly<Record<string, string>> = {}): Promise<void> {
    this.#running = await new DockerComposeEnvironment(repoRoot, [...this.#files])
      .withProjectName(this.#name)
      .withProfiles(...this.#profiles)
      .withEnvironment({ ...this.#environment, ...settings })
      // Their images have no shell, with which Testcontainers would try the ports.
      .withWaitStrategy("api-1", Wait.forHealthCheck())
      .withWaitStrategy("api-2", Wait.forHealthCheck())
      .withWaitStrategy("xray-1", Wait.forHealthCheck())
      .withClientOptions({ commandOptions: ["--wait", "--no-build", "--pull", "never"] })
      .up();
  }

  /** Runs a command in the first container of a service. @returns what it printed @throws when it fails */
  async exec(service: string, ...command: string[]): Promise<string> {
    const { exitCode, output } = await this.#environmentThatRuns().getContainer(`${service}-1`).exec(command);
    if (exitCode !== 0) throw new Error(`${command.join(" ")}: ${exitCode} ${output}`);
    return output.trim();
  }

  /** Runs a script of ours as an operator does, for this project. @returns what it printed @throws when it fails */
  async runScript(script: readonly string[], settings: Readonly<Record<string, string>> = {}): Promise<string> {
    const { code, output } = await runCommand("sh", script, {
      cwd: repoRoot,
      env: {
        ...process.env,
        ...this.#environment,
        ...settings,
        COMPOSE_PROJECT_NAME: this.#name,
        COMPOSE_FILE: this.#files.join(":"),
        COMPOSE_PROFILES: this.#profiles.join(","),
      },
    });
    if (code !== 0) throw new Error(`${script.join(" ")}: ${code} ${output}`);
    return output;
  }

  /** The id of a container: another one after it was replaced. @throws when there is no such container */
  containerId(name: string): string {
    return this.#environmentThatRuns().getContainer(name).getId();
  }

  /** Stops and removes the containers; without `removeVolumes` the volumes stay. */
  async down({ removeVolumes = false } = {}): Promise<void> {
    await this.#running?.down({ removeVolumes, timeout: 1_000 });
  }

  #environmentThatRuns(): StartedDockerComposeEnvironment {
    if (this.#running === undefined) throw new Error("the project is not up");
    return this.#running;
  }
}
