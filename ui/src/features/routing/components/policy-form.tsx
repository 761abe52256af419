import { useBlocker } from '@tanstack/react-router';
import { lazy, Suspense } from 'react';
import { Button } from '@/components/ui/button';
import { FormError } from '@/components/ui/states';
import { toast } from '@/components/ui/toast';
import { useForm } from '@/components/use-form';
import { useCanEdit } from '@/features/session/api/session';
import { type Policy, type Routing, usePutPolicy } from '../api/routing';
import { ActiveCheckPanel, CanaryPanel, HedgePanel, MirrorPanel, QueuePanel } from './feature-fields';
import type { Bound } from './figure-field';
import { AttemptsSection, FallbackSection, HealthSection, StrategySection } from './general-fields';
import { below, checkPolicy, type PolicyValues, toSettings, toValues } from './settings-values';

const DiscardChanges = lazy(() => import('./discard-changes'));
const SimulatePanel = lazy(() => import('./simulate-panel'));

type Props = { policy: Policy; routing: Routing; onSaved: () => void };

/** What the dashboard itself says about the router or a group. Mounted anew after each save. */
export function PolicyForm({ policy, routing, onSaved }: Props) {
  const canEdit = useCanEdit();
  const put = usePutPolicy();
  const group = policy.model_name;
  const initial = toValues(policy.database ?? {});
  const form = useForm<PolicyValues>({
    initial: group === null ? { ...initial, canary_by: 'tag' } : initial,
    check: checkPolicy,
    send: (v) =>
      put.mutate(
        { group, settings: toSettings(v) },
        {
          onError: form.refuse,
          onSuccess: () => {
            toast.ok(group === null ? 'The router is saved' : `${group} is saved`, 'New requests follow it within a moment.');
            onSaved();
          },
        },
      ),
  });
  const blocker = useBlocker({
    shouldBlockFn: () => form.dirty && !put.isSuccess,
    enableBeforeUnload: () => form.dirty,
    withResolver: true,
  });
  const bound: Bound = {
    ...form,
    below: below(policy, routing.router),
    inheritLabel: group === null ? 'Default' : 'As the router',
  };
  const names = routing.groups.map((g) => g.model_name!).filter((name) => name !== group);
  const draft = { ...bound.below, ...toSettings(form.values) };
  return (
    <>
      <form ref={form.ref} noValidate onSubmit={form.submit} aria-label="Policy">
        <fieldset disabled={!canEdit} className="min-w-0">
          <div className="grid items-start gap-4 lg:grid-cols-2">
            <div className="flex min-w-0 flex-col gap-4">
              <StrategySection form={bound} strategies={routing.strategies} />
              <AttemptsSection form={bound} />
              <HealthSection form={bound} />
            </div>
            <div className="flex min-w-0 flex-col gap-4">
              <FallbackSection form={bound} names={names} isRouter={group === null} />
              <HedgePanel form={bound} />
              <MirrorPanel form={bound} names={names} />
              <CanaryPanel form={bound} group={group} />
              <QueuePanel form={bound} />
              <ActiveCheckPanel form={bound} />
            </div>
          </div>
        </fieldset>
        {canEdit && (
          <div className="sticky bottom-0 z-20 -mx-1 mt-4 flex flex-wrap items-center justify-end gap-2 border-line border-t bg-bg/90 px-1 py-3 backdrop-blur">
            {form.refusal && (
              <div className="mr-auto min-w-0">
                <FormError>{form.refusal}</FormError>
              </div>
            )}
            {!form.refusal && (
              <span className="mr-auto text-fg-3 text-xs">
                {form.dirty ? 'Not saved yet' : 'An empty field is as the level above says.'}
              </span>
            )}
            <Button variant="primary" type="submit" loading={put.isPending} disabled={!form.dirty}>
              Save
            </Button>
          </div>
        )}
        <Suspense>{blocker.status === 'blocked' && <DiscardChanges onStay={blocker.reset} onLeave={blocker.proceed} />}</Suspense>
      </form>
      {canEdit && group !== null && policy.deployments > 0 && (
        <Suspense>
          <SimulatePanel group={group} settings={draft} />
        </Suspense>
      )}
    </>
  );
}
