import { useQuery } from '@tanstack/react-query';
import { ChevronRight } from 'lucide-react';
import { useState } from 'react';
import { Button } from '@/components/ui/button';
import { Field, Input } from '@/components/ui/field';
import { Dialog } from '@/components/ui/overlay';
import { Select } from '@/components/ui/select';
import { ErrorState, FormError } from '@/components/ui/states';
import { useForm } from '@/components/use-form';
import { useLeaveGuard } from '@/components/use-leave-guard';
import { providersQuery, useAddDeployment } from '../api/models';
import { checkModel, EMPTY, FIELD_OF, type ModelValues, toDeployment } from './model-values';
import TestDialog from './test-dialog';

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
      const found = checkModel(v);
      // A mistake must not hide in the folded part.
      if (found.input_price || found.output_price || found.timeout_seconds || found.weight) setMore(true);
      return found;
    },
    send: (v) => add.mutate(toDeployment(v), { onError: form.refuse }),
  });
  const { mistakes } = form;
  const chosen = providers.data?.find((p) => p.id === form.values.provider);
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
              onChange={(provider) => form.set({ provider })}
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
          <Field label="API key" optional={!chosen?.needs_api_key} error={mistakes.api_key} hint="Kept encrypted; it is never shown again.">
            <Input type="password" autoComplete="off" spellCheck={false} className="font-mono" {...form.text('api_key')} />
          </Field>
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
              Price, timeout and weight
            </button>
            {more && (
              <div className="mt-3 grid gap-4 sm:grid-cols-2">
                <Field label="Input price" optional error={mistakes.input_price} hint="USD per million tokens. Empty: the catalogue's.">
                  <Input prefix="$" inputMode="decimal" className="num" {...form.text('input_price')} />
                </Field>
                <Field label="Output price" optional error={mistakes.output_price} hint="USD per million tokens. Empty: the catalogue's.">
                  <Input prefix="$" inputMode="decimal" className="num" {...form.text('output_price')} />
                </Field>
                <Field label="Timeout" optional error={mistakes.timeout_seconds}>
                  <Input suffix="seconds" inputMode="decimal" className="num" {...form.text('timeout_seconds')} />
                </Field>
                <Field label="Weight" optional error={mistakes.weight} hint="Share of the calls among deployments of one name.">
                  <Input inputMode="numeric" placeholder="1" className="num" {...form.text('weight')} />
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
