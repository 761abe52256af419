import { infiniteQueryOptions, keepPreviousData, queryOptions, useMutation } from '@tanstack/react-query';
import { body, client, type Schemas } from '@/lib/client';
import { PAGE_SIZE, paged, queryClient } from '@/lib/query';

export type Team = Schemas['TeamView'];
export type TeamChange = { name: string; models: string[] | null };

export const teamsQuery = (q: string | undefined) =>
  infiniteQueryOptions({
    queryKey: ['teams', 'list', q ?? ''],
    queryFn: ({ pageParam, signal }) =>
      body(client.GET('/api/v1/teams', { params: { query: { q, limit: PAGE_SIZE, cursor: pageParam } }, signal })),
    ...paged,
  });

export const teamChoicesQuery = (q: string) =>
  queryOptions({
    queryKey: ['teams', 'choices', q],
    queryFn: ({ signal }) => body(client.GET('/api/v1/teams', { params: { query: { q: q || undefined, limit: 20 } }, signal })),
    placeholderData: keepPreviousData,
  });

export const teamQuery = (id: string) =>
  queryOptions({ queryKey: ['teams', 'one', id], queryFn: () => body(client.GET('/api/v1/teams/{id}', { params: { path: { id } } })) });

const refresh = () => queryClient.invalidateQueries({ queryKey: ['teams'] });

export const useSaveTeam = () =>
  useMutation({
    mutationFn: ({ id, ...team }: TeamChange & { id?: string }) =>
      id
        ? body(client.PATCH('/api/v1/teams/{id}', { params: { path: { id } }, body: team }))
        : body(client.POST('/api/v1/teams', { body: team })),
    onSuccess: () => void refresh(),
  });

export const useBlockTeam = () =>
  useMutation({
    mutationFn: ({ id, blocked }: { id: string; blocked: boolean }) =>
      body(client.PATCH('/api/v1/teams/{id}', { params: { path: { id } }, body: { blocked } })),
    onSettled: refresh,
  });

export const useDeleteTeam = () =>
  useMutation({
    mutationFn: (id: string) => body(client.DELETE('/api/v1/teams/{id}', { params: { path: { id } } })),
    onSettled: () => Promise.all([refresh(), queryClient.invalidateQueries({ queryKey: ['keys'] })]),
  });
