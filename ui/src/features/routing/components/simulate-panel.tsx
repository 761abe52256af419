import { useQuery } from '@tanstack/react-query';
import { FlaskConical } from 'lucide-react';
import { Button } from '@/components/ui/button';
import { Segmented } from '@/components/ui/controls';
import { Field, Input } from '@/components/ui/field';
import { FormError } from '@/components/ui/states';
import { useForm } from '@/components/use-form';
import { deploymentsOfQuery } from '@/features/models/api/models';
import { type Settings, useSimulate } from '../api/routing';
import { SimulateResult } from './simulate-result';
import { type Assumed, checkSimulation, EMPTY, type SimulateValues, toSimulation } from './simulate-values';

/** The server names fields of the body; the form has them flat. */
const FIELD_OF = {
  requests_per_minute: 'rate',
  'traffic.requests_per_minute': 'rate',
  duration_ms: 'duration',
  'traffic.duration_ms': 'duration',
  stream_percent: 'streams',
  'traffic.stream_percent': 'streams',
  deployments: 'assumed',
} as const;

const NOTHING: Assumed = { fails: '', latency: '' };

/** What a policy would do, as it stands in the form, saved or not. */
export default function SimulatePanel({ group, settings }: { group: string; settings: Settings }) {
  const simulate = useSimulate();
  const deployments = (useQuery(deploymentsOfQuery(group)).data ?? []).filter((d) => !d.blocked);
  const form = useForm<SimulateValues>({
    initial: EMPTY,
    fieldOf: FIELD_OF,
    check: checkSimulation,
    send: (v) =>
      simulate.mutate(
        toSimulation(
          v,
          group,
          deployments.map((d) => d.id),
          settings,
        ),
        { onError: form.refuse },
      ),
  });
  const { values: v, mistakes } = form;
  const assume = (id: string, change: Partial<Assumed>) =>
    form.set({ assumed: { ...v.assumed, [id]: { ...(v.assumed[id] ?? NOTHING), ...change } } });
  return (
    <section className="card mt-2 p-4" aria-label="Simulation">
      <form ref={form.ref} noValidate onSubmit={form.submit}>
        <div className="flex flex-wrap items-start gap-x-4 gap-y-2">
          <div className="min-w-0 flex-1 basis-60">
            <h2 className="font-semibold text-base">What would this policy do?</h2>
            <p className="text-fg-2">
              Tried as it stands above, also before it is saved. Nobody is asked anything; fallbacks, hedge, mirror and queue are left out.
            </p>
          </div>
          <Segmented
            label="Traffic"
            value={v.traffic}
            onChange={(traffic) => form.set({ traffic })}
            options={[
              { value: 'synthetic', label: 'Made up' },
              { value: 'recorded', label: 'Last day' },
            ]}
          />
        </div>
        {v.traffic === 'synthetic' && (
          <div className="mt-4 grid gap-4 sm:grid-cols-3">
            <Field label="Requests" error={mistakes.rate}>
              <Input inputMode="decimal" className="num" suffix="per second" {...form.text('rate')} />
            </Field>
            <Field label="Duration" error={mistakes.duration}>
              <Input inputMode="decimal" className="num" suffix="seconds" {...form.text('duration')} />
            </Field>
            <Field label="Streams" error={mistakes.streams}>
              <Input inputMode="numeric" className="num" suffix="%" placeholder="0" {...form.text('streams')} />
            </Field>
          </div>
        )}
        {deployments.length > 0 && (
          <fieldset className="mt-4 min-w-0">
            <legend className="font-medium">Deployments</legend>
            <p className="text-fg-3 text-xs">
              Empty: as on record. Of a time that is given, the slow ones take twice as long, and the first content comes after half of it.
            </p>
            <ul className="mt-2 flex flex-col gap-2">
              {deployments.map((d) => {
                const name = `${d.provider}/${d.upstream_model}`;
                const own = v.assumed[d.id] ?? NOTHING;
                return (
                  <li key={d.id} className="grid grid-cols-2 items-center gap-2 sm:grid-cols-[minmax(0,1fr)_9rem_11rem]">
                    <span className="truncate font-mono text-xs max-sm:col-span-2" title={name}>
                      {name}
                    </span>
                    <Input
                      aria-label={`Failures of ${name}`}
                      inputMode="numeric"
                      className="num"
                      placeholder="As on record"
                      suffix="% fail"
                      value={own.fails}
                      onChange={(e) => assume(d.id, { fails: e.target.value })}
                    />
                    <Input
                      aria-label={`Time of ${name}`}
                      inputMode="numeric"
                      className="num"
                      placeholder="As on record"
                      suffix="ms"
                      value={own.latency}
                      onChange={(e) => assume(d.id, { latency: e.target.value })}
                    />
                  </li>
                );
              })}
            </ul>
          </fieldset>
        )}
        {mistakes.assumed && (
          <p role="alert" className="mt-2 text-bad text-xs">
            {mistakes.assumed}
          </p>
        )}
        <div className="mt-4 flex flex-wrap items-center gap-3">
          <Button type="submit" loading={simulate.isPending}>
            <FlaskConical aria-hidden="true" /> Run simulation
          </Button>
          {form.refusal && (
            <div className="min-w-0">
              <FormError>{form.refusal}</FormError>
            </div>
          )}
        </div>
      </form>
      {simulate.data && <SimulateResult s={simulate.data} />}
    </section>
  );
}
