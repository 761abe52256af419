import { infiniteQueryOptions, queryOptions, useMutation } from '@tanstack/react-query';
import { body, client, type Schemas } from '@/lib/client';
import { PAGE_SIZE, paged, queryClient } from '@/lib/query';

export type Credential = Schemas['CredentialView'];
export type CredentialKind = Schemas['CredentialKind'];
export type CredentialChange = { name: string; provider: string | null; values?: Schemas['CredentialValues'] };

export const credentialsQuery = (q: string | undefined) =>
  infiniteQueryOptions({
    queryKey: ['credentials', 'list', q ?? ''],
    queryFn: ({ pageParam, signal }) =>
      body(client.GET('/api/v1/credentials', { params: { query: { q, limit: PAGE_SIZE, cursor: pageParam } }, signal })),
    ...paged,
  });

/** What a model of a provider can be given: credentials that its provider takes and that are not the file's own. */
export const fittingQuery = (provider: string) =>
  queryOptions({
    queryKey: ['credentials', 'fitting', provider],
    queryFn: ({ signal }) =>
      body(client.GET('/api/v1/credentials', { params: { query: { provider, source: 'database', limit: 200 } }, signal })),
    select: (page) => page.data,
    enabled: !!provider,
  });

const refresh = () => queryClient.invalidateQueries({ queryKey: ['credentials'] });

export const useCreateCredential = () =>
  useMutation({
    mutationFn: ({ name, provider, values }: Required<CredentialChange>) =>
      body(client.POST('/api/v1/credentials', { body: { name, ...(provider && { provider }), values } })),
    onSuccess: () => void refresh(),
  });

export const useChangeCredential = () =>
  useMutation({
    mutationFn: ({ id, ...change }: Partial<CredentialChange> & { id: string }) =>
      body(client.PATCH('/api/v1/credentials/{id}', { params: { path: { id } }, body: change })),
    onSuccess: () => void refresh(),
  });

export const useDeleteCredential = () =>
  useMutation({
    mutationFn: (id: string) => body(client.DELETE('/api/v1/credentials/{id}', { params: { path: { id } } })),
    onSettled: refresh,
  });
