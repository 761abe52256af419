/** Small parsers for URL state. Free of zod, which alone would add about 25 kB gzip to the first load. */
type Raw = Record<string, unknown>;

export const str = (r: Raw, k: string) =>
  typeof r[k] === 'string' && r[k] ? (r[k] as string) : typeof r[k] === 'number' ? String(r[k]) : undefined;

export const oneOf = <const T extends readonly string[]>(r: Raw, k: string, all: T) =>
  all.includes(String(r[k])) ? (String(r[k]) as T[number]) : undefined;

export const flag = (r: Raw, k: string) => (r[k] === true || r[k] === 'true' || r[k] === 1 ? (true as const) : undefined);
