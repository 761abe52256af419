import { expect, it } from 'vitest';
import type { Policy, Settings } from '../api/routing';
import { differences } from './differences';
import { figure, mistakeIn, toNumber, toText } from './settings-fields';
import { below, checkPolicy, toSettings, toValues } from './settings-values';

const FULL: Settings = {
  strategy: 'least-busy',
  num_retries: 0,
  timeout_ms: 90_000,
  connect_timeout_ms: 1500,
  retry_after_ms: 250,
  allowed_fails: 3,
  max_error_percent: 50,
  fallbacks: ['second', 'first'],
  content_policy_fallbacks: [],
  enable_tag_filtering: false,
  tag_match: 'any',
  hedge: { enabled: true, percentile: 90, min_delay_ms: 150, max_share_percent: 10 },
  mirror: { model: 'shadow', percent: 5 },
  canary: { tag: 'new', percent: 1, max_error_percent: 20, min_requests: 20 },
  queue: { max_wait_ms: 2500, max_waiting: 10 },
  active_check: { kind: 'call', interval_ms: 60_000 },
};
const policy = (name: string | null, parts: Partial<Policy>): Policy => ({
  model_name: name,
  deployments: 1,
  source: 'default',
  settings: {},
  config: {},
  database: null,
  effective: {},
  updated_at: null,
  warnings: [],
  ...parts,
});

it('shows what is stored and sends back the same', () => {
  expect(toSettings(toValues(FULL))).toEqual(FULL);
  expect(toSettings(toValues({}))).toEqual({});
  expect(toValues(FULL)).toMatchObject({ timeout_ms: '90', connect_timeout_ms: '1.5', retry_after_ms: '250', 'queue.max_wait_ms': '2.5' });
});

it('tells "none" from "as above" in lists, and "off" from "as above" in features', () => {
  expect(toSettings({ ...toValues({}), fallbacks: [] })).toEqual({ fallbacks: [] });
  expect(toSettings({ ...toValues({}), hedge: 'off', queue: 'off' })).toEqual({ hedge: { enabled: false }, queue: { max_wait_ms: 0 } });
  expect(toValues({ hedge: { enabled: false }, queue: { max_wait_ms: 0 } })).toMatchObject({ hedge: 'off', queue: 'off' });
});

it('leaves out the figures of a feature that is not on', () => {
  expect(
    toSettings({ ...toValues(FULL), hedge: 'inherit', mirror: 'inherit', canary: 'inherit', queue: 'inherit', active_check: 'inherit' }),
  ).toEqual(
    Object.fromEntries(Object.entries(FULL).filter(([name]) => !['hedge', 'mirror', 'canary', 'queue', 'active_check'].includes(name))),
  );
});

it('names a canary by what was chosen last', () => {
  const byId = { ...toValues(FULL), canary_by: 'deployment_id' as const, 'canary.deployment_id': ' id-1 ' };
  expect(toSettings(byId).canary).toEqual({ deployment_id: 'id-1', percent: 1, max_error_percent: 20, min_requests: 20 });
});

it('converts figures both ways without a rest', () => {
  for (const [text, ms] of [
    ['30', 30_000],
    ['0.5', 500],
    ['.25', 250],
    ['1.001', 1001],
    ['0', 0],
  ] as const)
    expect(toNumber(text, 'seconds')).toBe(ms);
  expect(toNumber('  ', 'seconds')).toBeUndefined();
  expect(toText(1001, 'seconds')).toBe('1.001');
  expect(toText(0, 'seconds')).toBe('0');
  expect(toText(null, 'count')).toBe('');
  for (const wrong of ['-1', '1,5', '1.0005', 'abc', '1e3']) expect(mistakeIn(wrong, figure('timeout_ms')), wrong).toBeDefined();
  expect(mistakeIn('1.5', figure('num_retries'))).toBeDefined();
  expect(mistakeIn('', figure('num_retries'))).toBeUndefined();
});

it('says what is missing in what is switched on, and only there', () => {
  expect(checkPolicy(toValues({}))).toEqual({});
  expect(checkPolicy(toValues(FULL))).toEqual({});
  const on = { ...toValues({}), hedge: 'on', mirror: 'on', canary: 'on', queue: 'on', active_check: 'on' } as const;
  expect(Object.keys(checkPolicy(on))).toEqual([
    'mirror.percent',
    'canary.percent',
    'queue.max_wait_ms',
    'mirror.model',
    'canary.deployment_id',
  ]);
  expect(Object.keys(checkPolicy({ ...toValues({}), timeout_ms: 'soon', 'mirror.percent': 'much' }))).toEqual(['timeout_ms']);
});

it('knows what holds where the dashboard says nothing', () => {
  const router = policy(null, {
    config: { num_retries: 4 },
    database: { num_retries: 7, allowed_fails: 9 },
    effective: { num_retries: 7, allowed_fails: 9, timeout_ms: 600_000 },
  });
  expect(below(router, router)).toEqual({ num_retries: 4, timeout_ms: 600_000 });
  const group = policy('a', { config: { allowed_fails: 2, timeout_ms: null }, database: { num_retries: 1 } });
  expect(below(group, router)).toEqual({ num_retries: 7, allowed_fails: 2, timeout_ms: 600_000 });
});

it('names only what differs from the router', () => {
  const router = policy(null, { effective: { ...FULL, fallbacks: [] } });
  expect(differences(policy('a', { effective: { ...FULL, fallbacks: [] } }), router)).toEqual([]);
  const effective = {
    ...FULL,
    num_retries: 1,
    hedge: null,
    queue: { max_wait_ms: 500 },
    timeout_ms: 1000,
    fallbacks: ['b', 'c'],
    allowed_fails: 1,
  };
  expect(differences(policy('a', { effective }), router)).toEqual([
    '1 retry',
    'Fallbacks: b, c',
    'No hedge',
    'Queue 0.5 s',
    'Timeout 1 s',
    'Health',
  ]);
});
