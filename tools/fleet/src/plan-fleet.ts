import { isDeepStrictEqual } from "node:util";
import { asciiAddress } from "@veil/http-contract";
import { isOwnHostId, isSameAddress } from "@veil/nodes";
import { type FleetFile, FleetFileError } from "./fleet-file.ts";
import {
  type Fields,
  type FleetState,
  isDraining,
  isNamed,
  saidOfHost,
  saidOfNode,
  shownOfHost,
  shownOfNode,
} from "./fleet-state.ts";

/** A field that differs; `before` is left out of what is new. */
export interface FieldChange {
  readonly field: string;
  readonly before?: unknown;
  readonly after: unknown;
}

/** One call to the API. */
export type Step =
  | { readonly does: "create-node"; readonly name: string; readonly body: Fields }
  | { readonly does: "change-node"; readonly name: string; readonly body: Fields; readonly changes: FieldChange[] }
  | { readonly does: "drain-node" | "undrain-node" | "delete-node" | "delete-host"; readonly name: string }
  | { readonly does: "create-host"; readonly name: string; readonly body: Fields }
  | { readonly does: "change-host"; readonly name: string; readonly body: Fields; readonly changes: FieldChange[] };

export interface Plan {
  /** In the order in which they can be done: a host needs its node. */
  readonly steps: readonly Step[];
  /** How many nodes and hosts of the file are what it says. */
  readonly unchanged: number;
  /** Names of nodes and ids of hosts that the file does not name, and that stay. */
  readonly unnamed: readonly string[];
}

/**
 * Plans the steps from the state of an installation to that of a file.
 *
 * @throws {FleetFileError} when it would delete every node: a file that names none is likelier cut off than meant so
 */
export function planFleet(file: FleetFile, state: FleetState, { mayPrune }: { readonly mayPrune: boolean }): Plan {
  const nodes = state.nodes.filter(isNamed).filter(({ name }) => !file.nodes.some((node) => node.name === name));
  if (mayPrune && file.nodes.length === 0 && nodes.length > 0) {
    throw new FleetFileError(
      "the file names no node, and --prune would delete all of them: DELETE /api/nodes/{name} does",
    );
  }
  // A node that is to be where one is that goes can't be there before: it has another name now.
  const inTheWay = new Set(
    mayPrune ? nodes.filter((node) => isWantedByAnother(node, file)).map(({ name }) => name) : [],
  );
  // Hosts that lead to a node go with it, and are made anew.
  const left = { ...state, hosts: state.hosts.filter(({ node }) => !inTheWay.has(node)) };
  const ofNodes = file.nodes.map((node) => nodeSteps(node, left));
  const ofHosts = file.hosts.map((host) => hostSteps(host, left));
  // A host that comes with its node goes with it.
  const hosts = left.hosts.filter(({ id, is_own: isOwn }) => !isOwn && !file.hosts.some((host) => host.id === id));
  const deletions: Step[] = [
    ...hosts.map(({ id }): Step => ({ does: "delete-host", name: id })),
    ...nodes.map(({ name }): Step => ({ does: "delete-node", name })),
  ];
  const isFirst = (step: Step) => step.does === "delete-node" && inTheWay.has(step.name);
  const later = deletions.filter((step) => !isFirst(step));
  return {
    steps: mayPrune
      ? [...deletions.filter(isFirst), ...ofNodes.flat(), ...ofHosts.flat(), ...later]
      : [...ofNodes.flat(), ...ofHosts.flat()],
    unchanged: [...ofNodes, ...ofHosts].filter((steps) => steps.length === 0).length,
    unnamed: mayPrune ? [] : deletions.map(({ name }) => name),
  };
}

function nodeSteps(node: FleetFile["nodes"][number], { nodes }: FleetState): Step[] {
  const { name, draining } = node;
  const found = nodes.find((other) => other.name === name);
  const said = saidOfNode(node);
  if (found === undefined) {
    return [{ does: "create-node", name, body: { name, ...said } }, ...(draining ? [drain(name)] : [])];
  }
  const changes = differences(said, shownOfNode(found));
  const body = Object.fromEntries(changes.map(({ field, after }) => [field, after]));
  const change: Step[] = changes.length === 0 ? [] : [{ does: "change-node", name, body, changes }];
  if (draining === isDraining(found)) return change;
  return [...change, draining ? drain(name) : { does: "undrain-node", name }];
}

function isWantedByAnother({ address }: FleetState["nodes"][number], { nodes }: FleetFile): boolean {
  return nodes.some((node) => isSameAddress(asciiAddress(node.address), address));
}

function drain(name: string): Step {
  return { does: "drain-node", name };
}

function hostSteps(host: FleetFile["hosts"][number], { nodes, hosts }: FleetState): Step[] {
  const { id: name } = host;
  const body = saidOfHost(host, nodes);
  const found = hosts.find((other) => other.id === name);
  // The one that comes with a new node is there by then, and says nothing by itself.
  const isOwn = isOwnHostId(name);
  const isOfNew = found === undefined && isOwn;
  if (found === undefined && !isOfNew) return [{ does: "create-host", name, body }];
  const shown = found === undefined ? saidOfHost({ id: name, node: host.node }, nodes) : shownOfHost(found, nodes);
  // Its id says to which inbound it leads, whether the file does or not.
  const isLed = isOwn && (found === undefined || body["inbound"] === null);
  const changes = differences(body, isLed ? { ...shown, inbound: body["inbound"] } : shown);
  return changes.length === 0 ? [] : [{ does: "change-host", name, body, changes }];
}

function differences(said: Fields, shown: Fields): FieldChange[] {
  return Object.entries(said)
    .filter(([field, after]) => !isDeepStrictEqual(after, shown[field]))
    .map(([field, after]) => ({ field, before: shown[field], after }));
}

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
