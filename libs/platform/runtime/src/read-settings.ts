import { readFileSync } from "node:fs";
import type { z } from "zod";
import { coerceError } from "./coerce-error.ts";
import { settingMetadata } from "./setting-metadata.ts";
import { type SettingProblem, SettingsError } from "./settings-error.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

export interface ReadSettingsOptions {
  /** Name of the program, as the message shows it. */
  readonly program: string;
  /** Default: the environment of the process. */
  readonly env?: Environment;
}

/**
 * Reads a program's variables once, at its edge. The schema's keys are their names. A variable that is set to an
 * empty string counts as not set; `<NAME>_FILE` names a file whose trimmed content is the value.
 *
 * `.meta({ example, secret })` on a variable's schema gives the example of the message and keeps a secret out of it.
 * A rule over several variables is a `.superRefine()` of the object whose issues have the variable's name as path.
 * @throws {SettingsError} naming every variable that is missing or wrong, never with the value of a secret.
 */
export function readSettings<Variables extends z.core.$ZodLooseShape>(
  schema: z.ZodObject<Variables>,
  { program, env = process.env }: ReadSettingsOptions,
): z.output<z.ZodObject<Variables>> {
  const variables = Object.keys(schema.shape).map((name) => readVariable(name, env, schema.shape));
  const values = Object.fromEntries(variables.map(({ name, value }) => [name, value]));
  const parsed = schema.safeParse(values, { error: plainWords });

  const faultySources = variables.flatMap(({ problem }) => problem ?? []);
  const faultyNames = new Set(variables.filter(({ problem }) => problem !== undefined).map(({ name }) => name));
  const faultyValues = (parsed.error?.issues ?? [])
    .filter((issue) => !faultyNames.has(String(issue.path[0])))
    .map((issue) => describeIssue(issue, values, schema.shape));

  if (!parsed.success || faultySources.length > 0) {
    throw new SettingsError(program, [...faultySources, ...faultyValues]);
  }
  return parsed.data;
}

type Shape = Readonly<Record<string, z.core.$ZodType>>;

interface Variable {
  readonly name: string;
  readonly value: string | undefined;
  /** Set when the variable could not even be read. */
  readonly problem?: SettingProblem;
}

function readVariable(name: string, env: Environment, shape: Shape): Variable {
  const value = unlessEmpty(env[name]);
  const fileVariable = `${name}_FILE`;
  // A variable of the schema that happens to end in _FILE is a setting of its own.
  const path = fileVariable in shape ? undefined : unlessEmpty(env[fileVariable]);
  if (path === undefined) return { name, value };
  if (value !== undefined) {
    return { name, value: undefined, problem: { name, problem: `and ${fileVariable} are both set; set one of them` } };
  }
  try {
    const content = readFileSync(path, "utf8").trim();
    if (content !== "") return { name, value: content };
    return { name, value: undefined, problem: { name: fileVariable, problem: `names an empty file: ${path}` } };
  } catch (error) {
    const reason = reasonOf(error);
    const problem = `names a file that cannot be read: ${path} (${reason})`;
    return { name, value: undefined, problem: { name: fileVariable, problem } };
  }
}

function unlessEmpty(value: string | undefined): string | undefined {
  return value === "" ? undefined : value;
}

function reasonOf(thrown: unknown): string {
  const error: NodeJS.ErrnoException = coerceError(thrown);
  return error.code ?? error.message;
}

function describeIssue(
  issue: z.core.$ZodIssue,
  values: Readonly<Record<string, string | undefined>>,
  shape: Shape,
): SettingProblem {
  const name = String(issue.path[0] ?? "");
  const schema = shape[name];
  if (schema === undefined) return { name: "settings", problem: `do not fit together: ${issue.message}` };

  const { example, secret } = settingMetadata(schema);
  const value = values[name];
  return { name, problem: describeFault(issue.message, value, secret), ...(example !== undefined && { example }) };
}

function describeFault(message: string, value: string | undefined, secret: boolean): string {
  if (value === undefined) return "is not set";
  // A refinement's own text may quote the value. One of three characters is no secret, and stands in many a word.
  if (secret) return value.length > 3 ? message.replaceAll(value, "[secret]") : message;
  return `${message}, not ${JSON.stringify(value)}`;
}

const UNITS: Readonly<Record<string, string>> = { string: " characters", array: " entries" };

/**
 * The fault of a setting, where its schema has no words of its own for that. zod's speak to programmers, and begin a
 * sentence that the setting's name has begun already.
 * @returns undefined for a fault that is none of a size or a type; zod's own text stands then
 */
function plainWords(issue: z.core.$ZodRawIssue): string | undefined {
  const [, ...inside] = issue.path ?? [];
  const fault = faultOf(issue);
  return fault === undefined || inside.length === 0 ? fault : `${fault} at ${inside.join(".")}`;
}

function faultOf(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case "too_big":
      return sizeFault(issue.origin, "at most", issue.maximum);
    case "too_small":
      return sizeFault(issue.origin, "at least", issue.minimum);
    case "invalid_type":
      return `must be of type ${issue.expected}`;
    default:
      return undefined;
  }
}

function sizeFault(origin: string, bound: string, limit: number | bigint): string {
  const unit = UNITS[origin];
  return unit === undefined ? `must be ${bound} ${limit}` : `must have ${bound} ${limit}${unit}`;
}
