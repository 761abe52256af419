import { expect, it } from 'vitest';
import { bucketsOf, type SpendRow, seriesOf, windowBefore, windowOf } from './summary';

const now = Date.parse('2026-11-23T17:42:10Z');

it('ends with the bucket under way', () => {
  const hours = bucketsOf('24h', now);
  expect(hours).toHaveLength(24);
  expect(hours.at(-1)!.toISOString()).toBe('2026-11-23T17:00:00.000Z');
  expect(bucketsOf('7d', now)[0]!.toISOString()).toBe('2026-11-17T00:00:00.000Z');
});

it('compares with the same stretch one range earlier', () => {
  expect(windowOf('7d', now).since).toBe('2026-11-17T00:00:00.000Z');
  expect(windowBefore('7d', now)).toEqual({ since: '2026-11-10T00:00:00.000Z', until: '2026-11-16T17:00:00.000Z' });
});

it('fills the hours without traffic', () => {
  const row = { group: '2026-11-23T17:00:00Z', requests: 3 } as SpendRow;
  const values = seriesOf([row], bucketsOf('24h', now), (t) => t.requests);
  expect(values.slice(-2)).toEqual([0, 3]);
});
