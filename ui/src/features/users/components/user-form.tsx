import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Button } from '@/components/ui/button';
import { Segmented } from '@/components/ui/controls';
import { Field, Input } from '@/components/ui/field';
import type { Opt } from '@/components/ui/item';
import { Dialog } from '@/components/ui/overlay';
import { Picker } from '@/components/ui/picker';
import { FormError } from '@/components/ui/states';
import { toast } from '@/components/ui/toast';
import { type Mistakes, useForm } from '@/components/use-form';
import { useLeaveGuard } from '@/components/use-leave-guard';
import { teamChoicesQuery } from '@/features/teams/api/teams';
import { ROLES, type Role, type User, useCreateUser, useUpdateUser } from '../api/users';
import { CreatedUser } from './created-user';

const MIN_PASSWORD = 12;
type Values = { email: string; name: string; role: Role; team: Opt | null; password: string };

/** Creates a user, or edits `old`. */
export default function UserForm({ old, onClose }: { old?: User; onClose: () => void }) {
  const create = useCreateUser();
  const update = useUpdateUser();
  const pending = create.isPending || update.isPending;
  const [teamSearch, setTeamSearch] = useState('');
  const teams = useQuery(teamChoicesQuery(teamSearch)).data?.data ?? [];
  const form = useForm<Values>({
    fieldOf: { team_id: 'team' },
    initial: {
      email: old?.email ?? '',
      name: old?.name ?? '',
      role: old?.role ?? 'viewer',
      team: old?.team_id ? { value: old.team_id, label: old.team_name ?? old.team_id } : null,
      password: '',
    },
    check: (v) => {
      const found: Mistakes<Values> = {};
      if (!old && !/^\S+@\S+$/.test(v.email.trim())) found.email = 'Write an email address, such as name@example.com';
      if (v.password && v.password.length < MIN_PASSWORD) found.password = `Use ${MIN_PASSWORD} or more characters, or leave it empty`;
      return found;
    },
    send: (v) => {
      const shared = {
        name: v.name.trim() || null,
        role: v.role,
        team_id: v.team?.value ?? null,
        ...(v.password && { password: v.password }),
      };
      if (!old) return create.mutate({ email: v.email.trim(), ...shared }, { onError: form.refuse });
      update.mutate(
        { id: old.id, ...shared },
        {
          onError: form.refuse,
          onSuccess: () => {
            toast.ok(`${old.email} saved`);
            onClose();
          },
        },
      );
    },
  });
  const { leave, footer } = useLeaveGuard({
    dirty: form.dirty,
    pending,
    what: old ? 'change' : 'user',
    onLeave: onClose,
    children: (
      <>
        <Button onClick={onClose} disabled={pending}>
          Cancel
        </Button>
        <Button variant="primary" type="submit" form="user-form" loading={pending}>
          {old ? 'Save' : 'Create user'}
        </Button>
      </>
    ),
  });

  if (create.data) return <CreatedUser user={create.data} chosen={!!form.values.password} onClose={onClose} />;
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && leave()}
      title={old ? `Edit ${old.email}` : 'Create user'}
      description={old ? undefined : 'Someone who signs in to this dashboard. Applications need a key instead.'}
      dismissible={!form.dirty}
      footer={footer}
    >
      <form ref={form.ref} id="user-form" noValidate onSubmit={form.submit} className="flex flex-col gap-4">
        {!old && (
          <Field label="Email" error={form.mistakes.email}>
            <Input type="email" autoFocus {...form.text('email')} autoComplete="off" spellCheck={false} />
          </Field>
        )}
        <Field label="Name" optional>
          <Input autoFocus={!!old} {...form.text('name')} autoComplete="off" maxLength={128} />
        </Field>
        <div className="flex flex-col gap-1.5">
          <span className="font-medium text-sm">Role</span>
          <Segmented
            label="Role"
            value={form.values.role}
            onChange={(role) => form.set({ role })}
            options={ROLES.map(({ value, label }) => ({ value, label }))}
            className="flex [&>*]:flex-1 [&>*]:px-1"
          />
          <p className="text-fg-3 text-xs">{ROLES.find((r) => r.value === form.values.role)?.hint}</p>
        </div>
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
        <Field
          label={old ? 'New password' : 'Password'}
          optional
          error={form.mistakes.password}
          hint={old ? 'Empty: the password stays as it is.' : 'Empty: one is generated and shown once.'}
        >
          <Input type="password" {...form.text('password')} autoComplete="new-password" />
        </Field>
        {form.refusal && <FormError>{form.refusal}</FormError>}
      </form>
    </Dialog>
  );
}
