const number = (o: Intl.NumberFormatOptions) => new Intl.NumberFormat('en-US', o);
const compact = number({ notation: 'compact', maximumFractionDigits: 1 });
const int = number({ maximumFractionDigits: 0 });
const usd0 = number({ style: 'currency', currency: 'USD', maximumFractionDigits: 0 });
const usd2 = number({ style: 'currency', currency: 'USD' });
const usdCompact = number({ style: 'currency', currency: 'USD', notation: 'compact', maximumFractionDigits: 1 });

export const fmtCompact = (n: number) => compact.format(n);
export const fmtInt = (n: number) => int.format(n);
export const fmtPct = (f: number, digits = 1) => `${(f * 100).toFixed(digits)}%`;

/** Money for reading: never scientific notation; tiny costs keep up to three significant digits. Sums come from the server, so a float is only ever shown. */
export function fmtUsd(value: number | string): string {
  const n = Number(value);
  if (n !== 0 && Math.abs(n) < 0.01) return `$${n.toFixed(Math.min(11, 2 - Math.floor(Math.log10(Math.abs(n))))).replace(/0+$/, '')}`;
  return Math.abs(n) >= 10_000 ? usd0.format(n) : usd2.format(n);
}

/** Ticks are round numbers: as many digits as they need and no more. */
export function fmtUsdAxis(n: number): string {
  if (n === 0) return '$0';
  if (n < 10) return `$${n.toFixed(Math.min(11, Math.max(0, 1 - Math.floor(Math.log10(n))))).replace(/\.?0+$/, '')}`;
  return n < 1000 ? usd0.format(n) : usdCompact.format(n);
}

export function fmtMs(ms: number): string {
  if (ms <= 0) return '<1 ms';
  if (ms < 1) return `${ms.toFixed(2)} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  return `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`;
}

const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto', style: 'short' });
const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [
  ['year', 31_536_000],
  ['month', 2_592_000],
  ['week', 604_800],
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
  ['second', 1],
];
export function fmtAgo(iso: string, now = Date.now()): string {
  const seconds = (new Date(iso).getTime() - now) / 1000;
  if (Math.abs(seconds) < 5) return 'now';
  for (const [unit, size] of UNITS) if (Math.abs(seconds) >= size) return relative.format(Math.trunc(seconds / size), unit);
  return 'now';
}

const DAY = { day: 'numeric', month: 'short' } as const;
const TIME = { hour: '2-digit', minute: '2-digit' } as const;
const dateFormat = (o: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat('en-GB', o);
const exact = dateFormat({ dateStyle: 'medium', timeStyle: 'long' });
const day = dateFormat(DAY);
const dayUtc = dateFormat({ ...DAY, timeZone: 'UTC' });
const dayYear = dateFormat({ ...DAY, year: 'numeric' });
const time = dateFormat(TIME);
const timeUtc = dateFormat({ ...TIME, timeZone: 'UTC' });
const clock = dateFormat({ hour: '2-digit', minute: '2-digit', second: '2-digit', fractionalSecondDigits: 3 });
export const fmtExact = (iso: string) => exact.format(new Date(iso));
export const fmtDay = (d: Date) => day.format(d);
export const fmtDate = (iso: string) => dayYear.format(new Date(iso));
export const fmtTime = (d: Date) => time.format(d);
/** For sums, which are kept by UTC hours. */
export const fmtDayUtc = (d: Date) => dayUtc.format(d);
export const fmtTimeUtc = (d: Date) => timeUtc.format(d);
export const fmtClock = (d: Date) => clock.format(d);

export const plural = (n: number, one: string, many = `${one}s`) => `${fmtInt(n)} ${n === 1 ? one : many}`;
