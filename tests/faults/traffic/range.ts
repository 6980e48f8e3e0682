/** Bytes by direction, as the API names them. */
export interface Bytes {
  readonly upload: number;
  readonly download: number;
}

/** The range of a total: at least `low`, at most `high`. */
export interface Range {
  readonly low: Bytes;
  readonly high: Bytes;
}

export const noBytes: Bytes = { upload: 0, download: 0 };

export function plus(one: Bytes, other: Bytes): Bytes {
  return { upload: one.upload + other.upload, download: one.download + other.download };
}

export function minus(one: Bytes, other: Bytes): Bytes {
  return { upload: one.upload - other.upload, download: one.download - other.download };
}

export function isWithin({ upload, download }: Bytes, { low, high }: Range): boolean {
  return upload >= low.upload && upload <= high.upload && download >= low.download && download <= high.download;
}

export function textOf({ upload, download }: Bytes): string {
  return `${upload}↑ ${download}↓`;
}
