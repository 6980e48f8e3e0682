import { EngineUnavailableError } from "./engine-errors.ts";
import { lastLines, runCommand } from "./run-command.ts";

/** A Go module of ours, whose go.mod and go.sum pin everything that is built. */
export interface GoModule {
  /** Directory of its go.mod. */
  directory: string;
  /** Package to build, "." for the module's own main. */
  package: string;
  /** Oldest Go that builds it, as [major, minor]. */
  needsGo: readonly [number, number];
  /** Build tags; none when absent. */
  tags?: readonly string[];
  /** Texts that the linker writes into variables, by their full name, such as the version that a program states. */
  variables?: Readonly<Record<string, string>>;
}

/**
 * Builds a static binary of `module` to `target`.
 *
 * @throws {EngineUnavailableError} when there is no Go, an older Go, or the build fails.
 */
export async function buildGoModule(module: GoModule, target: string, env: NodeJS.ProcessEnv): Promise<void> {
  await requireGo(module.needsGo, env);
  const { tags = [], variables = {} } = module;
  const linkerFlags = ["-s", "-w", ...Object.entries(variables).map(([name, text]) => `-X ${name}=${text}`)];
  const built = await runCommand(
    "go",
    [
      "build",
      "-trimpath",
      "-buildvcs=false",
      `-ldflags=${linkerFlags.join(" ")}`,
      `-tags=${tags.join(",")}`,
      "-o",
      target,
      module.package,
    ],
    {
      cwd: module.directory,
      env: { ...env, CGO_ENABLED: "0", GOFLAGS: "-mod=readonly", GOTOOLCHAIN: "local", GOWORK: "off" },
    },
  );
  if (built.code !== 0) {
    throw new EngineUnavailableError(`go build failed: ${lastLines(built.output, 3).join(" / ")}`);
  }
}

async function requireGo([major, minor]: readonly [number, number], env: NodeJS.ProcessEnv): Promise<void> {
  const { code, output } = await runCommand("go", ["version"], { env: { ...env, GOTOOLCHAIN: "local" } });
  const found = /go(\d+)\.(\d+)/.exec(output);
  if (code !== 0 || !found)
    throw new EngineUnavailableError(`go build: no Go on PATH (${major}.${minor} or newer is needed)`);
  const isNewEnough = Number(found[1]) > major || (Number(found[1]) === major && Number(found[2]) >= minor);
  if (!isNewEnough) {
    throw new EngineUnavailableError(
      `go build: Go ${major}.${minor} or newer is needed, this is ${found[1]}.${found[2]}`,
    );
  }
}
