import { infiniteQueryOptions, queryOptions, useMutation, useQuery } from '@tanstack/react-query';
import { body, client, type Page, type Schemas } from '@/lib/client';
import { PAGE_SIZE, paged, queryClient } from '@/lib/query';

export type Deployment = Schemas['DeploymentView'];
export type NewDeployment = Schemas['DeploymentDraft'];
export type Provider = Schemas['ProviderView'];
export type TestResult = Schemas['ModelTestView'];

export const deploymentsQuery = (q: string | undefined) =>
  infiniteQueryOptions({
    queryKey: ['models', 'list', q ?? ''],
    queryFn: ({ pageParam, signal }) =>
      body(client.GET('/api/v1/models', { params: { query: { q, limit: PAGE_SIZE, cursor: pageParam } }, signal })),
    ...paged,
  });

const someQuery = (q: string) =>
  queryOptions({
    queryKey: ['models', 'some', q],
    queryFn: ({ signal }) => body(client.GET('/api/v1/models', { params: { query: { q: q || undefined, limit: 100 } }, signal })),
  });

/** All of one public name. */
export const deploymentsOfQuery = (name: string) =>
  queryOptions({
    queryKey: ['models', 'of', name],
    queryFn: ({ signal }) => body(client.GET('/api/v1/models', { params: { query: { q: name, limit: 500 } }, signal })),
    select: (page) => page.data.filter((d) => d.model_name === name),
  });

const namesOf = (page: Page<Deployment>) => [...new Set(page.data.map((d) => d.model_name))].sort();
/** Names a key or a filter can choose from. */
export const useModelNames = (q = '') => useQuery({ ...someQuery(q), select: namesOf }).data ?? [];

/** The model an example should call: one that chats, a provider's before the built-in ones. */
function exampleOf(page: Page<Deployment>): string | undefined {
  const chatting = page.data.filter((d) => d.mode === 'chat' && !d.blocked);
  return (chatting.find((d) => d.provider !== 'mock') ?? chatting[0])?.model_name;
}
export const useExampleModel = () => useQuery({ ...someQuery(''), select: exampleOf }).data ?? 'mock/echo';

export const providersQuery = queryOptions({
  queryKey: ['providers'],
  queryFn: () => body(client.GET('/api/v1/providers')),
  select: (page) => page.data,
  staleTime: Number.POSITIVE_INFINITY,
});

const refresh = () => queryClient.invalidateQueries({ queryKey: ['models'] });

export const useAddDeployment = () =>
  useMutation({
    mutationFn: (model: NewDeployment) => body(client.POST('/api/v1/models', { body: model })),
    onSuccess: () => void refresh(),
  });

export const useDeleteDeployment = () =>
  useMutation({ mutationFn: (id: string) => body(client.DELETE('/api/v1/models/{id}', { params: { path: { id } } })), onSettled: refresh });

export const useTestModel = () =>
  useMutation({ mutationFn: (test: Schemas['ModelTestDraft']) => body(client.POST('/api/v1/models/test', { body: test })) });
