import { useMutation } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { Button } from '@/components/ui/button';
import { Field, Input } from '@/components/ui/field';
import { Dialog } from '@/components/ui/overlay';
import { FormError } from '@/components/ui/states';
import { toast } from '@/components/ui/toast';
import { ApiError, messageOf } from '@/lib/client';
import { changePassword } from '../api/session';

const MIN_LENGTH = 12;

export default function ChangePassword({ onClose }: { onClose: () => void }) {
  const [mistake, setMistake] = useState<{ field: string; text: string } | null>(null);
  const change = useMutation({
    mutationFn: changePassword,
    onSuccess: () => {
      toast.ok('Password changed');
      onClose();
    },
    onError: (e) => {
      if (e instanceof ApiError && (e.param === 'current_password' || e.status === 401))
        setMistake({ field: 'current', text: 'This is not your current password.' });
      else if (e instanceof ApiError && e.param === 'new_password') setMistake({ field: 'new', text: e.message });
    },
  });

  function submit(e: FormEvent<HTMLFormElement>) {
    e.preventDefault();
    const form = new FormData(e.currentTarget);
    const [current, fresh, again] = ['current', 'new', 'again'].map((n) => String(form.get(n) ?? ''));
    if (fresh!.length < MIN_LENGTH) return setMistake({ field: 'new', text: `Use ${MIN_LENGTH} or more characters.` });
    if (fresh !== again) return setMistake({ field: 'again', text: 'The two new passwords differ.' });
    setMistake(null);
    change.mutate({ current_password: current!, new_password: fresh! });
  }
  const errorOf = (field: string) => (mistake?.field === field ? mistake.text : undefined);

  return (
    <Dialog
      open
      onOpenChange={(open) => !open && !change.isPending && onClose()}
      title="Change password"
      className="max-w-sm"
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button variant="primary" type="submit" form="change-password" loading={change.isPending}>
            Change password
          </Button>
        </>
      }
    >
      <form id="change-password" noValidate onSubmit={submit} className="flex flex-col gap-4">
        <Field label="Current password" error={errorOf('current')}>
          <Input name="current" type="password" autoComplete="current-password" autoFocus />
        </Field>
        <Field label="New password" hint={`${MIN_LENGTH} or more characters.`} error={errorOf('new')}>
          <Input name="new" type="password" autoComplete="new-password" />
        </Field>
        <Field label="New password again" error={errorOf('again')}>
          <Input name="again" type="password" autoComplete="new-password" />
        </Field>
        {change.isError && !mistake && <FormError>{messageOf(change.error)}</FormError>}
      </form>
    </Dialog>
  );
}
