import { Button } from '@/components/ui/button';
import { Dialog } from '@/components/ui/overlay';
import { FormError } from '@/components/ui/states';
import { toast } from '@/components/ui/toast';
import { useForm } from '@/components/use-form';
import { useLeaveGuard } from '@/components/use-leave-guard';
import { plural } from '@/lib/format';
import { type Credential, useChangeCredential } from '../api/credentials';
import { type CredentialForm, checkValues, EMPTY, FIELD_OF, toValues } from './credential-values';
import { ValueFields } from './value-fields';

/** New values in place of the old ones; the models that use the credential need not be touched. */
export default function RotateCredential({ c, onClose }: { c: Credential; onClose: () => void }) {
  const change = useChangeCredential();
  const form = useForm<CredentialForm>({
    initial: { ...EMPTY, kind: c.kind },
    fieldOf: FIELD_OF,
    check: checkValues,
    send: (v) =>
      change.mutate(
        { id: c.id, values: toValues(v) },
        {
          onError: form.refuse,
          onSuccess: () => {
            toast.ok(`${c.name} is rotated`);
            onClose();
          },
        },
      ),
  });
  const { leave, footer } = useLeaveGuard({
    dirty: form.dirty,
    pending: change.isPending,
    what: 'rotation',
    onLeave: onClose,
    children: (
      <>
        <Button onClick={onClose} disabled={change.isPending}>
          Cancel
        </Button>
        <Button variant="primary" type="submit" form="rotate-credential" loading={change.isPending}>
          Rotate
        </Button>
      </>
    ),
  });
  const users = c.deployments_count ? `The ${plural(c.deployments_count, 'model')} that use it` : 'Models';
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && leave()}
      title={`Rotate ${c.name}`}
      description={`${users} sign in with the new values within seconds. Calls that are under way end with the old ones.`}
      dismissible={!form.dirty}
      footer={footer}
    >
      <form ref={form.ref} id="rotate-credential" noValidate onSubmit={form.submit} className="flex flex-col gap-4">
        <ValueFields kind={c.kind} text={form.text} mistakes={form.mistakes} />
        {form.refusal && <FormError>{form.refusal}</FormError>}
      </form>
    </Dialog>
  );
}
