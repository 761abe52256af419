import { createFileRoute, Outlet, redirect, useRouter } from '@tanstack/react-router';
import { Shell } from '@/app/shell';
import { ErrorState } from '@/components/ui/states';
import { guardSession } from '@/features/session/api/expiry';
import { meQuery } from '@/features/session/api/session';
import { ApiError } from '@/lib/client';
import { queryClient } from '@/lib/query';

export const Route = createFileRoute('/_app')({
  beforeLoad: async ({ location }) => {
    try {
      await queryClient.ensureQueryData(meQuery);
    } catch (e) {
      if (e instanceof ApiError && e.status === 401)
        throw redirect({ to: '/login', search: { to: location.href === '/' ? undefined : location.href } });
      throw e;
    }
    guardSession();
  },
  component: () => (
    <Shell>
      <Outlet />
    </Shell>
  ),
  errorComponent: Failed,
});

function Failed({ error, reset }: { error: unknown; reset: () => void }) {
  const router = useRouter();
  return (
    <main className="mx-auto max-w-xl px-4 py-20">
      <h1 className="sr-only">The dashboard could not be opened</h1>
      <ErrorState
        error={error}
        onRetry={() => {
          reset();
          void router.invalidate();
        }}
      />
    </main>
  );
}
