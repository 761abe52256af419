import { expect, it } from 'vitest';
import { niceTicks } from './scale';

it('chooses round ticks that reach the maximum', () => {
  expect(niceTicks(10)).toEqual([0, 5, 10]);
  expect(niceTicks(97)).toEqual([0, 50, 100]);
  expect(niceTicks(0.00037)).toEqual([0, 0.0001, 0.0002, 0.0003, 0.0004]);
  expect(niceTicks(3)).toEqual([0, 1, 2, 3]);
  expect(niceTicks(0)).toEqual([0, 1]);
});
