import { useNavigate } from '@tanstack/react-router';
import { Confirm } from '@/components/ui/overlay';
import { toast } from '@/components/ui/toast';
import { messageOf } from '@/lib/client';
import { plural } from '@/lib/format';
import { type Credential, useDeleteCredential } from '../api/credentials';

export default function DeleteCredential({ c, onClose }: { c: Credential; onClose: () => void }) {
  const remove = useDeleteCredential();
  const navigate = useNavigate();
  const close = { open: true, onOpenChange: (open: boolean) => !open && onClose() };
  if (c.deployments_count > 0)
    return (
      <Confirm
        {...close}
        title={`${c.name} is in use`}
        action="View models"
        danger={false}
        onConfirm={() => void navigate({ to: '/models' })}
      >
        {plural(c.deployments_count, 'model')} {c.deployments_count === 1 ? 'signs' : 'sign'} in with it. Give them another credential
        first; then it can be deleted.
      </Confirm>
    );
  return (
    <Confirm
      {...close}
      title={`Delete ${c.name}?`}
      action="Delete credential"
      pending={remove.isPending}
      onConfirm={() =>
        remove.mutate(c.id, {
          onSuccess: () => toast.ok(`${c.name} is deleted`),
          onError: (e) => toast.bad(`${c.name} was not deleted`, messageOf(e)),
          onSettled: onClose,
        })
      }
    >
      No model uses it. Its values cannot be brought back; at the provider the key goes on to exist.
    </Confirm>
  );
}
