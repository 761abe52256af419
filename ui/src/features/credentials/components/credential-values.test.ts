import { expect, it } from 'vitest';
import { checkValues, EMPTY, FIELD_OF, toValues } from './credential-values';

it('asks for the fields of the chosen kind only', () => {
  expect(checkValues(EMPTY)).toEqual({ api_key: 'API key is missing' });
  expect(Object.keys(checkValues({ ...EMPTY, kind: 'azure_entra' }))).toEqual(['tenant_id', 'client_id', 'client_secret']);
  expect(checkValues({ ...EMPTY, kind: 'aws', access_key_id: 'AKIA', secret_access_key: 's' })).toEqual({});
  expect(checkValues({ ...EMPTY, kind: 'google', google: '{"type":' }).google).toMatch(/not the JSON/);
});

it('sends trimmed values and leaves out what was left empty', () => {
  expect(toValues({ ...EMPTY, api_key: ' sk-1 ' })).toEqual({ kind: 'api_key', api_key: 'sk-1' });
  const aws = { ...EMPTY, kind: 'aws' as const, access_key_id: 'AKIA', secret_access_key: 's' };
  expect(toValues(aws)).toEqual({ kind: 'aws', access_key_id: 'AKIA', secret_access_key: 's' });
  const google = { ...EMPTY, kind: 'google' as const, google: '{"type":"service_account","client_email":"a@b"}' };
  expect(toValues(google)).toEqual({ kind: 'google', google: { type: 'service_account', client_email: 'a@b' } });
});

it('puts a refusal to the field that it is about', () => {
  expect(FIELD_OF['values.client_secret']).toBe('client_secret');
  expect(FIELD_OF['values.google.private_key']).toBe('google');
});
