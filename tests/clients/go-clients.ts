import { join } from "node:path";
import { env } from "node:process";
import { freshCopy, isInstalled, type MakeClient, OPENAPI_FILE, pythonGenerators, step } from "./generated-client.ts";

/** Nothing but what go.mod and go.sum pin. */
const GO_ENV = { ...env, CGO_ENABLED: "0", GOFLAGS: "-mod=readonly", GOTOOLCHAIN: "local", GOWORK: "off" };

const MISSING_GO = "Go that is new enough";

/** oapi-codegen. */
export const makeOapiCodegenClient: MakeClient = async () => {
  const home = await freshCopy("go");
  if (!(await hasGoFor(home))) return { missing: MISSING_GO };
  const options = ["-generate", "types,client", "-package", "api", "-o", "oapi-codegen/api/api.gen.go"];
  await step("go", ["tool", "oapi-codegen", ...options, OPENAPI_FILE], { cwd: home, env: GO_ENV });
  return build(home, "oapi-codegen");
};

/** OpenAPI Generator. */
export const makeOpenApiGeneratorClient: MakeClient = async () => {
  const home = await freshCopy("go");
  if (!(await hasGoFor(home))) return { missing: MISSING_GO };
  const programs = await pythonGenerators();
  if (programs === null) return { missing: "python3 with venv" };
  const target = join(home, "openapi-generator/api");
  const properties = "packageName=api,withGoMod=false,generateInterfaces=false";
  const options = ["-g", "go", "-i", OPENAPI_FILE, "-o", target, "--additional-properties", properties];
  await step(join(programs, "openapi-generator-cli"), ["generate", ...options, "--global-property", "apiTests=false"]);
  return build(home, "openapi-generator");
};

/** Older ones refuse the go.mod. */
async function hasGoFor(home: string): Promise<boolean> {
  return isInstalled("go", ["list", "-m"], { cwd: home, env: GO_ENV });
}

async function build(home: string, program: string) {
  await step("go", ["vet", `./${program}/...`], { cwd: home, env: GO_ENV });
  const command = join(home, "client");
  await step("go", ["build", "-o", command, `./${program}`], { cwd: home, env: GO_ENV });
  return { command, args: [] };
}
