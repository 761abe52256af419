import { expect, it } from 'vitest';
import { checkSimulation, EMPTY, toSimulation } from './simulate-values';

it('counts requests by the minute and times in milliseconds', () => {
  expect(toSimulation({ ...EMPTY, rate: '0.5', duration: '1.5', streams: '' }, 'a', ['x'], { num_retries: 1 })).toEqual({
    model_name: 'a',
    settings: { num_retries: 1 },
    samples: 0,
    traffic: { kind: 'synthetic', requests_per_minute: 30, duration_ms: 1500, stream_percent: 0 },
  });
  expect(toSimulation({ ...EMPTY, traffic: 'recorded', rate: '' }, 'a', ['x'], {}).traffic).toEqual({ kind: 'recorded' });
});

it('names every deployment as soon as something is assumed of one', () => {
  const assumed = { x: { fails: '20', latency: '' }, y: { fails: '0', latency: '800' }, z: { fails: '', latency: ' ' } };
  expect(toSimulation({ ...EMPTY, assumed }, 'a', ['x', 'y', 'z'], {}).deployments).toEqual([
    { id: 'x', failures: [{ fault: 'server', percent: 20 }] },
    { id: 'y', total: { mean_ms: 800, p95_ms: 1600 }, first_token: { mean_ms: 400, p95_ms: 800 }, failures: [] },
    { id: 'z' },
  ]);
});

it('says what is wrong, of made-up traffic only where it is made up', () => {
  expect(checkSimulation(EMPTY)).toEqual({});
  const wrong = { ...EMPTY, rate: '0.001', duration: 'long', streams: '101', assumed: { x: { fails: '120', latency: '' } } };
  expect(Object.keys(checkSimulation(wrong))).toEqual(['rate', 'duration', 'streams', 'assumed']);
  expect(Object.keys(checkSimulation({ ...wrong, traffic: 'recorded' }))).toEqual(['assumed']);
});
