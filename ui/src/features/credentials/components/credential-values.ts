/** The form of a credential: which fields a kind has, texts as typed, checked, and turned into what the API takes. */
import type { Mistakes } from '@/components/use-form';
import type { Schemas } from '@/lib/client';
import type { CredentialKind } from '../api/credentials';

export const EMPTY = {
  name: '',
  provider: '',
  kind: 'api_key' as CredentialKind,
  api_key: '',
  tenant_id: '',
  client_id: '',
  client_secret: '',
  authority_host: '',
  google: '',
  access_key_id: '',
  secret_access_key: '',
  session_token: '',
};
export type CredentialForm = typeof EMPTY;
export type ValueField = Exclude<keyof CredentialForm, 'name' | 'provider' | 'kind'>;

export const KIND_LABEL: Record<CredentialKind, string> = {
  api_key: 'API key',
  azure_entra: 'Microsoft Entra ID',
  google: 'Google credential file',
  aws: 'AWS access key',
};

type Shape = { name: ValueField; label: string; secret?: true; optional?: true; hint?: string; placeholder?: string };
export const FIELDS: Record<CredentialKind, Shape[]> = {
  api_key: [{ name: 'api_key', label: 'API key', secret: true }],
  azure_entra: [
    { name: 'tenant_id', label: 'Tenant ID' },
    { name: 'client_id', label: 'Client ID' },
    { name: 'client_secret', label: 'Client secret', secret: true },
    {
      name: 'authority_host',
      label: 'Authority host',
      optional: true,
      placeholder: 'https://login.microsoftonline.com',
      hint: 'Only for a national cloud.',
    },
  ],
  google: [{ name: 'google', label: 'JSON', hint: 'The whole file of a service account or an authorized user.' }],
  aws: [
    { name: 'access_key_id', label: 'Access key ID', placeholder: 'AKIA…' },
    { name: 'secret_access_key', label: 'Secret access key', secret: true },
    { name: 'session_token', label: 'Session token', secret: true, optional: true, hint: 'Only with temporary credentials.' },
  ],
};

function googleFile(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && 'type' in value ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

export function checkValues(v: CredentialForm): Mistakes<CredentialForm> {
  const found: Mistakes<CredentialForm> = {};
  for (const { name, label, optional } of FIELDS[v.kind]) if (!optional && !v[name].trim()) found[name] = `${label} is missing`;
  if (v.kind === 'google' && !found.google && !googleFile(v.google))
    found.google = 'This is not the JSON of a service account or authorized user';
  return found;
}

export function toValues(form: CredentialForm): Schemas['CredentialValues'] {
  const v = Object.fromEntries(Object.entries(form).map(([k, text]) => [k, text.trim()])) as CredentialForm;
  switch (form.kind) {
    case 'api_key':
      return { kind: 'api_key', api_key: v.api_key };
    case 'azure_entra':
      return {
        kind: 'azure_entra',
        tenant_id: v.tenant_id,
        client_id: v.client_id,
        client_secret: v.client_secret,
        ...(v.authority_host && { authority_host: v.authority_host }),
      };
    case 'google':
      return { kind: 'google', google: (googleFile(v.google) ?? {}) as Record<string, never> };
    case 'aws':
      return {
        kind: 'aws',
        access_key_id: v.access_key_id,
        secret_access_key: v.secret_access_key,
        ...(v.session_token && { session_token: v.session_token }),
      };
  }
}

/** Field of the form that a refusal of the API is about. */
export const FIELD_OF: Record<string, keyof CredentialForm> = {
  ...Object.fromEntries(Object.values(FIELDS).flatMap((fields) => fields.map(({ name }) => [`values.${name}`, name]))),
  ...Object.fromEntries(
    ['client_email', 'private_key', 'token_uri', 'client_id', 'client_secret', 'refresh_token', 'type'].map((name) => [
      `values.google.${name}`,
      'google' as const,
    ]),
  ),
};
