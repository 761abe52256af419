/** Routing policies: the router's, and those of groups, which are all deployments of one public name. */
import { queryOptions, useMutation } from '@tanstack/react-query';
import { body, client, type Schemas } from '@/lib/client';
import { queryClient } from '@/lib/query';

export type Policy = Schemas['RoutingPolicyView'];
export type Settings = Schemas['RoutingSettings'];
export type Strategy = Schemas['StrategyView'];
export type Simulation = Schemas['SimulationView'];
export type SimulationDraft = Schemas['SimulationDraft'];
export type Routing = Schemas['RoutingView'];

export const routingQuery = queryOptions({
  queryKey: ['routing'],
  queryFn: ({ signal }) => body(client.GET('/api/v1/routing', { signal })),
});

/** Not before the new state is there: a form that starts again has to start from it. */
const refresh = () => queryClient.invalidateQueries({ queryKey: ['routing'] });

/** `null`: the router. */
type Change = { group: string | null; settings: Settings };

export const usePutPolicy = () =>
  useMutation({
    mutationFn: ({ group, settings }: Change) =>
      body(
        group === null
          ? client.PUT('/api/v1/routing', { body: settings })
          : client.PUT('/api/v1/routing/groups/{model_name}', { params: { path: { model_name: group } }, body: settings }),
      ),
    onSuccess: refresh,
  });

export const useResetPolicy = () =>
  useMutation({
    mutationFn: (group: string | null) =>
      body(
        group === null
          ? client.DELETE('/api/v1/routing')
          : client.DELETE('/api/v1/routing/groups/{model_name}', { params: { path: { model_name: group } } }),
      ),
    onSuccess: refresh,
  });

/** Nobody is asked anything: a policy is tried over made-up or recorded traffic. */
export const useSimulate = () =>
  useMutation({ mutationFn: (draft: SimulationDraft) => body(client.POST('/api/v1/routing/simulate', { body: draft })) });
