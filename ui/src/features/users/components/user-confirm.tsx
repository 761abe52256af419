import { Confirm } from '@/components/ui/overlay';
import { toast } from '@/components/ui/toast';
import { messageOf } from '@/lib/client';
import { type User, useDeleteUser, useUpdateUser } from '../api/users';

type Props = { kind: 'block' | 'delete'; user: User; onClose: () => void };

export default function UserConfirm({ kind, user, onClose }: Props) {
  const update = useUpdateUser();
  const remove = useDeleteUser();
  const word = kind === 'block' ? 'blocked' : 'deleted';
  const done = {
    onSuccess: () => toast.ok(`${user.email} is ${word}`),
    onError: (e: unknown) => toast.bad(`${user.email} was not ${word}`, messageOf(e)),
    onSettled: onClose,
  };
  return (
    <Confirm
      open
      onOpenChange={(open) => !open && onClose()}
      title={kind === 'block' ? `Block ${user.email}?` : `Delete ${user.email}?`}
      action={kind === 'block' ? 'Block user' : 'Delete user'}
      pending={update.isPending || remove.isPending}
      onConfirm={() => (kind === 'block' ? update.mutate({ id: user.id, blocked: true }, done) : remove.mutate(user.id, done))}
    >
      {kind === 'block'
        ? 'They are signed out and cannot sign in until you unblock them.'
        : 'They are signed out and can no longer sign in. This cannot be undone.'}
    </Confirm>
  );
}
