import { useQuery } from '@tanstack/react-query';
import { ChevronRight } from 'lucide-react';
import { lazy, Suspense, useState } from 'react';
import { Button } from '@/components/ui/button';
import { Field, Input } from '@/components/ui/field';
import { Dialog } from '@/components/ui/overlay';
import { Select } from '@/components/ui/select';
import { ErrorState, FormError, Skeleton } from '@/components/ui/states';
import { useForm } from '@/components/use-form';
import { useLeaveGuard } from '@/components/use-leave-guard';
import { fittingQuery } from '@/features/credentials/api/credentials';
import { providersQuery, useAddDeployment } from '../api/models';
import { COUNTS, checkModel, EMPTY, FIELD_OF, type ModelValues, toDeployment } from './model-values';
import TestDialog from './test-dialog';

const CredentialField = lazy(() => import('./credential-field'));

/** Where a provider's models stand, as far as it asks. */
const PLACES = [
  { name: 'api_version', label: 'API version', placeholder: '2024-10-21', hint: 'Empty: the v1 interface.' },
  { name: 'region', label: 'Region', placeholder: 'global', hint: undefined },
  { name: 'project', label: 'Project', placeholder: 'my-project', hint: "Empty: the credential's own." },
] as const;

const FOLDED = ['input_price', 'output_price', 'timeout_seconds', 'priority', ...COUNTS] as const;

