import { useNavigate } from '@tanstack/react-router';
import { Confirm } from '@/components/ui/overlay';
import { toast } from '@/components/ui/toast';
import { messageOf } from '@/lib/client';
import { plural } from '@/lib/format';
import { type Team, useBlockTeam, useDeleteTeam } from '../api/teams';

type Props = { kind: 'block' | 'delete'; team: Team; onClose: () => void };

export default function TeamConfirm({ kind, team, onClose }: Props) {
  const navigate = useNavigate();
  const block = useBlockTeam();
  const remove = useDeleteTeam();
  const word = kind === 'block' ? 'blocked' : 'deleted';
  const done = {
    onSuccess: () => toast.ok(`${team.name} is ${word}`),
    onError: (e: unknown) => toast.bad(`${team.name} was not ${word}`, messageOf(e)),
    onSettled: onClose,
  };
  const keys = plural(team.keys_count, 'key');
  if (kind === 'delete' && team.keys_count + team.members_count > 0) {
    const rest = [team.keys_count && keys, team.members_count && plural(team.members_count, 'member')].filter(Boolean).join(' and ');
    return (
      <Confirm
        open
        onOpenChange={(open) => !open && onClose()}
        title={`${team.name} is not empty`}
        action={team.keys_count ? 'View keys' : 'View users'}
        danger={false}
        onConfirm={() => void (team.keys_count ? navigate({ to: '/keys', search: { team: team.id } }) : navigate({ to: '/users' }))}
      >
        It still has {rest}. Move them to another team or remove them first; then the team can be deleted.
      </Confirm>
    );
  }
  return (
    <Confirm
      open
      onOpenChange={(open) => !open && onClose()}
      title={kind === 'block' ? `Block ${team.name}?` : `Delete ${team.name}?`}
      action={kind === 'block' ? 'Block team' : 'Delete team'}
      pending={block.isPending || remove.isPending}
      onConfirm={() => (kind === 'block' ? block.mutate({ id: team.id, blocked: true }, done) : remove.mutate(team.id, done))}
    >
      {kind === 'block'
        ? `Calls with its ${keys} fail with HTTP 401 within seconds, until you unblock the team.`
        : 'It has no keys and no members. Recorded requests stay. This cannot be undone.'}
    </Confirm>
  );
}
