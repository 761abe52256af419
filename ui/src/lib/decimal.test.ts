import { expect, it } from 'vitest';
import { perMillion, perToken, shiftDecimal, withCents } from './decimal';

it('moves the point exactly, both ways', () => {
  expect(perMillion('0.00000015')).toBe('0.15');
  expect(perMillion('1.5e-7')).toBe('0.15');
  expect(perMillion('0.000003')).toBe('3');
  expect(perToken('0.15')).toBe('0.00000015');
  expect(perToken('75')).toBe('0.000075');
  expect(perToken('.5')).toBe('0.0000005');
  expect(shiftDecimal('12.345678901', 0)).toBe('12.345678901');
  expect(shiftDecimal('-1.5', 2)).toBe('-150');
});

it('shows cents', () => {
  expect(['0.6', '3', '0.075'].map(withCents)).toEqual(['0.60', '3.00', '0.075']);
});

it('refuses what is not a number', () => {
  for (const text of ['', '.', 'abc', '1,5', '0x10', '1 2']) expect(perToken(text)).toBeNull();
});
