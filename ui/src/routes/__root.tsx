import { createRootRoute, Link, Outlet } from '@tanstack/react-router';
import { buttonStyle } from '@/components/ui/button';
import { EmptyState, ErrorState } from '@/components/ui/states';

export const Route = createRootRoute({
  component: Outlet,
  notFoundComponent: () => (
    <main className="grid min-h-dvh place-items-center">
      <h1 className="sr-only">Page not found</h1>
      <EmptyState
        title="There is no such page"
        action={
          <Link to="/" className={buttonStyle()}>
            Go to the overview
          </Link>
        }
      >
        The address may be misspelt, or it is from another version of the dashboard.
      </EmptyState>
    </main>
  ),
  errorComponent: ({ error, reset }) => (
    <main className="mx-auto max-w-xl px-4 py-20">
      <h1 className="sr-only">Something went wrong</h1>
      <ErrorState error={error} onRetry={reset} />
    </main>
  ),
});
