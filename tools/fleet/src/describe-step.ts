import type { FieldChange, Step } from "./plan-fleet.ts";

const WORDS: Readonly<Record<Step["does"], string>> = {
  "create-node": "+ node",
  "change-node": "~ node",
  "drain-node": "~ node",
  "undrain-node": "~ node",
  "delete-node": "- node",
  "create-host": "+ host",
  "change-host": "~ host",
  "delete-host": "- host",
};

/** One line for what is done, and below it one for each field. */
export function describeStep(step: Step): string {
  const { does, name } = step;
  const lines = [
    `${WORDS[does]} ${name}${does === "drain-node" ? ": drain" : does === "undrain-node" ? ": undrain" : ""}`,
  ];
  if ("changes" in step) lines.push(...step.changes.map(describeChange));
  else if ("body" in step) lines.push(...fieldsOf(step.body));
  return lines.join("\n");
}

function describeChange({ field, before, after }: FieldChange): string {
  return `    ${field}: ${JSON.stringify(before ?? null)} → ${JSON.stringify(after)}`;
}

/** Describes something new, without what is null anyway. */
function fieldsOf(body: Readonly<Record<string, unknown>>): string[] {
  const said = Object.entries(body).filter(([field, value]) => value !== null && field !== "name");
  return said.map(([field, value]) => `    ${field}: ${JSON.stringify(value)}`);
}
