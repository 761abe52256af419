import tailwindcss from '@tailwindcss/vite';
import { tanstackRouter } from '@tanstack/router-plugin/vite';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

const admin = process.env.DELTALLM_UI_BASE ?? 'http://127.0.0.1:4001';

export default defineConfig({
  plugins: [
    tanstackRouter({ target: 'react', autoCodeSplitting: true, generatedRouteTree: './src/app/routeTree.gen.ts' }),
    react(),
    tailwindcss(),
  ],
  resolve: { alias: { '@': new URL('./src', import.meta.url).pathname } },
  // No inlined assets: the admin service sends a CSP without `data:` for scripts and styles.
  build: { target: 'es2023', sourcemap: false, assetsInlineLimit: 0, manifest: true },
  server: { proxy: { '/api': admin } },
  test: { environment: 'happy-dom', setupFiles: './src/test-setup.ts', include: ['src/**/*.test.{ts,tsx}'] },
});
