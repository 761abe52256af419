import { describe, expect, it } from 'vitest';
import { fmtAgo, fmtMs, fmtUsd, fmtUsdAxis, plural } from './format';

describe('format', () => {
  it('keeps tiny prices readable, never scientific', () => {
    expect(fmtUsd('0.0000002')).toBe('$0.0000002');
    expect(fmtUsd(0.00123)).toBe('$0.00123');
    expect(fmtUsd('12.500000000')).toBe('$12.50');
    expect(fmtUsd(12345.6)).toBe('$12,346');
    expect(fmtUsd('0')).toBe('$0.00');
  });
  it('labels an axis without idle digits', () => {
    expect([0, 0.0005, 0.001, 0.25, 2.5, 5, 40, 1500].map(fmtUsdAxis)).toEqual([
      '$0',
      '$0.0005',
      '$0.001',
      '$0.25',
      '$2.5',
      '$5',
      '$40',
      '$1.5K',
    ]);
  });
  it('formats durations', () => {
    expect(fmtMs(0.4)).toBe('0.40 ms');
    expect(fmtMs(812)).toBe('812 ms');
    expect(fmtMs(2345)).toBe('2.35 s');
  });
  it('gives relative time, past and future', () => {
    const now = Date.parse('2026-11-23T12:00:00Z');
    expect(fmtAgo('2026-11-23T11:57:00Z', now)).toBe('3 min. ago');
    expect(fmtAgo('2026-11-23T12:00:02Z', now)).toBe('now');
    expect(fmtAgo('2026-11-26T12:00:00Z', now)).toBe('in 3 days');
  });
  it('counts', () => {
    expect(plural(1, 'key')).toBe('1 key');
    expect(plural(1200, 'key')).toBe('1,200 keys');
  });
});
