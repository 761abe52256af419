import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Button } from '@/components/ui/button';
import { Segmented } from '@/components/ui/controls';
import { Field, Input } from '@/components/ui/field';
import type { Opt } from '@/components/ui/item';
import { MultiSelect } from '@/components/ui/multi-select';
import { Dialog } from '@/components/ui/overlay';
import { Picker } from '@/components/ui/picker';
import { FormError } from '@/components/ui/states';
import { toast } from '@/components/ui/toast';
import { type Mistakes, useForm } from '@/components/use-form';
import { useLeaveGuard } from '@/components/use-leave-guard';
import { useModelNames } from '@/features/models/api/models';
import { teamChoicesQuery } from '@/features/teams/api/teams';
import { fmtDate } from '@/lib/format';
import { type Key, type KeyChange, useCreateKey, useUpdateKey } from '../api/keys';
import { CreatedKey } from './created-key';

type Expiry = 'keep' | 'never' | '30' | '90' | '365';
type Values = { name: string; models: string[]; team: Opt | null; expires: Expiry };

const DAY_MS = 86_400_000;
const EXPIRY = [
  { value: 'never', label: 'Never' },
  { value: '30', label: '30 days' },
  { value: '90', label: '90 days' },
  { value: '365', label: '1 year' },
] as const;

function toChange(v: Values, old: Key | undefined): KeyChange {
  const days = Number(v.expires);
  const expires_at =
    v.expires === 'keep' ? (old?.expires_at ?? null) : v.expires === 'never' ? null : new Date(Date.now() + days * DAY_MS).toISOString();
  return { name: v.name.trim(), models: v.models.length ? v.models : null, team_id: v.team?.value ?? null, expires_at };
}

/** Creates a key, or edits `old`. */
export default function KeyForm({ old, onClose }: { old?: Key; onClose: () => void }) {
  const create = useCreateKey();
  const update = useUpdateKey();
  const pending = create.isPending || update.isPending;
  const [teamSearch, setTeamSearch] = useState('');
  const teams = useQuery(teamChoicesQuery(teamSearch)).data?.data ?? [];
  const modelNames = useModelNames();
  const form = useForm<Values>({
    initial: {
      name: old?.name ?? '',
      models: old?.models ?? [],
      team: old?.team_id ? { value: old.team_id, label: old.team_name ?? old.team_id } : null,
      expires: old?.expires_at ? 'keep' : 'never',
    },
    check: (v): Mistakes<Values> => (v.name.trim() ? {} : { name: 'Give the key a name, such as the application that uses it' }),
    fieldOf: { team_id: 'team' },
    send: (v) => {
      const change = toChange(v, old);
      if (!old) return create.mutate(change, { onError: form.refuse });
      update.mutate(
        { id: old.id, ...change },
        {
          onError: form.refuse,
          onSuccess: () => {
            toast.ok(`${change.name} saved`);
            onClose();
          },
        },
      );
    },
  });
  const { leave, footer } = useLeaveGuard({
    dirty: form.dirty,
    pending,
    what: old ? 'change' : 'key',
    onLeave: onClose,
    children: (
      <>
        <Button onClick={onClose} disabled={pending}>
          Cancel
        </Button>
        <Button variant="primary" type="submit" form="key-form" loading={pending}>
          {old ? 'Save' : 'Create key'}
        </Button>
      </>
    ),
  });

  if (create.data) return <CreatedKey made={create.data} onClose={onClose} />;
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && leave()}
      title={old ? `Edit ${old.name}` : 'Create API key'}
      description={old ? undefined : 'One key per application makes cost and use easy to trace.'}
      dismissible={!form.dirty}
      footer={footer}
    >
      <form ref={form.ref} id="key-form" noValidate className="flex flex-col gap-4" onSubmit={form.submit}>
        <Field label="Name" error={form.mistakes.name}>
          <Input autoFocus placeholder="checkout-assistant" autoComplete="off" spellCheck={false} maxLength={200} {...form.text('name')} />
        </Field>
        <Field label="Models" optional error={form.mistakes.models} hint="Empty: every model, also those added later.">
          <MultiSelect
            noun="model"
            value={form.values.models}
            onChange={(models) => form.set({ models })}
            options={modelNames}
            placeholder="All models"
          />
        </Field>
        <Field label="Team" optional error={form.mistakes.team}>
          <Picker
            label="Team"
            none="No team"
            value={form.values.team}
            onChange={(team) => form.set({ team })}
            onSearch={setTeamSearch}
            options={teams.map((t) => ({ value: t.id, label: t.name }))}
          />
        </Field>
        <div className="flex flex-col gap-1.5">
          <span className="font-medium text-sm">Expires</span>
          <Segmented
            label="Expires"
            value={form.values.expires}
            onChange={(expires) => form.set({ expires })}
            options={old?.expires_at ? [{ value: 'keep', label: fmtDate(old.expires_at) }, ...EXPIRY] : [...EXPIRY]}
            className="flex [&>*]:flex-1 [&>*]:px-1"
          />
        </div>
        {form.refusal && <FormError>{form.refusal}</FormError>}
      </form>
    </Dialog>
  );
}
