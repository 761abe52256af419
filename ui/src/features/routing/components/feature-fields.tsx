import { useQuery } from '@tanstack/react-query';
import { lazy, Suspense } from 'react';
import { Segmented } from '@/components/ui/controls';
import { Field, Input } from '@/components/ui/field';
import { Select } from '@/components/ui/select';
import { Skeleton } from '@/components/ui/states';
import { deploymentsOfQuery } from '@/features/models/api/models';
import { featureWords } from './differences';
import { FeaturePanel } from './feature-panel';
import { type Bound, FigureField } from './figure-field';
import type { Feature } from './settings-fields';

const ShadowField = lazy(() => import('./shadow-field'));

const common = (form: Bound, feature: Feature) => ({
  mode: form.values[feature],
  onMode: (mode: Bound['values'][Feature]) => form.set({ [feature]: mode }),
  inheritLabel: form.inheritLabel,
  inherited: featureWords(feature, form.below[feature]),
  error: form.mistakes[feature],
});

export const HedgePanel = ({ form }: { form: Bound }) => (
  <FeaturePanel
    title="Hedge"
    about="A second attempt while the first one is slow; the first content wins."
    canBeOff
    {...common(form, 'hedge')}
  >
    <FigureField path="hedge.percentile" form={form} />
    <FigureField path="hedge.min_delay_ms" form={form} />
    <FigureField path="hedge.max_share_percent" form={form} />
  </FeaturePanel>
);

export const MirrorPanel = ({ form, names }: { form: Bound; names: string[] }) => (
  <FeaturePanel title="Mirror" about="Copies for a shadow group: never billed to the caller, never seen." {...common(form, 'mirror')}>
    <Suspense fallback={<Skeleton className="h-14" />}>
      <ShadowField
        value={form.values['mirror.model']}
        onChange={(name) => form.set({ 'mirror.model': name })}
        names={names}
        error={form.mistakes['mirror.model']}
      />
    </Suspense>
    <FigureField path="mirror.percent" form={form} />
  </FeaturePanel>
);

export function CanaryPanel({ form, group }: { form: Bound; group: string | null }) {
  const v = form.values;
  const deployments = useQuery({ ...deploymentsOfQuery(group ?? ''), enabled: group !== null && v.canary === 'on' }).data ?? [];
  const known = deployments.map((d) => ({ value: d.id, label: `${d.provider}/${d.upstream_model}` }));
  const chosen = v['canary.deployment_id'];
  const gone = chosen && !known.some((o) => o.value === chosen) ? [{ value: chosen, label: chosen }] : [];
  // A router has no deployments to name.
  const byTag = group === null || v.canary_by === 'tag';
  return (
    <FeaturePanel
      title="Canary"
      about="A share of first attempts for a deployment on trial, until it fails too often."
      {...common(form, 'canary')}
    >
      {group !== null && (
        <div className="sm:col-span-2">
          <Segmented
            label="Named by"
            value={v.canary_by}
            onChange={(canary_by) => form.set({ canary_by })}
            options={[
              { value: 'deployment_id', label: 'Deployment' },
              { value: 'tag', label: 'Tag' },
            ]}
          />
        </div>
      )}
      {byTag ? (
        <Field label="Tag" error={form.mistakes['canary.tag']}>
          <Input autoComplete="off" spellCheck={false} className="font-mono" placeholder="new" {...form.text('canary.tag')} />
        </Field>
      ) : (
        <Field label="Deployment" error={form.mistakes['canary.deployment_id']}>
          <Select
            label="Deployment"
            value={chosen}
            onChange={(id) => form.set({ 'canary.deployment_id': id })}
            options={[{ value: '', label: 'Choose a deployment' }, ...known, ...gone]}
          />
        </Field>
      )}
      <FigureField path="canary.percent" form={form} />
      <FigureField path="canary.max_error_percent" form={form} />
      <FigureField path="canary.min_requests" form={form} />
    </FeaturePanel>
  );
}

export const QueuePanel = ({ form }: { form: Bound }) => (
  <FeaturePanel title="Queue" about="Waiting for a place where there would be a 429." canBeOff {...common(form, 'queue')}>
    <FigureField path="queue.max_wait_ms" form={form} />
    <FigureField path="queue.max_waiting" form={form} />
  </FeaturePanel>
);

export const ActiveCheckPanel = ({ form }: { form: Bound }) => (
  <FeaturePanel
    title="Active check"
    about="Looks after deployments that are set aside or that nobody asks."
    {...common(form, 'active_check')}
  >
    <Field label="By" error={form.mistakes['active_check.kind']}>
      <Select
        label="By"
        value={form.values['active_check.kind']}
        onChange={(kind) => form.set({ 'active_check.kind': kind })}
        options={[
          { value: 'models', label: 'List of models', hint: 'free' },
          { value: 'call', label: 'Call of one token' },
        ]}
      />
    </Field>
    <FigureField path="active_check.interval_ms" form={form} />
  </FeaturePanel>
);
