import { expect, it } from 'vitest';
import type { Provider } from '../api/models';
import { checkModel, EMPTY, toDeployment } from './model-values';

const filled = { ...EMPTY, provider: 'openai', upstream_model: 'gpt-4o-mini', model_name: 'fast' };

it('names what is missing or malformed', () => {
  expect(Object.keys(checkModel(EMPTY))).toEqual(['provider', 'upstream_model', 'model_name']);
  expect(checkModel(filled)).toEqual({});
  const wrong = {
    ...filled,
    api_base: 'api.openai.com',
    input_price: '-1',
    output_price: 'free',
    timeout_seconds: '0',
    weight: '1.5',
    rpm: '0',
    priority: '-1',
  };
  expect(Object.keys(checkModel(wrong))).toEqual([
    'api_base',
    'input_price',
    'output_price',
    'timeout_seconds',
    'weight',
    'rpm',
    'priority',
  ]);
});

it('leaves out what was left empty, and keeps prices exact', () => {
  expect(toDeployment(filled)).toEqual({ provider: 'openai', upstream_model: 'gpt-4o-mini', model_name: 'fast' });
  expect(toDeployment({ ...filled, input_price: ' 0.15 ', timeout_seconds: '2.5', weight: '3' })).toMatchObject({
    input_cost_per_token: '0.00000015',
    timeout_ms: 2500,
    weight: 3,
  });
  expect(toDeployment({ ...filled, priority: '0', rpm: '60', tpm: ' 100000 ', max_parallel_requests: '4' })).toMatchObject({
    priority: 0,
    rpm: 60,
    tpm: 100_000,
    max_parallel_requests: 4,
  });
});

it('asks for what the chosen provider cannot do without, and sends credentials by their ids', () => {
  const bedrock = { needs_api_key: true, needs_region: true } as Provider;
  expect(Object.keys(checkModel(filled, bedrock))).toEqual(['api_key', 'region']);
  const pooled = { ...filled, credentials: ['main', 'spare'], region: 'eu-west-1', drop_params: 'refuse' as const };
  expect(checkModel(pooled, bedrock)).toEqual({});
  const ids = new Map([
    ['main', 'id-1'],
    ['spare', 'id-2'],
  ]);
  expect(toDeployment(pooled, ids)).toMatchObject({ credential_ids: ['id-1', 'id-2'], region: 'eu-west-1', drop_params: false });
});
