import { lazy, type ReactNode, Suspense } from 'react';
import { Field } from '@/components/ui/field';
import { Select } from '@/components/ui/select';
import { Skeleton } from '@/components/ui/states';
import type { Strategy } from '../api/routing';
import { type Bound, FigureField } from './figure-field';
import type { FigurePath, ListName } from './settings-fields';

// The picker behind it is the largest part of the page, and not the first to be needed.
const ModelList = lazy(() => import('./model-list'));

const ATTEMPTS: FigurePath[] = [
  'num_retries',
  'timeout_ms',
  'connect_timeout_ms',
  'first_byte_timeout_ms',
  'chunk_timeout_ms',
  'retry_after_ms',
  'max_retry_wait_ms',
];
const HEALTH: FigurePath[] = ['allowed_fails', 'cooldown_time_ms', 'max_error_percent', 'min_requests', 'error_window_ms'];

const FALLBACKS: { name: ListName; label: string; hint: string }[] = [
  { name: 'fallbacks', label: 'Fallbacks', hint: 'Where requests go when this group fails, in order.' },
  { name: 'context_window_fallbacks', label: 'For long prompts', hint: 'Where a prompt goes that does not fit.' },
  { name: 'content_policy_fallbacks', label: 'For refused content', hint: 'Where content goes that a provider refuses.' },
];
const DEFAULT_FALLBACKS = {
  name: 'default_fallbacks' as const,
  label: 'Default fallbacks',
  hint: 'For groups without fallbacks of their own.',
};

export function Section({ title, about, children }: { title: string; about?: string; children: ReactNode }) {
  return (
    <section className="card p-4" aria-label={title}>
      <h2 className="font-semibold text-base">{title}</h2>
      {about && <p className="text-fg-2">{about}</p>}
      <div className="mt-3 grid gap-4 sm:grid-cols-2">{children}</div>
    </section>
  );
}

const YES_NO = { yes: 'Yes', no: 'No' };
const TAG_MATCH = { all: 'All tags', any: 'One of the tags' };

export function StrategySection({ form, strategies }: { form: Bound; strategies: Strategy[] }) {
  const { values: v, below, inheritLabel } = form;
  const holds = v.strategy || below.strategy;
  const inherit = (name: string | undefined) => ({ value: '' as const, label: name ? `${inheritLabel} (${name})` : inheritLabel });
  const narrows = below.enable_tag_filtering == null ? undefined : below.enable_tag_filtering ? YES_NO.yes : YES_NO.no;
  return (
    <Section title="Strategy" about="How one deployment of the group is chosen.">
      <Field
        label="Strategy"
        className="sm:col-span-2"
        error={form.mistakes.strategy}
        hint={strategies.find((s) => s.name === holds)?.description}
      >
        <Select
          stacked
          label="Strategy"
          value={v.strategy}
          onChange={(strategy) => form.set({ strategy })}
          options={[
            inherit(below.strategy ?? undefined),
            ...strategies.map((s) => ({ value: s.name as typeof v.strategy, label: s.name, hint: s.description })),
          ]}
        />
      </Field>
      <Field label="Tags narrow the choice" error={form.mistakes.enable_tag_filtering} hint="Under every strategy.">
        <Select
          label="Tags narrow the choice"
          value={v.enable_tag_filtering}
          onChange={(enable_tag_filtering) => form.set({ enable_tag_filtering })}
          options={[inherit(narrows), { value: 'yes', label: YES_NO.yes }, { value: 'no', label: YES_NO.no }]}
        />
      </Field>
      <Field label="A deployment needs" error={form.mistakes.tag_match} hint="Of those that the request names.">
        <Select
          label="A deployment needs"
          value={v.tag_match}
          onChange={(tag_match) => form.set({ tag_match })}
          options={[
            inherit(below.tag_match ? TAG_MATCH[below.tag_match] : undefined),
            { value: 'all', label: TAG_MATCH.all },
            { value: 'any', label: TAG_MATCH.any },
          ]}
        />
      </Field>
    </Section>
  );
}

export const AttemptsSection = ({ form }: { form: Bound }) => (
  <Section title="Attempts and timers">
    {ATTEMPTS.map((path) => (
      <FigureField key={path} path={path} form={form} />
    ))}
  </Section>
);

export const HealthSection = ({ form }: { form: Bound }) => (
  <Section title="Health" about="When a deployment gets no more requests for a while.">
    {HEALTH.map((path) => (
      <FigureField key={path} path={path} form={form} />
    ))}
  </Section>
);

type ListProps = { form: Bound; names: string[]; isRouter: boolean };

export function FallbackSection({ form, names, isRouter }: ListProps) {
  const lists = isRouter ? [...FALLBACKS, DEFAULT_FALLBACKS] : FALLBACKS;
  return (
    <section className="card p-4" aria-label="Fallbacks">
      <h2 className="font-semibold text-base">Fallbacks</h2>
      <p className="text-fg-2">Each group gone to adds one attempt.</p>
      <div className="mt-3 flex flex-col gap-3">
        {lists.map(({ name, label, hint }) => (
          <Suspense key={name} fallback={<Skeleton className="h-20" />}>
            <ModelList
              label={label}
              hint={hint}
              error={form.mistakes[name]}
              value={form.values[name]}
              inherited={form.below[name] ?? []}
              inheritLabel={form.inheritLabel}
              onChange={(list) => form.set({ [name]: list })}
              names={names}
            />
          </Suspense>
        ))}
      </div>
    </section>
  );
}
