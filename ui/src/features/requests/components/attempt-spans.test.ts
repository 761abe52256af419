import { expect, it } from 'vitest';
import { matches, type RequestRow } from '../api/requests';
import { type Attempt, spansOf } from './attempt-spans';

const attempt = (parts: Partial<Attempt>): Attempt => ({
  deployment: { id: 'd', provider: null, upstream_model: null, label: 'd' },
  model: 'm',
  at_us: 0,
  waited_us: 0,
  first_token_us: null,
  duration_us: 0,
  status: null,
  end: 'failed',
  fault: null,
  is_hedge: false,
  sentence: '',
  ...parts,
});

it('puts attempts on the axis of the whole request', () => {
  const attempts = [attempt({ duration_us: 200 }), attempt({ at_us: 500, waited_us: 300, first_token_us: 100, duration_us: 500 })];
  const { totalUs, spans } = spansOf(attempts, 1000);
  expect(totalUs).toBe(1000);
  expect(spans[0]).toMatchObject({ left: 0, width: 0.2, waitWidth: 0, firstToken: null });
  expect(spans[1]).toMatchObject({ waitLeft: 0.2, waitWidth: 0.3, left: 0.5, width: 0.5, firstToken: 0.6 });
});

it('stretches the axis to an attempt that outlived its request, and never divides by zero', () => {
  expect(spansOf([attempt({ at_us: 100, duration_us: 1900 })], 1000).totalUs).toBe(2000);
  expect(spansOf([], 0)).toEqual({ totalUs: 1, spans: [] });
});

it('lets only calls into a list without a kind', () => {
  const row = { kind: 'mirror', status: 200 } as RequestRow;
  expect(matches(row, {})).toBe(false);
  expect(matches(row, { kind: 'mirror' })).toBe(true);
  expect(matches(row, { kind: 'all' })).toBe(true);
  expect(matches(row, { kind: 'probe' })).toBe(false);
});
