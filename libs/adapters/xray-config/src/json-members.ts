import { ConfigInvalidError } from "./errors.ts";
import { type JsonSource, type JsonSpan, type ListSpan, type ObjectSpan, placeOf, valueAt } from "./json-source.ts";

/**
 * The member of an object as Xray finds it: whatever the case of its name. A name that stands twice is refused, since nobody
 * can say which one its author believes in.
 */
export function memberOf(source: JsonSource, object: ObjectSpan, name: string): JsonSpan | undefined {
  const found = object.members.filter((member) => member.name.toLowerCase() === name.toLowerCase());
  const [only, other] = found;
  if (other !== undefined) throw new ConfigInvalidError(`duplicate member "${name}", ${placeOf(source, other.value)}`);
  return only?.value;
}

/** An object; undefined when it is absent or null, which Xray takes for the same. @throws {ConfigInvalidError} when it is another value */
export function objectMember(source: JsonSource, object: ObjectSpan, name: string): ObjectSpan | undefined {
  const span = presentMember(source, object, name);
  if (span === undefined || span.kind === "object") return span;
  throw new ConfigInvalidError(`"${name}" is no object, ${placeOf(source, span)}`);
}

/** A list; undefined when it is absent or null. @throws {ConfigInvalidError} when it is another value */
export function listMember(source: JsonSource, object: ObjectSpan, name: string): ListSpan | undefined {
  const span = presentMember(source, object, name);
  if (span === undefined || span.kind === "list") return span;
  throw new ConfigInvalidError(`"${name}" is no list, ${placeOf(source, span)}`);
}

/** A text; undefined when it is absent, null or anything else. */
export function stringMember(source: JsonSource, object: ObjectSpan, name: string): string | undefined {
  return textAt(source, memberOf(source, object, name));
}

/** {@link stringMember} at a place that was found before. */
export function textAt(source: JsonSource, span: JsonSpan | undefined): string | undefined {
  if (span === undefined) return undefined;
  const value = valueAt(source, span);
  return typeof value === "string" ? value : undefined;
}

function presentMember(source: JsonSource, object: ObjectSpan, name: string): JsonSpan | undefined {
  const span = memberOf(source, object, name);
  return span === undefined || isNull(source, span) ? undefined : span;
}

function isNull(source: JsonSource, { start, end }: JsonSpan): boolean {
  return source.bare.slice(start, end) === "null";
}
