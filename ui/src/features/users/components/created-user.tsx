import { Button } from '@/components/ui/button';
import { CopyButton } from '@/components/ui/copy-button';
import { Dialog } from '@/components/ui/overlay';
import type { Schemas } from '@/lib/client';

type Props = { user: Schemas['NewUserView']; chosen: boolean; onClose: () => void };

export function CreatedUser({ user, chosen, onClose }: Props) {
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      closable={false}
      title={`${user.email} can sign in`}
      description={
        chosen ? 'With the password you chose.' : 'With this password, which nobody can show again. They can change it after signing in.'
      }
      className="max-w-md"
      footer={
        <Button variant="primary" onClick={onClose}>
          Done
        </Button>
      }
    >
      {user.password && !chosen && (
        <div className="flex items-center gap-1 rounded-xl border border-line-strong bg-sunken p-1.5 pl-3.5">
          <code data-testid="generated-password" className="min-w-0 flex-1 break-all font-mono text-sm">
            {user.password}
          </code>
          <CopyButton text={user.password} label="Copy password" withText />
        </div>
      )}
    </Dialog>
  );
}
