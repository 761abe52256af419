/** One query client for the whole page, and the paging every list shares. */
import { keepPreviousData, QueryClient } from '@tanstack/react-query';
import { ApiError, type Page } from './client';

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 15_000,
      // An answer with a status is an answer: only a service that cannot be reached is worth asking again.
      retry: (failures, error) => failures < 2 && error instanceof ApiError && (error.status === 0 || error.status >= 502),
    },
  },
});

export const PAGE_SIZE = 50;

/** Options of an infinite query over a cursor list. */
export const paged = {
  initialPageParam: undefined as string | undefined,
  getNextPageParam: (last: Page<unknown>) => last.next_cursor ?? undefined,
  placeholderData: keepPreviousData,
} as const;

export const rowsOf = <T>(data: { pages: Page<T>[] } | undefined): T[] => data?.pages.flatMap((p) => p.data) ?? [];
