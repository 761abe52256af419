import { useQuery } from '@tanstack/react-query';
import { Button } from '@/components/ui/button';
import { Field, Input } from '@/components/ui/field';
import { Dialog } from '@/components/ui/overlay';
import { Select } from '@/components/ui/select';
import { FormError } from '@/components/ui/states';
import { toast } from '@/components/ui/toast';
import { useForm } from '@/components/use-form';
import { useLeaveGuard } from '@/components/use-leave-guard';
import { providersQuery } from '@/features/models/api/models';
import { type Credential, type CredentialKind, useChangeCredential, useCreateCredential } from '../api/credentials';
import { checkValues, EMPTY, FIELD_OF, KIND_LABEL, toValues, type CredentialForm as Values } from './credential-values';
import { ValueFields } from './value-fields';

/** Creates a credential, or changes name and provider of `old`. Its values are the rotation's business. */
export default function CredentialForm({ old, onClose }: { old?: Credential; onClose: () => void }) {
  const providers = useQuery(providersQuery).data ?? [];
  const create = useCreateCredential();
  const change = useChangeCredential();
  const pending = create.isPending || change.isPending;
  const form = useForm<Values>({
    initial: old ? { ...EMPTY, name: old.name, provider: old.provider ?? '', kind: old.kind } : EMPTY,
    fieldOf: FIELD_OF,
    check: (v) => ({ ...(v.name.trim() ? {} : { name: 'Give the credential a name' }), ...(old ? {} : checkValues(v)) }),
    send: (v) => {
      const done = {
        onError: form.refuse,
        onSuccess: () => {
          toast.ok(`${v.name.trim()} ${old ? 'saved' : 'created'}`);
          onClose();
        },
      };
      const about = { name: v.name.trim(), provider: v.provider || null };
      if (old) change.mutate({ id: old.id, ...about }, done);
      else create.mutate({ ...about, values: toValues(v) }, done);
    },
  });
  const { values, mistakes } = form;
  const fitting = providers.filter((p) => (old ? p.credential_kinds.includes(old.kind) : p.credential_kinds.length > 0));
  const kinds = providers.find((p) => p.id === values.provider)?.credential_kinds ?? (Object.keys(KIND_LABEL) as CredentialKind[]);
  const { leave, footer } = useLeaveGuard({
    dirty: form.dirty,
    pending,
    what: old ? 'change' : 'credential',
    onLeave: onClose,
    children: (
      <>
        <Button onClick={onClose} disabled={pending}>
          Cancel
        </Button>
        <Button variant="primary" type="submit" form="credential-form" loading={pending}>
          {old ? 'Save' : 'Create credential'}
        </Button>
      </>
    ),
  });
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && leave()}
      title={old ? `Edit ${old.name}` : 'Create credential'}
      description={old ? undefined : 'Kept encrypted and never shown again. Models refer to it by name.'}
      dismissible={!form.dirty}
      footer={footer}
    >
      <form ref={form.ref} id="credential-form" noValidate onSubmit={form.submit} className="flex flex-col gap-4">
        <Field label="Name" error={mistakes.name}>
          <Input autoFocus maxLength={200} autoComplete="off" placeholder="openai-production" {...form.text('name')} />
        </Field>
        <Field label="Provider" optional error={mistakes.provider} hint="Only models of this provider can use it.">
          <Select
            label="Provider"
            value={values.provider}
            onChange={(provider) => {
              const taken = providers.find((p) => p.id === provider)?.credential_kinds;
              form.set({ provider, ...(!old && taken && !taken.includes(values.kind) && { kind: taken[0]! }) });
            }}
            options={[{ value: '', label: 'Any that takes this kind' }, ...fitting.map((p) => ({ value: p.id, label: p.label }))]}
          />
        </Field>
        {!old && (
          <>
            <Field label="Kind">
              <Select
                label="Kind"
                value={values.kind}
                onChange={(kind) => form.set({ kind })}
                options={kinds.map((kind) => ({ value: kind, label: KIND_LABEL[kind] }))}
              />
            </Field>
            <ValueFields kind={values.kind} text={form.text} mistakes={mistakes} />
          </>
        )}
        {form.refusal && <FormError>{form.refusal}</FormError>}
      </form>
    </Dialog>
  );
}
