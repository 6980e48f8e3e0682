import { endpoints, HOST_ID } from "@veil/http-contract";
import { parseDocument, stringify } from "yaml";
import { z } from "zod";

const node = z.strictObject({
  ...endpoints.createNode.body.schema.shape,
  draining: z.boolean("draining must be true or false").default(false),
});
const host = z.strictObject({
  ...endpoints.putHost.body.schema.shape,
  id: z.string("id is missing").regex(HOST_ID, "id must be 1 to 32 of a-z, 0-9 and -, or that of a host that there is"),
});
const file = z.strictObject({
  nodes: z
    .array(node)
    .default([])
    .superRefine(namesOnce(({ name }) => name, "node")),
  hosts: z
    .array(host)
    .default([])
    .superRefine(namesOnce(({ id }) => id, "host")),
});

/** The wanted nodes and hosts. A field that is left out is as the API has it when nothing is said of it. */
export type FleetFile = z.infer<typeof file>;
export type FileNode = FleetFile["nodes"][number];
export type FileHost = FleetFile["hosts"][number];

/** A file says something that can't be: one line for each thing. */
export class FleetFileError extends Error {
  override readonly name = "FleetFileError";
}

/** @param text YAML, of which JSON is a part @throws {FleetFileError} */
export function parseFleetFile(text: string): FleetFile {
  const { data, error } = file.safeParse(valueOf(text) ?? {});
  if (data !== undefined) return data;
  throw new FleetFileError(error.issues.map(({ path, message }) => `${pathText(path)}: ${message}`).join("\n"));
}

/** @throws {FleetFileError} also for what only shows once aliases are followed */
function valueOf(text: string): unknown {
  const document = parseDocument(text);
  if (document.errors.length > 0) throw new FleetFileError(document.errors.map(({ message }) => message).join("\n"));
  try {
    return document.toJS();
  } catch (error) {
    throw new FleetFileError(error instanceof Error ? error.message : String(error));
  }
}

/** The text of a file that says this much. */
export function writeFleetFile(said: { readonly nodes: readonly object[]; readonly hosts: readonly object[] }): string {
  return stringify(said, { lineWidth: 0 });
}

/** As in `hosts[2].port`. */
function pathText(path: readonly PropertyKey[]): string {
  const text = path.map((step) => (typeof step === "number" ? `[${step}]` : `.${String(step)}`)).join("");
  return text === "" ? "the file" : text.replace(/^\./, "");
}

function namesOnce<T>(nameOf: (entry: T) => string, what: string) {
  return (entries: readonly T[], context: z.core.$RefinementCtx<T[]>): void => {
    const names = entries.map(nameOf);
    for (const [index, name] of names.entries()) {
      if (names.indexOf(name) === index) continue;
      context.issues.push({ code: "custom", input: entries, path: [index], message: `${what} ${name} is named twice` });
    }
  };
}
