import { z } from "zod";

/** Metadata of a setting's schema. */
export interface SettingMetadata {
  /** A right value, shown when the value at hand is wrong. */
  readonly example: string | undefined;
  /** Whether the value may appear nowhere. */
  readonly secret: boolean;
}

const metadata = z.object({ example: z.coerce.string().optional(), secret: z.boolean().optional() });

/**
 * Reads `.meta({ example, secret })` of a schema and of what it wraps (`.default()`, `.optional()`, `.transform()` keep
 * theirs inside). The outermost example counts; a secret stays one however it is wrapped.
 */
export function settingMetadata(schema: z.core.$ZodType): SettingMetadata {
  const layers = layersOf(schema).map((layer) => metadata.parse(z.globalRegistry.get(layer) ?? {}));
  return {
    example: layers.find((layer) => layer.example !== undefined)?.example,
    secret: layers.some((layer) => layer.secret === true),
  };
}

function layersOf(schema: z.core.$ZodType): z.core.$ZodType[] {
  const inner = innerOf(schema);
  return [schema, ...inner.flatMap(layersOf)];
}

function innerOf(schema: z.core.$ZodType): z.core.$ZodType[] {
  if (schema instanceof z.ZodPipe) return [schema.def.out, schema.def.in];
  if (
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodCatch ||
    schema instanceof z.ZodReadonly
  ) {
    return [schema.def.innerType];
  }
  return [];
}
