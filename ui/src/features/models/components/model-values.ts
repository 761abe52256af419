/** The form of a deployment: texts as typed, checked, and turned into what the API takes. */
import type { Mistakes } from '@/components/use-form';
import { perToken } from '@/lib/decimal';
import type { NewDeployment, Provider } from '../api/models';

export const EMPTY = {
  provider: '',
  upstream_model: '',
  model_name: '',
  api_key: '',
  /** Names of credentials, in the order of their turns. */
  credentials: [] as string[],
  api_base: '',
  api_version: '',
  region: '',
  project: '',
  drop_params: '' as '' | 'drop' | 'refuse',
  input_price: '',
  output_price: '',
  timeout_seconds: '',
  weight: '',
  priority: '',
  rpm: '',
  tpm: '',
  max_parallel_requests: '',
};
export type ModelValues = typeof EMPTY;

/** The share of a deployment and its limits. */
export const COUNTS = ['weight', 'rpm', 'tpm', 'max_parallel_requests'] as const;

const isPrice = (text: string) => !text.trim() || (perToken(text) !== null && !text.trim().startsWith('-'));
const isSeconds = (text: string) => !text.trim() || (Number(text) > 0 && Number(text) <= 3600);
const isTier = (text: string) => !text.trim() || /^\d+$/.test(text.trim());
const isCount = (text: string) => !text.trim() || /^[1-9]\d*$/.test(text.trim());
const isAddress = (text: string) => !text.trim() || /^https?:\/\/\S+$/.test(text.trim());

/** `provider`: the chosen one, as soon as it is known. */
export function checkModel(v: ModelValues, provider?: Provider): Mistakes<ModelValues> {
  const found: Mistakes<ModelValues> = {};
  if (!v.provider) found.provider = 'Choose a provider';
  if (!v.upstream_model.trim()) found.upstream_model = 'Give the model as the provider names it';
  if (!v.model_name.trim()) found.model_name = 'Give the name clients will use';
  if (provider?.needs_api_key && !v.api_key.trim() && !v.credentials.length) found.api_key = 'Give a key, or choose a credential';
  if (provider?.needs_region && !v.region.trim() && !v.api_base.trim()) found.region = 'Give the region, for example us-east-1';
  if (!isAddress(v.api_base)) found.api_base = 'Write an address that starts with https:// or http://';
  if (!isPrice(v.input_price)) found.input_price = 'Write USD per million tokens, for example 0.15';
  if (!isPrice(v.output_price)) found.output_price = 'Write USD per million tokens, for example 0.60';
  if (!isSeconds(v.timeout_seconds)) found.timeout_seconds = 'Write seconds, more than 0 and at most 3600';
  for (const name of COUNTS) if (!isCount(v[name])) found[name] = 'Write a whole number of 1 or more';
  if (!isTier(v.priority)) found.priority = 'Write a whole number, 0 for the first tier';
  return found;
}

/** What was left empty is left out, so that the gateway's own defaults hold. `ids`: of credentials by their names. */
export function toDeployment(values: ModelValues, ids: Map<string, string> = new Map()): NewDeployment {
  const trimmed = Object.entries(values).map(([k, value]) => [k, typeof value === 'string' ? value.trim() : value]);
  const v = Object.fromEntries(trimmed) as ModelValues;
  const credential_ids = v.credentials.flatMap((name) => ids.get(name) ?? []);
  return {
    model_name: v.model_name,
    provider: v.provider,
    upstream_model: v.upstream_model,
    ...(v.api_key && { api_key: v.api_key }),
    ...(credential_ids.length && { credential_ids }),
    ...(v.api_base && { api_base: v.api_base }),
    ...(v.api_version && { api_version: v.api_version }),
    ...(v.region && { region: v.region }),
    ...(v.project && { project: v.project }),
    ...(v.drop_params && { drop_params: v.drop_params === 'drop' }),
    ...(v.input_price && { input_cost_per_token: perToken(v.input_price) }),
    ...(v.output_price && { output_cost_per_token: perToken(v.output_price) }),
    ...(v.timeout_seconds && { timeout_ms: Math.round(Number(v.timeout_seconds) * 1000) }),
    ...(v.priority && { priority: Number(v.priority) }),
    ...Object.fromEntries(COUNTS.filter((name) => v[name]).map((name) => [name, Number(v[name])])),
  };
}

/** Field of the form that a refusal of the API is about. */
export const FIELD_OF: Record<string, keyof ModelValues> = {
  input_cost_per_token: 'input_price',
  output_cost_per_token: 'output_price',
  timeout_ms: 'timeout_seconds',
  credential_ids: 'credentials',
};
