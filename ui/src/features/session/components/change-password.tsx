import { useMutation } from '@tanstack/react-query';
import { Button } from '@/components/ui/button';
import { Field, Input } from '@/components/ui/field';
import { Dialog } from '@/components/ui/overlay';
import { FormError } from '@/components/ui/states';
import { toast } from '@/components/ui/toast';
import { type Mistakes, useForm } from '@/components/use-form';
import { ApiError } from '@/lib/client';
import { changePassword } from '../api/session';

const MIN_LENGTH = 12;
const WRONG = new ApiError(401, 'wrong_password', 'This is not your current password.', 'current_password');

export default function ChangePassword({ onClose }: { onClose: () => void }) {
  const change = useMutation({
    mutationFn: changePassword,
    onSuccess: () => {
      toast.ok('Password changed');
      onClose();
    },
    onError: (e) => form.refuse(e instanceof ApiError && e.status === 401 ? WRONG : e),
  });
  const form = useForm({
    initial: { current_password: '', new_password: '', again: '' },
    check: (v) => {
      const found: Mistakes<typeof v> = {};
      if (!v.current_password) found.current_password = 'Write your current password.';
      if (v.new_password.length < MIN_LENGTH) found.new_password = `Use ${MIN_LENGTH} or more characters.`;
      else if (v.new_password !== v.again) found.again = 'The two new passwords differ.';
      return found;
    },
    send: ({ current_password, new_password }) => change.mutate({ current_password, new_password }),
  });

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
      <form ref={form.ref} id="change-password" noValidate onSubmit={form.submit} className="flex flex-col gap-4">
        <Field label="Current password" error={form.mistakes.current_password}>
          <Input {...form.text('current_password')} type="password" autoComplete="current-password" autoFocus />
        </Field>
        <Field label="New password" hint={`${MIN_LENGTH} or more characters.`} error={form.mistakes.new_password}>
          <Input {...form.text('new_password')} type="password" autoComplete="new-password" />
        </Field>
        <Field label="New password again" error={form.mistakes.again}>
          <Input {...form.text('again')} type="password" autoComplete="new-password" />
        </Field>
        {form.refusal && <FormError>{form.refusal}</FormError>}
      </form>
    </Dialog>
  );
}