export default function AddModel({ onClose }: { onClose: () => void }) {
  const providers = useQuery(providersQuery);
  const add = useAddDeployment();
  const [more, setMore] = useState(false);
  // Most models keep their name; the public name follows the provider's until somebody writes another one.
  const [named, setNamed] = useState(false);
  const form = useForm<ModelValues>({
    initial: EMPTY,
    fieldOf: FIELD_OF,
    check: (v) => {
      const found = checkModel(
        v,
        providers.data?.find((p) => p.id === v.provider),
      );
      // A mistake must not hide in the folded part.
      if (FOLDED.some((name) => found[name])) setMore(true);
      return found;
    },
    send: (v) => add.mutate(toDeployment(v, new Map(credentials.map((c) => [c.name, c.id]))), { onError: form.refuse }),
  });
  const { mistakes } = form;
  const chosen = providers.data?.find((p) => p.id === form.values.provider);
  const credentials = useQuery(fittingQuery(form.values.provider)).data ?? [];
  const { leave, footer } = useLeaveGuard({
    dirty: form.dirty,
    pending: add.isPending,
    what: 'model',
    onLeave: onClose,
    children: (
      <>
        <Button onClick={onClose} disabled={add.isPending}>
          Cancel
        </Button>
        <Button variant="primary" type="submit" form="add-model" loading={add.isPending}>
          Add model
        </Button>
      </>
    ),
  });

  if (add.data) return <TestDialog modelName={add.data.model_name} title={`${add.data.model_name} is added`} onClose={onClose} />;
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && leave()}
      title="Add model"
      description="Several deployments under one name share its calls."
      dismissible={!form.dirty}
      footer={footer}
    >
      {providers.isError ? (
        <ErrorState error={providers.error} onRetry={() => void providers.refetch()} />
      ) : (
        <form ref={form.ref} id="add-model" noValidate className="flex flex-col gap-4" onSubmit={form.submit}>
          <Field label="Provider" error={mistakes.provider}>
            <Select
              label="Provider"
              value={form.values.provider}
              onChange={(provider) => form.set({ provider, credentials: [], api_version: '', region: '', project: '' })}
              options={[{ value: '', label: 'Choose a provider' }, ...(providers.data ?? []).map((p) => ({ value: p.id, label: p.label }))]}
            />
          </Field>
          <div className="grid gap-4 sm:grid-cols-2">
            <Field label="Provider's model" error={mistakes.upstream_model}>
              <Input
                placeholder="gpt-4o-mini"
                autoComplete="off"
                spellCheck={false}
                className="font-mono"
                value={form.values.upstream_model}
                onChange={(e) => {
                  const upstream_model = e.target.value;
                  form.set(named ? { upstream_model } : { upstream_model, model_name: upstream_model });
                }}
              />
            </Field>
            <Field label="Public name" error={mistakes.model_name}>
              <Input
                placeholder="What clients ask for"
                autoComplete="off"
                spellCheck={false}
                className="font-mono"
                value={form.values.model_name}
                onChange={(e) => {
                  setNamed(true);
                  form.set({ model_name: e.target.value });
                }}
              />
            </Field>
          </div>
          <Field
            label="API key"
            optional={!chosen?.needs_api_key || form.values.credentials.length > 0}
            error={mistakes.api_key}
            hint="Kept encrypted; it is never shown again."
          >
            <Input type="password" autoComplete="off" spellCheck={false} className="font-mono" {...form.text('api_key')} />
          </Field>
          {(credentials.length > 0 || mistakes.credentials) && (
            <Suspense fallback={<Skeleton className="h-20" />}>
              <CredentialField
                names={credentials.map((c) => c.name)}
                value={form.values.credentials}
                onChange={(names) => form.set({ credentials: names })}
                error={mistakes.credentials}
              />
            </Suspense>
          )}
          {chosen && chosen.place_fields.length > 0 && (
            <div className="grid gap-4 sm:grid-cols-2">
              {PLACES.filter(({ name }) => chosen.place_fields.includes(name)).map(({ name, label, hint, placeholder }) => (
                <Field key={name} label={label} optional={name !== 'region' || !chosen.needs_region} error={mistakes[name]} hint={hint}>
                  <Input
                    placeholder={name === 'region' && chosen.needs_region ? 'us-east-1' : placeholder}
                    autoComplete="off"
                    spellCheck={false}
                    className="font-mono"
                    {...form.text(name)}
                  />
                </Field>
              ))}
            </div>
          )}
          <Field label="API base" optional error={mistakes.api_base} hint="Only for an endpoint other than the provider's own.">
            <Input
              placeholder={chosen?.default_api_base ?? 'https://…'}
              autoComplete="off"
              spellCheck={false}
              className="font-mono"
              {...form.text('api_base')}
            />
          </Field>
          <div>
            <button
              type="button"
              aria-expanded={more}
              onClick={() => setMore(!more)}
              className="-mx-1.5 inline-flex h-7 items-center gap-1 rounded-md px-1.5 font-medium text-fg-2 hover:bg-hover hover:text-fg"
            >
              <ChevronRight className={`size-3.5 transition-transform ${more ? 'rotate-90' : ''}`} aria-hidden="true" />
              Price, timeout, limits and more
            </button>
            {more && (
              <div className="mt-3 grid gap-4 sm:grid-cols-2">
                <Field label="Input price" optional error={mistakes.input_price} hint="USD per million tokens. Empty: the catalogue's.">
                  <Input prefix="$" inputMode="decimal" className="num" {...form.text('input_price')} />
                </Field>
                <Field label="Output price" optional error={mistakes.output_price} hint="USD per million tokens. Empty: the catalogue's.">
                  <Input prefix="$" inputMode="decimal" className="num" {...form.text('output_price')} />
                </Field>
                <Field label="Unknown parameters" hint="Those that the provider does not have.">
                  <Select
                    label="Unknown parameters"
                    value={form.values.drop_params}
                    onChange={(drop_params) => form.set({ drop_params })}
                    options={[
                      { value: '', label: 'As config.yaml says' },
                      { value: 'refuse', label: 'Refuse the call' },
                      { value: 'drop', label: 'Drop them' },
                    ]}
                  />
                </Field>
                <Field label="Timeout" optional error={mistakes.timeout_seconds}>
                  <Input suffix="seconds" inputMode="decimal" className="num" {...form.text('timeout_seconds')} />
                </Field>
                <Field label="Weight" optional error={mistakes.weight} hint="Share of the calls among deployments of one name.">
                  <Input inputMode="numeric" placeholder="1" className="num" {...form.text('weight')} />
                </Field>
                <Field label="Priority" optional error={mistakes.priority} hint="Its tier: the lowest serves first, by that strategy.">
                  <Input inputMode="numeric" placeholder="0" className="num" {...form.text('priority')} />
                </Field>
                <Field label="Requests per minute" optional error={mistakes.rpm} hint="That it can take. Empty: no limit is known.">
                  <Input inputMode="numeric" className="num" {...form.text('rpm')} />
                </Field>
                <Field label="Tokens per minute" optional error={mistakes.tpm}>
                  <Input inputMode="numeric" className="num" {...form.text('tpm')} />
                </Field>
                <Field label="Requests at a time" optional error={mistakes.max_parallel_requests}>
                  <Input inputMode="numeric" className="num" {...form.text('max_parallel_requests')} />
                </Field>
              </div>
            )}
          </div>
          {form.refusal && <FormError>{form.refusal}</FormError>}
        </form>
      )}
    </Dialog>
  );
}
