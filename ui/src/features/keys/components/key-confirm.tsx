import { Confirm } from '@/components/ui/overlay';
import { toast } from '@/components/ui/toast';
import { messageOf } from '@/lib/client';
import { fmtAgo, fmtInt } from '@/lib/format';
import { type Key, useBlockKey, useRevokeKey } from '../api/keys';

type Props = { kind: 'block' | 'revoke'; k: Key; onClose: () => void };

const RECENT_MS = 24 * 3_600_000;

/** Says what stops working before a key is blocked or revoked. */
export default function KeyConfirm({ kind, k, onClose }: Props) {
  const block = useBlockKey();
  const revoke = useRevokeKey();
  const inUse = !!k.last_used_at && Date.now() - Date.parse(k.last_used_at) < RECENT_MS;
  const done = {
    onSuccess: () => toast.ok(kind === 'block' ? `${k.name} is blocked` : `${k.name} is revoked`),
    onError: (e: unknown) => toast.bad(`${k.name} was not ${kind === 'block' ? 'blocked' : 'revoked'}`, messageOf(e)),
    onSettled: onClose,
  };
  return (
    <Confirm
      open
      onOpenChange={(open) => !open && onClose()}
      title={kind === 'block' ? `Block ${k.name}?` : `Revoke ${k.name}?`}
      action={kind === 'block' ? 'Block key' : 'Revoke key'}
      pending={block.isPending || revoke.isPending}
      onConfirm={() => (kind === 'block' ? block.mutate({ id: k.id, blocked: true }, done) : revoke.mutate(k.id, done))}
    >
      <p>
        {kind === 'block'
          ? 'Calls with this key fail with HTTP 401 within seconds, until you unblock it.'
          : 'Calls with this key fail with HTTP 401 within seconds, for good. This cannot be undone; its recorded requests stay.'}
      </p>
      {inUse && (
        <p className="mt-3 rounded-lg bg-warn-soft px-3 py-2 text-warn">
          Still in use: {fmtInt(k.requests_count)} requests so far, the last {fmtAgo(k.last_used_at!)}.
        </p>
      )}
    </Confirm>
  );
}
