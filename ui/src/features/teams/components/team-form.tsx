import { Button } from '@/components/ui/button';
import { Field, Input } from '@/components/ui/field';
import { MultiSelect } from '@/components/ui/multi-select';
import { Dialog } from '@/components/ui/overlay';
import { FormError } from '@/components/ui/states';
import { toast } from '@/components/ui/toast';
import { type Mistakes, useForm } from '@/components/use-form';
import { useLeaveGuard } from '@/components/use-leave-guard';
import { useModelNames } from '@/features/models/api/models';
import { type Team, useSaveTeam } from '../api/teams';

type Values = { name: string; models: string[] };

/** Creates a team, or edits `old`. */
export default function TeamForm({ old, onClose }: { old?: Team; onClose: () => void }) {
  const save = useSaveTeam();
  const modelNames = useModelNames();
  const form = useForm<Values>({
    initial: { name: old?.name ?? '', models: old?.models ?? [] },
    check: (v): Mistakes<Values> => (v.name.trim() ? {} : { name: 'Give the team a name' }),
    send: (v) =>
      save.mutate(
        { id: old?.id, name: v.name.trim(), models: v.models.length ? v.models : null },
        {
          onError: form.refuse,
          onSuccess: () => {
            toast.ok(`${v.name.trim()} ${old ? 'saved' : 'created'}`);
            onClose();
          },
        },
      ),
  });
  const { leave, footer } = useLeaveGuard({
    dirty: form.dirty,
    pending: save.isPending,
    what: old ? 'change' : 'team',
    onLeave: onClose,
    children: (
      <>
        <Button onClick={onClose} disabled={save.isPending}>
          Cancel
        </Button>
        <Button variant="primary" type="submit" form="team-form" loading={save.isPending}>
          {old ? 'Save' : 'Create team'}
        </Button>
      </>
    ),
  });
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && leave()}
      title={old ? `Edit ${old.name}` : 'Create team'}
      description={old ? undefined : 'Keys of a team share its models, and its spend is counted together.'}
      dismissible={!form.dirty}
      footer={footer}
    >
      <form ref={form.ref} id="team-form" noValidate onSubmit={form.submit} className="flex flex-col gap-4">
        <Field label="Name" error={form.mistakes.name}>
          <Input autoFocus {...form.text('name')} maxLength={200} autoComplete="off" />
        </Field>
        <Field label="Models" optional hint="Empty: every model, also those added later.">
          <MultiSelect
            noun="model"
            value={form.values.models}
            onChange={(models) => form.set({ models })}
            options={modelNames}
            placeholder="All models"
          />
        </Field>
        {form.refusal && <FormError>{form.refusal}</FormError>}
      </form>
    </Dialog>
  );
}
