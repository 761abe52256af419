import { infiniteQueryOptions, keepPreviousData, queryOptions, useMutation } from '@tanstack/react-query';
import { body, client, type Schemas } from '@/lib/client';
import { PAGE_SIZE, paged, queryClient } from '@/lib/query';

export type Key = Schemas['KeyView'];
export type KeyState = Key['state'];
export type KeyFilter = { q?: string; team_id?: string; state?: KeyState };
export type KeyChange = Schemas['KeyDraft'];

export const STATES: readonly KeyState[] = ['active', 'blocked', 'expired'];

export const keysQuery = (filter: KeyFilter) =>
  infiniteQueryOptions({
    queryKey: ['keys', 'list', filter],
    queryFn: ({ pageParam, signal }) =>
      body(client.GET('/api/v1/keys', { params: { query: { ...filter, limit: PAGE_SIZE, cursor: pageParam } }, signal })),
    ...paged,
  });

/** For pickers: the best few matches. */
export const keyChoicesQuery = (q: string) =>
  queryOptions({
    queryKey: ['keys', 'choices', q],
    queryFn: ({ signal }) => body(client.GET('/api/v1/keys', { params: { query: { q: q || undefined, limit: 20 } }, signal })),
    placeholderData: keepPreviousData,
  });

export const keyQuery = (id: string) =>
  queryOptions({ queryKey: ['keys', 'one', id], queryFn: () => body(client.GET('/api/v1/keys/{id}', { params: { path: { id } } })) });

const refresh = () => queryClient.invalidateQueries({ queryKey: ['keys'] });

export const useCreateKey = () =>
  useMutation({ mutationFn: (key: KeyChange) => body(client.POST('/api/v1/keys', { body: key })), onSuccess: () => void refresh() });

export const useUpdateKey = () =>
  useMutation({
    mutationFn: ({ id, ...change }: KeyChange & { id: string }) =>
      body(client.PATCH('/api/v1/keys/{id}', { params: { path: { id } }, body: change })),
    onSuccess: () => void refresh(),
  });

export const useBlockKey = () =>
  useMutation({
    mutationFn: ({ id, blocked }: { id: string; blocked: boolean }) =>
      blocked
        ? body(client.POST('/api/v1/keys/{id}/block', { params: { path: { id } } }))
        : body(client.POST('/api/v1/keys/{id}/unblock', { params: { path: { id } } })),
    onSettled: refresh,
  });

export const useRevokeKey = () =>
  useMutation({ mutationFn: (id: string) => body(client.DELETE('/api/v1/keys/{id}', { params: { path: { id } } })), onSettled: refresh });
