import { createFileRoute, useRouter } from '@tanstack/react-router';
import { LoginPage } from '@/features/session/components/login-page';
import { queryClient } from '@/lib/query';
import { str } from '@/lib/search';

// Only a path of this site: an address in a link must not lead a fresh session elsewhere.
const ownPath = (to: string | undefined) => (to && /^\/(?![/\\])/.test(to) && !to.startsWith('/login') ? to : '/');

export const Route = createFileRoute('/login')({
  validateSearch: (r: Record<string, unknown>): { to?: string } => ({ to: str(r, 'to') }),
  component: Login,
});

function Login() {
  const { to } = Route.useSearch();
  const router = useRouter();
  return (
    <LoginPage
      onDone={() => {
        queryClient.clear();
        router.history.push(ownPath(to));
      }}
    />
  );
}
