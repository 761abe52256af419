import { infiniteQueryOptions, useMutation } from '@tanstack/react-query';
import { body, client, type Schemas } from '@/lib/client';
import { PAGE_SIZE, paged, queryClient } from '@/lib/query';

export type User = Schemas['UserView'];
export type Role = User['role'];
export type UserChange = Schemas['UserPatch'];

export const ROLES: { value: Role; label: string; hint: string }[] = [
  { value: 'admin', label: 'Administrator', hint: 'May change everything.' },
  { value: 'viewer', label: 'Viewer', hint: 'Sees everything, changes only their own password.' },
  { value: 'member', label: 'Member', hint: 'Sees only their own account.' },
];

export const usersQuery = (q: string | undefined) =>
  infiniteQueryOptions({
    queryKey: ['users', 'list', q ?? ''],
    queryFn: ({ pageParam, signal }) =>
      body(client.GET('/api/v1/users', { params: { query: { q, limit: PAGE_SIZE, cursor: pageParam } }, signal })),
    ...paged,
  });

const refresh = () => queryClient.invalidateQueries({ queryKey: ['users'] });

export const useCreateUser = () =>
  useMutation({
    mutationFn: (user: Schemas['UserDraft']) => body(client.POST('/api/v1/users', { body: user })),
    onSuccess: () => void refresh(),
  });

export const useUpdateUser = () =>
  useMutation({
    mutationFn: ({ id, ...change }: UserChange & { id: string }) =>
      body(client.PATCH('/api/v1/users/{id}', { params: { path: { id } }, body: change })),
    onSettled: refresh,
  });

export const useDeleteUser = () =>
  useMutation({ mutationFn: (id: string) => body(client.DELETE('/api/v1/users/{id}', { params: { path: { id } } })), onSettled: refresh });
