/** Most characters of a path under which a transport is found. */
export const LONGEST_PATH = 255;

/** A path without a query: mihomo can't connect with one. */
export const PATH = /^\/[^?#\s]*$/;
