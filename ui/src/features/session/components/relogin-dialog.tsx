import { Dialog } from '@/components/ui/overlay';
import { sessionRestored } from '../api/expiry';
import { useMe } from '../api/session';
import { LoginForm } from './login-form';

/** Over the page, which keeps its state; the calls that met the lost session are then sent again. */
export default function ReloginDialog() {
  const me = useMe();
  return (
    <Dialog
      open
      onOpenChange={() => {}}
      closable={false}
      title="Sign in again"
      description="Your session has ended. Nothing on this page is lost: it goes on where it stopped."
      className="max-w-sm"
    >
      <LoginForm
        email={me.user.email ?? ''}
        first={me.user.email ? 'password' : 'master_key'}
        onDone={(user) => {
          // Somebody else must not continue with this person's page or half-sent calls.
          if (user.id !== me.user.id || user.email !== me.user.email) location.assign('/');
          else sessionRestored();
        }}
      />
    </Dialog>
  );
}
